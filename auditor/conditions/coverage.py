"""What the rules about coverage ask."""

import pandas as pd

from auditor.claim_lines import CCTA, has_code
from auditor.conditions.seen import Condition, Seen
from auditor.contractors import AMBIGUOUS, jurisdiction_of


def paperwork_missing(seen: Seen) -> list[Condition]:
    """A contractor that decides case by case, and no paperwork number."""
    jurisdiction = jurisdiction_of(seen.lines, seen.reference)
    asked = seen.lines[["service_date", "claim_type", "service"]].assign(jurisdiction=jurisdiction)
    on = ["jurisdiction", "service"]
    rows = seen.reference.as_of("case_by_case_jurisdictions", asked, on=on)
    found = str(jurisdiction.iloc[seen.at])
    return [
        Condition(
            f"jurisdiction {found or 'unknown'} (state {seen.shown('service_state')}) decides on "
            f"FFR-CT case by case on {seen.day()}",
            found != AMBIGUOUS and bool(rows.found.iloc[seen.at]),
        ),
        seen.has_no_text("attachment_control_number"),
    ]


def authorization_missing(seen: Seen) -> list[Condition]:
    """No number, and no emergency."""
    claim = seen.alike("claim_id", "claim_type")
    codes = {str(cell) for cell in seen.lines["revenue_code"][claim]}
    emergency = sorted(code for code in codes if code.startswith("045"))
    return [
        seen.has_no_text("authorization_number"),
        Condition(
            f"place of service {seen.shown('place_of_service')} is not 23, no line of the claim "
            f"has revenue code 045X: {', '.join(emergency) or 'none'}",
            seen.text("place_of_service") != "23" and not emergency,
        ),
    ]


def authorization_shared_with_ccta(seen: Seen) -> list[Condition]:
    """The number of the CCTA, for a payer that authorizes by code."""
    named = {word.upper() for word in seen.settings["authorizes_by_code"]}
    payer, kind = seen.text("payer"), seen.text("payer_type")
    limit = seen.settings["lookback_days"]
    apart = pd.Series(seen.days[seen.at] - seen.days)
    near = apart.between(0, limit).to_numpy(dtype=bool)
    same = has_code(seen.lines, CCTA) & seen.alike("authorization_number")
    scans = seen.others(same & near)
    return [
        Condition(
            f"the settings say that {payer or 'the payer'} ({kind or 'unknown'}) authorizes each "
            f"code: {', '.join(seen.settings['authorizes_by_code']) or 'nobody'}",
            not named.isdisjoint({payer.upper(), kind.upper()}),
        ),
        seen.has_text("authorization_number"),
        Condition(
            f"a CCTA of the last {limit} days carries the same number: {seen.named(scans)}",
            len(scans) > 0,
        ),
    ]
