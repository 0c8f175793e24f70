"""What a rule may ask of claim lines: their type, family, component, modifiers, adjustments.

Every function takes whole claim lines and returns one value a line. Text columns are categorical,
so a question is answered once for each distinct value.
"""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.caching import computed_often
from auditor.reference import Reference

Mask = npt.NDArray[np.bool_]

_FEW, _SHORT = 8, 1000

CCTA = ("75574",)
# 0502T and 0504T are parts of the study that 0503T stands for.
FFRCT_STUDY = ("75580", "0501T", "0503T")
PLAQUE_ANALYSIS = ("75577", "0623T", "0624T", "0625T", "0626T")
SEPARATE_SERVICE = frozenset({"76", "77", "59", "XE", "XP", "XS", "XU"})

# Contractual reduction, that for the scanner (modifier CT), sequestration and the patient's own
# share leave a line paid, not denied.
_NOT_A_DENIAL = frozenset({"1", "2", "3", "45", "237", "253"})


def coded(column: "pd.Series[str]") -> tuple[npt.NDArray[np.integer[Any]], "pd.Index[str]"]:
    """A text column as the code of each line, and the distinct words the codes stand for."""
    cells: Any = column.array
    return cells.codes, cells.categories


def same_word(word: str, lines: int) -> Any:
    """A text column that holds one word."""
    return pd.Categorical.from_codes(np.zeros(lines, dtype=np.int8), dtype=_only(word))


@lru_cache(maxsize=1024)
def _only(word: str) -> pd.CategoricalDtype:
    return pd.CategoricalDtype(pd.Index([word], dtype="str"))


def spread(answers: Mask, codes: npt.NDArray[np.integer[Any]]) -> Mask:
    """The answer of each line, given one a code.

    Comparing narrow codes with the few that stand out is many times faster than a look-up.
    """
    yes = np.flatnonzero(answers)
    no = np.flatnonzero(~answers)
    few = yes if len(yes) <= len(no) else no
    if len(few) > _FEW:
        return answers.take(codes)
    stands_out = np.zeros(len(codes), dtype=bool)
    for code in few.tolist():  # a number of numpy's own would widen all codes to its type
        stands_out |= codes == code
    return stands_out if few is yes else ~stands_out


def each_word(column: "pd.Series[str]", question: Callable[[str], bool]) -> Mask:
    """The answer to a question about text, asked once for each distinct cell."""
    codes, distinct = coded(column)
    if len(distinct) > len(codes):
        codes, present = pd.factorize(codes)
        distinct = distinct[present]
    words = _listed(distinct) if len(distinct) <= _SHORT else distinct.tolist()
    answers = np.fromiter(map(question, words), dtype=bool, count=len(words))
    return spread(answers, codes)


def among(column: "pd.Series[str]", words: Iterable[str]) -> Mask:
    """Cells that are one of some words."""
    codes, distinct = coded(column)
    wanted = frozenset(words)
    if len(distinct) > _SHORT:
        cells = pa.array(distinct, type=pa.string())
        found = pc.is_in(cells, value_set=pa.array(list(wanted), type=pa.string()))
        return spread(found.to_numpy(zero_copy_only=False), codes)
    answers = np.fromiter(map(wanted.__contains__, _listed(distinct)), bool, len(distinct))
    return spread(answers, codes)


@computed_often
def _listed(words: "pd.Index[str]") -> list[str]:
    return words.tolist()


def blank(column: "pd.Series[str]") -> Mask:
    """Cells that hold nothing."""
    return among(column, [""])


def has_modifier(lines: pd.DataFrame, modifiers: Iterable[str]) -> Mask:
    """Lines that carry at least one of some modifiers."""
    wanted = frozenset(modifiers)
    return each_word(lines["modifiers"], lambda cell: not wanted.isdisjoint(cell.split()))


def taken_back(lines: pd.DataFrame) -> Mask:
    """Lines with negative units or a negative charge."""
    negative = (lines["units"] < 0) | (lines["charge_cents"] < 0).fillna(value=False)
    return negative.to_numpy(dtype=bool)


def professional(lines: pd.DataFrame) -> Mask:
    """Lines of professional claims (837P, CMS-1500)."""
    return among(lines["claim_type"], ["professional"])


def institutional(lines: pd.DataFrame) -> Mask:
    """Lines of institutional claims (837I, UB-04)."""
    return among(lines["claim_type"], ["institutional"])


def medicare(lines: pd.DataFrame) -> Mask:
    """Lines that traditional Medicare adjudicates."""
    return among(lines["payer_type"], ["medicare"])


def any_line(lines: pd.DataFrame) -> Mask:
    """Every line."""
    return np.ones(len(lines), dtype=bool)


def in_family(lines: pd.DataFrame) -> Mask:
    """Lines of the cardiac CT family."""
    return among(lines["role"], ["family"])


def imaging(lines: pd.DataFrame) -> Mask:
    """Lines of the cardiac CT family, and 3D rendering."""
    return among(lines["role"], ["family", "three_d"])


def with_two_components(lines: pd.DataFrame) -> Mask:
    """Imaging lines whose code splits into 26 and TC (PC/TC indicator 1)."""
    return imaging(lines) & among(lines["pctc_indicator"], ["1"])


def is_component(lines: pd.DataFrame, component: str) -> Mask:
    """Lines of a splitting code that are its professional, technical or global component."""
    return with_two_components(lines) & among(lines["component"], [component])


def _may_be_component(lines: pd.DataFrame, component: str) -> Mask:
    """The same, and lines of which nobody can tell what they are."""
    return with_two_components(lines) & among(lines["component"], [component, ""])


def technical_lines(lines: pd.DataFrame) -> Mask:
    """Scans: hospital lines, and professional lines with TC."""
    return _may_be_component(lines, "technical")


def professional_lines(lines: pd.DataFrame) -> Mask:
    """Readings: lines with 26."""
    return _may_be_component(lines, "professional")


def global_lines(lines: pd.DataFrame) -> Mask:
    """Professional lines without 26 or TC: the whole study."""
    return _may_be_component(lines, "global")


def has_code(lines: pd.DataFrame, codes: Iterable[str]) -> Mask:
    """Lines with one of some procedure codes."""
    return among(lines["procedure_code"], codes)


def ffrct_lines(lines: pd.DataFrame) -> Mask:
    """FFR-CT lines."""
    return has_code(lines, FFRCT_STUDY)


def critical_access(lines: pd.DataFrame) -> Mask:
    """Hospital lines of bill type 85X, a critical access hospital."""
    return each_word(lines["bill_type"], lambda word: word.startswith("085"))


def named_payer(lines: pd.DataFrame, unnamed: str = "the payer") -> list[str]:
    """The payer of each line by its name; an export may tell the payer's type alone."""
    return [name or unnamed for name in lines["payer"].astype("str")]


def _professional_fee(code: str) -> bool:
    return code[:3] in ("096", "097", "098")


def derived(lines: pd.DataFrame, reference: Reference) -> pd.DataFrame:
    """Claim lines with what every rule asks for: the code's role, the component, denied or not."""
    code = reference.of_key("procedure_codes", lines, on=["procedure_code"])
    return lines.assign(
        role=code["role"],
        service=code["service"],
        pctc_indicator=code["pctc_indicator"],
        component=_component(lines),
        denied=_denied(lines),
    )


def _component(lines: pd.DataFrame) -> pd.Categorical:
    reading, technical = has_modifier(lines, ["26"]), has_modifier(lines, ["TC"])
    on_professional, on_institutional = professional(lines), institutional(lines)
    # Method II: a critical access hospital bills the physician's fee on its own claim.
    fee = critical_access(lines) & (each_word(lines["revenue_code"], _professional_fee) | reading)
    told = each_word(lines["columns_given"], lambda given: "modifiers" in given.split())
    codes = np.full(len(lines), 4, dtype=np.int8)
    codes[on_professional & told] = 3
    codes[on_professional & technical | on_institutional] = 2
    codes[on_professional & reading | on_institutional & fee] = 1
    codes[reading & technical] = 0
    return pd.Categorical.from_codes(
        codes, categories=pd.Index(["both", "professional", "technical", "global", ""], dtype="str")
    )


def is_denial(cell: str) -> bool:
    """Whether the adjustment codes of a line say that it was denied."""
    return any(code.rpartition("-")[2] not in _NOT_A_DENIAL for code in cell.split())


def _denied(lines: pd.DataFrame) -> Mask:
    unpaid = lines["paid_cents"].eq(0).fillna(value=False).to_numpy(dtype=bool)
    return unpaid & each_word(lines["adjustment_codes"], is_denial)
