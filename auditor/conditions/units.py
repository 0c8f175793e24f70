"""What the rules about units and duplicates ask."""

import numpy as np
import pandas as pd

from auditor.claim_lines import SEPARATE_SERVICE, Mask, taken_back
from auditor.conditions.seen import Condition, Seen


def _sorted_modifiers(seen: Seen) -> list[str]:
    return [" ".join(sorted(str(cell).split())) for cell in seen.lines["modifiers"]]


def _repeated(seen: Seen, place: int) -> bool:
    """Whether a line repeats an earlier one of the patient in all that a duplicate has alike."""
    other = Seen(seen.lines, place, seen.rule, seen.reference, seen.extract)
    return len(_earlier_twins(other)) > 0


def _earlier_twins(seen: Seen) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    modifiers = _sorted_modifiers(seen)
    twins: Mask = seen.alike(
        "service_date", "procedure_code", "billing_npi", "claim_type", "revenue_code", "units"
    )
    twins &= np.array([one == modifiers[seen.at] for one in modifiers], dtype=bool)
    twins &= ~seen.lines["denied"].to_numpy(dtype=bool)
    separate = not SEPARATE_SERVICE.isdisjoint(seen.words("modifiers"))
    if separate or bool(seen.row["denied"]) or not seen.text("billing_npi"):
        return np.empty(0, dtype=np.int64)
    return seen.earlier(twins)


def units_exceed_mue(seen: Seen) -> list[Condition]:
    """More units than the limit, in the line or over the day."""
    on = ["claim_type", "procedure_code"]
    edit = seen.reference.as_of("mue", seen.lines, on=on)
    limit, mai = (str(edit[name].iloc[seen.at]) for name in ("mue_value", "mai"))
    own = 0.0 if pd.isna(seen.row["units"]) else float(seen.row["units"])
    total, judged = own, "line"
    if mai in ("2", "3"):
        day = seen.alike("service_date", "procedure_code", "billing_npi", "claim_type", "component")
        day &= ~seen.lines["denied"].to_numpy(dtype=bool) & seen.lines["units"].notna().to_numpy()
        back = taken_back(seen.lines)
        billed = [int(at) for at in np.flatnonzero(day & ~back) if not _repeated(seen, int(at))]
        units = seen.lines["units"]
        total = float(units.iloc[billed].sum() - units[day & back].abs().sum())
        judged = "day"
    known = limit != ""
    return [
        seen.paid_or_open(),
        Condition(
            f"a limit for {seen.text('procedure_code')} in its setting on {seen.day()}: "
            f"{limit or 'none'} (adjudication indicator {mai or 'unknown'})",
            known,
        ),
        Condition(
            f"{total:g} units in the {judged}, exact repeats once and less those taken back, are "
            f"more than {limit or 'that'}",
            own > 0 and not taken_back(seen.lines)[seen.at] and known and total > float(limit),
        ),
    ]


def line_billed_twice(seen: Seen) -> list[Condition]:
    """An earlier line that is alike."""
    twins = _earlier_twins(seen)
    return [
        seen.paid_or_open(),
        seen.carries_none(
            SEPARATE_SERVICE,
            f"no modifier says that it was done again or apart: {seen.shown('modifiers')}",
        ),
        Condition(
            "an earlier line is alike in code, modifiers, date, provider, claim type, revenue code "
            f"and units: {seen.named(twins)}",
            len(twins) > 0,
        ),
    ]


def modifier_does_not_fit(seen: Seen) -> list[Condition]:
    """A modifier of another kind of service."""
    words, code = set(seen.words("modifiers")), seen.text("procedure_code")
    software = code in ("75577", "75580")
    odd = words & {"FX", "FY", "91"} | (words & {"CT"} if software else set())
    named = " ".join(sorted(odd))
    return [
        Condition(
            f"FX, FY or 91, or CT on an analysis, on {code}: {named or 'none'} of "
            f"{seen.shown('modifiers')}",
            bool(odd),
        )
    ]
