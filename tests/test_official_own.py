"""A site's own tables, as people keep them in spreadsheets."""

import datetime
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from auditor.errors import AuditError
from auditor.library.gathering import stored
from auditor.library.shelf import open_shelf
from auditor.library_check import check_library
from auditor.official.importing import Imported, Wanted, import_files
from auditor.official.kinds import kind_named
from auditor.reference import load_reference
from auditor.shipped import reference_dir

HEADER = (
    "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
    "percent_of_medicare\n"
)
RATE = "Harbor Plan,75574,technical,institutional"


def put(kind: str, path: Path, edition: str = "") -> Imported:
    return import_files(
        Wanted(
            kind=kind_named(kind),
            files=(path,),
            library=path.parent / "lib",
            imported_at=datetime.datetime(2026, 11, 1, tzinfo=datetime.UTC),
            edition=edition,
        )
    )


def saved(folder: Path, text: str | bytes, name: str = "rates.csv") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def as_workbook(folder: Path, rows: list[list[object]], percent: str = "") -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    if percent:
        book.active[percent].number_format = "0%"
    book.save(folder / "rates.xlsx")
    return folder / "rates.xlsx"


def kept(folder: Path, one: Imported, table: str = "contract_rates") -> list[tuple[str, ...]]:
    shelf = open_shelf(folder / "lib")
    return [tuple(row.values()) for row in stored(shelf, one.edition, table).to_pylist()]


def quarantine(folder: Path, one: Imported) -> str:
    return (folder / "lib" / one.edition.folder / "quarantine.csv").read_text()


def test_words_in_any_case_and_amounts_as_people_write_them(tmp_path) -> None:
    text = (
        f'{HEADER.title()}Harbor Plan,75574,Technical,INSTITUTIONAL,1/1/2025,,"$1,612.40",\n'
        "Harbor Plan,0501t,Global,Professional,2025-01-01 00:00:00,12/31/9999,,118%\n"
    )
    one = put("contract-rates", saved(tmp_path, text))

    assert kept(tmp_path, one) == [
        ("Harbor Plan", "75574", "technical", "institutional", "2025-01-01", "", "1612.40", ""),
        ("Harbor Plan", "0501T", "global", "professional", "2025-01-01", "9999-12-31", "", "118"),
    ]


def test_a_cell_shown_as_a_percentage_holds_a_share(tmp_path) -> None:
    day = datetime.date(2025, 1, 1)
    rows = [
        HEADER.strip().split(","),
        [*RATE.split(","), day, None, None, 1.2],
        ["Other Plan", *RATE.split(",")[1:], day, None, 600, None],
    ]
    one = put("contract-rates", as_workbook(tmp_path, rows, percent="H2"))

    assert [row[0] for row in kept(tmp_path, one)] == ["Other Plan"]
    assert "a cell shown as 120% holds 1.2; write 120" in quarantine(tmp_path, one)


def test_a_row_set_aside_keeps_no_later_rate_out(tmp_path) -> None:
    rate = "Harbor Plan,75574,professional,professional"
    days = ("2024-01-01,,90,", "2024-01-01,,95,", "2025-01-01,,100,")
    one = put("contract-rates", saved(tmp_path, HEADER + "".join(f"{rate},{d}\n" for d in days)))

    assert [row[2:7] for row in kept(tmp_path, one)] == [
        ("professional", "professional", "2024-01-01", "2024-12-31", "90"),
        ("professional", "professional", "2025-01-01", "", "100"),
    ]
    assert "contradicts" in quarantine(tmp_path, one)


def test_a_rate_without_an_end_ends_when_the_next_begins(tmp_path) -> None:
    text = f"{HEADER}{RATE},2025-01-01,,650,\n{RATE},2024-01-01,,600,\n"
    one = put("contract-rates", saved(tmp_path, text))

    assert [row[4:7] for row in kept(tmp_path, one)] == [
        ("2024-01-01", "2024-12-31", "600"),
        ("2025-01-01", "", "650"),
    ]
    assert "sound" in check_library(tmp_path / "lib", load_reference(reference_dir()))


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (("2025-01-01,2025-12-31,600,", "2025-07-01,,650,"), "begins before the rate since"),
        (("2025-01-01,,600,", "2025-01-01,2025-12-31,650,"), "contradicts an earlier row"),
        (("2025-01-01,,600,", "2025-01-01,,600,"), "repeats an earlier row"),
        (("2025-01-01,,600,", "2025-07-01,2025-06-30,650,"), "ends before it begins"),
        (("2025-01-01,,600,", "2025-07-01,,-650,"), "the amount is below zero"),
    ],
)
def test_no_two_rates_are_in_force_on_one_day(tmp_path, rows, reason) -> None:
    text = HEADER + "".join(f"{RATE},{row}\n" for row in rows)
    one = put("contract-rates", saved(tmp_path, text))

    assert [row[4:7:2] for row in kept(tmp_path, one)] == [("2025-01-01", "600")]
    assert reason in quarantine(tmp_path, one)
    assert "sound" in check_library(tmp_path / "lib", load_reference(reference_dir()))


@pytest.mark.parametrize(
    "name", ["End Date", "Eff. Dt", "Valid through", "TERM_DATE", "Contract Year", "Rate starts"]
)
def test_columns_of_dates_under_any_name_are_not_passed_over(tmp_path, name) -> None:
    text = HEADER.replace("effective_to", name) + f"{RATE},2025-01-01,2025-12-31,600,\n"

    with pytest.raises(AuditError, match=rf"its column '{name.upper()}' is not read"):
        put("contract-rates", saved(tmp_path, text))


def test_dates_that_are_not_read_are_not_passed_over(tmp_path) -> None:
    """Without them all rates would hold from the edition's first day on."""
    text = HEADER.replace("effective_to", "End Date") + f"{RATE},2025-01-01,2025-12-31,600,\n"

    with pytest.raises(AuditError, match=r"its column 'END DATE' is not read.*effective_to"):
        put("contract-rates", saved(tmp_path, text), edition="2025")
    fit = "procedure_code,revenue_code,effective_from,fit\n75574,0350,2024-01-01,Accepted\n"
    with pytest.raises(AuditError, match=r"'EFFECTIVE_FROM' is not read.*--edition"):
        put("revenue-fit", saved(tmp_path, fit), edition="2025")
    names = "payer,payer_type,start\nHarbor Plan,commercial,2025-01-01\n"
    with pytest.raises(AuditError, match=r"'START' is not read.*--edition"):
        put("payers", saved(tmp_path, names), edition="2025")


def test_a_column_of_notes_is_passed_over(tmp_path) -> None:
    text = HEADER.replace("\n", ",Notes,Link to contract,Updated on\n")
    text += f"{RATE},2025-01-01,,600,,seen,7,\n"

    assert put("contract-rates", saved(tmp_path, text)).edition.rows == {"contract_rates": 1}


def test_rates_of_which_some_say_no_first_day_ask_for_it(tmp_path) -> None:
    """The day of a newer rate is not that of all others."""
    path = saved(tmp_path, f"{HEADER}{RATE},,,600,\nOther{RATE},2026-01-01,,650,\n")

    with pytest.raises(AuditError, match="does not say which edition it is; give --edition"):
        put("contract-rates", path)
    one = put("contract-rates", path, edition="2020")
    assert one.edition.first_date.isoformat() == "2020-01-01"


def test_a_file_of_which_no_row_fits_is_refused_with_the_first_reason(tmp_path) -> None:
    path = saved(tmp_path, f"{HEADER}Harbor Plan,5574,technical,institutional,,,600,\n")

    with pytest.raises(AuditError, match=r"no row that could be used, the first in row 2 of rates"):
        put("contract-rates", path, edition="2025")


def test_fit_and_payer_types_in_any_case(tmp_path) -> None:
    fit = saved(tmp_path, "Procedure Code,Revenue Code,Fit\n0501t,480,Unexpected on OPPS\n")
    one = put("revenue-fit", fit, edition="2026")
    assert kept(tmp_path, one, "revenue_code_fit") == [
        ("0501T", "0480", "unexpected_on_opps", "048X")
    ]
    names = saved(tmp_path, "Payer_Name,Payer Type\nHarbor Plan,Medicare-Advantage\n")
    one = put("payers", names, edition="2026")
    assert kept(tmp_path, one, "payers") == [("HARBOR PLAN", "medicare_advantage")]


def test_names_are_read_as_a_spreadsheet_on_windows_writes_them(tmp_path) -> None:
    text = HEADER + RATE.replace("Harbor Plan", "Harbor – Plan") + ",2025-01-01,,600,\n"
    one = put("contract-rates", saved(tmp_path, text.encode("cp1252")))

    assert kept(tmp_path, one)[0][0] == "Harbor – Plan"


def test_an_older_edition_says_which_days_are_not_its_own(tmp_path) -> None:
    put("contract-rates", saved(tmp_path, f"{HEADER}{RATE},2025-01-01,,600,\n"))
    one = put("contract-rates", saved(tmp_path, f"{HEADER}{RATE},2024-07-01,,650,\n"))

    assert one.page(tmp_path / "lib").splitlines()[2:] == [
        "not for 2025-01-01 to any later date: there 2025-01-01 answers"
    ]


@pytest.mark.parametrize("names", [("2026", "2026-01-01"), ("2026-01-01", "2026")])
def test_of_two_editions_of_the_same_days_the_one_imported_later_answers(tmp_path, names) -> None:
    for hour, (edition, kind) in enumerate(zip(names, ("other", "commercial"), strict=True)):
        import_files(
            Wanted(
                kind=kind_named("payers"),
                files=(saved(tmp_path, f"payer,payer_type\nHarbor Plan,{kind}\n"),),
                library=tmp_path / "lib",
                imported_at=datetime.datetime(2026, 11, 1, hour, tzinfo=datetime.UTC),
                edition=edition,
            )
        )

    shelf = open_shelf(tmp_path / "lib")
    assert pq.read_table(shelf.folder / shelf.tables[0].file)["payer_type"].to_pylist() == [
        "commercial"
    ]


@pytest.mark.parametrize("rate", ['"612,40",', '"1,18,000",', ',"1,18"', ',"118,5"'])
def test_a_comma_that_parts_no_thousands_is_no_number(tmp_path, rate) -> None:
    """612,40 as it is written elsewhere would be a hundred times the rate."""
    others = RATE.replace("Harbor Plan", "Gull Plan") + ',2025-01-01,,"1,612.40",\n'
    one = put("contract-rates", saved(tmp_path, f"{HEADER}{RATE},2025-01-01,,{rate}\n{others}"))

    assert [row[0] for row in kept(tmp_path, one)] == ["Gull Plan"]
    assert "is no number" in quarantine(tmp_path, one)


def test_payers_whose_rates_an_import_ends_are_named(tmp_path) -> None:
    """Files of one payer each, imported one by one, would leave the last alone in force."""
    others = RATE.replace("Harbor Plan", "Gull Plan") + ",2025-01-01,2025-06-30,600,\n"
    old = f"{HEADER}{RATE},2025-01-01,,600,\n{others}"
    old += RATE.replace("Harbor Plan", "Pier Plan") + ",2025-01-01,,600,\n"
    put("contract-rates", saved(tmp_path, old))

    new = f"{HEADER}{RATE.replace('Harbor', 'HARBOR')},2025-07-01,,650,\n"
    one = put("contract-rates", saved(tmp_path, new))

    assert one.page(tmp_path / "lib").splitlines()[2:] == [
        "from 2025-07-01 on rows of Pier Plan (1) hold no more, which 2025-01-01 had; if they "
        "still do, import all files of contract-rates in one command"
    ]
    assert put("contract-rates", saved(tmp_path, new)).ended == ()


def test_a_payer_map_names_whom_it_leaves_out(tmp_path) -> None:
    put("payers", saved(tmp_path, "payer,payer_type\nHarbor Plan,commercial\n"), edition="2026")

    new = saved(tmp_path, "payer,payer_type\nGull Plan,commercial\n")
    one = put("payers", new, edition="2026")

    assert "rows of HARBOR PLAN (1) hold no more" in one.page(tmp_path / "lib")


def test_all_sheets_of_a_workbook_are_read(tmp_path) -> None:
    """One sheet a payer, as people keep them, with notes before them."""
    book = openpyxl.Workbook()
    book.active.append(["Ask the contract office about these rates"])
    for payer, amount in (("Harbor Plan", 600), ("Gull Plan", -1), ("Pier Plan", 700)):
        sheet = book.create_sheet(payer)
        sheet.append(HEADER.strip().split(","))
        sheet.append([payer, *RATE.split(",")[1:], "2025-01-01", None, amount, None])
    book.save(tmp_path / "rates.xlsx")

    one = put("contract-rates", tmp_path / "rates.xlsx")

    assert [row[0] for row in kept(tmp_path, one)] == ["Harbor Plan", "Pier Plan"]
    assert "rates.xlsx,2,sheet Gull Plan: the amount is below zero" in quarantine(tmp_path, one)
    assert "left out: 1 sheets without these columns" in one.page(tmp_path / "lib")
    assert (one.edition.rows_read, one.edition.quarantined) == (3, 1)


def test_a_refusal_names_the_columns_as_they_are_called(tmp_path) -> None:
    path = saved(tmp_path, "Payer,CPT,Component,Setting,Amount,% of Medicare\n")

    with pytest.raises(AuditError, match=r"payer, procedure code, .* percent of medicare; found"):
        put("contract-rates", path)


def test_text_as_a_spreadsheet_saves_unicode(tmp_path) -> None:
    text = f"{HEADER}{RATE},2025-01-01,,600,\n".replace(",", "\t")
    one = put("contract-rates", saved(tmp_path, text.encode("utf-16"), "rates.txt"))

    assert kept(tmp_path, one)[0][:2] == ("Harbor Plan", "75574")


def test_a_hospital_has_no_global_rate(tmp_path) -> None:
    """No line of a hospital is global, so such a rate would price nothing."""
    text = f"{HEADER}{RATE.replace('technical', 'global')},,,600,\n{RATE},,,600,\n"
    one = put("contract-rates", saved(tmp_path, text), edition="2025")

    assert len(kept(tmp_path, one)) == 1
    assert "the component of its scans is technical" in quarantine(tmp_path, one)


def test_a_broken_quotation_is_named_by_its_line(tmp_path) -> None:
    path = saved(tmp_path, f'{HEADER}{RATE},,,600,\n"Harbor "Plan",75574\n')

    with pytest.raises(AuditError, match=r"rates.csv: can't be read \(line 3: .*save it again"):
        put("contract-rates", path)


@pytest.mark.parametrize("edition", ["0000Q1", "9999Q4", "2206Q4", "FY0001", "9999-12-31"])
def test_a_year_mistyped_is_no_edition(tmp_path, edition) -> None:
    """It would answer for no line, or for no day that there is."""
    path = saved(tmp_path, "payer,payer_type\nHarbor Plan,commercial\n")

    with pytest.raises(AuditError, match=rf"--edition {edition}: no edition is of"):
        put("payers", path, edition=edition)


def test_rates_since_1900_hold_on_all_days(tmp_path) -> None:
    one = put("contract-rates", saved(tmp_path, f"{HEADER}{RATE},1/1/1900,,600,\n"))

    assert one.edition.first_date.isoformat() == "1900-01-01"
