"""What a user gives by mistake is refused in one line that says what to do."""

import errno

import pytest
from typer.testing import CliRunner

from auditor.cli import app
from auditor.errors import AuditError
from auditor.library import placing
from auditor.library.shelf import open_shelf
from tests import official_files as made
from tests.test_official import imported, saved

PAGE = b"\xef\xbb\xbf\r\n <!DOCTYPE html>\n<html><head><title>License</title></head></html>\n"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("pfs", "rvu26d.zip"),
        ("opps", "Addendum_B.csv"),
        ("icd10cm", "icd10cm_order_2026.txt"),
        ("ncci-ptp", "ccipra-v323r0-f1.xlsx"),
    ],
)
@pytest.mark.parametrize("page", [PAGE, PAGE.strip(b"\xef\xbb\xbf\r\n "), b"<HTML>\n"])
def test_a_web_page_in_place_of_a_file(tmp_path, kind, name, page) -> None:
    path = saved(tmp_path, name, page)

    with pytest.raises(AuditError) as caught:
        imported(kind, [path], tmp_path / "lib")

    assert str(caught.value) == (
        f"{path}: is a web page, not the file; the publisher asks to accept its licence first: "
        "download it in a browser"
    )


def test_a_folder_in_place_of_its_files(tmp_path) -> None:
    with pytest.raises(AuditError, match="is a folder; give the files in it"):
        imported("opps", [tmp_path], tmp_path / "lib")


def test_parts_of_several_tables_in_one_command(tmp_path) -> None:
    both = [
        *made.ptp_parts(tmp_path, version="322"),
        *made.ptp_parts(tmp_path, version="322", stem="ccioph"),
    ]

    with pytest.raises(AuditError) as caught:
        imported("ncci-ptp", both, tmp_path / "lib")

    assert str(caught.value) == (
        "these are the parts of several tables (ccioph-v322r0, ccipra-v322r0); import each table "
        "in a command of its own"
    )


def test_a_part_twice(tmp_path) -> None:
    parts = made.ptp_parts(tmp_path)

    with pytest.raises(AuditError, match="given twice"):
        imported("ncci-ptp", [*parts, parts[0]], tmp_path / "lib")


def test_a_setting_for_files_that_have_none(tmp_path) -> None:
    path = saved(tmp_path, "2026_January_Web_Addendum_B.csv", made.ADDENDUM_B)

    with pytest.raises(AuditError) as caught:
        imported("opps", [path], tmp_path / "lib", setting="professional")

    assert str(caught.value) == (
        "--setting professional: files of opps are for both settings; leave it out"
    )
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    "fault",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError("Error writing bytes to file. Detail: [errno 28] No space left on device"),
    ],
)
@pytest.mark.parametrize("step", ["write_sorted", "gather", "replace_list"])
def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch, fault, step) -> None:
    library = tmp_path / "lib"
    imported("ncci-mue", [made.mue_file(tmp_path)], library)
    before = {path for path in library.rglob("*") if path.is_file()}

    def full(*_args: object) -> None:
        raise fault

    monkeypatch.setattr(placing, step, full)
    with pytest.raises(AuditError) as caught:
        imported("ncci-mue", [made.mue_file(tmp_path, day="10-01-2026")], library)

    assert str(caught.value) == (
        f"{library}: can't be written (No space left on device); make room or name another folder"
    )
    assert {path for path in library.rglob("*") if path.is_file()} == before
    assert [one.edition for one in open_shelf(library).editions] == ["2026Q3"]


def test_the_run_of_a_what_if_is_looked_at_before_the_tables(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("auditor.reference_diff.in_force_rows", lambda *_: pytest.fail("read"))
    imported("ncci-mue", [made.mue_file(tmp_path)], tmp_path / "lib")

    given = ["2026Q3", "2026Q3", "--reference", str(tmp_path / "lib"), "--on", str(tmp_path / "no")]
    result = CliRunner().invoke(app, ["reference", "diff", *given])

    assert result.exception is not None
    assert "is not the folder of a finished run" in f"{result.output}{result.exception}"
