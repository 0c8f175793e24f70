"""The reference library: editions accumulate, the row in force on the date of service decides."""

import json
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from auditor.audit import Audit, audit, prepare
from auditor.cases import filled, lines_of
from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.library import placing, reading
from auditor.library.needed import needed_editions
from auditor.library.packed import PACKED, unpacked, words_of_file
from auditor.library.pairs import as_table
from auditor.library.periods import dates_of
from auditor.library.reading import narrowed
from auditor.library.shelf import Shelf, open_shelf
from auditor.official.importing import Imported, Wanted, import_files
from auditor.official.kinds import kind_named
from auditor.reference import Reference, load_reference
from auditor.reference_pages import check_page, list_page
from auditor.report.gaps import gaps_of
from auditor.shipped import reference_dir
from tests import official_files as made
from tests.official_files import Edit

WHEN = datetime(2026, 10, 2, 6, 0, tzinfo=UTC)
AS_OF = date(2026, 10, 30)


def put(kind: str, files: list[Path], library: Path, **options) -> Imported:
    return import_files(Wanted(kind_named(kind), tuple(files), library, WHEN, **options))


def put_pairs(library: Path, edits: Sequence[Edit], version: str, **options) -> Imported:
    folder = library.parent / f"files-{version}-{len(edits)}"
    return put("ncci-ptp", made.ptp_parts(folder, edits, version), library, **options)


def gathered(library: Path, table: str) -> list[tuple[str, ...]]:
    """The rows that the editions make together, without their source."""
    found = []
    for one in open_shelf(library).tables:
        if one.table == table:
            rows = pq.read_table(library / one.file).to_pylist()
            found += [
                tuple("" if c is None else str(c) for c in list(r.values())[:-1]) for r in rows
            ]
    return found


def pairs(library: Path) -> list[tuple[str, ...]]:
    return [(*row[1:5], row[5]) for row in gathered(library, "ptp_edits")]


def claims(*rows: dict[str, str]):
    cells = [filled({"line_number": str(n), **row}) for n, row in enumerate(rows, start=1)]
    names = {name for row in cells for name in row}
    lines, _ = lines_of([{name: row.get(name, "") for name in names} for row in cells])
    return lines


def opened(library: Path) -> Reference:
    return load_reference(reference_dir(), library)


def audited(library: Path, lines, **options) -> Audit:
    reference = narrowed(opened(library), lines)
    prepared = prepare(lines, reference, as_of=AS_OF, options=options)
    return audit(prepared, reference, options=options)


def found(result: Audit, rule: str) -> list[tuple[int, str]]:
    rows = result.findings[result.findings["rule"] == rule]
    return sorted(zip((rows["source_row"] - 2).tolist(), rows["severity"], strict=True))


def books(result: Audit, rule: str) -> dict[str, int]:
    one = result.books.set_index("rule").loc[rule]
    return {name: int(one[name]) for name in ("in_scope", "flagged", "clean", "not_evaluated")}


# Editions together.


def two_editions(library: Path, *, newer_first: bool) -> None:
    older = [
        ("75574", "36000", "20100101", "*", "1"),
        ("75574", "36005", "20100101", "*", "0"),
        ("75574", "36010", "20260401", "*", "1"),
        ("75574", "36012", "20100101", "*", "9"),
    ]
    newer = [
        ("75574", "36000", "20100101", "20260930", "1"),
        ("75574", "36011", "20261001", "*", "0"),
        ("75574", "36010", "20260401", "20260401", "9"),
        ("75574", "36000", "20261001", "*", "0"),
    ]
    steps = [(older, "322"), (newer, "323")]
    for edits, version in reversed(steps) if newer_first else steps:
        put_pairs(library, edits, version)


EXPECTED = [
    ("75574", "36000", "2010-01-01", "2026-09-30", "1"),
    ("75574", "36000", "2026-10-01", "", "0"),
    # Never stated again: it ended with its edition.
    ("75574", "36005", "2010-01-01", "2026-09-30", "0"),
    # 36010 turned out never to have been.
    ("75574", "36011", "2026-10-01", "", "0"),
]


@pytest.mark.parametrize("newer_first", [False, True])
def test_pairs_of_two_editions_in_either_order(tmp_path, newer_first) -> None:
    two_editions(tmp_path / "lib", newer_first=newer_first)

    assert pairs(tmp_path / "lib") == EXPECTED


def limits(value: str) -> list[tuple[str, str, str]]:
    return [("75574", value, "3 Clinical"), ("36000", "4", "3 Clinical")]


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
def test_limits_of_three_editions_in_any_order(tmp_path, order) -> None:
    editions = [("01-01-2026", "1"), ("04-01-2026", "1"), ("10-01-2026", "2")]
    for place in order:
        day, value = editions[place]
        put("ncci-mue", [made.mue_file(tmp_path, limits(value), day)], tmp_path / "lib")

    assert [(row[1], row[2], row[3], row[4]) for row in gathered(tmp_path / "lib", "mue")] == [
        # The third quarter has no edition.
        ("36000", "2026-01-01", "2026-06-30", "4"),
        ("36000", "2026-10-01", "2026-12-31", "4"),
        ("75574", "2026-01-01", "2026-06-30", "1"),
        ("75574", "2026-10-01", "2026-12-31", "2"),
    ]


def test_an_edition_within_another_answers_for_its_days(tmp_path) -> None:
    file = made.mue_file(tmp_path, limits("1"))
    put("ncci-mue", [file], tmp_path / "lib", edition="2026")
    put("ncci-mue", [made.mue_file(tmp_path, limits("2"))], tmp_path / "lib", edition="2026Q2")

    rows = [row for row in gathered(tmp_path / "lib", "mue") if row[1] == "75574"]
    assert [(row[2], row[3], row[4]) for row in rows] == [
        ("2026-01-01", "2026-03-31", "1"),
        ("2026-04-01", "2026-06-30", "2"),
        ("2026-07-01", "2026-12-31", "1"),
    ]


@pytest.mark.parametrize(
    ("edition", "period", "first", "last"),
    [
        ("2026Q4", "quarter", "2026-10-01", "2026-12-31"),
        ("2026Q1", "year", "2026-01-01", "2026-03-31"),
        ("2026", "quarter", "2026-01-01", "2026-12-31"),
        ("FY2026", "fiscal year", "2025-10-01", "2026-09-30"),
        ("2026-04-01", "fiscal year", "2026-04-01", "2026-09-30"),
        ("2026-10-01", "fiscal year", "2026-10-01", "2027-09-30"),
        ("2026-02-14", "quarter", "2026-02-14", "2026-03-31"),
        ("2026-02-14", "until replaced", "2026-02-14", "9999-12-31"),
    ],
)
def test_dates_that_an_edition_answers_for(edition, period, first, last) -> None:
    assert [day.isoformat() for day in dates_of(edition, period)] == [first, last]


# Imports that go wrong, or come again.


def snapshot(library: Path) -> dict[str, bytes]:
    return {
        path.relative_to(library).as_posix(): path.read_bytes()
        for path in sorted(library.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_an_import_again_changes_nothing(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    before = snapshot(tmp_path / "lib")

    again = put_pairs(tmp_path / "lib", made.EDITS, "322")

    assert not again.new
    assert snapshot(tmp_path / "lib") == before


def test_a_release_of_the_same_edition_replaces_it(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")

    put_pairs(tmp_path / "lib", made.EDITS[:5], "322")

    (one,) = open_shelf(tmp_path / "lib").editions
    assert one.rows == {"ptp_edits": 5}
    assert len(list((tmp_path / "lib" / "ncci-ptp").iterdir())) == 1
    assert len(list((tmp_path / "lib" / "tables").iterdir())) == 1


class Killed(BaseException):
    """Stands for a kill."""


@pytest.mark.parametrize("step", ["write_sorted", "gather", "replace_list", "sweep"])
@pytest.mark.parametrize("nth", [0, 1])
def test_an_import_killed_anywhere_leaves_the_library_as_it_was_or_as_it_will_be(
    tmp_path, monkeypatch, step, nth
) -> None:
    library = tmp_path / "lib"
    put_pairs(library, made.EDITS, "322")
    clean = tmp_path / "clean"
    shutil.copytree(library, clean)
    before = snapshot(library)
    calls = iter(range(100))
    real = getattr(placing, step)

    def killed(*args):
        if next(calls) == nth:
            raise Killed
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr(placing, step, killed)
        try:
            put_pairs(library, made.EDITS[:5], "323")
            done = True
        except Killed:
            done = False

    held = {one.edition for one in open_shelf(library).editions}
    assert held in ({"2026Q3"}, {"2026Q3", "2026Q4"})
    assert "sound" in check_page(library)
    if held == {"2026Q3"}:
        assert not done
        assert {name: before[name] for name in before} == {
            name: content for name, content in snapshot(library).items() if name in before
        }
    put_pairs(library, made.EDITS[:5], "323")
    put_pairs(clean, made.EDITS[:5], "323")
    assert snapshot(library) == snapshot(clean)


def test_a_refused_file_leaves_the_library_as_it_was(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    before = snapshot(tmp_path / "lib")
    bad = tmp_path / "ccipra-v323.txt"
    bad.write_text("Nothing\tof\tthe\tkind\n")

    with pytest.raises(AuditError, match="not recognised"):
        put("ncci-ptp", [bad], tmp_path / "lib")

    assert snapshot(tmp_path / "lib") == before


CHANGES = made.PTP_HEAD.replace("PTP Edit Rationale", "PTP Edit Rationale\tAction").replace(
    "\t\r\n", "\t\t\r\n"
)


def changes_file(tmp_path: Path, rows: list[tuple[str, ...]]) -> Path:
    text = CHANGES + "".join(
        f"{a}\t{b}\t\t{start}\t{end}\t{ind}\t{made.WORD}\t{action}\r\n"
        for a, b, start, end, ind, action in rows
    )
    path = tmp_path / "ccipra-changes.txt"
    path.write_bytes(text.encode())
    return path


def test_an_edition_is_the_one_before_it_with_its_changes(tmp_path) -> None:
    library = tmp_path / "lib"
    put_pairs(library, made.EDITS, "322")
    newer = [
        *(edit for edit in made.EDITS if edit[:2] != ("71275", "36000")),
        ("71275", "36000", "20021001", "20260930", "1"),
        ("75574", "36011", "20261001", "*", "0"),
    ]
    newer = [edit for edit in sorted(newer) if edit[:2] != ("93000", "93005")]
    told = [
        ("71275", "36000", "20021001", "20260930", "1", "Changed"),
        ("75574", "36011", "20261001", "*", "0", "Added"),
        ("93000", "93005", "19960101", "*", "0", "Deleted"),
    ]
    with pytest.raises(AuditError, match=r"2026Q3 with these changes.*1 rows differ.*93005"):
        put_pairs(library, newer, "323", changes=(changes_file(tmp_path, told[:2]),))
    assert len(open_shelf(library).editions) == 1

    one = put_pairs(library, newer, "323", changes=(changes_file(tmp_path, told),))

    assert one.new


def test_changes_without_an_edition_before_are_refused(tmp_path) -> None:
    with pytest.raises(AuditError, match="import the earlier edition first"):
        put_pairs(tmp_path / "lib", made.EDITS, "322", changes=(changes_file(tmp_path, []),))


# Audits with a library.


def test_every_pair_of_codes_is_judged_and_absence_is_clean(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    reading = {"claim_type": "professional", "modifiers": "", "service_date": "2026-08-03"}
    late = reading | {"service_date": "2026-10-03"}
    lines = claims(
        reading | {"procedure_code": "93000"},
        reading | {"procedure_code": "93005"},
        reading | {"procedure_code": "99213"},
        late | {"procedure_code": "93005"},
        late | {"procedure_code": "93000"},
        {"procedure_code": "99213", "service_date": "2026-08-03"},
        {"procedure_code": "99214", "service_date": "2026-08-03"},
    )

    result = audited(tmp_path / "lib", lines)

    # Beyond the horizon the edit still accuses, one milder, and acquits nobody.
    assert found(result, "ptp_pair_never_payable") == [(1, "denial"), (3, "review")]
    assert books(result, "ptp_pair_never_payable") == {
        "in_scope": 5,
        "flagged": 2,
        "clean": 2,
        "not_evaluated": 1,
    }
    (finding,) = (
        result.findings[result.findings["source_row"] == 3]
        .query("family == 'unbundling'")
        .to_dict("records")
    )
    assert "ncci-ptp-2026q3-professional" in finding["sources"]
    stale = result.not_evaluated.query("rule == 'ptp_pair_never_payable'")
    assert stale[["reason", "detail", "lines"]].to_numpy().tolist() == [
        ["reference_stale", "ptp_edits", 1]
    ]


def test_the_shipped_table_answers_for_what_the_library_does_not_hold(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    reference = opened(tmp_path / "lib")
    scan = {"service_date": "2026-08-03"}
    lines = claims(scan, scan | {"procedure_code": "76376"})

    result = audited(tmp_path / "lib", lines)

    assert found(result, "ptp_pair_without_modifier") == [(1, "denial")]
    with pytest.raises(ValueError, match="narrowed"):
        prepare(lines, reference, as_of=AS_OF)


def test_narrowing_to_some_lines_answers_as_the_whole_library_does(tmp_path) -> None:
    rng = np.random.default_rng(7)
    codes = [f"{code:05}" for code in rng.choice(99999, 60, replace=False)]
    edits = sorted(
        {
            (codes[a], codes[b]): (codes[a], codes[b], "20200101", "*", str(rng.integers(2)))
            for a, b in rng.integers(60, size=(600, 2))
            if a != b
        }.values()
    )
    put_pairs(tmp_path / "lib", edits, "322")
    cells = [
        {
            "claim_type": "professional",
            "modifiers": "",
            "patient_id": f"P{rng.integers(40)}",
            "service_date": f"2026-08-0{rng.integers(1, 4)}",
            "procedure_code": str(rng.choice(codes)),
        }
        for _ in range(400)
    ]
    lines = claims(*cells)
    joined = {(one, two): indicator for one, two, _, _, indicator in edits}
    days: dict[tuple[str, str], set[str]] = {}
    for row in cells:
        days.setdefault((row["patient_id"], row["service_date"]), set()).add(row["procedure_code"])

    result = audited(tmp_path / "lib", lines)

    for indicator, rule in (("0", "ptp_pair_never_payable"), ("1", "ptp_pair_without_modifier")):
        expected = [
            place
            for place, row in enumerate(cells)
            if any(
                joined.get((other, row["procedure_code"])) == indicator
                for other in days[row["patient_id"], row["service_date"]]
            )
        ]
        assert [place for place, _ in found(result, rule)] == expected


def test_units_of_every_code_are_judged(tmp_path) -> None:
    put("ncci-mue", [made.mue_file(tmp_path)], tmp_path / "lib")
    clean = {"claim_type": "professional", "modifiers": "", "service_date": "2026-08-03"}
    lines = claims(
        clean | {"procedure_code": "93000", "units": "4"},
        clean | {"procedure_code": "36000", "units": "3"},
        clean | {"procedure_code": "36000", "units": "2"},
        clean | {"procedure_code": "99213", "units": "50"},
    )

    result = audited(tmp_path / "lib", lines)

    assert found(result, "units_exceed_mue") == [(0, "denial"), (1, "denial"), (2, "denial")]
    # CMS leaves some limits unpublished: no limit is no acquittal.
    assert books(result, "units_exceed_mue")["not_evaluated"] == 1


def test_a_library_reads_only_the_groups_of_rows_it_needs(tmp_path, monkeypatch) -> None:
    from auditor.library import gathering, reading

    monkeypatch.setattr(gathering, "_GROUP", 2)
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    (one,) = open_shelf(tmp_path / "lib").tables
    path = tmp_path / "lib" / one.file
    assert pq.ParquetFile(path).metadata.num_row_groups > 2
    read: list[int] = []
    real = pq.ParquetFile.read_row_groups
    monkeypatch.setattr(
        pq.ParquetFile,
        "read_row_groups",
        lambda self, groups, **more: read.extend(groups) or real(self, groups, **more),
    )

    table = reading.groups_with(path, "column_one", ["93000", "00001"])

    assert table.num_rows == 1
    assert len(read) == 1


# What check and list say.


def test_list_shows_editions_by_date_and_the_gaps(tmp_path) -> None:
    for day in ("01-01-2026", "10-01-2026"):
        put("ncci-mue", [made.mue_file(tmp_path, day=day)], tmp_path / "lib")

    page = list_page(tmp_path / "lib")

    assert "2026-01-01 to 2026-03-31   2026Q1" in page
    assert "gap: no edition of mue professional answers for 2026-04-01 to 2026-09-30" in page
    assert "gap: no edition of mue professional" in check_page(tmp_path / "lib")


@pytest.mark.parametrize("harm", ["rows", "table", "list", "edition"])
def test_check_finds_what_was_harmed(tmp_path, harm) -> None:
    library = tmp_path / "lib"
    put("ncci-mue", [made.mue_file(tmp_path)], library)
    assert "1 editions, 5 rows: sound" in check_page(library)
    shelf = open_shelf(library)
    if harm == "rows":
        path = library / shelf.editions[0].folder / "mue.parquet"
        pq.write_table(pq.read_table(path).slice(1), path)
    elif harm == "table":
        (library / shelf.tables[0].file).write_bytes(b"PAR1")
    elif harm == "list":
        (library / "library.json").write_text("{}")
    else:
        shutil.rmtree(library / shelf.editions[0].folder)

    with pytest.raises(AuditError) as caught:
        check_page(library)

    assert "\n" not in str(caught.value)


def test_check_names_codes_that_an_edition_lacks(tmp_path) -> None:
    path = tmp_path / "addendum_b.csv"
    path.write_text(made.ADDENDUM_B.replace("75580", "75581"), encoding="latin-1")
    put("opps", [path], tmp_path / "lib", edition="2026")

    assert "opps 2026 lacks 75571, 75572, 75573" in check_page(tmp_path / "lib")


def test_the_list_of_a_library_is_json_with_the_publishers_names(tmp_path) -> None:
    put("ncci-mue", [made.mue_file(tmp_path)], tmp_path / "lib")

    content = json.loads((tmp_path / "lib" / "library.json").read_text())

    assert content["editions"][0]["files"][0]["file"].startswith("MCR_MUE_Practitioner")


def test_all_rules_run_with_a_library(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    put("ncci-mue", [made.mue_file(tmp_path)], tmp_path / "lib")

    result = audited(tmp_path / "lib", claims({"service_date": "2026-08-03"}))

    assert len(result.books) == len(CATALOGUE)
    total = result.books["flagged"] + result.books["clean"] + result.books["not_evaluated"]
    assert (total == result.books["in_scope"]).all()


def test_a_stale_date_names_the_edition_that_would_answer(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    scan = {"claim_type": "professional", "modifiers": "", "procedure_code": "93000"}
    lines = claims(
        scan | {"service_date": "2026-08-03"},
        scan | {"service_date": "2026-10-03"},
        scan | {"service_date": "2027-01-03", "procedure_code": "99213"},
    )

    needed = needed_editions(lines, narrowed(opened(tmp_path / "lib"), lines))

    assert needed["ptp_edits"] == "ncci-ptp 2026Q4, 2027Q1"
    assert needed["icd10cm"] == "icd10cm FY2027"
    assert needed["coverage_policies"] == "mcd 2026Q3, 2026Q4, 2027Q1"
    assert needed["case_by_case_jurisdictions"] == "case_by_case_jurisdictions 2026, 2027"
    assert needed["procedure_codes"] == "procedure_codes 2027"
    gap = gaps_of(
        pd.DataFrame(
            [("ptp_pair_bypassed", "reference_stale", "ptp_edits", 2)],
            columns=["rule", "reason", "detail", "lines"],
        ),
        needed,
    )[0]
    assert gap.remedy.endswith("Needed: ncci-ptp 2026Q4, 2027Q1.")


def test_every_table_that_ends_names_what_would_answer_later() -> None:
    """Whatever shipped table a line of a later day finds ended says which edition is lacking."""
    reference = load_reference(reference_dir())
    lines = claims({"service_date": "2031-02-03"}, {"service_date": "2031-02-04"})

    needed = needed_editions(lines, reference)

    ended = {name for name in reference.tables if reference.stale(name, lines).any()}
    assert ended == set(needed)
    assert needed["coverage_policies"] == "mcd 2031Q1"


# How the pairs are stored for audits.


def test_the_integers_of_stored_pairs_say_what_their_words_say(tmp_path) -> None:
    two_editions(tmp_path / "lib", newer_first=False)
    put_pairs(
        tmp_path / "lib", [*made.EDITS, ("75574", "36013", "20280101", "20301231", "0")], "330"
    )
    (one,) = open_shelf(tmp_path / "lib").tables
    file = pq.ParquetFile(tmp_path / "lib" / one.file)
    table = file.read()
    integers = [table[name].to_numpy() for name in PACKED]

    words = words_of_file(file, Path(one.file))
    again = as_table(unpacked(*integers, words), words.setting, words.sources)

    assert again.num_rows > len(EXPECTED)
    assert again.to_pylist() == table.drop(list(PACKED)).to_pylist()


def test_pairs_stored_by_an_earlier_version_are_to_be_imported_again(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    (one,) = open_shelf(tmp_path / "lib").tables
    path = tmp_path / "lib" / one.file
    pq.write_table(pq.read_table(path).drop(list(PACKED)).replace_schema_metadata(None), path)

    with pytest.raises(AuditError, match="earlier version of the program; import its editions"):
        audited(tmp_path / "lib", claims({"service_date": "2026-08-03"}))


def test_only_pairs_that_meet_on_a_patients_day_are_read(tmp_path) -> None:
    put_pairs(tmp_path / "lib", made.EDITS, "322")
    day = {"claim_type": "professional", "service_date": "2026-08-03"}
    lines = claims(
        day | {"patient_id": "P1", "procedure_code": "75574"},
        day | {"patient_id": "P1", "procedure_code": "36000"},
        day | {"patient_id": "P1", "procedure_code": "93000"},
        day | {"patient_id": "P2", "procedure_code": "93005"},
        day | {"patient_id": "P2", "procedure_code": "71275", "service_date": "2026-08-04"},
    )

    rows = narrowed(opened(tmp_path / "lib"), lines).table("ptp_edits").rows
    rows = rows[rows["source"].str.startswith("ncci-ptp-2026q3")]

    # 75574 with 93000 ended in 2023; 93000 and 93005 are two patients'.
    assert rows[["column_one", "column_two"]].to_numpy().tolist() == [["75574", "36000"]]


@pytest.mark.parametrize("day", ["18991231", "21500101"])
def test_an_edit_dated_beyond_all_editions_is_set_aside(tmp_path, day) -> None:
    path = tmp_path / "edits.txt"
    more = ("99213", "99214", day, "*", "1"), ("99213", "99215", "20200101", "99991231", "1")
    path.write_bytes(made.ptp_text([*made.EDITS, *more]))

    one = put("ncci-ptp", [path], tmp_path / "lib", edition="2026Q3", setting="professional")

    assert one.edition.rows == {"ptp_edits": len(made.EDITS) + 1}
    assert one.edition.quarantined == 1
    assert ("99213", "99215", "2020-01-01", "", "1") in pairs(tmp_path / "lib")


def test_an_import_that_ends_while_a_run_reads_the_library(tmp_path, monkeypatch) -> None:
    library = tmp_path / "lib"
    put_pairs(library, made.EDITS, "322")
    lines = claims({"procedure_code": "93000"}, {"procedure_code": "93005"})
    reference = opened(library)
    opening = reading.open_shelf
    calls: list[Path] = []

    def slow(folder: Path) -> Shelf:
        shelf = opening(folder)
        calls.append(folder)
        if len(calls) == 1:
            put_pairs(library, made.EDITS[:-1], "323")
        return shelf

    monkeypatch.setattr(reading, "open_shelf", slow)
    found_tables = narrowed(reference, lines).table("ptp_edits").editions

    assert "2026Q4" in {one.edition for one in found_tables}
    assert len(calls) == 2


def test_a_file_that_is_gone_is_told_once_no_import_explains_it(tmp_path) -> None:
    library = tmp_path / "lib"
    put_pairs(library, made.EDITS, "322")
    (library / open_shelf(library).tables[0].file).unlink()

    with pytest.raises(AuditError, match="is missing or damaged"):
        narrowed(opened(library), claims({"procedure_code": "93000"}))
