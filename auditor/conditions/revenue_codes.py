"""What the rules about revenue codes ask."""

import re

from auditor.claim_lines import CCTA, has_code, institutional
from auditor.conditions.seen import Condition, Seen


def revenue_code_missing(seen: Seen) -> list[Condition]:
    """Blank."""
    return [seen.has_no_text("revenue_code")]


def revenue_code_on_professional_line(seen: Seen) -> list[Condition]:
    """Filled."""
    return [seen.has_text("revenue_code")]


def _whole(code: str) -> bool:
    return re.fullmatch("[0-9]{4}", code) is not None


def revenue_code_malformed(seen: Seen) -> list[Condition]:
    """Not four digits."""
    code = seen.text("revenue_code")
    return [Condition(f"revenue code {code} is not four digits", code != "" and not _whole(code))]


def _fit(seen: Seen) -> str:
    on = ["procedure_code", "revenue_code"]
    return str(seen.reference.as_of("revenue_code_fit", seen.lines, on=on)["fit"].iloc[seen.at])


def _returned_by_edit(seen: Seen) -> tuple[str, bool]:
    """The groups that the payer's edit of the date accepted, and whether it returned the line."""
    on = ["procedure_code", "payer_type"]
    edit = seen.reference.as_of("revenue_code_edits", seen.lines, on=on)
    accepted = str(edit["accepted_groups"].iloc[seen.at])
    code = seen.text("revenue_code")
    fits = code[:3] in {group.rstrip("X") for group in accepted.split()}
    return accepted, accepted != "" and _whole(code) and not fits


def revenue_code_unexpected(seen: Seen) -> list[Condition]:
    """The fit table or the edit of the date refuses the code."""
    fit = _fit(seen)
    accepted, returned = _returned_by_edit(seen)
    bill = seen.text("bill_type")
    strange = fit == "unexpected" or (fit == "unexpected_on_opps" and not bill.startswith("085"))
    return [
        Condition(
            f"{seen.text('revenue_code')} is unexpected on {seen.text('procedure_code')} by the "
            f"fit table ({fit or 'no row'}; bill type {bill or 'none'}), or the payer's edit on "
            f"{seen.day()} returned it (accepted groups: {accepted or 'no edit'})",
            strange or returned,
        )
    ]


def revenue_code_not_preferred(seen: Seen) -> list[Condition]:
    """Accepted, where another is preferred."""
    fit, code = _fit(seen), seen.text("procedure_code")
    rows = seen.reference.table("revenue_code_fit").rows
    better = rows[(rows["fit"] == "preferred") & (rows["procedure_code"] == code)]
    better = better[(better["effective_from"] == "") | (better["effective_from"] <= seen.day())]
    better = better[(better["effective_to"] == "") | (better["effective_to"] >= seen.day())]
    named = ", ".join(sorted(set(better["revenue_code"])))
    return [
        Condition(f"the fit table says {fit or 'nothing'}; asked for: accepted", fit == "accepted"),
        Condition(
            f"others are preferred for {code} on {seen.day()}: {named or 'none'}", bool(named)
        ),
    ]


def episode_cost_centers_differ(seen: Seen) -> list[Condition]:
    """The CCTA before it stands under another group."""
    limit = seen.settings["lookback_days"]
    apart = seen.days[seen.at] - seen.days
    scans = has_code(seen.lines, CCTA) & institutional(seen.lines) & seen.alike("billing_npi")
    before = seen.others(scans & (apart >= 0))
    last = min((int(apart[place]) for place in before), default=-1)
    codes = {str(seen.lines["revenue_code"].iloc[p]) for p in before if apart[p] == last}
    own = seen.text("revenue_code")
    return [
        Condition(
            f"the same provider's last CCTA is at most {limit} days before: "
            f"{f'{last} days' if codes else 'none'}",
            bool(codes) and last <= limit,
        ),
        Condition(
            f"its revenue code stands in another group: {own} and {', '.join(sorted(codes))}",
            _whole(own) and any(_whole(one) and one[:3] != own[:3] for one in codes),
        ),
    ]
