"""What the rules about dates of service ask."""

import numpy as np
import pandas as pd

from auditor.calendar_days import deadline
from auditor.claim_lines import CCTA, has_code, institutional, is_component
from auditor.conditions.seen import Condition, Seen, iso
from auditor.reference import Ints
from auditor.studies import readings


def _scans(seen: Seen) -> tuple[Ints, Ints]:
    """Days from each CCTA of the patient to the line: those up to its date, and those after it."""
    apart = seen.days[seen.at] - seen.days[seen.others(has_code(seen.lines, CCTA))]
    return apart[apart >= 0], -apart[apart < 0]


def _none_before(seen: Seen) -> Condition:
    before, _ = _scans(seen)
    said = f"the last {before.min()} days before" if len(before) else "none"
    return Condition(f"no CCTA of this patient on or before {seen.day()}: {said}", not len(before))


def ffrct_before_ccta(seen: Seen) -> list[Condition]:
    """A CCTA soon after, none before."""
    _, after = _scans(seen)
    limit = seen.settings["search_days"]
    said = f"the next {after.min()} days after" if len(after) else "none"
    return [
        _none_before(seen),
        Condition(
            f"a CCTA at most {limit} days after: {said}", bool(len(after)) and after.min() <= limit
        ),
    ]


def ffrct_without_ccta(seen: Seen) -> list[Condition]:
    """No CCTA before and none soon after, and the lines at hand would show one."""
    _, after = _scans(seen)
    limits, extract = seen.settings, seen.extract
    soon = bool(len(after)) and after.min() <= limits["search_days"]
    said = f"the next {after.min()} days after" if len(after) else "none"
    day = int(seen.days[seen.at])
    return [
        _none_before(seen),
        Condition(f"none in the {limits['search_days']} days after it either: {said}", not soon),
        Condition(
            f"the lines at hand reach back {day - extract.reach} days before it; asked for: "
            f"{limits['lookback_days']}",
            day - extract.reach >= limits["lookback_days"],
        ),
        Condition(
            f"it is {extract.as_of_day - day} days old on {extract.as_of}; asked for: more than "
            f"{limits['waiting_days']}",
            extract.as_of_day - day > limits["waiting_days"],
        ),
    ]


def ffrct_long_after_ccta(seen: Seen) -> list[Condition]:
    """The last CCTA is old."""
    before, _ = _scans(seen)
    limit = seen.settings["lookback_days"]
    said = f"{before.min()} days" if len(before) else "no CCTA before"
    return [
        Condition(
            f"its last CCTA is more than {limit} days before: {said}",
            bool(len(before)) and before.min() > limit,
        )
    ]


def episode_split_across_claims(seen: Seen) -> list[Condition]:
    """The same provider's CCTA of another day on another claim, and no period spans both."""
    limit = seen.settings["lookback_days"]
    apart = seen.days[seen.at] - seen.days
    scans = has_code(seen.lines, CCTA) & institutional(seen.lines) & seen.alike("billing_npi")
    before = seen.others(scans & (apart >= 0))
    last = min((int(apart[place]) for place in before), default=-1)
    nearest = [int(place) for place in before if apart[place] == last]
    elsewhere = [p for p in nearest if seen.lines["claim_id"].iloc[p] != seen.row["claim_id"]]
    free = [place for place in elsewhere if not _one_spans(seen, place)]
    return [
        Condition(
            f"the same provider's last CCTA is 1 to {limit} days before: {seen.named(nearest)}",
            0 < last <= limit,
        ),
        Condition(f"it stands on another claim: {seen.named(elsewhere)}", bool(elsewhere)),
        Condition(
            f"neither statement period spans both dates; its own is {_period(seen, seen.at)}, the "
            f"other's {_period(seen, elsewhere[0]) if elsewhere else 'none'}",
            bool(free),
        ),
    ]


def _period(seen: Seen, place: int) -> str:
    row = seen.lines.iloc[place]
    return f"{iso(row['statement_from'])} to {iso(row['statement_through'])}"


def _one_spans(seen: Seen, scan: int) -> bool:
    first, last = seen.lines["service_date"].iloc[[scan, seen.at]]
    return any(
        bool(row["statement_from"] <= first) and bool(row["statement_through"] >= last)
        for row in (seen.lines.iloc[scan], seen.row)
    )


def line_outside_statement_period(seen: Seen) -> list[Condition]:
    """Before its start or after its end."""
    row = seen.row
    early = bool(row["service_date"] < row["statement_from"])
    late = bool(row["service_date"] > row["statement_through"])
    period = _period(seen, seen.at)
    return [Condition(f"{seen.day()} lies outside the statement period {period}", early or late)]


def procedure_not_valid_on_date(seen: Seen) -> list[Condition]:
    """No row of the code is in force."""
    code = seen.text("procedure_code")
    rows = seen.reference.table("procedure_codes").rows
    rows = rows[rows["procedure_code"] == code]
    spans = [
        (start, end)
        for start, end in zip(rows["effective_from"], rows["effective_to"], strict=True)
    ]
    valid = any(start <= seen.day() <= (end or "9999-12-31") for start, end in spans)
    said = (
        ", ".join(f"{start or 'the first'} to {end or 'now'}" for start, end in spans) or "unknown"
    )
    return [
        Condition(f"the table knows the code {code}", bool(spans)),
        Condition(f"{seen.day()} lies outside its dates: {said}", not valid),
    ]


def professional_component_before_technical(seen: Seen) -> list[Condition]:
    """No scan before, an unpaired one soon after."""
    limits = seen.settings
    pairing = readings(seen.lines, limits["pairing_days"], limits["search_days"])
    after = int(pairing.loose_after[seen.at])
    gap = int(seen.days[after] - seen.days[seen.at]) if after >= 0 else -1
    scans = int(pairing.scans_before[seen.at])
    return [
        _is_reading(seen),
        Condition(
            f"scans in the {limits['pairing_days']} days up to its date: {scans}; asked for: none",
            scans == 0,
        ),
        Condition(
            f"an unpaired scan at most {limits['pairing_days']} days after it: "
            f"{seen.named([after] if after >= 0 else [])}",
            0 <= gap <= limits["pairing_days"],
        ),
    ]


def _is_reading(seen: Seen) -> Condition:
    return Condition(
        f"it is the {seen.shown('component')} component; asked for: professional",
        seen.true_of(is_component(seen.lines, "professional")),
    )


def component_dates_far_apart(seen: Seen) -> list[Condition]:
    """The study's only scan near by is more than the window before."""
    limits = seen.settings
    pairing = readings(seen.lines, limits["pairing_days"], limits["search_days"])
    before = int(pairing.loose_before[seen.at])
    gap = int(seen.days[seen.at] - seen.days[before]) if before >= 0 else -1
    around = int(pairing.scans_around[seen.at])
    least, most = limits["pairing_days"] + 1, limits["search_days"]
    return [
        _is_reading(seen),
        Condition(
            f"an unpaired scan {least} to {most} days before it: "
            f"{seen.named([before] if before >= 0 else [])}",
            least <= gap <= most,
        ),
        Condition(f"scans of the study within {most} days: {around}; asked for: one", around == 1),
    ]


def service_dates_reversed(seen: Seen) -> list[Condition]:
    """The line or the statement ends before it begins."""
    row = seen.row
    line = bool(row["service_date_to"] < row["service_date"])
    statement = bool(row["statement_through"] < row["statement_from"])
    return [
        Condition(
            f"the line ({seen.day()} to {seen.day('service_date_to')}) or the statement period "
            f"({_period(seen, seen.at)}) ends before it begins",
            line or statement,
        )
    ]


def service_date_in_future(seen: Seen) -> list[Condition]:
    """After it was received."""
    received = seen.row["received_date"]
    limit = pd.Timestamp(seen.extract.as_of) if pd.isna(received) else received
    what = "the as-of date" if pd.isna(received) else "the received date"
    late = bool(seen.row["service_date"] > limit)
    return [Condition(f"{seen.day()} is after {what} {iso(limit)}", late)]


def filed_late(seen: Seen) -> list[Condition]:
    """Received after the payer type's limit."""
    limits = seen.reference.as_of("filing_limits", seen.lines, on=["payer_type"])
    hospital = seen.true_of(institutional(seen.lines))
    basis = seen.row["statement_through"] if hospital else seen.row["service_date"]
    bases = pd.Series(np.full(len(seen.lines), basis), dtype="datetime64[s]")
    last = deadline(bases, limits["limit_count"], limits["limit_unit"]).iloc[seen.at]
    return [
        Condition(
            f"a filing limit of {seen.shown('payer_type')} is in force: last day {iso(last)} for "
            f"service of {iso(basis)}",
            not pd.isna(last),
        ),
        Condition(
            f"it was received on {seen.day('received_date')}, after that day",
            bool(seen.row["received_date"] > last),
        ),
        Condition(
            f"it replaces or voids no claim: frequency {seen.shown('claim_frequency')}",
            seen.text("claim_frequency") not in ("7", "8"),
        ),
    ]
