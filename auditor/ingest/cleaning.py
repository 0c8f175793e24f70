"""Cells of one schema column, cleaned: values of its kind, and what was repaired on the way."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from auditor.ingest import codes, dates, numbers, values
from auditor.ingest.cells import Cells, Mask, Places, Runs, Texts, lines_of_code, string_array
from auditor.ingest.values import NO_VALUE, Read, Value, is_rounded, shape

# What a text column's cells are read with; all others hold numbers that name something.
_READERS: dict[str, Read] = {
    "claim_type": values.claim_type,
    "bill_type": codes.bill_type,
    "claim_frequency": values.claim_frequency,
    "revenue_code": codes.revenue,
    "place_of_service": values.place_of_service,
    "rendering_npi": values.npi,
    "billing_npi": values.npi,
    "referring_npi": values.npi,
    "facility_npi": values.npi,
    "department": values.name,
    "payer": values.name,
    "payer_type": values.payer_type,
    "service_state": values.state,
    "service_zip": values.zip_code,
}
# Such identifiers, and such amounts, need no reading: most of a column's distinct texts.
_PLAIN_IDENTIFIER = "^[0-9A-Za-z][0-9A-Za-z_/#-]*$"
_PLAIN_AMOUNT = r"^[0-9]{1,10}(\.[0-9]{1,2})?$"
_MANY = 4096
# What says that there is no number: words, and the zeros of a blank field of numbers.
_NO_NUMBER = string_array(sorted(NO_VALUE | {"0" * count for count in range(1, 31)}))
# Lines are put together by these two: of rounded numbers many would be one.
_PUT_TOGETHER_BY = frozenset({"claim_id", "patient_id"})
_ROUNDED = "was rounded by a spreadsheet, so that others look the same; export it as text"


@dataclass(frozen=True)
class Cleaned:
    """A column's cells and what each distinct text says.

    ``values`` is, by kind: text an Arrow string array, date datetime64[s], number float64, cents
    and integer int64 with ``missing`` beside it. ``repairs`` and ``faults`` hold plain words by
    the code of the text.
    """

    cells: Cells
    values: Any
    missing: Mask = field(default_factory=lambda: np.empty(0, dtype=np.bool_))
    repairs: Mapping[int, str] = field(default_factory=dict)
    faults: Mapping[int, str] = field(default_factory=dict)

    def of(self, lines: Runs) -> "Cleaned":
        """The same for some of the lines."""
        return replace(self, cells=self.cells.of(lines))


@dataclass(frozen=True)
class Repair:
    """So many cells of a column were repaired in one way; ``example_shape`` is one's shape."""

    column: str
    repair: str
    cells: int
    example_shape: str


def clean_text(column: str, cells: Cells) -> Cleaned:
    """Cells of a text column that holds one thing a cell."""
    read = _READERS.get(column, values.identifier)
    if read is not values.identifier:
        return clean_values(cells, [read(text) for text in cells.texts.to_pylist()])
    plain = _plain_identifiers(cells.texts)
    words: Any = pc.is_in(cells.texts, value_set=_NO_NUMBER)
    nothing: Any = pc.equal(cells.texts, pa.scalar(""))
    unread: Any = pc.invert(pc.or_(nothing, pc.and_not(plain, words)))
    places = np.flatnonzero(unread.to_numpy(zero_copy_only=False))
    if not len(places):
        return Cleaned(cells, cells.texts)
    read_values = [read(text) for text in cells.texts.take(pa.array(places)).to_pylist()]
    replacements = string_array([value.value for value in read_values])
    texts = pc.replace_with_mask(cells.texts, unread, replacements)
    repairs = said(places, (value.repair for value in read_values))
    faults = {}
    if column in _PUT_TOGETHER_BY:
        written = zip(places, read_values, strict=True)
        faults = {int(place): _ROUNDED for place, value in written if is_rounded(value.value)}
    return Cleaned(cells, texts, repairs=repairs, faults=faults)


def _plain_identifiers(texts: Texts) -> Any:
    """Which texts need no reading; letters and digits alone are told six times as fast."""
    plain: Any = pc.ascii_is_alnum(texts)
    others: Any = pc.invert(plain)
    told = pc.match_substring_regex(texts.filter(others), _PLAIN_IDENTIFIER)
    return pc.replace_with_mask(plain, others, told)


def clean_procedures(cells: Cells) -> tuple[Cleaned, Cells | None]:
    """Cells of procedure codes, and as cells of their own the modifiers that some hold."""
    read_values = [codes.procedure(text) for text in cells.texts.to_pylist()]
    cleaned = clean_values(cells, [value._replace(value=value.value[0]) for value in read_values])
    modifiers = [" ".join(value.value[1]) for value in read_values]
    if not any(modifiers):
        return cleaned, None
    beside: Any = string_array(modifiers).dictionary_encode()
    return cleaned, Cells(beside.indices.to_numpy()[cells.codes], beside.dictionary)


def clean_values(cells: Cells, read_values: Sequence[Value]) -> Cleaned:
    """Text cells and the value that was read for each distinct one."""
    everywhere = range(len(read_values))
    return Cleaned(
        cells,
        string_array([value.value for value in read_values]),
        repairs=said(everywhere, (value.repair for value in read_values)),
        faults=said(everywhere, (value.fault for value in read_values)),
    )


def said(places: Iterable[int], words: Iterable[str]) -> dict[int, str]:
    """The words that are not blank, by their place."""
    return {int(place): word for place, word in zip(places, words, strict=True) if word}


def days_of(cells: Cells) -> Cells:
    """Cells of a date column; of very many time stamps, only the days are left."""
    if len(cells.texts) <= _MANY:
        return cells
    days = pc.replace_substring_regex(cells.texts, dates.TIME_OF_DAY, "").dictionary_encode()
    return Cells(days.indices.to_numpy()[cells.codes], days.dictionary)


def clean_dates(
    cells: Cells, *, day_first: bool, required: bool = False, last_of_span: bool = False
) -> Cleaned:
    """Cells of a date column; what can't be read is missing, or a fault in a required column."""
    reader = dates.day if required else dates.optional_day
    read_values = [
        reader(text, day_first=day_first, last_of_span=last_of_span)
        for text in cells.texts.to_pylist()
    ]
    found = np.array([value.value for value in read_values], dtype="datetime64[D]")
    everywhere = range(len(read_values))
    return Cleaned(
        cells,
        found.astype("datetime64[s]"),
        repairs=said(everywhere, (value.repair for value in read_values)),
        faults=said(everywhere, (value.fault for value in read_values)),
    )


def clean_numbers(kind: str, cells: Cells, *, decimal_comma: bool = False) -> Cleaned:
    """Cells of a column of cents, integers or other numbers; what can't be read is missing."""
    comma = kind != "integer" and decimal_comma
    plain = np.zeros(len(cells.texts), dtype=np.bool_)
    if kind != "integer" and not comma:
        matches: Any = pc.match_substring_regex(cells.texts, _PLAIN_AMOUNT)
        plain = matches.to_numpy(zero_copy_only=False)
    found = np.zeros(len(cells.texts), dtype=np.float64 if kind == "number" else np.int64)
    amounts = pc.cast(cells.texts.filter(pa.array(plain)), pa.float64()).to_numpy()
    found[plain] = amounts if kind == "number" else np.rint(amounts * 100)
    places = np.flatnonzero(~plain)
    read = _number_reader(kind, decimal_comma=comma)
    read_values = [read(text) for text in cells.texts.take(pa.array(places)).to_pylist()]
    found[places] = [value.value or 0 for value in read_values]
    missing = np.zeros(len(found), dtype=np.bool_)
    missing[places] = [value.value is None for value in read_values]
    repairs = said(places, (value.repair for value in read_values))
    return Cleaned(cells, found, missing, repairs)


def _number_reader(kind: str, *, decimal_comma: bool) -> Callable[[str], Value]:
    if kind == "integer":
        return numbers.integer
    reader = numbers.cents if kind == "cents" else numbers.number
    return lambda text: reader(text, decimal_comma=decimal_comma)


def repairs_of(column: str, cells: Cells, repairs: Mapping[int, str]) -> list[Repair]:
    """What was repaired in the cells of a column, counted by kind; ``repairs`` is by code."""
    if not repairs:
        return []
    lines = lines_of_code(cells.codes, len(cells.texts))
    counted: dict[str, tuple[int, int]] = {}
    for code, repair in repairs.items():
        if lines[code]:
            count, first = counted.get(repair, (0, code))
            counted[repair] = (count + int(lines[code]), first)
    return [
        Repair(column, repair, count, shape(cells.texts[code].as_py()))
        for repair, (count, code) in counted.items()
    ]


def repair_of_lines(column: str, repair: str, cells: Cells, lines: Places) -> list[Repair]:
    """A repair that some lines took, whatever their cells hold."""
    if not len(lines):
        return []
    example = cells.texts[int(cells.codes[lines[0]])].as_py()
    return [Repair(column, repair, len(lines), shape(example))]
