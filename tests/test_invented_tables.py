"""The invented official files of the other kinds: every row of them is imported, or counted."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from auditor.library_check import check_library
from auditor.official.importing import Wanted, import_files
from auditor.official.kinds import kind_named
from auditor.reference import load_reference
from auditor.reference_pages import check_page
from auditor.shipped import reference_dir
from tests.benchmarks.official_tables import write

WHEN = datetime(2026, 10, 2, 6, 0, tzinfo=UTC)
KINDS = ("gpci", "icd10cm", "mcd", "ncci-mue", "ncci-mue", "opps", "oppscap", "pfs", "zip")


@pytest.mark.parametrize("edition", ["2025Q4", "2026Q1"])
def test_what_is_generated_is_imported_whole(tmp_path, edition) -> None:
    arguments = write(tmp_path / "files", edition, scale=0.002)

    assert sorted(kind for kind, *_ in arguments) == sorted(KINDS)
    for kind, *files in arguments:
        paths = tuple(map(Path, files))
        one = import_files(Wanted(kind_named(kind), paths, tmp_path / "lib", WHEN)).edition
        assert one.quarantined == 0
        assert min(one.rows.values()) > 0
        assert one.first_date.year <= int(edition[:4]) <= one.last_date.year
    assert "9 editions" in check_library(tmp_path / "lib", load_reference(reference_dir()))


def test_the_same_seed_gives_the_same_bytes(tmp_path) -> None:
    for name in ("a", "b"):
        write(tmp_path / name, "2026Q2", scale=0.002)

    for path in sorted((tmp_path / "a").iterdir()):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_check_counts_the_rows_that_were_kept(tmp_path) -> None:
    arguments = write(tmp_path / "files", "2026Q2", scale=0.002)
    mcd = next(Path(files[0]) for kind, *files in arguments if kind == "mcd")
    one = import_files(Wanted(kind_named("mcd"), (mcd,), tmp_path / "lib", WHEN)).edition

    kept = sum(one.rows.values())
    assert one.rows_read > kept
    assert f"1 editions, {kept:,} rows: sound" in check_page(tmp_path / "lib")
