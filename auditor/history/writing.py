"""A night written into the ledger, inside one transaction."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd

from auditor.changes import Night
from auditor.extract import Extract, Span
from auditor.history.alive_findings import keep_alive
from auditor.history.findings import KNOWN_COLUMNS, frame_of, row_of
from auditor.history.ledger import KNOWN, Ledger
from auditor.history.remembered import Remembered
from auditor.history.sealed_rows import closed_rows
from auditor.history.waiver_days import waiver_days, write_waiver_days
from auditor.report.dispositions import Disposition

FILES = ("name", "first_seq", "last_seq", "lines", "sha256")
_NIGHT = tuple(Night.__dataclass_fields__)


def write_night(
    ledger: Ledger, remembered: Remembered, run: str, number: int, inputs: Sequence[str]
) -> None:
    """Writes everything that a night changes in the ledger."""
    night = remembered.changes.tonight
    values = {name: getattr(night, name) for name in _NIGHT} | {
        "run": run,
        "seq": number,
        "as_of": night.as_of.isoformat(),
        "judged_by": remembered.judged_by,
        "extract": extract_text(remembered.extract),
        "unjudged": len(remembered.compared.unjudged),
    }
    # Only the last run's is asked for, and it names every provider.
    ledger.do("UPDATE runs SET extract = '' WHERE extract <> ''")
    ledger.put("runs", tuple(values), [tuple(values.values())])
    ledger.put("meta", ("key", "value"), [("judged_by", remembered.judged_by)])
    read = {one.sha256: (one.file, one.lines_read) for one in remembered.intakes}
    # An export of which one sheet was asked for is known as its digest and that sheet.
    rows = [(known, run, *read.get(known.partition("/")[0], ("", 0))) for known in inputs]
    ledger.put("inputs", ("sha256", "run", "file", "lines"), rows)
    ledger.do_all(
        "INSERT INTO exports (run, file) VALUES (?, ?)",
        [(run, name) for name in remembered.exports],
    )
    _write_findings(ledger, remembered, run)
    _write_extents(ledger, remembered)
    _write_waivers(ledger, remembered, night.as_of)


def _write_findings(ledger: Ledger, remembered: Remembered, run: str) -> None:
    one = remembered.compared
    # At first, so that no row that is written has to do it.
    ledger.do("DELETE FROM alive")
    parts = [one.open, one.waived]
    audited = [part["audited"].to_numpy(dtype=bool) for part in parts]
    carried = _write_carried(
        ledger,
        remembered.known,
        pd.concat([part[~mask] for part, mask in zip(parts, audited, strict=True)]),
        run,
    )
    tonight = pd.concat([part[mask] for part, mask in zip(parts, audited, strict=True)])
    first = tonight["first_run"].where(tonight["status"] != "new", run)
    rows = _whole_rows(tonight.assign(status_run=run, first_run=first))
    ledger.put("findings", KNOWN_COLUMNS, closed_rows(rows, ledger.seal))
    for closed in (one.resolved, one.unjudged):
        ledger.do_all(
            "UPDATE findings SET status = ?, status_run = ? WHERE finding = ?",
            zip(
                closed["status"],
                [run] * len(closed),
                map(ledger.seal.name, closed["finding"]),
                strict=True,
            ),
        )
    keep_alive(ledger, pd.concat([frame_of(rows), carried], ignore_index=True))


def _write_carried(
    ledger: Ledger, known: pd.DataFrame, carried: pd.DataFrame, run: str
) -> pd.DataFrame:
    """Findings whose lines were not audited, as the ledger then holds them; writes what changed.

    A finding that was new or reopened and now persists did not change: its row says so.
    """
    kept = ["finding", "status", "status_run", "waiver", "counts_money"]
    places = pd.Index(known["finding"]).get_indexer(carried["finding"])
    before = known[kept].take(places).reset_index(drop=True)
    carried = carried.reset_index(drop=True)
    came = before["status"].isin(["new", "reopened"]) & carried["status"].eq("persisting")
    same_status = came | before["status"].eq(carried["status"])
    changed = ~(same_status & before["waiver"].eq(carried["waiver"]))
    some = carried[changed]
    ledger.do_all(
        "UPDATE findings SET status = ?, status_run = ?, waiver = ? WHERE finding = ?",
        zip(
            some["status"],
            [run] * len(some),
            map(ledger.seal.closed_text, some["waiver"]),
            map(ledger.seal.name, some["finding"]),
            strict=True,
        ),
    )
    return carried.assign(
        status_run=before["status_run"].mask(changed, run), counts_money=before["counts_money"]
    )


def _whole_rows(findings: pd.DataFrame) -> list[tuple[Any, ...]]:
    """Findings as rows of the ledger, columns as in ``KNOWN_COLUMNS``."""
    known: list[list[Any]] = [
        [None if pd.isna(v) else int(v) for v in findings[name]]
        if name in ("amount_first", "patient_key")
        else findings[name].astype("str").tolist()
        for name in KNOWN
    ]
    copied = row_of(findings)
    return [whole + more for whole, more in zip(copied, zip(*known, strict=True), strict=True)]


def _write_extents(ledger: Ledger, remembered: Remembered) -> None:
    ledger.do("DELETE FROM days")
    days = remembered.extents.days.items()
    ledger.put("days", ("claim_type", "day", "lines"), [(kind, day, n) for (kind, day), n in days])
    ledger.do("DELETE FROM pairs")
    ledger.put("pairs", ("billing_npi", "lines"), list(remembered.extents.pairs.items()))
    if remembered.patients is None:
        ledger.do("DELETE FROM waiting")
    else:
        keys = ((int(key),) for key in remembered.patients)
        ledger.do_all("DELETE FROM waiting WHERE patient_key = ?", keys)
    ledger.put("waiting", ("patient_key", "newest_day"), remembered.waiting.items())


def _write_waivers(ledger: Ledger, remembered: Remembered, as_of: date) -> None:
    """Days of the waivers that stand in the file; of all where it can't be read."""
    known, matched = waiver_days(ledger)
    if remembered.waivers_unread:
        first = known
    else:
        first = {digest: known.get(digest, as_of) for digest in remembered.waivers}
    last = matched | dict.fromkeys(remembered.compared.matched, as_of)
    write_waiver_days(ledger, ledger.seal, first, last)


def write_decisions(ledger: Ledger, dispositions: Mapping[str, Disposition]) -> None:
    """Writes what people decided beside the findings."""
    seal = ledger.seal
    ledger.do_all(
        "UPDATE findings SET disposition = ?, owner = ?, note = ? WHERE finding = ?",
        (
            (x.disposition, seal.closed_text(x.owner), seal.closed_text(x.note), seal.name(one))
            for one, x in dispositions.items()
        ),
    )


def nights_of(ledger: Ledger) -> tuple[Night, ...]:
    """All runs of the ledger, oldest first."""
    rows: Iterable[tuple[object, ...]] = ledger.rows(
        f"SELECT {', '.join(_NIGHT)} FROM runs ORDER BY seq"  # noqa: S608  names of our own
    )
    found = []
    for row in rows:
        cells = dict(zip(_NIGHT, row, strict=True))
        cells["as_of"] = date.fromisoformat(str(cells["as_of"]))
        found.append(Night(**cells))  # type: ignore[arg-type]
    return tuple(found)


def extract_text(extract: Extract) -> str:
    """An extract as JSON."""
    return json.dumps(
        {
            "as_of": extract.as_of.isoformat(),
            "spans": {
                kind: [span.first_day, span.last_day] for kind, span in extract.spans.items()
            },
            "reach": extract.reach,
            "pairing_npis": sorted(extract.pairing_npis),
        }
    )


def extract_from(text: str) -> Extract:
    """An extract of the ledger."""
    content = json.loads(text)
    return Extract(
        as_of=date.fromisoformat(content["as_of"]),
        spans={kind: Span(*days) for kind, days in content["spans"].items()},
        reach=content["reach"],
        pairing_npis=frozenset(content["pairing_npis"]),
    )
