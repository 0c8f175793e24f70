"""Diagnoses: given, valid on the date, and on the list of the coverage policy."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from auditor.claim_lines import Mask, among, blank, in_family
from auditor.contractors import jurisdiction_of
from auditor.diagnosis_codes import (
    corrected,
    is_well_formed,
    not_billable,
    on_list,
    unknown,
)
from auditor.reference import Reference
from auditor.rule import Outcome, lacking, one_of, rule


@rule(
    severity="denial",
    money="at_risk",
    scope=in_family,
    needs=["diagnosis_codes"],
    sources=["claims-processing-manual-ch26-10", "claims-processing-manual-ch25-75"],
    denial_codes=["CO-16", "M76"],
    message="{procedure_code} on {service_date} has no diagnosis.",
    remedy="Add the diagnosis from the order or the report, and point the line to it.",
)
def diagnosis_missing(lines: pd.DataFrame) -> Outcome:
    """A line without any diagnosis.

    A payer can't see why the study was done and returns or denies the line.
    """
    return Outcome(flagged=lines[in_family(lines) & blank(lines["diagnosis_codes"])])


@rule(
    severity="denial",
    money="at_risk",
    scope=in_family,
    needs_value=["diagnosis_codes"],
    sources=["icd10cm-2026-04"],
    denial_codes=["CO-146", "M76"],
    rests_on=["icd10cm"],
    message="Diagnosis {wrong} on {service_date}.",
    remedy="Take the diagnosis that the record supports from the codes valid on that date.",
)
def diagnosis_not_valid_on_date(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """A diagnosis that can't be billed on the date of service.

    Diagnosis codes change every first of October, and a code that was split may no longer be
    billed itself. A misread character makes a code that never was. Either way the line is denied.
    """
    cells = lines["diagnosis_codes"].cat
    by_cell = np.array([_misshapen_words(cell) for cell in cells.categories], dtype=object)
    said = by_cell[cells.codes.to_numpy()]
    misshapen = said != ""
    for (code, successors), mask in not_billable(lines, reference).items():
        instead = " or ".join(successors.split())
        words = f"{code} is not billable" + (f" (bill {instead})" if instead else "")
        said[mask] = [f"{before}, {words}" if before else words for before in said[mask]]
    for (code, successors), mask in not_billable(lines, reference, written_with_one=True).items():
        instead = " or ".join(successors.split())
        words = f"I: {code}, not billable either" + (f"; bill {instead}" if instead else "")
        said[mask] = [text.replace(f"I: {code})", f"{words})") for text in said[mask]]
    flagged = in_family(lines) & (said != "")
    stale = reference.stale("icd10cm", lines)
    return Outcome(
        flagged=lines[flagged].assign(wrong=said[flagged]),
        not_evaluated={
            ("reference_missing", "icd10cm"): unknown(lines, reference),
            ("reference_stale", "icd10cm"): stale,
        },
        stale=("icd10cm", stale & ~misshapen),
    )


def _misshapen_words(cell: str) -> str:
    """What is wrong with the codes of a cell that have no code's shape."""
    found = []
    for word in cell.split():
        if not is_well_formed(word):
            meant = corrected(word)
            hint = f" (digit one for letter I: {meant})" if is_well_formed(meant) else ""
            found.append(f"{word} is no diagnosis code{hint}")
    return ", ".join(found)


def _ccta_or_ffrct(lines: pd.DataFrame) -> Mask:
    """CCTA and FFR-CT lines."""
    return among(lines["service"], ["ccta", "ffrct"])


def _under_policy(lines: pd.DataFrame) -> Mask:
    """CCTA and FFR-CT lines for Medicare and Medicare Advantage."""
    return _ccta_or_ffrct(lines) & among(
        lines["payer_type"], ["medicare", "medicare_advantage", ""]
    )


@rule(
    severity="review",
    money="at_risk",
    scope=_under_policy,
    needs=["payer_type"],
    needs_value=["payer_type", "diagnosis_codes"],
    sources=["medicare-program-integrity-ch13"],
    denial_codes=["CO-50", "N115"],
    rests_on=["coverage_diagnoses", "coverage_policies", "mac_states", "icd10cm"],
    message="None of the diagnoses {diagnosis_codes} of {procedure_code} is on the {kind} "
    "{list_id}.",
    remedy="Read the policy of your contractor; if the record supports a listed diagnosis, a coder "
    "adds it.",
)
def diagnosis_not_covered(lines: pd.DataFrame, reference: Reference) -> Outcome:
    """No diagnosis of the line is on the policy's list.

    Medicare contractors list the diagnoses for which they cover CCTA and FFR-CT. A line without
    one of them is denied as not necessary. The shipped list is known to be incomplete: what it
    lacks is a note, no more.
    """
    lists, policies, complete, covered = _lists_of(lines, reference)
    scope = _under_policy(lines) & ~blank(lines["diagnosis_codes"])
    unlisted = blank(lists)
    flagged = lines[scope & ~covered & ~unlisted]
    whole = complete[flagged.index.to_numpy()]
    return Outcome(
        flagged=flagged.assign(
            list_id=lists[flagged.index].astype("str"),
            policy_id=policies[flagged.index.to_numpy()],
            kind=np.where(whole, "policy's list", "list at hand, which is not complete:"),
        ),
        severity=one_of(whole, "review", "note", flagged.index),
        money=one_of(whole, "at_risk", "none", flagged.index),
        not_evaluated={
            **lacking(lines, "service_state", unlisted),
            ("reference_missing", "coverage_policies"): unlisted,
        },
    )


def _lists_of(
    lines: pd.DataFrame, reference: Reference
) -> tuple["pd.Series[str]", npt.NDArray[np.object_], Mask, Mask]:
    """The list in force for each line's contractor and service, its policy, and if it is whole.

    And if it holds a diagnosis of the line, or another whole list of the contractor does. Where no
    list of the contractor is known, one that is known to be incomplete serves all; a whole list
    speaks for its own contractor only.
    """
    rows = reference.table("coverage_diagnoses").rows
    policies = reference.table("coverage_policies").rows
    lacking_some = frozenset(rows.loc[rows["complete"] != "yes", "list_id"])
    whole = frozenset(rows["list_id"]) - lacking_some
    # A contractor's own list bears the name of its policy.
    own = frozenset(policies["policy_id"])
    partial = next((name for name in rows["list_id"] if name in lacking_some - own), "")
    policies = policies[policies["diagnosis_list"].isin(whole)]
    served: dict[tuple[str, ...], list[str]] = {}
    columns = ["policy_id", "diagnosis_list", "service", "effective_from", "effective_to"]
    for *key, where in policies[[*columns, "jurisdiction"]].to_numpy():
        served.setdefault(tuple(key), []).append(where)
    jurisdiction = jurisdiction_of(lines, reference)
    chosen = np.zeros(len(lines), dtype=np.int16)
    covered = np.zeros(len(lines), dtype=bool)
    day = lines["service_date"]
    for number, ((_, list_id, services, start, end), where) in enumerate(served.items(), start=1):
        there = among(jurisdiction, where)
        there &= ((day >= (start or "1900-01-01")) & (day <= (end or "2200-01-01"))).to_numpy()
        for service in services.split():
            here = there & among(lines["service"], [service])
            if here.any():
                chosen[here] = number
                covered |= here & on_list(lines, reference, list_id, service)
    for service in ("ccta", "ffrct"):
        here = (chosen == 0) & among(lines["service"], [service])
        covered |= here & on_list(lines, reference, partial, service)
    of_number = pd.Categorical([partial, *(list_id for _, list_id, *_ in served)])
    lists = pd.Series(of_number.take(chosen), index=lines.index)
    by_policy = np.array(["", *(policy for policy, *_ in served)], dtype=object)[chosen]
    return lists, by_policy, among(lists, whole), covered
