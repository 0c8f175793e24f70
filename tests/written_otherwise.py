"""The same claim lines in other kinds of files, and as other systems write them."""

import gzip
import zipfile
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import xlsxwriter

from tests.whole_runs import HEADERS

DAYS = (
    "service_date",
    "service_date_to",
    "statement_from",
    "statement_through",
    "received_date",
    "remit_date",
)
MONEY = ("charge_cents", "allowed_cents", "paid_cents", "patient_responsibility_cents")
NO_SYNONYM = frozenset({"26/TC", "TC/26", "PC/TC", "Component", "Component Modifier"})
"""Headers of modifiers that are taken only where all cells are 26 or TC."""

# The same cells in files of other kinds.


def text_file(separator: str, **options: object) -> Callable[[pd.DataFrame, Path], Path]:
    def write(lines: pd.DataFrame, folder: Path) -> Path:
        lines.to_csv(folder / "lines.txt", sep=separator, index=False, **options)
        return folder / "lines.txt"

    return write


def as_gzip(lines: pd.DataFrame, folder: Path) -> Path:
    path = folder / "lines.csv.gz"
    path.write_bytes(gzip.compress(lines.to_csv(index=False).encode()))
    return path


def as_zip(lines: pd.DataFrame, folder: Path) -> Path:
    with zipfile.ZipFile(folder / "lines.zip", "w") as archive:
        archive.writestr("lines.csv", lines.to_csv(index=False))
    return folder / "lines.zip"


def as_workbook(lines: pd.DataFrame, folder: Path, *, typed: bool = False) -> Path:
    """Cells of text, or days and numbers as a spreadsheet makes them of text: 0489 becomes 489."""
    path = folder / "lines.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet, day = book.add_worksheet(), book.add_format({"num_format": "mm/dd/yyyy"})
        for place, name in enumerate(lines.columns):
            sheet.write_string(0, place, name)
            days = name in {HEADERS[column] for column in DAYS}
            # Of a misprinted diagnosis, 125.10, a number would lose its last digit for good.
            text = not typed or name == HEADERS["diagnosis_codes"]
            for row, cell in enumerate(lines[name], start=1):
                if typed and days and cell:
                    sheet.write_datetime(row, place, pd.Timestamp(cell).to_pydatetime(), day)
                elif not text and cell.replace(".", "", 1).removeprefix("-").isdigit():
                    sheet.write_number(row, place, float(cell))
                elif cell:
                    sheet.write_string(row, place, cell)
    return path


def as_parquet(lines: pd.DataFrame, folder: Path, *, typed: bool = False) -> Path:
    """Texts, or days, numbers and codes in a dictionary, with nulls for blanks."""
    columns = {name: pa.array(lines[name].tolist(), pa.string()) for name in lines.columns}
    for column in HEADERS.keys() if typed else ():
        name = HEADERS[column]
        if name not in columns:
            continue
        filled = pa.array([cell or None for cell in lines[name]], pa.string())
        if column in DAYS:
            columns[name] = filled.cast(pa.date32())
        elif column in (*MONEY, "units"):
            columns[name] = filled.cast(pa.float64())
        else:
            columns[name] = filled.dictionary_encode()
    pq.write_table(pa.table(columns), folder / "lines.parquet")
    return folder / "lines.parquet"


KINDS: dict[str, Callable[[pd.DataFrame, Path], Path]] = {
    "bars, UTF-16": text_file("|", encoding="utf-16"),
    "semicolons, all quoted, CRLF": text_file(
        ";", quoting=1, lineterminator="\r\n", encoding="utf-8-sig"
    ),
    "gzip": as_gzip,
    "zip": as_zip,
    "workbook of text": as_workbook,
    "workbook of numbers": lambda lines, folder: as_workbook(lines, folder, typed=True),
    "Parquet with types": lambda lines, folder: as_parquet(lines, folder, typed=True),
}


# The same lines, written as other systems write them.


def days_as(form: str) -> Callable[[str], str]:
    return lambda cell: date.fromisoformat(cell).strftime(form)


def dollars(cell: str) -> str:
    text = f"${abs(float(cell)):,.2f}"
    return f"({text})" if float(cell) < 0 else text


def without_zeros(cell: str) -> str:
    return cell.lstrip("0") if cell.isdigit() else cell


def in_columns(name: str, words: int) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The words of a column, one a column."""

    def split(lines: pd.DataFrame) -> pd.DataFrame:
        title = {"modifiers": "Mod", "diagnosis_codes": "Dx"}[name]
        every = [(cell.split() + [""] * words)[:words] for cell in lines[name]]
        apart = {f"{title} {n + 1}": [row[n] for row in every] for n in range(words)}
        return lines.drop(columns=name).assign(**apart)

    return split


def behind_the_code(lines: pd.DataFrame) -> pd.DataFrame:
    """75574-26-59, and no column of modifiers."""
    written_behind = [
        "-".join([code, *cell.split()])
        for code, cell in zip(lines["procedure_code"], lines["modifiers"], strict=True)
    ]
    return lines.drop(columns="modifiers").assign(procedure_code=written_behind)


def cells(
    columns: tuple[str, ...] | str, write: Callable[[str], str]
) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Filled cells of some columns written otherwise."""
    names = [columns] if isinstance(columns, str) else list(columns)
    return lambda lines: lines.assign(
        **{name: [write(cell) if cell else cell for cell in lines[name]] for name in names}
    )


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda cell: cell.replace(old, new)


def told_as(institutional: str, professional: str) -> Callable[[str], str]:
    return lambda cell: {"institutional": institutional, "professional": professional}[cell]


# Each dialect takes one way of each habit, in turn.
HABITS = (
    [cells(DAYS, days_as(form)) for form in ("%m/%d/%Y", "%Y%m%d", "%d-%b-%Y", "%m/%d/%y")]
    + [cells(DAYS, days_as(form)) for form in ("%Y-%m-%dT14:33:00", "%d.%m.%Y")],
    [
        cells("diagnosis_codes", replaced(".", "")),
        cells("diagnosis_codes", replaced(" ", ", ")),
        in_columns("diagnosis_codes", 3),
        cells("diagnosis_codes", lambda cell: cell.lower().replace(" ", "|")),
    ],
    [
        in_columns("modifiers", 4),
        cells("modifiers", replaced(" ", "")),
        cells("modifiers", lambda cell: cell.lower().replace(" ", ",")),
        behind_the_code,
    ],
    [
        cells(("revenue_code", "bill_type", "place_of_service"), without_zeros),
        cells(("units", "line_number"), lambda cell: f"{float(cell):.2f}"),
        cells(("billing_npi", "rendering_npi"), lambda cell: cell + ".0"),
        cells("adjustment_codes", replaced("-", "")),
    ],
    [cells(MONEY, dollars), cells(MONEY, lambda cell: f"{float(cell):,}")],
    [
        cells("claim_type", told_as(*names))
        for names in (("837I", "837P"), ("UB-04", "CMS-1500"), ("HB", "PB"))
    ],
    [
        lambda lines: lines.map(lambda cell: f" {cell}  "),
        lambda lines: lines.map(lambda cell: cell or "NULL"),
    ],
)
