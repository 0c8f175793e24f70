"""Spark says what this machine says: on a real cluster of two workers in processes of their own."""

import shutil
from datetime import date
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest

from auditor.asides import doubts_of
from auditor.audit import audit, prepare
from auditor.errors import AuditError
from auditor.intake import read_files, tables_of
from auditor.progress import Progress
from auditor.reference import load_reference
from auditor.request import Request
from auditor.scale.engine import elsewhere
from auditor.settings import Settings
from auditor.shipped import reference_dir
from tests.benchmarks.generate import as_text, generate
from tests.test_scale_local import last_lines, with_doubtful_numbers
from tests.texts_alike import in_texts

pytestmark = [
    pytest.mark.spark,
    pytest.mark.skipif(shutil.which("java") is None, reason="Java is not installed"),
]
pytest.importorskip("pyspark")

from auditor.scale.spark import Asked, audit_sources, audit_table  # noqa: E402
from auditor.scale.spark_input import audit_on_spark, session_of, source_of, sources_of  # noqa: E402

ROOT = Path(__file__).parent.parent
SAMPLES = [ROOT / "samples" / name for name in ("hospital.csv", "professional.xlsx")]
AS_OF = date(2026, 6, 30)
MASTER = "local-cluster[2,1,1024]"
REFERENCE = load_reference(reference_dir())


def request(*files: Path, **options) -> Request:
    return Request(files, Path("out"), Settings(), AS_OF, frozenset({"csv"}), **options)


def here(*files: Path):
    claims = read_files(files)
    options = Settings().options()
    prepared = prepare(claims.lines, REFERENCE, as_of=AS_OF, options=options)
    return claims, audit(prepared, REFERENCE, options=options)


def same(found, files: list[Path], *apart: str) -> None:
    claims, expected = here(*files)
    assert found.doubts == doubts_of(claims.lines)
    apart = ("line", *apart)
    pd.testing.assert_frame_equal(
        in_texts(found.audit.findings.drop(columns=list(apart))),
        in_texts(expected.findings.drop(columns=list(apart))),
    )
    pd.testing.assert_frame_equal(found.audit.books, expected.books)
    by = ["rule", "reason", "detail"]
    pd.testing.assert_frame_equal(
        found.audit.not_evaluated.sort_values(by, ignore_index=True),
        expected.not_evaluated.sort_values(by, ignore_index=True),
    )
    assert found.audit.counts == expected.counts
    assert found.audit.totals == expected.totals
    assert found.audit.superseded == expected.superseded
    assert found.claims.lines_read == claims.lines_read
    assert len(found.claims.rejected) == len(claims.rejected)


@pytest.fixture(scope="module")
def session():
    cluster = session_of(MASTER)
    yield cluster
    cluster.stop()


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("exports")
    for mix in ("departmental", "all_services"):
        generate(folder / f"{mix}.csv", lines=4_000, mix=mix, seed=7)
    table = as_text(folder / "all_services.csv")
    pq.write_table(table, folder / "all_services.parquet", row_group_size=1_000)
    with_doubtful_numbers(folder / "departmental.csv", folder / "doubtful.csv")
    last_lines(folder / "departmental.csv", folder / "again.csv")
    return {path.name: path for path in folder.iterdir()}


def asked() -> Asked:
    return Asked(REFERENCE, AS_OF, {}, Settings().options())


@pytest.mark.parametrize(
    "names",
    [
        ["departmental.csv"],
        ["departmental.csv", "all_services.parquet", "again.csv"],
        ["doubtful.csv"],
    ],
)
def test_a_cluster_finds_what_this_machine_finds(session, exports, names) -> None:
    files = [exports[name] for name in names]

    found = audit_sources([source_of(session, path) for path in files], asked(), buckets=5)

    assert len(found.audit.findings) > 100
    same(found, files)
    assert [one.sha256 for one in found.claims.intakes] == [
        one.sha256 for one in read_files(files).intakes
    ]


def as_parquet(path: Path, folder: Path) -> Path:
    """The cells of a sample as found, without the title rows that Spark can't skip."""
    (table,) = tables_of(path, None, None)
    cells = table.read(range(len(table.header))).cells
    columns = {name: cells.column(str(place)) for place, name in enumerate(table.header)}
    written = folder / f"{path.stem}.parquet"
    pq.write_table(pa.table(columns), written, row_group_size=100)
    return written


def test_a_cluster_finds_in_the_samples_what_this_machine_finds(session, tmp_path) -> None:
    files = [as_parquet(path, tmp_path) for path in SAMPLES]

    found = audit_sources([source_of(session, path) for path in files], asked())

    assert len(found.audit.findings) > 100
    same(found, files)


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_files_of_one_name_are_told_apart(session, exports, tmp_path, ending) -> None:
    files = []
    for place, patient in (("north", "N"), ("south", "S")):
        (tmp_path / place).mkdir()
        files.append(tmp_path / place / f"lines.{ending}")
        table = as_text(exports["departmental.csv"])
        mrn = pa.array([patient + cell for cell in table.column("MRN").to_pylist()])
        table = table.set_column(table.column_names.index("MRN"), "MRN", mrn)
        write = pyarrow.csv.write_csv if ending == "csv" else pq.write_table
        write(table, files[-1])

    found = audit_sources(sources_of(session, files), asked(), buckets=3)

    same(found, files)
    assert set(found.audit.findings["source_file"].astype("str")) == {
        f"north/lines.{ending}",
        f"south/lines.{ending}",
    }


def test_parts_of_one_name_in_one_folder_are_told_apart(session, exports, tmp_path) -> None:
    table = as_text(exports["departmental.csv"])
    parts = {"month=2026-01": table.slice(0, 2_000), "month=2026-02": table.slice(2_000)}
    for month, some in parts.items():
        (tmp_path / "lines" / month).mkdir(parents=True)
        pq.write_table(some, tmp_path / "lines" / month / "000000_0")  # as Hive names them
    files = [tmp_path / f"{month[-2:]}.parquet" for month in parts]
    for path, some in zip(files, parts.values(), strict=True):
        pq.write_table(some, path)

    found = audit_sources(sources_of(session, [tmp_path / "lines"]), asked(), buckets=3)

    same(found, files, "source_file")
    assert [(one.file, one.lines_read) for one in found.claims.intakes] == [
        (f"{month}/000000_0", some.num_rows) for month, some in parts.items()
    ]
    assert [one.sha256 for one in found.claims.intakes] == [
        one.sha256 for one in read_files(files).intakes
    ]


def test_a_table_is_audited_as_it_stands(session, exports) -> None:
    path = exports["all_services.parquet"]

    found = audit_table(
        session.read.parquet(str(path)),
        REFERENCE,
        as_of=AS_OF,
        options=Settings().options(),
        name="claims.lines",
    )

    same(found, [path], "source_file", "source_row")
    assert set(found.audit.findings["source_file"]) == {"claims.lines"}


def test_dates_are_read_in_the_order_that_any_share_shows(session, tmp_path) -> None:
    path = tmp_path / "lines.parquet"
    days = ["03/04/2025"] * 300 + ["25/04/2025"]
    columns = {
        "Claim Number": [f"C{number}" for number in range(301)],
        "MRN": [f"P{number % 9}" for number in range(301)],
        "Service Date": days,
        "CPT": ["75574"] * 301,
    }
    pq.write_table(pa.table(columns), path, row_group_size=50)

    found = audit_sources([source_of(session, path)], asked(), buckets=2)

    assert found.audit.counts.first_date == date(2025, 4, 3)
    same(found, [path])


def test_what_is_no_export_is_refused_in_one_line(session, tmp_path) -> None:
    path = tmp_path / "lines.parquet"
    pq.write_table(pa.table({"Colour": ["red"], "Size": ["7"]}), path)

    with pytest.raises(AuditError, match=r"lines\.parquet: does not look like claim lines"):
        audit_sources([source_of(session, path)], asked())


def test_a_file_that_is_not_there_is_refused_in_one_line(session, tmp_path) -> None:
    with pytest.raises(AuditError, match="Spark could not finish"):
        audit_on_spark(request(tmp_path / "none.parquet"), MASTER, Progress(quiet=True), REFERENCE)


def test_what_needs_all_lines_is_refused_on_spark(tmp_path) -> None:
    with pytest.raises(AuditError, match="--history needs all lines in memory"):
        elsewhere(request(SAMPLES[0], history=tmp_path, engine="spark"), Progress(quiet=True))
