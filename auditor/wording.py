"""Words of findings: a rule's sentence with each line's evidence in it, and its sources.

Texts of all lines are joined as whole columns; a sentence is never made line by line.
"""

import string
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from auditor.calendar_days import iso_texts
from auditor.claim_lines import coded
from auditor.contradictions import doubts
from auditor.judging import Judgement
from auditor.reference import Reference
from auditor.rule import Rule

Texts = Any  # a pyarrow StringArray, whose methods its type stubs don't know

_NOTHING = "(blank)"


def messages(hits: Sequence[Judgement], reference: Reference, basis: "pd.Series[str]") -> Texts:
    """What each finding says of its line, and where it is uncertain.

    ``basis`` is what each one's amount rests on, in the order of the judgements.
    """
    found, before = [], 0
    for one in hits:
        own_basis = basis.iloc[before : before + len(one.flagged)]
        before += len(one.flagged)
        unsure = doubts(one.rule, one.flagged, reference, own_basis.set_axis(one.flagged.index))
        said = filled(one.rule.message, one.rule, one.flagged)
        found.append(_joined(said, _late(one), _of(unsure)))
    return one_below_another(found)


def remedies(hits: Sequence[Judgement]) -> Texts:
    """What to do about each finding."""
    return one_below_another([filled(one.rule.remedy, one.rule, one.flagged) for one in hits])


def sources(hits: Sequence[Judgement]) -> Texts:
    """The sources of each finding: those of its rule, then of the row of a table that it cites."""
    found = []
    for one in hits:
        assert one.verdicts
        cited = one.verdicts.cited
        joined = [
            " ".join(dict.fromkeys([*one.rule.sources, *words.split()]))
            for words in cited.categories
        ]
        found.append(_taken(pa.array(joined, type=pa.string()), cited.codes))
    return one_below_another(found)


def filled(template: str, rule: Rule, flagged: pd.DataFrame) -> Texts:
    """The template with each line's evidence in it, or the rule's setting of that name."""
    pieces: list[Any] = []
    for literal, name, _, _ in string.Formatter().parse(template):
        pieces.append(literal)
        if name:
            pieces.append(printed(flagged[name]) if name in flagged else str(rule.settings[name]))
    if all(isinstance(piece, str) for piece in pieces):
        return pa.repeat(pa.scalar("".join(pieces)), len(flagged))
    return _joined(*pieces)


def printed(column: "pd.Series[Any]") -> Texts:
    """Evidence as people read it, ``(blank)`` for what is not there."""
    if pd.api.types.is_datetime64_any_dtype(column.dtype):
        return iso_texts(column)
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes, words = coded(column)
        return _taken(pa.array(words, type=pa.string()), codes)
    if pd.api.types.is_float_dtype(column.dtype):
        numbers, place = np.unique(column.to_numpy(), return_inverse=True)
        return _taken(pa.array([f"{number:g}" for number in numbers], type=pa.string()), place)
    if isinstance(column.dtype, pd.StringDtype):
        return _of(column)
    return pa.array([str(cell) for cell in column.to_numpy(dtype=object)], type=pa.string())


def one_below_another(parts: Sequence[Texts]) -> Texts:
    """Texts of several judgements as one column, however long they are together."""
    return pa.concat_arrays([part.cast(pa.large_string()) for part in parts])


def _late(one: Judgement) -> Texts:
    """Says of each finding where the edition that answered does not reach its date."""
    assert one.verdicts
    edition = one.verdicts.stale_edition
    late = edition != ""
    if not late.any():
        return ""
    said = np.where(late, " The table at hand (" + edition + ") does not reach this date.", "")
    return pa.array(said, type=pa.string())


def _joined(*pieces: Texts) -> Texts:
    """Texts and columns of texts one behind the other."""
    return pc.binary_join_element_wise(*pieces, "")


def _of(column: "pd.Series[str]") -> Texts:
    cells: Any = pa.array(column, type=pa.string())
    whole = cells.combine_chunks() if isinstance(cells, pa.ChunkedArray) else cells
    return whole.fill_null(_NOTHING)


def _taken(words: Texts, codes: npt.NDArray[Any]) -> Texts:
    return words.take(pa.array(codes, mask=codes < 0)).fill_null(_NOTHING)
