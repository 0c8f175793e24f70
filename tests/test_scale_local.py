"""Audits in buckets say what one audit in memory says, to the byte, and leave nothing behind."""

import csv
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from filelock import FileLock
from hypothesis import given
from hypothesis import strategies as st

from auditor import batch
from auditor.audit import audit, prepare
from auditor.errors import AuditError
from auditor.extract import share_of, together
from auditor.intake import read_files
from auditor.progress import Progress
from auditor.reference import load_reference
from auditor.request import Request
from auditor.scale import local, memory
from auditor.scale.exchange import (
    FINDING_COLUMNS,
    finding_column,
    findings_arrow,
    lines_frame,
    lines_table,
)
from auditor.scale.kept import keep, kept, laid_aside
from auditor.scale.memory import Plan, bytes_of, plan
from auditor.scale.parts import audits_together, bare
from auditor.scale.scratch import codec_for, scratch_folder
from auditor.scale.shelves import lines_at, put_away
from auditor.schema import COLUMNS
from auditor.settings import Settings
from auditor.shipped import reference_dir
from tests.benchmarks.generate import generate
from tests.test_library import put_pairs
from tests.texts_alike import in_texts, in_words

ROOT = Path(__file__).parent.parent
SAMPLES = [ROOT / "samples" / name for name in ("hospital.csv", "professional.xlsx")]
AS_OF = date(2026, 6, 30)
DATA = ("findings.csv", "findings.parquet", "rejected.csv", "corrections.csv")
QUIET = Progress(quiet=True)
TIMES = ("seconds", "started_at", "command")


def run(files: list[Path], out: Path, reference: Path | None = None) -> Path:
    request = Request(
        files=tuple(files),
        out=out,
        settings=Settings(),
        as_of=AS_OF,
        formats=frozenset({"csv", "parquet", "json"}),
        reference=reference,
    )
    batch.run(request, Progress(quiet=True))
    return out


def facts(folder: Path) -> dict[str, object]:
    said = json.loads((folder / "run.json").read_text("utf-8"))
    return {name: value for name, value in said.items() if name not in TIMES}


def same_runs(one: Path, other: Path) -> None:
    for name in DATA:
        assert (one / name).read_bytes() == (other / name).read_bytes(), name
    assert facts(one) == facts(other)


def without_some_line_numbers(path: Path, to: Path) -> None:
    """The same export, every third line without its number."""
    with path.open(newline="") as source, to.open("w", newline="") as file:
        rows = csv.DictReader(source)
        out = csv.DictWriter(file, rows.fieldnames)
        out.writeheader()
        out.writerows(row | ({"Line": ""} if n % 3 else {}) for n, row in enumerate(rows))


def with_doubtful_numbers(path: Path, to: Path) -> None:
    """The same export by account, every third line's patient without the zeros that lead."""
    with path.open(newline="") as source, to.open("w", newline="") as file:
        rows = csv.DictReader(source)
        out = csv.DictWriter(file, rows.fieldnames)
        out.writeheader()
        for place, row in enumerate(rows):
            number = row["MRN"] if place % 3 else row["MRN"].lstrip("0")
            out.writerow(row | {"Claim Number": row["MRN"], "Claim Type": "", "MRN": number})


def last_lines(path: Path, to: Path) -> None:
    """The last 500 lines of an export, exported again."""
    header, *rows = path.read_text("utf-8").splitlines(keepends=True)
    to.write_text("".join([header, *rows[-500:]]), "utf-8")


@pytest.fixture(scope="module")
def exports(tmp_path_factory) -> dict[str, list[Path]]:
    folder = tmp_path_factory.mktemp("exports")
    for mix in ("departmental", "all_services"):
        generate(folder / f"{mix}.csv", lines=4_000, mix=mix, seed=5)
    without_some_line_numbers(folder / "departmental.csv", folder / "numbered.csv")
    with_doubtful_numbers(folder / "departmental.csv", folder / "doubtful.csv")
    last_lines(folder / "departmental.csv", folder / "again.csv")
    return {
        "departmental": [folder / "departmental.csv"],
        "some line numbers": [folder / "numbered.csv"],
        "doubtful numbers": [folder / "doubtful.csv"],
        "two files": [folder / "departmental.csv", folder / "all_services.csv"],
        "overlapping": [folder / "departmental.csv", folder / "again.csv"],
        "samples": SAMPLES,
        "all services": [folder / "all_services.csv"],
    }


@pytest.fixture(scope="module")
def in_memory(exports, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("in-memory")
    return {name: run(files, folder / name) for name, files in exports.items()}


@pytest.mark.parametrize(
    ("name", "buckets"),
    [
        ("departmental", 1),
        ("departmental", 7),
        ("two files", 7),
        ("samples", 1),
        ("samples", 7),
        ("samples", 64),
        ("all services", 64),
        ("some line numbers", 7),
        ("doubtful numbers", 7),
        ("overlapping", 7),
    ],
)
def test_buckets_give_the_bytes_of_the_audit_in_memory(
    exports, in_memory, tmp_path, monkeypatch, name, buckets
) -> None:
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(buckets, 2, 100_000))

    out = run(exports[name], tmp_path / "out")

    assert len(pd.read_csv(out / "findings.csv")) > 5
    same_runs(out, in_memory[name])
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_what_makes_numbers_doubtful_is_told_of_runs_in_buckets(in_memory) -> None:
    both_kinds, two_forms = facts(in_memory["doubtful numbers"])["asides"]

    assert "hold both hospital and professional lines" in both_kinds
    assert "patient numbers stand with leading zeros on some lines" in two_forms
    again = facts(in_memory["overlapping"])["asides"][0]
    # One of the 500 has no date and is rejected.
    assert again.startswith("499 lines stand in more than one of the exports")


def test_where_disk_is_short_the_lines_on_it_are_packed(
    exports, in_memory, tmp_path, monkeypatch
) -> None:
    asked = []
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(3, 2, 100_000, 10**18))
    real = local.Spreading
    monkeypatch.setattr(local, "Spreading", lambda *given: asked.append(given[-1]) or real(*given))

    same_runs(run(exports["two files"], tmp_path / "out"), in_memory["two files"])

    assert asked == ["lz4"]
    assert codec_for(tmp_path, 1000) is None


def test_where_no_process_is_forked_the_work_is_done_in_this_one(
    exports, in_memory, tmp_path, monkeypatch
) -> None:
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(3, 2, 100_000))
    monkeypatch.setattr("auditor.scale.workers.sys.platform", "darwin")
    monkeypatch.setattr("auditor.scale.workers.ProcessPoolExecutor", None)

    same_runs(run(exports["two files"], tmp_path / "out"), in_memory["two files"])


def test_a_file_that_changes_while_it_is_read_is_refused(exports, tmp_path, monkeypatch) -> None:
    path = tmp_path / "lines.csv"
    shutil.copy(exports["departmental"][0], path)
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(3, 2, 100_000))
    real = local.spread

    def grown(*args, **kwargs):
        with path.open("a") as file:
            file.write("\n")
        return real(*args, **kwargs)

    monkeypatch.setattr(local, "spread", grown)

    with pytest.raises(AuditError, match=r"lines\.csv was changed while it was read"):
        run([path], tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["lines.csv"]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_a_file_that_is_cut_short_while_it_is_read_is_refused(
    exports, tmp_path, monkeypatch, kind
) -> None:
    path = tmp_path / f"lines.{kind}"
    if kind == "csv":
        shutil.copy(exports["departmental"][0], path)
    else:
        table = pyarrow.csv.read_csv(exports["departmental"][0])
        pq.write_table(table, path, row_group_size=1000)
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(3, 2, 100_000))
    real = local.spread

    def cut(*args, **kwargs):
        os.truncate(path, path.stat().st_size // 3)
        return real(*args, **kwargs)

    monkeypatch.setattr(local, "spread", cut)

    with pytest.raises(AuditError, match=r"^[^\n]*lines\.[^\n]* (short|changed) [^\n]*$"):
        run([path], tmp_path / "out")
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_a_library_is_narrowed_by_the_lines_of_all_buckets(exports, tmp_path, monkeypatch) -> None:
    library = tmp_path / "library"
    edits = [("75574", "36000", "20100101", "*", "1"), ("99213", "36415", "20150101", "*", "0")]
    put_pairs(library, edits, "322r0")
    whole = run(exports["two files"], tmp_path / "whole", library)
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(7, 1, 100_000))

    same_runs(run(exports["two files"], tmp_path / "buckets", library), whole)


def test_no_line_at_all_still_makes_a_run(tmp_path, monkeypatch) -> None:
    path = tmp_path / "lines.csv"
    path.write_text("Claim Number,MRN,Service Date,CPT\nC1,P1,yesterday,75574\n")
    whole = run([path], tmp_path / "whole")
    monkeypatch.setattr(memory, "plan", lambda files, limit: Plan(3, 1, 100_000))

    same_runs(run([path], tmp_path / "buckets"), whole)


def test_claim_lines_travel_unchanged() -> None:
    lines = read_files(SAMPLES).lines

    again = lines_frame(lines_table(lines, list(COLUMNS)))

    pd.testing.assert_frame_equal(again.astype("str"), lines.astype("str"))
    for name, column in COLUMNS.items():
        if column.kind == "text":
            assert again[name].cat.categories[0] == ""
        else:
            assert again[name].dtype == lines[name].dtype


def test_words_of_many_parts_are_united(tmp_path) -> None:
    each, parts = 1_900, 20
    places = []
    for part in range(parts):
        words = [f"{part}-{number}" for number in range(each)] * 17
        lines = lines_frame(
            pa.table(
                {
                    "patient_id": ["P"] * len(words),
                    "authorization_number": words,
                    "source_row": range(len(words)),
                }
            )
        )
        path = tmp_path / f"{part}.lines"
        places.append(put_away(lines, list(lines.columns), 1, path, None)[0])

    numbers = lines_at(places)["authorization_number"]

    assert numbers.nunique() == each * parts
    assert numbers.iloc[-1] == f"{parts - 1}-{each - 1}"


def test_findings_travel_unchanged_and_stand_on_disk_as_they_are(tmp_path) -> None:
    reference = load_reference(reference_dir())
    prepared = prepare(read_files(SAMPLES).lines, reference, as_of=AS_OF)
    findings = audit(prepared, reference).findings

    for some in (findings, findings.iloc[:0]):
        table = findings_arrow(some)
        travelled = pd.DataFrame(
            {name: finding_column(name, table.column(name)) for name in FINDING_COLUMNS}
        )
        columns = {
            name: laid_aside(column.array, tmp_path / name) for name, column in travelled.items()
        }
        again = pd.DataFrame(columns, copy=False)
        pd.testing.assert_frame_equal(again, travelled)
        pd.testing.assert_frame_equal(in_texts(again), in_texts(some))


WIDE = {
    "charge_cents": [-1, 2**40, None],
    "allowed_cents": [None, None, None],
    "paid_cents": [-(2**31), 2**31 - 1, 0],
    "source_row": [2, 127, 128],
    "units": [0.5, -1.0, np.nan],
}


def _odd_lines() -> pd.DataFrame:
    """Three lines with missing, fractional, negative and very large numbers, and missing days."""
    lines = read_files(SAMPLES).lines.head(3)
    wide = {name: pd.array(cells, dtype=lines[name].dtype) for name, cells in WIDE.items()}
    days = pd.Series(["2024-02-29", None, "1931-01-01"]).astype("datetime64[s]")
    return lines.assign(**wide, received_date=days, remit_date=pd.NaT).astype(
        {"remit_date": "datetime64[s]"}
    )


def test_lines_come_back_from_a_bucket_as_wide_as_they_went(tmp_path) -> None:
    lines = _odd_lines()
    whole = lines.assign(units=[1.0, 2.0, -3.0], charge_cents=lines["paid_cents"])
    places = [
        put_away(part, list(COLUMNS), 1, tmp_path / str(number), None)[0]
        for number, part in enumerate([whole, lines])
    ]

    again = lines_at(places)

    for name in (*WIDE, "received_date", "remit_date"):
        expected = pd.concat([whole[name], lines[name]], ignore_index=True)
        pd.testing.assert_series_equal(again[name], expected)


def test_prepared_lines_come_back_as_they_were_kept(tmp_path) -> None:
    reference = load_reference(reference_dir())
    for lines in (_odd_lines(), read_files(SAMPLES).lines, read_files(SAMPLES).lines.iloc[:0]):
        prepared = prepare(lines, reference, as_of=AS_OF)
        keep(prepared, tmp_path / "lines", None)

        again = kept(tmp_path / "lines", prepared.extract)

        pd.testing.assert_frame_equal(in_words(again.lines), in_words(prepared.lines))
        assert again.superseded == prepared.superseded


def test_findings_without_a_line_number_stand_behind_the_others() -> None:
    reference = load_reference(reference_dir())
    result = audit(prepare(read_files(SAMPLES).lines, reference, as_of=AS_OF), reference)
    alike = result.findings.head(40).assign(
        severity="note", amount=pd.NA, claim_id="C", rule="ffrct_without_ccta"
    )
    number = pd.Series(range(40), dtype="Int64").mask(np.arange(40) % 3 == 0)
    alike = alike.assign(amount=alike["amount"].astype("Int64"), line_number=number)
    tables = [findings_arrow(some) for some in (alike.iloc[::-2], alike.iloc[-2::-2])]

    found = audits_together([bare(result), bare(result)], tables).findings["line_number"]

    assert found.dropna().is_monotonic_increasing
    assert found.isna().tolist() == [False] * 26 + [True] * 14


# The extract.


@given(st.lists(st.integers(-400, 400), min_size=1, max_size=400), st.integers(1, 5))
def test_the_reach_of_all_shares_is_that_of_the_whole(days, shares) -> None:
    from auditor.extract import Share, reach_of

    lines = pd.DataFrame({"service_date": np.array(days, "datetime64[D]").astype("datetime64[s]")})
    parts = [days[n::shares] for n in range(shares)]
    counted = [Share({}, {day: part.count(day) for day in part}, frozenset()) for part in parts]

    assert together(counted, AS_OF).reach == reach_of(lines)


@pytest.mark.parametrize("told", [False, True])
def test_shares_of_the_patients_make_the_extract_of_the_run(exports, told) -> None:
    """Whether or not each is told the NPIs of which those before it know that they pair."""
    lines = read_files([*SAMPLES, *exports["two files"]]).lines
    reference = load_reference(reference_dir())
    whole = prepare(lines, reference, as_of=AS_OF).extract
    patient = lines["patient_id"].cat.codes.to_numpy()
    shares, known = [], frozenset()
    for number in range(5):
        part = lines[patient % 5 == number].reset_index(drop=True)
        prepared = prepare(part, reference, as_of=AS_OF, known_to_pair=known)
        shares.append(share_of(prepared.extract, prepared.lines))
        if told:
            assert not known or shares[-1].pairing_npis < whole.pairing_npis
            known |= shares[-1].pairing_npis

    assert len(whole.pairing_npis) > 1
    assert together(shares, AS_OF) == whole


# Memory.


def test_sizes_are_read() -> None:
    assert [bytes_of(text) for text in ("4GB", "1.5 g", "2000m", "1T")] == [
        4 * 10**9,
        1_500_000_000,
        2 * 10**9,
        10**12,
    ]


@pytest.mark.parametrize("text", ["4XB", "", "-1GB", "200MB", "1e9"])
def test_what_is_no_size_is_refused(text) -> None:
    with pytest.raises(AuditError, match="--memory"):
        bytes_of(text)


def test_a_system_that_tells_neither_its_cores_nor_what_is_free_reads_files_all_the_same(
    tmp_path, monkeypatch
) -> None:
    """As macOS and Windows are: there is no such call, and no such figure."""
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.delattr(os, "sysconf")
    monkeypatch.setattr(Path, "read_text", lambda _: (tmp_path / "nothing").read_bytes())
    export = tmp_path / "claims.csv"
    export.write_bytes(b"claim_id\n" + b"C1\n" * 1000)

    assert plan([export], None) is None
    assert plan([export], 2 * 10**9)


def test_a_larger_file_and_less_memory_make_more_buckets(tmp_path) -> None:
    small, large = tmp_path / "small.csv", tmp_path / "large.csv"
    for path, size in ((small, 10**6), (large, 4 * 10**9)):
        with path.open("wb") as file:
            file.truncate(size)

    assert plan([small], None) is None
    few, many = plan([large], 8 * 10**9), plan([large], 10**9)
    assert few
    assert many
    assert few.buckets < many.buckets
    assert few.workers >= many.workers >= 1
    # Where one worker had a bucket more than another, that one would wait.
    assert few.buckets % few.workers == many.buckets % many.workers == 0
    assert many.piece <= few.piece <= 64 * 10**6


def test_short_lines_take_as_much_memory_as_long_ones(tmp_path) -> None:
    """A narrow export holds many lines, and each is a line of the same table."""
    paths = {width: tmp_path / f"{width}.csv" for width in (40, 400)}
    for width, path in paths.items():
        with path.open("wb") as file:
            file.write((b"x" * (width - 1) + b"\n") * 9_000)
            file.truncate(380 * 10**6)
    packed = tmp_path / "packed.csv.gz"
    with packed.open("wb") as file:
        file.write(gzip.compress((b"x" * 39 + b"\n") * 9_000, mtime=0))
        file.truncate(380 * 10**6 // 8)
    short, long, unpacked = (plan([path], 10**9) for path in (*paths.values(), packed))

    assert plan([paths[400]], None) is None
    assert plan([paths[40]], None)
    assert short
    assert long
    assert short.buckets > 3 * long.buckets
    assert short.room > 2 * long.room
    assert unpacked == short


# What is left behind.


def test_the_scratch_folder_is_closed_to_others_and_removed(tmp_path) -> None:
    with scratch_folder(tmp_path / "out") as folder:
        assert folder.parent == tmp_path
        assert folder.stat().st_mode & 0o777 == 0o700
        (folder / "lines").write_text("x")

    assert list(tmp_path.iterdir()) == []


def test_the_folder_of_a_killed_run_is_removed_and_that_of_a_running_one_is_not(tmp_path) -> None:
    killed, running = (tmp_path / f".out-buckets-{name}" for name in ("killed", "running"))
    for folder in (killed, running):
        folder.mkdir()
        (folder / "in-use").touch()

    with FileLock(running / "in-use"), scratch_folder(tmp_path / "out"):
        assert not killed.exists()
        assert running.exists()


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_stopped_run_leaves_no_lines_and_no_process(tmp_path, exports, how) -> None:
    command = [sys.executable, "-m", "auditor", "run", *map(str, exports["two files"])]
    command += ["--out", str(tmp_path / "out"), "--memory", "1GB"]
    child = subprocess.Popen(
        command, cwd=ROOT, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out-buckets-*/*.lines")) and time.monotonic() < deadline:
        time.sleep(0.02)
    child.send_signal(how)
    _, said = child.communicate(timeout=60)

    assert child.returncode == 1
    assert said.splitlines()[-1] == "auditor: stopped; nothing was written"
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.killpg(child.pid, 0)


def test_a_full_disk_is_one_line(tmp_path) -> None:
    with (
        pytest.raises(AuditError, match="make room or name another --out"),
        scratch_folder(tmp_path / "out"),
    ):
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize("option", ["--history", "--with-corrections"])
def test_what_needs_all_lines_is_refused_together_with_memory(tmp_path, option) -> None:
    given_path = tmp_path / "given"
    shutil.copy(ROOT / "samples" / "seeded.csv", given_path)
    command = [sys.executable, "-m", "auditor", "run", str(SAMPLES[0]), option, str(given_path)]
    command += ["--memory", "1GB", "--out", str(tmp_path / "out")]

    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert ended.returncode == 2
    assert "--memory" in ended.stderr
    assert not (tmp_path / "out").exists()
