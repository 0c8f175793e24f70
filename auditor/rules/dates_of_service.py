"""Dates of service: on the claim, between scan, reading and analysis, and on the calendar."""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from auditor.calendar_days import deadline, iso
from auditor.claim_lines import (
    among,
    blank,
    ffrct_lines,
    imaging,
    in_family,
    institutional,
    is_component,
)
from auditor.extract import Extract
from auditor.reference import Reference, Table, day_numbers
from auditor.rule import Outcome, Reasons, lacking, lacks_column, lacks_value, rule
from auditor.studies import analyses, ccta_of_analysis, ccta_of_hospital, readings


@rule(
    severity="review",
    money="at_risk",
    scope=analyses,
    sources=["cy2018-opps-final-rule", "mcd-l38278", "mcd-l39075"],
    denial_codes=["CO-B15", "N674"],
    message="{procedure_code} of {service_date} is dated before the CCTA of {ccta_date}.",
    remedy="Compare both dates with the record; correct the one that is wrong.",
)
def ffrct_before_ccta(lines: pd.DataFrame, *, search_days: int = 30) -> Outcome:
    """The analysis is dated before the scan it was made from.

    FFR-CT and plaque analysis are computed from CCTA images, so an analysis before the scan has a
    wrong date, or belongs to another scan.
    """
    scans = ccta_of_analysis(lines)
    early = (scans.before < 0) & (scans.after >= 0) & (scans.days_after <= search_days)
    flagged = lines[analyses(lines) & early]
    ccta = scans.after[flagged.index.to_numpy()]
    return Outcome(
        flagged=flagged.assign(ccta_date=lines["service_date"].to_numpy()[ccta]),
        partner=pd.Series(ccta, index=flagged.index),
    )


@rule(
    severity="review",
    money="at_risk",
    scope=analyses,
    sources=["cy2018-opps-final-rule", "mcd-l38278", "mcd-l39075"],
    denial_codes=["CO-B15", "CO-107", "N674"],
    message="{procedure_code} of {service_date}: no CCTA of this patient in the {lookback_days} "
    "days before it.",
    remedy="Find the CCTA: if done elsewhere, keep its report; if it was not billed, bill it.",
)
def ffrct_without_ccta(
    lines: pd.DataFrame,
    extract: Extract,
    *,
    lookback_days: int = 90,
    search_days: int = 30,
    waiting_days: int = 14,
) -> Outcome:
    """An analysis without the scan it was made from.

    FFR-CT and plaque analysis need a CCTA. Payers deny the analysis, or take it back, when they
    find no scan.
    """
    scans = ccta_of_analysis(lines)
    soon = (scans.after >= 0) & (scans.days_after <= search_days)
    alone = analyses(lines) & (scans.before < 0) & ~soon
    day = day_numbers(lines["service_date"])
    reaches = extract.reach <= day - lookback_days
    waiting = extract.as_of_day - day <= waiting_days
    unjudged: Reasons = {
        "awaiting_partner": alone & waiting,
        "partner_outside_extract": alone & ~reaches,
    }
    return Outcome(flagged=lines[alone & ~waiting & reaches], not_evaluated=unjudged)


@rule(
    severity="review",
    money="at_risk",
    scope=analyses,
    sources=["mcd-l38278", "mcd-l39075"],
    denial_codes=["CO-50"],
    message="{procedure_code} of {service_date} comes {days} days after the CCTA of {ccta_date}.",
    remedy="Check that the record says why an analysis of so old a scan was needed.",
)
def ffrct_long_after_ccta(lines: pd.DataFrame, *, lookback_days: int = 90) -> Outcome:
    """The analysis comes long after the scan.

    Coverage policies tie the analysis to a recent scan. After months a payer asks for the medical
    necessity, or for the scan that is missing in between.
    """
    scans = ccta_of_analysis(lines)
    late = analyses(lines) & (scans.days_before > lookback_days)
    flagged = lines[late]
    ccta = scans.before[late]
    return Outcome(
        flagged=flagged.assign(
            ccta_date=lines["service_date"].to_numpy()[ccta], days=scans.days_before[late]
        ),
        partner=pd.Series(ccta, index=flagged.index),
    )


@rule(
    severity="note",
    money="none",
    scope=ffrct_lines,
    claim_type="institutional",
    needs=["claim_type", "statement_from", "statement_through"],
    needs_value=["claim_type", "billing_npi"],
    sources=["claims-processing-manual-ch4-10", "cy2018-opps-final-rule"],
    message="{procedure_code} of {service_date} and its CCTA of {ccta_date} stand on two claims, "
    "and neither statement period spans both dates.",
    remedy="Bill one multi-day encounter whose statement period spans both dates.",
)
def episode_split_across_claims(lines: pd.DataFrame, *, lookback_days: int = 90) -> Outcome:
    """CCTA and FFR-CT of one episode stand on two hospital claims.

    FFR-CT done a day later belongs on one multi-day encounter with its CCTA; split claims make the
    analysis look as if it had no scan.
    """
    asking, scans = ccta_of_hospital(lines)
    near = (scans.days_before > 0) & (scans.days_before <= lookback_days)
    places = np.flatnonzero(asking & near)
    ccta = scans.before[places]
    claim = lines["claim_id"].cat.codes.to_numpy()
    start, end = day_numbers(lines["statement_from"]), day_numbers(lines["statement_through"])
    day = day_numbers(lines["service_date"])
    known = (
        lines["statement_from"].notna().to_numpy() & lines["statement_through"].notna().to_numpy()
    )
    spans = np.zeros(len(places), dtype=bool)
    for which in (places, ccta):
        spans |= known[which] & (start[which] <= day[ccta]) & (end[which] >= day[places])
    apart = (claim[places] != claim[ccta]) & ~spans
    sure = known[places] & known[ccta]
    unknown = np.zeros(len(lines), dtype=bool)
    unknown[places[apart & ~sure]] = True
    flagged = lines.iloc[places[apart & sure]]
    partner = ccta[apart & sure]
    return Outcome(
        flagged=flagged.assign(ccta_date=lines["service_date"].to_numpy()[partner]),
        not_evaluated={("value_missing", "statement_from"): unknown},
        partner=pd.Series(partner, index=flagged.index),
    )


@rule(
    severity="denial",
    money="at_risk",
    claim_type="institutional",
    needs=["claim_type"],
    needs_value=["claim_type"],
    sources=["claims-processing-manual-ch25-75"],
    denial_codes=["CO-16", "MA31"],
    message="Service date {service_date} lies outside the statement period {period}.",
    remedy="Correct the service date or the statement period.",
)
def line_outside_statement_period(lines: pd.DataFrame) -> Outcome:
    """A service date outside the claim's statement period.

    The statement period covers every line of a hospital claim. A line outside it makes the payer
    return the whole claim.
    """
    day, start, end = lines["service_date"], lines["statement_from"], lines["statement_through"]
    outside = ((day < start) | (day > end)).to_numpy(dtype=bool) & institutional(lines)
    flagged = lines[outside]
    period = iso(flagged["statement_from"]) + " to " + iso(flagged["statement_through"])
    return Outcome(
        flagged=flagged.assign(period=period),
        not_evaluated=lacking(lines, "statement_from") | lacking(lines, "statement_through"),
    )


@rule(
    severity="denial",
    money="at_risk",
    scope=in_family,
    sources=["pfs-rvu-2026-january", "pfs-rvu-2025-october"],
    denial_codes=["CO-181", "N56"],
    rests_on=["procedure_codes"],
    message="{procedure_code} is not valid on {service_date}{instead}.",
    remedy="Bill the code that was valid on the date of service; where it splits, a physician's "
    "part of it with 26 or TC.",
)
def procedure_not_valid_on_date(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """A code that did not exist, or no longer existed, on the date of service.

    Codes start and end on published dates, and the date of service decides. Payers deny a code
    billed outside its dates.
    """
    in_force = reference.as_of("procedure_codes", lines, on=["procedure_code"])
    invalid = in_family(lines) & in_force.known & ~in_force.found.to_numpy()
    flagged = lines[invalid]
    code = reference.of_key("procedure_codes", flagged, on=["procedure_code"])
    rows = code.table.rows.iloc[code.row]
    day = iso(flagged["service_date"]).to_numpy()
    ended = (rows["effective_to"] != "") & (rows["effective_to"].to_numpy() < day)
    other = np.where(ended, rows["successor"], rows["predecessor"])
    held = _held(other, day, code.table)
    instead = [_instead(codes, after=late) for codes, late in zip(held, ended, strict=True)]
    return Outcome(
        flagged=flagged.assign(instead=pd.Series(instead, index=flagged.index, dtype="str")),
        stale=("procedure_codes", in_force.stale),
        not_evaluated={("reference_stale", "procedure_codes"): in_force.stale},
        reference_rows=code,
    )


def _held(codes: Iterable[str], days: Iterable[str], table: Table) -> list[list[str]]:
    """Of each line's codes those that the table holds and that were valid on its day."""
    columns = ["procedure_code", "effective_from", "effective_to"]
    spans: dict[str, list[tuple[str, str]]] = {}
    for code, start, end in table.rows[columns].to_numpy():
        spans.setdefault(code, []).append((start, end or "9999"))
    return [
        [
            word
            for word in cell.split()
            if any(start <= day <= end for start, end in spans.get(word, ()))
        ]
        for cell, day in zip(codes, days, strict=True)
    ]


def _instead(words: list[str], *, after: bool) -> str:
    if not words:
        return ""
    named = words[0] if len(words) == 1 else f"{words[0]} to {words[-1]}"
    return f"; {named} replaces it" if after else f"; on that day it was {named}"


@rule(
    severity="denial",
    money="at_risk",
    scope=imaging,
    claim_type="professional",
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type"],
    sources=["se17023"],
    denial_codes=["CO-16"],
    message="Reading of {procedure_code} dated {service_date}, before the scan of {scan_date}.",
    remedy="Correct the date: the day of the scan, or the later day of the reading.",
)
def professional_component_before_technical(
    lines: pd.DataFrame, *, pairing_days: int = 7, search_days: int = 30
) -> Outcome:
    """A reading is dated before its scan.

    A reading may carry the day of the scan or a later day on which it was done. An earlier day is
    always an error, and the payer can match it to no scan.
    """
    pairing = readings(lines, pairing_days, search_days)
    day = day_numbers(lines["service_date"])
    gap = day[np.clip(pairing.loose_after, 0, None)] - day
    early = pairing.reading & (pairing.loose_after >= 0) & (gap <= pairing_days)
    flagged = lines[early & (pairing.scans_before == 0) & is_component(lines, "professional")]
    scan = pairing.loose_after[flagged.index.to_numpy()]
    return Outcome(
        flagged=flagged.assign(scan_date=lines["service_date"].to_numpy()[scan]),
        partner=pd.Series(scan, index=flagged.index),
    )


@rule(
    severity="review",
    money="at_risk",
    scope=imaging,
    claim_type="professional",
    needs=["claim_type", "modifiers"],
    needs_value=["claim_type"],
    sources=["se17023"],
    message="Reading of {procedure_code} on {service_date}, {days} days after the scan of "
    "{scan_date}.",
    remedy="Compare with the report: correct the date, or find the scan that is missing between.",
)
def component_dates_far_apart(
    lines: pd.DataFrame, *, pairing_days: int = 7, search_days: int = 30
) -> Outcome:
    """A reading is dated more than a week after its scan.

    Cardiac CT is read within days. A late date is often the day of an addendum or of the billing,
    and a payer can't match it to the scan.
    """
    pairing = readings(lines, pairing_days, search_days)
    day = day_numbers(lines["service_date"])
    gap = day - day[np.clip(pairing.loose_before, 0, None)]
    only = pairing.scans_around == 1
    late = (pairing.loose_before >= 0) & (gap > pairing_days) & (gap <= search_days) & only
    flagged = lines[pairing.reading & late]
    places = flagged.index.to_numpy()
    scan = pairing.loose_before[places]
    return Outcome(
        flagged=flagged.assign(scan_date=lines["service_date"].to_numpy()[scan], days=gap[places]),
        partner=pd.Series(scan, index=flagged.index),
    )


@rule(
    severity="denial",
    money="at_risk",
    sources=["claims-processing-manual-ch25-75"],
    denial_codes=["CO-16", "M52"],
    message="The {which} ends on {end} before it begins on {start}.",
    remedy="Swap or correct the two dates.",
)
def service_dates_reversed(lines: pd.DataFrame) -> Outcome:
    """A line or statement period that ends before it begins.

    The payer can't place the service in time and returns the claim.
    """
    line = (lines["service_date_to"] < lines["service_date"]).to_numpy(dtype=bool)
    statement = (lines["statement_through"] < lines["statement_from"]).to_numpy(dtype=bool)
    flagged = lines[line | statement]
    of_line = pd.Series(line[line | statement], index=flagged.index)
    start = flagged["service_date"].where(of_line, flagged["statement_from"])
    end = flagged["service_date_to"].where(of_line, flagged["statement_through"])
    which = np.where(of_line, "line", "statement period")
    no_period = lacks_value(lines, "statement_from") | lacks_value(lines, "statement_through")
    return Outcome(
        flagged=flagged.assign(which=which, start=iso(start), end=iso(end)),
        not_evaluated=lacking(lines, "service_date_to", no_period),
    )


@rule(
    severity="denial",
    money="at_risk",
    sources=["x12-carc"],
    denial_codes=["CO-110"],
    message="Service date {service_date} is after {limit}.",
    remedy="Correct the service date.",
)
def service_date_in_future(lines: pd.DataFrame, extract: Extract) -> Outcome:
    """A service date that had not come when the claim was received.

    A service can't be billed before it is done; the payer denies the line.
    """
    as_of = pd.Timestamp(extract.as_of).as_unit("s")
    received = lines["received_date"]
    future = (lines["service_date"] > received.fillna(as_of)).to_numpy(dtype=bool)
    flagged = lines[future]
    limit = np.where(
        flagged["received_date"].notna(),
        "the received date " + iso(flagged["received_date"]),
        f"the as-of date {extract.as_of}",
    )
    return Outcome(flagged=flagged.assign(limit=limit))


@rule(
    severity="denial",
    money="at_risk",
    scope=in_family,
    needs_value=["received_date", "payer_type"],
    sources=["claims-processing-manual-ch1-70", "42-cfr-424-44"],
    denial_codes=["CO-29"],
    rests_on=["filing_limits"],
    message="Received on {received}, after the filing limit {limit}, which counts from {basis}.",
    remedy="Appeal only with proof of timely filing or an exception; else write the line off.",
)
def filed_late(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """The claim reached the payer after its filing limit.

    Medicare takes claims for one calendar year after the date of service; other payers have
    limits of their own. A late claim is denied and can't be billed to the patient.
    """
    limits = reference.as_of("filing_limits", lines, on=["payer_type"])
    hospital = institutional(lines)
    through = lines["statement_through"].where(pd.Series(hospital, index=lines.index))
    basis = through.fillna(lines["service_date"])
    last_day = deadline(basis, limits["limit_count"], limits["limit_unit"])
    late = (lines["received_date"] > last_day).to_numpy(dtype=bool) & in_family(lines)
    late &= ~among(lines["claim_frequency"], ["7", "8"])
    unsure = late & hospital & through.isna().to_numpy()
    flagged = lines[late & ~unsure & ~blank(lines["claim_type"])]
    places = flagged.index
    return Outcome(
        flagged=flagged.assign(
            basis=iso(basis[places]),
            received=iso(flagged["received_date"]),
            limit=iso(last_day[places]),
        ),
        not_evaluated={
            ("value_missing", "claim_type"): late & blank(lines["claim_type"]),
            ("column_missing", "statement_through"): unsure
            & lacks_column(lines, "statement_through"),
            ("value_missing", "statement_through"): unsure,
        },
        consulted=limits,
    )
