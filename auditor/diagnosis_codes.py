"""Diagnosis codes of claim lines: their shape, their validity on a date, their lists."""

import re
from collections.abc import Callable

import numpy as np
import pandas as pd

from auditor.claim_lines import Mask, each_word
from auditor.reference import Reference, day_numbers

# Letter, digit, digit or letter, then up to four characters behind a dot.
_SHAPE = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")
# Chapter I00-I99 written with a digit one.
_ONE_FOR_I = re.compile(r"1([0-9][0-9](\.[0-9A-Z]{1,4})?)")


def is_well_formed(code: str) -> bool:
    """Whether a code has the shape of ICD-10-CM."""
    return _SHAPE.fullmatch(code) is not None


def corrected(code: str) -> str:
    """The code with the letter I where a digit one stands for it; other codes as they are."""
    found = _ONE_FOR_I.fullmatch(code)
    return f"I{found[1]}" if found else code


def words_of(lines: pd.DataFrame) -> list[str]:
    """Every diagnosis that occurs on some line, once, as written."""
    cells = lines["diagnosis_codes"].cat.categories
    return sorted({word for cell in cells for word in cell.split()})


def carries(lines: pd.DataFrame, word: str) -> Mask:
    """Lines that point to a diagnosis, as written."""
    return each_word(lines["diagnosis_codes"], lambda cell: word in cell.split())


def not_billable(
    lines: pd.DataFrame, reference: Reference, *, written_with_one: bool = False
) -> dict[tuple[str, str], Mask]:
    """The lines that carry a code on dates on which it is known as not billable.

    By the code and its successors, as text; editions and years may name others.
    ``written_with_one`` asks for lines that carry the code with a digit one for its letter I.
    """
    rows = reference.table("icd10cm").rows
    written = "1" + rows["icd10"].str[1:] if written_with_one else rows["icd10"]
    rows = rows.assign(written=written)
    rows = rows[(rows["billable"] == "no") & written.isin(words_of(lines))]
    day = lines["service_date"]
    found: dict[tuple[str, str], Mask] = {}
    for row in rows.to_dict("records"):
        start = pd.Timestamp(str(row["effective_from"]) or "1900-01-01")
        end = pd.Timestamp(str(row["effective_to"]) or "2200-01-01")
        mask = carries(lines, str(row["written"])) & ((day >= start) & (day <= end)).to_numpy()
        if mask.any():
            key = str(row["icd10"]), str(row["successors"])
            found[key] = found.get(key, False) | mask
    if not written_with_one and reference.whole_settings("icd10cm"):
        for word, mask in _absent(lines, reference).items():
            successors = next((named for code, named in found if code == word), "")
            found[word, successors] = found.get((word, successors), False) | mask
    return found


def _absent(lines: pd.DataFrame, reference: Reference) -> dict[str, Mask]:
    """Codes that a complete edition lacks on the date of service of some lines, and those lines."""
    whole = reference.complete("icd10cm", lines)
    days = day_numbers(lines["service_date"])
    if not whole.any():
        return {}
    first, last = int(days[whole].min()), int(days[whole].max())
    table = reference.table("icd10cm")
    spans: dict[str, list[tuple[int, int]]] = {}
    for code, start, end in zip(
        table.rows["icd10"], table.first_days, table.last_days, strict=True
    ):
        spans.setdefault(code, []).append((int(start), int(end)))
    found: dict[str, Mask] = {}
    for word in filter(is_well_formed, words_of(lines)):
        held = spans.get(word, [])
        if any(start <= first and last <= end for start, end in held):
            continue
        mask = carries(lines, word) & whole
        for start, end in held:
            mask &= ~((days >= start) & (days <= end))
        if mask.any():
            found[word] = mask
    return found


def unknown(lines: pd.DataFrame, reference: Reference) -> Mask:
    """Lines with a well-formed diagnosis that the table doesn't hold."""
    known = reference.words("icd10cm", "icd10")
    return each_word(
        lines["diagnosis_codes"],
        lambda cell: any(is_well_formed(w) and w not in known for w in cell.split()),
    )


def on_list(lines: pd.DataFrame, reference: Reference, list_id: str, service: str) -> Mask:
    """Lines with a diagnosis (corrected) that a list holds for a service on the date."""
    table = reference.table("coverage_diagnoses")
    days = day_numbers(lines["service_date"])
    first, last = (days.min(), days.max()) if len(days) else (0, 0)
    here = table.rows["list_id"].to_numpy(dtype=object) == list_id
    here &= (table.first_days <= last) & (table.last_days >= first)
    rows = table.rows[here]
    codes: dict[tuple[int, int], set[str]] = {}
    for start, end, words, code in zip(
        table.first_days[here].tolist(),
        table.last_days[here].tolist(),
        rows["service"].tolist(),
        rows["icd10"].tolist(),
        strict=True,
    ):
        if service in words.split():
            codes.setdefault((start, end), set()).add(code)
    listed = np.zeros(len(lines), dtype=bool)
    for (start, end), group in codes.items():
        holds = each_word(lines["diagnosis_codes"], _holder(frozenset(group)))
        listed |= holds & (days >= start) & (days <= end)
    return listed


def _holder(codes: frozenset[str]) -> Callable[[str], bool]:
    return lambda cell: not codes.isdisjoint(map(corrected, cell.split()))
