"""What the rules about diagnoses ask."""

from auditor.conditions.seen import Condition, Seen
from auditor.contractors import jurisdiction_of
from auditor.diagnosis_codes import corrected, is_well_formed, not_billable, on_list


def diagnosis_missing(seen: Seen) -> list[Condition]:
    """Blank."""
    return [seen.has_no_text("diagnosis_codes")]


def diagnosis_not_valid_on_date(seen: Seen) -> list[Condition]:
    """One that has no code's shape, or that can't be billed on the date."""
    ended = {
        code
        for (code, _), mask in not_billable(seen.lines, seen.reference).items()
        if seen.true_of(mask)
    }
    said, wrong = [], False
    for code in seen.words("diagnosis_codes"):
        if not is_well_formed(code):
            said.append(f"{code} has no code's shape")
        elif code in ended:
            said.append(f"{code} is not billable on {seen.day()}")
        else:
            said.append(f"{code} is not known as wrong")
            continue
        wrong = True
    shown = ", ".join(said) or "none"
    return [Condition(f"a diagnosis is misshapen or not billable on the date: {shown}", wrong)]


def diagnosis_not_covered(seen: Seen) -> list[Condition]:
    """None on the list that is in force for the contractor."""
    service = seen.text("service")
    jurisdiction = str(jurisdiction_of(seen.lines, seen.reference).iloc[seen.at])
    chosen, whole = _lists_of(seen, jurisdiction, service)
    listed = any(
        seen.true_of(on_list(seen.lines, seen.reference, name, service)) for name in chosen
    )
    read = " ".join(corrected(word) for word in seen.words("diagnosis_codes"))
    complete = "complete" if whole else "not complete"
    return [
        seen.has_text("diagnosis_codes"),
        Condition(
            f"a list serves its contractor ({jurisdiction or 'unknown'}): "
            f"{', '.join(chosen) or 'none'}, {complete}",
            bool(chosen),
        ),
        Condition(f"none of its diagnoses is on that list on {seen.day()}: {read}", not listed),
    ]


def _lists_of(seen: Seen, jurisdiction: str, service: str) -> tuple[list[str], bool]:
    """The contractor's own complete lists in force, else one that is known to be incomplete."""
    rows = seen.reference.table("coverage_diagnoses").rows
    policies = seen.reference.table("coverage_policies").rows.to_dict("records")
    lacking = set(rows.loc[rows["complete"] != "yes", "list_id"])
    own = {str(row["policy_id"]) for row in policies if row["policy_id"] == row["diagnosis_list"]}
    partial = [name for name in rows["list_id"] if name in lacking - own]
    chosen = []
    for row in policies:
        here = row["jurisdiction"] == jurisdiction and service in str(row["service"]).split()
        begun = str(row["effective_from"]) <= seen.day()
        lasts = seen.day() <= (str(row["effective_to"]) or "9999-12-31")
        held = row["diagnosis_list"] in set(rows["list_id"]) - lacking
        if here and begun and lasts and held:
            chosen.append(str(row["diagnosis_list"]))
    return chosen or partial[:1], bool(chosen)
