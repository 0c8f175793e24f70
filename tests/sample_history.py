"""An invented history around the invented findings: nights, waived and resolved findings."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from sample_run import findings_frame, run_of

from auditor import schema
from auditor.changes import Changes, Night
from auditor.report.content import Run

TONIGHT = date(2026, 6, 30)
NOTES = (
    "A waiver of global_billed_in_facility lapsed on 2026-06-20: 3 findings are open again.",
    "The waiver W-7 ends on 2026-07-10.",
)


def nights(count: int, new: int, persisting: int, resolved: int, waived: int) -> tuple[Night, ...]:
    """A trend that comes down, tonight last."""
    random = np.random.default_rng(3)
    made = []
    for place in range(count):
        left = count - 1 - place
        made.append(
            Night(
                run=f"{place:012x}",
                as_of=TONIGHT - timedelta(days=left),
                new=new + int(random.integers(0, 9)) * (left > 0),
                reopened=2 if left % 4 == 0 else 0,
                persisting=persisting + left * 6,
                resolved=resolved + int(random.integers(0, 12)) * (left > 0),
                waived=waived,
                identified_at_risk_cents=410_000 + int(random.integers(0, 600_000)),
                identified_missed_cents=90_000 + int(random.integers(0, 200_000)),
                recovered_at_risk_cents=520_000 + int(random.integers(0, 700_000)),
                recovered_missed_cents=60_000 + int(random.integers(0, 150_000)),
                still_open_at_risk_cents=4_800_000 + left * 310_000,
                still_open_missed_cents=1_900_000 + left * 45_000,
            )
        )
    return tuple(made)


def history_run(count: int = 180, runs: int = 14) -> Run:
    """The small run as the fourteenth of a site: new, persisting, reopened, resolved, waived."""
    whole = findings_frame(count + 40)
    waived, resolved = whole.iloc[5:16:2], whole.iloc[40:100:3]
    findings = whole.drop(index=[*waived.index, *resolved.index]).reset_index(drop=True)
    place = np.arange(len(findings))
    status = np.where(place % 9 == 0, "new", np.where(place % 31 == 1, "reopened", "persisting"))
    findings["status"] = status
    ages = np.where(status == "new", 0, np.where(place % 3 == 0, 5, np.where(place % 5, 40, 120)))
    seen = {
        finding: TONIGHT - timedelta(days=int(age))
        for finding, age in zip(findings["finding"], ages, strict=True)
    }
    run = run_of(findings, in_family=2_940)
    changes = Changes(
        since=TONIGHT - timedelta(days=1),
        nights=nights(
            runs,
            int((status == "new").sum()),
            int((status == "persisting").sum()),
            len(resolved),
            len(waived),
        ),
        resolved=resolved[list(schema.FINDINGS)].assign(
            status="resolved", first_seen=TONIGHT - timedelta(days=33)
        ),
        waived=waived[list(schema.FINDINGS)].assign(
            status="persisting", waiver="Contract of 2025 allows it (M. Okafor, until 2026-12-31)"
        ),
        waiver_notes=NOTES,
        first_seen=seen | {finding: date(2026, 5, 4) for finding in waived["finding"]},
    )
    return replace(run, changes=changes)


def first_night_run() -> Run:
    """The first run of a history: all is new, and there is no trend yet."""
    run = history_run(runs=1)
    assert run.changes is not None
    findings = run.audit.findings.assign(status="new")
    nothing: pd.DataFrame = run.changes.resolved.iloc[:0]
    changes = replace(
        run.changes,
        since=None,
        resolved=nothing,
        waived=run.changes.waived.iloc[:0],
        waiver_notes=(),
        first_seen=dict.fromkeys(findings["finding"], TONIGHT),
    )
    return replace(run, audit=replace(run.audit, findings=findings), changes=changes)
