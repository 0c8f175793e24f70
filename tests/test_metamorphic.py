"""Relations between the run of an export and the run of the same export changed.

Nobody need know what a run must say to know that the order of rows, the kind of file or a patient
more must not change it. ``AUDITOR_METAMORPHIC_RUNS`` sets the number of exports, for a longer
search by hand.
"""

import os
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from itertools import chain
from pathlib import Path
from random import Random

import pandas as pd
import pytest

from auditor import batch
from auditor.catalogue import CATALOGUE
from auditor.ingest.synonyms import SYNONYMS
from auditor.reference import load_reference
from auditor.scale import memory
from auditor.scale.memory import Plan
from auditor.settings import Settings, read_settings
from tests.benchmarks.generate import as_text, generate
from tests.whole_runs import (
    HEADERS,
    Export,
    Said,
    differences,
    invented_export,
    parts_of,
    said_of,
    same,
    written,
)
from tests.written_otherwise import HABITS, KINDS, MONEY, NO_SYNONYM, as_parquet, cells

SEEDS = range(int(os.environ.get("AUDITOR_METAMORPHIC_RUNS", "1")))
PATIENTS = 40
SAMPLES = Path(__file__).parent.parent / "samples"
# What a finding is known by, as far as it comes from the names of patient and claim.
NAMED = ("finding", "story")

loaded = cache(load_reference)


@pytest.fixture(autouse=True)
def _tables_are_read_once(monkeypatch) -> None:
    monkeypatch.setattr(batch, "load_reference", loaded)


@pytest.fixture(scope="module", params=SEEDS, ids="export {}".format)
def export(request) -> Export:
    return invented_export(request.param, PATIENTS)


@pytest.fixture(scope="module")
def before(export, tmp_path_factory) -> Said:
    folder = tmp_path_factory.mktemp("before")
    said = said_of(written([export.lines], folder), folder / "out", export)
    assert said.facts["totals"]["findings"] > 50
    return said


# The same lines, dealt out otherwise.

DEALT: dict[str, Callable[[pd.DataFrame], list[pd.DataFrame]]] = {
    "rows shuffled": lambda lines: [lines.sample(frac=1, random_state=1)],
    "columns shuffled": lambda lines: [lines.sample(frac=1, axis=1, random_state=1)],
    "a file a claim type": lambda lines: [part for _, part in lines.groupby("claim_type")],
    "files of patients, last first": lambda lines: parts_of(lines, 2, "patient_id")[::-1],
    "lines of all files mixed": lambda lines: parts_of(lines, 3),
}


@pytest.mark.parametrize("dealt", DEALT)
def test_files_and_their_order_change_nothing(export, before, tmp_path, dealt) -> None:
    files = written(DEALT[dealt](export.lines), tmp_path)

    same(before, said_of(files, tmp_path / "out", export))


# The same cells in files of other kinds, the same lines as other systems write them.


@pytest.mark.parametrize("kind", KINDS)
def test_the_kind_of_file_changes_nothing(export, before, tmp_path, kind) -> None:
    path = KINDS[kind](export.lines.rename(columns=HEADERS), tmp_path)

    same(before, said_of([path], tmp_path / "out", export))


def test_buckets_on_disk_and_parquet_change_nothing(export, before, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(7, 2, 20_000))
    path = as_parquet(export.lines.rename(columns=HEADERS), tmp_path)

    same(before, said_of([path], tmp_path / "out", export))


@pytest.mark.parametrize("dialect", range(max(map(len, HABITS))))
def test_the_way_cells_are_written_changes_nothing(export, before, tmp_path, dialect) -> None:
    lines = export.lines
    for ways in HABITS:
        lines = ways[dialect % len(ways)](lines)

    same(before, said_of(written([lines], tmp_path), tmp_path / "out", export))


@pytest.mark.parametrize("turn", range(2))
def test_synonyms_of_headers_change_nothing(export, before, tmp_path, turn) -> None:
    random = Random(f"{export.lines.shape} {turn}")
    headers: dict[str, str] = {}
    for column in export.lines.columns:
        names = [name for name in SYNONYMS[column] if "#" not in name and name not in NO_SYNONYM]
        headers[column] = random.choice([name for name in names if name not in headers.values()])
    lines = export.lines.rename(columns=headers)

    same(before, said_of(written([lines], tmp_path), tmp_path / "out", export))


# Other patients, other names, other money, other days.


def with_a_letter(lines: pd.DataFrame, letter: str, *columns: str) -> pd.DataFrame:
    """Names of patients and claims with a letter in front; their order stays."""
    return cells(columns, lambda cell: letter + cell)(lines)


CLAIMS = ("claim_id", "original_claim_id", "payer_claim_number")


def test_patients_by_other_names_are_the_same_patients(export, before, tmp_path) -> None:
    names = export.lines["patient_id"].drop_duplicates().sample(frac=1, random_state=1)
    other = {name: f"Q{number}" for number, name in enumerate(names)}
    lines = export.lines.assign(patient_id=export.lines["patient_id"].map(other))
    expected = before.findings.assign(patient_id=before.findings["patient_id"].map(other))

    said = said_of(written([lines], tmp_path), tmp_path / "out", export)

    same(replace(before, findings=expected), said, apart=NAMED)


def test_claims_by_other_names_are_the_same_claims(export, before, tmp_path) -> None:
    lines = with_a_letter(export.lines, "Z", *CLAIMS)
    expected = with_a_letter(before.findings, "Z", "claim_id", "partner_claim_id")

    said = said_of(written([lines], tmp_path), tmp_path / "out", export)

    texts = ("message", "other_partners")
    same(replace(before, findings=expected), said, apart=(*NAMED, *texts))


def test_other_patients_change_no_finding_and_double_all_counts(export, before, tmp_path) -> None:
    """The others are the same once more, so that first and last days stay."""
    others = with_a_letter(export.lines, "Z", "patient_id", *CLAIMS)

    said = said_of(written([export.lines, others], tmp_path), tmp_path / "out", export)

    ours = ~said.findings["patient_id"].str.startswith("Z")
    same(before, replace(said, findings=said.findings[ours]), counts=())
    for name in ("read", "audited", "superseded", "in_family"):
        assert said.facts["lines"][name] == 2 * before.facts["lines"][name]
    for name in ("findings", "denial", "review", "note", "at_risk_cents", "missed_cents"):
        assert said.facts["totals"][name] == 2 * before.facts["totals"][name]
    for rule, counted in before.facts["rules"].items():
        for name in ("in_scope", "flagged", "clean", "at_risk_cents", "missed_cents"):
            assert said.facts["rules"][rule][name] == 2 * counted[name], rule


def test_twice_the_money_is_twice_at_risk(export, before, tmp_path) -> None:
    """Of findings that compare no payment, and of amounts that are no rate."""
    lines = cells(MONEY, lambda cell: f"{2 * float(cell):.2f}")(export.lines)

    said = said_of(written([lines], tmp_path), tmp_path / "out", export)

    one, two = (run.findings[run.findings["family"] != "payment"] for run in (before, said))
    own = one["amount_basis"].isin(["allowed", "charge"])
    doubled = one["amount"].mask(own, [f"{2 * float(cell or 0):.2f}" for cell in one["amount"]])
    assert own.sum() > 50
    told = differences(one.assign(amount=doubled), two, apart=("counts_money", "message", "story"))
    assert not told, "\n".join(told)


def test_a_later_day_takes_no_finding_back(export, before, tmp_path) -> None:
    """But of a line that had no received date and lay in the future."""
    later = export.as_of + timedelta(days=400)

    said = said_of(written([export.lines], tmp_path), tmp_path / "out", export, as_of=later)

    future = "service_date_in_future"
    lost = before.findings[~before.findings["finding"].isin(said.findings["finding"])]
    assert lost[lost["rule"] != future].empty, lost[["rule", "claim_id", "line_number"]]


def test_a_year_later_says_the_same_where_no_table_decides(tmp_path) -> None:
    """365 days on, over no leap day, and the day it is looked from moved as well."""
    generate(tmp_path / "lines.csv", lines=1_500, mix="departmental", seed=1)
    lines = as_text(tmp_path / "lines.csv").to_pandas().fillna("")
    asked = Export(lines, date(2026, 3, 1), Settings())
    days = [name for name in lines if "Date" in name or name.startswith("Statement")]
    moved = cells(tuple(days), a_year_on)(lines)

    one = said_of([tmp_path / "lines.csv"], tmp_path / "one", asked)
    two = said_of(
        written([moved], tmp_path / "in"), tmp_path / "two", asked, as_of=date(2027, 3, 1)
    )

    plain = [rule.name for rule in CATALOGUE if not rule.rests_on]
    told = differences(
        one.findings[one.findings["rule"].isin(plain)],
        two.findings[two.findings["rule"].isin(plain)],
        apart=("service_date", "message", "amount", "amount_basis", "counts_money", "story"),
    )
    assert not told, "\n".join(told)


def a_year_on(cell: str) -> str:
    if "/" not in cell:
        return cell
    month, day, year = map(int, cell.split("/"))
    return (date(year, month, day) + timedelta(days=365)).strftime("%m/%d/%Y")


# What was corrected, what is missing, what came before.


def test_corrections_take_their_findings_away_and_bring_none(export, before, tmp_path) -> None:
    proposed = pd.read_csv(before.folder / "corrections.csv", dtype=str, keep_default_na=False)
    meant = set(proposed["finding"]) - {""}

    said = said_of(
        written([export.lines], tmp_path),
        tmp_path / "out",
        export,
        corrections=before.folder / "corrections.csv",
    )

    assert meant or SEEDS.stop > 1  # of many exports some have nothing to correct
    assert meant.isdisjoint(said.findings["finding"])
    assert set(said.findings["finding"]) <= set(before.findings["finding"])


# Columns, and the rules that look at them without needing them.
ASKED_BESIDE = {
    "diagnosis_codes": (),
    "authorization_number": (),
    "attachment_control_number": (),
    "patient_responsibility_cents": (),
    "service_state": ("paperwork_missing",),
    "service_date_to": ("service_dates_reversed",),
    "statement_from": ("service_dates_reversed", "line_outside_statement_period"),
}


def test_a_column_gone_silences_the_rules_that_ask_for_it_alone(export, before, tmp_path) -> None:
    lines = export.lines.drop(columns=[*ASKED_BESIDE])
    needing = {rule.name for rule in CATALOGUE if ASKED_BESIDE.keys() & set(rule.needs)}
    others = before.facts["rules"].keys() - needing.union(*ASKED_BESIDE.values())

    said = said_of(written([lines], tmp_path), tmp_path / "out", export)

    silent = said.findings[said.findings["rule"].isin(needing)]
    assert silent.empty, silent[["rule", "claim_id", "line_number"]]
    for rule in needing:
        counted = said.facts["rules"][rule]
        reasons = {reason["reason"] for reason in counted["reasons"]}
        assert "column_missing" in reasons or not counted["in_scope"], rule
        assert counted["clean"] == 0, rule
    one, two = (run.findings[run.findings["rule"].isin(others)] for run in (before, said))
    told = differences(one, two, apart=("counts_money", "story"))
    assert not told, "\n".join(told)
    for rule in others:
        assert said.facts["rules"][rule] == before.facts["rules"][rule], rule


NIGHTS: dict[str, Callable[[pd.DataFrame], list[pd.DataFrame]]] = {
    "the hospital's first": lambda lines: [
        lines[lines["claim_type"] == "institutional"],
        lines[lines["claim_type"] != "institutional"],
    ],
    "each night all so far": lambda lines: [
        lines[lines["claim_id"].isin(seen)]
        for seen in growing([part["claim_id"] for part in parts_of(lines, 5, "claim_id")])
    ],
}


def growing(parts: list["pd.Series[str]"]) -> list[set[str]]:
    return [set(chain.from_iterable(parts[: number + 1])) for number in range(len(parts))]


@pytest.mark.parametrize("nights", NIGHTS)
def test_nights_end_where_one_run_over_all_ends(export, before, tmp_path, nights) -> None:
    for number, lines in enumerate(NIGHTS[nights](export.lines)):
        files = written([lines], tmp_path / "in", f"night{number}-")
        said = said_of(files, tmp_path / f"{number}", export, history=tmp_path / "history")

    same(before, said, counts=())
    for name in ("findings", "at_risk_cents", "missed_cents"):
        assert said.facts["totals"][name] == before.facts["totals"][name]


def test_the_samples_in_three_files_say_what_they_say_in_two(tmp_path) -> None:
    """The hospital's lines dealt into two exports, each under its title and headers."""
    settings = read_settings(SAMPLES / "audit.toml")
    asked = Export(pd.DataFrame(), date(2026, 7, 15), settings)
    hospital, professional = SAMPLES / "hospital.csv", SAMPLES / "professional.xlsx"
    title, header, *rows = hospital.read_bytes().splitlines(keepends=True)
    halves = [tmp_path / name for name in ("north.csv", "south.csv")]
    for place, half in enumerate(halves):
        half.write_bytes(title + header + b"".join(rows[place::2]))

    one = said_of([hospital, professional], tmp_path / "one", asked)
    two = said_of([professional, *halves], tmp_path / "two", asked)

    same(one, two)
