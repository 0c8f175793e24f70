"""Decides claim type, payer type and frequency where an export leaves them to be inferred."""

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, among, blank, has_modifier
from auditor.ingest.values import without_record_number
from auditor.matching import group_key, numbered
from auditor.reference import Reference

_COMMERCIAL_BRANDS = frozenset(
    [
        "AETNA",
        "ANTHEM",
        "BCBS",
        "BLUE",
        "CIGNA",
        "DEVOTED",
        "ELEVANCE",
        "HUMANA",
        "KAISER",
        "MOLINA",
        "OSCAR",
        "SCAN",
        "UHC",
        "UNITED",
        "UNITEDHEALTHCARE",
        "WELLCARE",
        "CENTENE",
        "CLOVER",
        "HEALTHFIRST",
        "CARESOURCE",
        "AMBETTER",
        "WELLPOINT",
    ]
)


def with_types(lines: pd.DataFrame, payers: Mapping[str, str]) -> pd.DataFrame:
    """Claim lines with claim_type, payer_type and claim_frequency filled where they can be.

    ``payers`` maps payer names, as exported, to payer types; case doesn't matter.
    """
    return lines.assign(
        claim_type=_claim_type(lines),
        payer_type=_payer_type(lines, payers),
        claim_frequency=_claim_frequency(lines),
    )


def known_payers(reference: Reference) -> dict[str, str]:
    """The payer types that the user's own map holds, where one was imported."""
    if "payers" not in reference.tables:
        return {}
    rows = reference.table("payers").rows
    return dict(zip(rows["payer"], rows["payer_type"], strict=True))


def _claim_type(lines: pd.DataFrame) -> pd.Categorical:
    """From the column; else by what any line of the claim shows, the surest sign first."""
    placed = ~blank(lines["place_of_service"])
    component = has_modifier(lines, ["26", "TC"])
    signs: list[tuple[Mask, str]] = [
        (among(lines["claim_type"], ["institutional"]), "institutional"),
        (among(lines["claim_type"], ["professional"]), "professional"),
        (~blank(lines["bill_type"]), "institutional"),
        (component & placed, "professional"),
        (~blank(lines["revenue_code"]), "institutional"),
        (placed, "professional"),
    ]
    words = ["", "institutional", "professional"]
    decided = np.zeros(len(lines), dtype=np.int8)
    if not (signs[0][0] | signs[1][0]).all():
        claim = group_key(lines, ["claim_id", "patient_id"])
        claim = numbered(claim)
        for sign, word in reversed(signs):
            shown = np.bincount(claim, weights=sign, minlength=1) > 0
            decided[shown[claim]] = words.index(word)
    # Where the column speaks for a line itself, nothing else is asked.
    decided[signs[0][0]] = 1
    decided[signs[1][0]] = 2
    return pd.Categorical.from_codes(decided, categories=pd.Index(words, dtype="str"))


def claims_of_both_kinds(lines: pd.DataFrame) -> int:
    """Claims of which some lines look like a hospital's and others like a physician's.

    No claim is both: their number is rather an account's. Claims whose type the export names are
    not asked.
    """
    asked = blank(lines["claim_type"])
    coded = ~blank(lines["bill_type"]) | ~blank(lines["revenue_code"])
    component = has_modifier(lines, ["26", "TC"]) & ~blank(lines["place_of_service"])
    hospital, physician = asked & coded & ~component, asked & component & ~coded
    if not hospital.any() or not physician.any():
        return 0
    claim = numbered(group_key(lines, ["claim_id", "patient_id"]))
    return len(np.intersect1d(claim[hospital], claim[physician]))


def payer_type_of(name: str) -> str:
    """The payer type that a payer's name shows, by whole words."""
    words = re.findall(r"[A-Z0-9]+", without_record_number(name).upper())
    if not words:
        return ""
    text = " " + " ".join(words) + " "
    if any(word.startswith("SUPPLEMENT") for word in words):
        return "commercial"
    if "MEDICARE" in words:
        advantage = " ADVANTAGE " in text or " MA " in text or " PART C " in text
        if advantage or not _COMMERCIAL_BRANDS.isdisjoint(words):
            return "medicare_advantage"
        # The contractor's name often stands behind the part.
        part = re.search(" PARTS? [AB] ", text)
        rest = [word for word in words if word not in ("A", "B", "AND", "PART")]
        if rest == ["MEDICARE"] or (part and "NON" not in words):
            return "medicare"
    if "MEDICAID" in words:
        return "medicaid"
    return "other"


def _payer_type(lines: pd.DataFrame, payers: Mapping[str, str]) -> pd.Categorical:
    # Names were read with single blanks, whatever the export has.
    known = {" ".join(name.split()).upper(): kind for name, kind in payers.items()}
    types = ["", "medicare", "medicare_advantage", "medicaid", "commercial", "other"]
    names = lines["payer"].cat.categories
    by_name = np.array(
        [types.index(known.get(name.strip().upper()) or payer_type_of(name)) for name in names],
        dtype=np.int8,
    )
    inferred = by_name[lines["payer"].cat.codes.to_numpy()]
    given = np.array(
        [types.index(word) if word in types else 0 for word in lines["payer_type"].cat.categories],
        dtype=np.int8,
    )[lines["payer_type"].cat.codes.to_numpy()]
    return pd.Categorical.from_codes(
        np.where(given > 0, given, inferred), categories=pd.Index(types, dtype="str")
    )


def _claim_frequency(lines: pd.DataFrame) -> pd.Categorical:
    """Its own column, else the last character of a bill type that has one (0131 is 1)."""
    from_bill_type = [
        word[3] if len(word) == 4 else "" for word in lines["bill_type"].cat.categories
    ]
    own = list(lines["claim_frequency"].cat.categories)
    words = sorted({"", *own, *from_bill_type})
    position = {word: code for code, word in enumerate(words)}
    own_codes = np.array([position[word] for word in own], dtype=np.int16)
    bill_codes = np.array([position[word] for word in from_bill_type], dtype=np.int16)
    given = own_codes[lines["claim_frequency"].cat.codes.to_numpy()]
    inferred = bill_codes[lines["bill_type"].cat.codes.to_numpy()]
    return pd.Categorical.from_codes(
        np.where(given != position[""], given, inferred), categories=pd.Index(words, dtype="str")
    )
