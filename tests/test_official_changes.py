"""An edition is the one before it with the publisher's changes, no more and no less."""

from pathlib import Path

import pyarrow as pa
import pytest
import xlsxwriter

from auditor.errors import AuditError
from auditor.library.shelf import open_shelf
from tests import official_files as made
from tests.benchmarks.official import edits, text_of
from tests.test_official import imported, saved

OLD = made.EDITS
# Ended with the quarter, come anew, gone without a trace, and another indicator.
NEW = (
    ("36000", "36410", "20020101", "*", "0"),
    ("71275", "36000", "20021001", "20260930", "1"),
    ("75573", "75574", "20100101", "*", "0"),
    ("75574", "36000", "20100101", "*", "1"),
    ("75574", "36011", "20261001", "*", "0"),
    ("75574", "76376", "20100101", "*", "1"),
    ("75574", "93000", "20150101", "20231231", "1"),
    ("75580", "36005", "20240101", "20240101", "9"),
)
ADDED, ENDED, GONE, REVISED = (
    ("75574", "36011", "20261001", "*", "0"),
    ("71275", "36000", "20021001", "20260930", "1"),
    ("93000", "93005", "19960101", "*", "0"),
    ("36000", "36410", "20020101", "*", "0"),
)
Told = tuple[tuple[str, ...], str]
ALL: tuple[Told, ...] = (
    (ADDED, "Added"),
    (ENDED, "Deleted"),
    (GONE, "Deleted"),
    (REVISED, "Revised"),
)
HEAD = made.PTP_HEAD.replace("PTP Edit Rationale", "PTP Edit Rationale\tAction").replace(
    "\t\r\n", "\t\t\r\n"
)
COLUMNS = ("Column 1", "Column 2", "", "Effective Date", "Deletion Date", "Modifier")


def as_text(folder: Path, told: tuple[Told, ...]) -> list[Path]:
    rows = "".join(
        f"{a}\t{b}\t\t{start}\t{end}\t{ind}\t{made.WORD}\t{action}\r\n"
        for (a, b, start, end, ind), action in told
    )
    return [saved(folder, "changes of the quarter.txt", HEAD + rows)]


def as_book(folder: Path, told: tuple[Told, ...]) -> list[Path]:
    """One workbook, a sheet each for what was added, deleted and revised, behind a notice."""
    path = folder / "additions-deletions-and-revisions.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Read me").write(0, 0, "An invented notice")
        for name, action in (("Additions", "A"), ("Deletions", "D"), ("Revisions", "R")):
            page = book.add_worksheet(name)
            page.write_row(0, 0, COLUMNS)
            rows = [row for row, said in told if said.startswith(action)]
            for place, (a, b, start, end, ind) in enumerate(rows, start=1):
                page.write_row(place, 0, [a, b, "", int(start)])
                page.write(place, 4, end if end == "*" else int(end))
                page.write(place, 5, int(ind))
    return [path]


def as_files(folder: Path, told: tuple[Told, ...]) -> list[Path]:
    """A file each, as CSV in one archive."""
    files = {}
    for name, action in (("adds", "A"), ("deletions", "D"), ("revisions", "R")):
        rows = ["Column 1,Column 2,,Effective Date,Deletion Date,Modifier"]
        rows += [f"{a},{b},,{s},{e},{i}" for (a, b, s, e, i), said in told if said[0] == action]
        files[f"pra_{name}.csv"] = "\r\n".join([*rows, ""])
    return [made.zipped(folder / "changes.zip", files)]


def put_edition(folder: Path, library: Path, rows, version: str, **options):
    return imported("ncci-ptp", made.ptp_parts(folder / version, rows, version), library, **options)


@pytest.mark.parametrize("changes", [as_text, as_book, as_files])
def test_the_changes_of_a_quarter(tmp_path, changes) -> None:
    library = tmp_path / "lib"
    put_edition(tmp_path, library, OLD, "322")

    one = put_edition(tmp_path, library, NEW, "323", changes=tuple(changes(tmp_path, ALL)))

    assert one.new


@pytest.mark.parametrize("changes", [as_text, as_book, as_files])
@pytest.mark.parametrize("lacking", range(4))
def test_a_change_that_is_not_told_is_found(tmp_path, changes, lacking) -> None:
    library = tmp_path / "lib"
    put_edition(tmp_path, library, OLD, "322")
    told = (*ALL[:lacking], *ALL[lacking + 1 :])

    with pytest.raises(AuditError) as caught:
        put_edition(tmp_path, library, NEW, "323", changes=tuple(changes(tmp_path, told)))

    assert " ".join(ALL[lacking][0][:2]) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert [one.edition for one in open_shelf(library).editions] == ["2026Q3"]


@pytest.mark.parametrize(
    "extra",
    [
        # Told but not done: an edit that is not there, one not ended, one still stated.
        (("99213", "36000", "20261001", "*", "1"), "Added"),
        (("75574", "36000", "20100101", "20260930", "1"), "Deleted"),
        (("75574", "36000", "20100101", "*", "1"), "Deleted"),
        (("75574", "36000", "20100101", "*", "0"), "Revised"),
    ],
)
def test_a_change_that_is_told_and_not_made_is_found(tmp_path, extra) -> None:
    library = tmp_path / "lib"
    put_edition(tmp_path, library, OLD, "322")

    with pytest.raises(AuditError, match=r"rows differ, such as (99213|75574) 36000"):
        put_edition(tmp_path, library, NEW, "323", changes=tuple(as_text(tmp_path, (*ALL, extra))))


def test_the_edition_before_is_the_last_one_before_it(tmp_path) -> None:
    library = tmp_path / "lib"
    for version, rows in (("321", OLD[:3]), ("322", OLD), ("330", NEW[:2])):
        put_edition(tmp_path, library, rows, version)

    assert put_edition(tmp_path, library, NEW, "323", changes=tuple(as_text(tmp_path, ALL))).new


def test_changes_that_are_no_such_table_are_refused(tmp_path) -> None:
    library = tmp_path / "lib"
    put_edition(tmp_path, library, OLD, "322")

    with pytest.raises(AuditError, match=r"notes\.txt: its header is not recognised"):
        put_edition(
            tmp_path,
            library,
            NEW,
            "323",
            changes=(saved(tmp_path, "notes.txt", "a\tb\r\nc\td\r\n"),),
        )


def test_changes_of_limits(tmp_path) -> None:
    library = tmp_path / "lib"
    imported("ncci-mue", [made.mue_file(tmp_path)], library)
    newer = [
        ("36000", "5", "3 Date of Service Edit: Clinical"),
        *made.LIMITS[1:4],
        ("75577", "1", "2 Date of Service Edit: Policy"),
    ]
    new = made.mue_file(tmp_path, newer, day="10-01-2026")
    head = "HCPCS/CPT Code,Practitioner Services MUE Values,MUE Adjudication Indicator,Change\r\n"
    told = [
        "36000,5,3 Date of Service Edit: Clinical,Revised",
        "75577,1,2 Date of Service Edit: Policy,Added",
        "0001U,1,2 Date of Service Edit: Policy,Deleted",
    ]
    for lacking in range(3):
        some = head + "\r\n".join(told[:lacking] + told[lacking + 1 :]) + "\r\n"
        with pytest.raises(AuditError, match="1 rows differ"):
            imported("ncci-mue", [new], library, changes=(saved(tmp_path, "c.csv", some),))

    whole = saved(tmp_path, "c.csv", head + "\r\n".join(told) + "\r\n")
    assert imported("ncci-mue", [new], library, changes=(whole,)).new


def test_a_whole_invented_quarter(tmp_path) -> None:
    """Thousands of edits, of which a quarter adds, ends and brings back some."""
    before, after = (
        edits("professional", pairs=6_000, edition=name) for name in ("2026Q3", "2026Q4")
    )
    library = tmp_path / "lib"
    imported("ncci-ptp", [saved(tmp_path, "ccipra-v322.txt", text_of(before))], library)
    known = set(zip(*(before[name].to_pylist() for name in before.column_names), strict=True))
    rows = list(zip(*(after[name].to_pylist() for name in after.column_names), strict=True))
    changed = [place for place, row in enumerate(rows) if row not in known]
    assert len(changed) > 20
    new = saved(tmp_path, "ccipra-v323.txt", text_of(after))

    def told(places: list[int]) -> tuple[Path]:
        text = text_of(after.take(pa.array(places)))
        return (saved(tmp_path, "ccipra-changes.txt", text),)

    with pytest.raises(AuditError, match="1 rows differ"):
        imported("ncci-ptp", [new], library, changes=told(changed[1:]))
    assert imported("ncci-ptp", [new], library, changes=told(changed)).new
