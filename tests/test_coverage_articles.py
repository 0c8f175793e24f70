"""Articles of the coverage database: their lists by contractor, since when, ranges opened."""

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from auditor.errors import AuditError
from auditor.library.shelf import open_shelf
from auditor.library_check import check_library
from auditor.official.diagnosis_ranges import catalogue_on
from auditor.reference import load_reference
from auditor.shipped import reference_dir
from tests import official_files as made
from tests.test_library import audited, claims, found
from tests.test_official import imported, quarantine, rows, saved

COVERED = (
    "article_id,article_version,icd10_code_id,icd10_code_version,icd10_covered_group,range,"
    "last_updated,sort_order,description,asterisk"
)
CODES = (
    "article_id,article_version,hcpc_code_id,hcpc_code_version,hcpc_code_group,range,last_updated,"
    "long_description,short_description"
)
ABOUT = (
    "article_id,article_version,article_type,title,article_pub_date,article_eff_date,"
    "article_end_date,description,status,last_updated,article_rev_end_date,date_retired,display_id"
)
WHERE = (
    "article_id,article_version,article_type,contractor_id,contractor_type_id,contractor_version,"
    "last_updated"
)
CONTRACTORS = (
    "contractor_id,contractor_type_id,contractor_version,contractor_bus_name,contractor_number\r\n"
    "10,9,1,Nobody,99999\r\n10,9,2,An invented contractor,12502\r\n"
    "11,8,1,An invented contractor,11302\r\n"
)
ORDER_2026 = "".join(
    f"{n:05d} {code:<7} {flag} A short title".ljust(77) + "A long title\r\n"
    for n, (code, flag) in enumerate(
        [
            ("I20", 0),
            ("I200", 1),
            ("I202", 1),
            ("I208", 0),
            ("I2081", 1),
            ("I2089", 1),
            ("I209", 1),
            ("I21", 0),
            ("I210", 1),
        ],
        start=1,
    )
)
Lines = Sequence[str]


def pack(
    folder: Path,
    *,
    day: str = "2026-01-05",
    covered: Lines = (),
    codes: Lines = ("57552,11,75574,2026,1,N,,,",),
    about: Lines | None = ("57552,11,6,T,2018-10-03 00:00:00,2025-10-01 00:00:00,,x,A,,,,",),
    where: Lines = ("57552,11,6,10,9,2,",),
    retiring: Lines | None = None,
) -> Path:
    """The archive of one download; ``covered`` holds article, version, code, group, mark, order."""
    rows_ = [
        f"{article},{version},{code},2026,{group},{mark},{day} 00:00:00,{order},Invented,N"
        for article, version, code, group, mark, order in (line.split(",") for line in covered)
    ]
    tables: dict[str, tuple[str, Lines]] = {
        "article_x_icd10_covered": (COVERED, rows_),
        "article_x_hcpc_code": (CODES, codes),
        "article_x_contractor": (WHERE, where),
    }
    if about is not None:
        tables["article"] = (ABOUT, about)
    if retiring is not None:
        tables["article_future_retire"] = ("article_id,retire_dt", retiring)
    files: Mapping[str, bytes | str] = {
        f"{name}.csv": "\r\n".join([head, *lines, ""]) for name, (head, lines) in tables.items()
    }
    inner = made.zipped_bytes({**files, "contractor.csv": CONTRACTORS, "readme.txt": "x"})
    path = folder / f"{day}-{len(list(folder.glob('*.zip')))}.zip"
    return made.zipped(path, {"current_article_csv.zip": inner})


def stored(library: Path, table: str) -> list[tuple[str, ...]]:
    """What the editions say together: key, first and last day of each row."""
    one = next(one for one in open_shelf(library).tables if one.table == table)
    found_rows = pq.read_table(library / one.file).to_pylist()
    names = list(found_rows[0])[:4] if found_rows else []
    return [tuple("" if row[n] is None else str(row[n]) for n in names) for row in found_rows]


ONE = ("57552,11,I25.10,1,N,1", "57552,11,I20.81,1,,2")


def test_articles_in_an_archive_in_an_archive(tmp_path) -> None:
    inner = made.zipped_bytes(made.ARTICLES | {"readme.txt": "x"})
    path = made.zipped(tmp_path / "current_article.zip", {"current_article_csv.zip": inner})

    one = imported("mcd", [path], tmp_path / "lib")

    listed = rows(tmp_path / "lib", one, "coverage_diagnoses")
    assert [tuple(row.values()) for row in listed] == [
        ("A57552", "I25.10", "", "", "ccta", "yes"),
        ("A57552", "I20.81", "", "", "ccta", "yes"),
        ("A58000", "I25.10", "", "", "ffrct", "no"),
    ]
    policies = rows(tmp_path / "lib", one, "coverage_policies")
    assert [(r["policy_id"], r["jurisdiction"], r["service"]) for r in policies] == [
        ("A57552", "JL", "ccta")
    ]
    assert one.edition.edition == "2026-01-05"
    assert one.edition.left_out["rows of articles about other services"] == 2


def test_an_article_stands_since_its_revision(tmp_path) -> None:
    one = imported("mcd", [pack(tmp_path, covered=ONE)], tmp_path / "lib")

    assert stored(tmp_path / "lib", "coverage_diagnoses") == [
        ("A57552", "I20.81", "2025-10-01", "2026-03-31"),
        ("A57552", "I25.10", "2025-10-01", "2026-03-31"),
    ]
    assert stored(tmp_path / "lib", "coverage_policies") == [
        ("A57552", "JL", "2025-10-01", "2026-03-31")
    ]
    (policy,) = rows(tmp_path / "lib", one, "coverage_policies")
    assert policy["revised_on"] == "2025-10-01"
    assert one.edition.quarantined == 0


@pytest.mark.parametrize(
    ("about", "first", "last"),
    [
        # Never revised: since it was published.
        ("57552,11,6,T,2018-10-03 00:00:00,,,x,A,,,,", "2018-10-03", "2026-03-31"),
        ("57552,11,6,T,10/3/2018 12:00:00 AM,N/A,,x,A,,,,", "2018-10-03", "2026-03-31"),
        ("57552,11,6,T,2018-10-03,2025-10-01,2026-02-15,x,A,,,,", "2025-10-01", "2026-02-15"),
        ("57552,11,6,T,2018-10-03,2025-10-01,,x,R,,2026-02-15,2026-02-16,", "2025-10-01",
         "2026-02-15"),
        ("57552,11,6,T,2018-10-03,2025-10-01,,x,R,,,2026-02-16,", "2025-10-01", "2026-02-16"),
        # Its first day lies ahead.
        ("57552,11,6,T,2018-10-03,2026-02-01,,x,A,,,,", "2026-02-01", "2026-03-31"),
    ],
)  # fmt: skip
def test_dates_of_an_article(tmp_path, about, first, last) -> None:
    imported("mcd", [pack(tmp_path, covered=ONE[:1], about=[about])], tmp_path / "lib")

    assert stored(tmp_path / "lib", "coverage_diagnoses") == [("A57552", "I25.10", first, last)]
    assert stored(tmp_path / "lib", "coverage_policies") == [("A57552", "JL", first, last)]


def test_a_retirement_that_is_announced(tmp_path) -> None:
    path = pack(tmp_path, covered=ONE[:1], retiring=["57552,2026-02-20 00:00:00"])
    imported("mcd", [path], tmp_path / "lib")

    assert stored(tmp_path / "lib", "coverage_policies") == [
        ("A57552", "JL", "2025-10-01", "2026-02-20")
    ]


@pytest.mark.parametrize(
    "about",
    [
        # A draft, a proposal, and one that ended before it began.
        "57552,11,6,T,2018-10-03,2025-10-01,,x,A,,,,57552",
        "57552,11,6,T,2018-10-03,2025-10-01,,x,P,,,,",
        "57552,11,6,T,2018-10-03,2025-10-01,2025-09-30,x,R,,,,",
    ],
)
def test_what_is_no_policy_makes_no_list(tmp_path, about) -> None:
    path = pack(tmp_path, covered=ONE, about=[about])

    with pytest.raises(AuditError, match="no row that could be used"):
        imported("mcd", [path], tmp_path / "lib")


def test_an_older_version_stands_where_the_newer_one_is_a_draft(tmp_path) -> None:
    one = imported(
        "mcd",
        [
            pack(
                tmp_path,
                covered=[*ONE, "57552,12,I21.0,1,N,1"],
                codes=["57552,11,75574,2026,1,N,,,", "57552,12,75574,2026,1,N,,,"],
                about=[
                    "57552,11,6,T,2018-10-03,2025-10-01,,x,A,,,,",
                    "57552,12,6,T,2018-10-03,2026-04-01,,x,P,,,,57552",
                ],
            )
        ],
        tmp_path / "lib",
    )

    listed = rows(tmp_path / "lib", one, "coverage_diagnoses")
    assert [row["icd10"] for row in listed] == ["I25.10", "I20.81"]


def test_a_date_that_is_none_is_set_aside_and_the_edition_answers_for_its_own_days(
    tmp_path,
) -> None:
    about = ["57552,11,6,T,2018-10-03,soon,,x,A,,,,"]
    one = imported("mcd", [pack(tmp_path, covered=ONE[:1], about=about)], tmp_path / "lib")

    assert stored(tmp_path / "lib", "coverage_diagnoses") == [
        ("A57552", "I25.10", "2026-01-05", "2026-03-31")
    ]
    assert [row["content"] for row in quarantine(tmp_path / "lib", one)] == ["A57552"]


def test_an_article_that_fills_a_cell_of_a_megabyte(tmp_path) -> None:
    text = "<p>An invented text.</p>" * 40_000
    about = [f'57552,11,6,T,2018-10-03,2025-10-01,,"{text}",A,,,,']
    one = imported("mcd", [pack(tmp_path, covered=ONE, about=about)], tmp_path / "lib")

    assert one.edition.rows == {"coverage_diagnoses": 2, "coverage_policies": 1}


# Versions of an article in several editions.

LATER = ("57552,12,I25.10,1,N,1", "57552,12,I21.0,1,N,2")
LATER_ABOUT = ("57552,12,6,T,2018-10-03,2026-02-15,,x,A,,,,",)
LATER_OPTIONS = {
    "day": "2026-04-06",
    "codes": ["57552,12,75574,2026,1,N,,,"],
    "about": LATER_ABOUT,
    "where": ["57552,12,6,10,9,2,"],
}
TOGETHER = [
    ("A57552", "I20.81", "2025-10-01", "2026-02-14"),
    ("A57552", "I21.0", "2026-02-15", "2026-06-30"),
    ("A57552", "I25.10", "2025-10-01", "2026-02-14"),
    ("A57552", "I25.10", "2026-02-15", "2026-06-30"),
]


@pytest.mark.parametrize("newer_first", [False, True])
def test_the_newer_version_holds_since_its_own_day(tmp_path, newer_first) -> None:
    packs = [
        pack(tmp_path, covered=ONE),
        pack(tmp_path, covered=LATER, **LATER_OPTIONS),
    ]
    for path in reversed(packs) if newer_first else packs:
        imported("mcd", [path], tmp_path / "lib")

    # No edition answers from April 1 to 5, but the version stood already.
    assert stored(tmp_path / "lib", "coverage_diagnoses") == TOGETHER
    assert stored(tmp_path / "lib", "coverage_policies") == [
        ("A57552", "JL", "2025-10-01", "2026-02-14"),
        ("A57552", "JL", "2026-02-15", "2026-06-30"),
    ]
    assert "gap" not in check_library(tmp_path / "lib", load_reference(reference_dir()))


def test_the_same_version_in_two_editions_is_one_row(tmp_path) -> None:
    for day in ("2026-01-05", "2026-04-06"):
        imported("mcd", [pack(tmp_path, day=day, covered=ONE)], tmp_path / "lib")

    assert stored(tmp_path / "lib", "coverage_diagnoses") == [
        ("A57552", "I20.81", "2025-10-01", "2026-06-30"),
        ("A57552", "I25.10", "2025-10-01", "2026-06-30"),
    ]


def test_an_article_that_a_newer_edition_lacks_ends_before_it(tmp_path) -> None:
    other = ("57553,1,I21.0,1,N,1",)
    both = ["57552,11,75574,2026,1,N,,,", "57553,1,75580,2026,1,N,,,"]
    where = ["57552,11,6,10,9,2,", "57553,1,6,10,9,2,"]
    about = [
        "57552,11,6,T,2018-10-03,2025-10-01,,x,A,,,,",
        "57553,1,6,T,2025-11-01,,,x,A,,,,",
    ]
    first = pack(tmp_path, covered=[*ONE, *other], codes=both, where=where, about=about)
    second = pack(
        tmp_path, day="2026-02-10", covered=other, codes=both[1:], where=where[1:], about=about[1:]
    )
    for path in (first, second):
        imported("mcd", [path], tmp_path / "lib")

    assert stored(tmp_path / "lib", "coverage_policies") == [
        ("A57552", "JL", "2025-10-01", "2026-02-09"),
        ("A57553", "JL", "2025-11-01", "2026-03-31"),
    ]


# Ranges.

RANGE = ("57552,11,I20.2,1,B,1", "57552,11,I20.9,1,E,2", "57552,11,I25.10,1,N,3")


def order_file(library: Path, folder: Path) -> None:
    imported("icd10cm", [saved(folder, "icd10cm_order_2026.txt", ORDER_2026)], library)


def test_a_range_is_opened_by_the_edition_of_its_fiscal_year(tmp_path) -> None:
    order_file(tmp_path / "lib", tmp_path)
    one = imported("mcd", [pack(tmp_path, covered=RANGE)], tmp_path / "lib")

    listed = rows(tmp_path / "lib", one, "coverage_diagnoses")
    assert [row["icd10"] for row in listed] == ["I20.2", "I20.81", "I20.89", "I20.9", "I25.10"]
    assert {row["complete"] for row in listed} == {"yes"}
    assert one.edition.quarantined == 0


def test_a_range_stays_closed_until_its_codes_are_at_hand(tmp_path) -> None:
    path = pack(tmp_path, covered=RANGE)
    closed = imported("mcd", [path], tmp_path / "lib")

    listed = rows(tmp_path / "lib", closed, "coverage_diagnoses")
    assert [(row["icd10"], row["complete"]) for row in listed] == [
        ("I20.2", "no"),
        ("I20.9", "no"),
        ("I25.10", "no"),
    ]
    (told,) = quarantine(tmp_path / "lib", closed)
    assert "the range I20.2 to I20.9" in told["reason"]
    assert "import icd10cm FY2026, then these files again" in told["reason"]

    order_file(tmp_path / "lib", tmp_path)
    opened = imported("mcd", [path], tmp_path / "lib")
    assert opened.new
    assert opened.edition.rows["coverage_diagnoses"] == 5
    assert opened.edition.quarantined == 0
    assert len([e for e in open_shelf(tmp_path / "lib").editions if e.kind == "mcd"]) == 1
    assert not imported("mcd", [path], tmp_path / "lib").new


@pytest.mark.parametrize(
    ("covered", "codes"),
    [
        # The order of the list decides, not that of the file.
        (("57552,11,I20.9,1,E,2", "57552,11,I20.81,1,B,1"), "I20.81 I20.89 I20.9"),
        # Codes within a range may be listed as well.
        (
            ("57552,11,I20.2,1,B,1", "57552,11,I20.81,1,M,2", "57552,11,I20.89,1,E,3"),
            "I20.2 I20.81 I20.89",
        ),
        # The last code of a range may be a heading.
        (("57552,11,I20.2,1,B,1", "57552,11,I20.8,1,E,2"), "I20.2 I20.81 I20.89"),
        (("57552,11,I20.81-I20.9,1,,1",), "I20.81 I20.89 I20.9"),
    ],
)
def test_ways_to_write_a_range(tmp_path, covered, codes) -> None:
    order_file(tmp_path / "lib", tmp_path)
    one = imported("mcd", [pack(tmp_path, covered=covered)], tmp_path / "lib")

    listed = rows(tmp_path / "lib", one, "coverage_diagnoses")
    assert sorted(row["icd10"] for row in listed) == codes.split()
    assert {row["complete"] for row in listed} == {"yes"}


@pytest.mark.parametrize(
    ("covered", "reason"),
    [
        (("57552,11,I20.2,1,B,1", "57552,11,I25.10,1,N,2"), "has no end"),
        (("57552,11,I20.2,1,B,1", "57552,11,I20.81,1,B,2"), "has no end"),
        (("57552,11,I20.9,1,E,1",), "has no beginning"),
        (("57552,11,I20.9,1,Y,1", ONE[0]), "whose end it does not name"),
        (("57552,11,I20.9,1,B,1", "57552,11,I20.2,1,E,2"), "knows no code"),
        (("57552,11,angina,1,N,1", ONE[0]), "is no diagnosis code"),
        # Groups are lists of their own.
        (("57552,11,I20.2,1,B,1", "57552,11,I20.9,2,E,2"), "has no end"),
    ],
)
def test_a_range_that_is_none_leaves_its_list_not_complete(tmp_path, covered, reason) -> None:
    order_file(tmp_path / "lib", tmp_path)
    one = imported("mcd", [pack(tmp_path, covered=covered)], tmp_path / "lib")

    listed = rows(tmp_path / "lib", one, "coverage_diagnoses")
    assert {row["complete"] for row in listed} == {"no"}
    assert reason in quarantine(tmp_path / "lib", one)[0]["reason"]


def test_a_code_in_several_groups_is_listed_once_and_counted(tmp_path) -> None:
    covered = [*ONE, "57552,11,I25.10,2,N,1"]
    one = imported("mcd", [pack(tmp_path, covered=covered)], tmp_path / "lib")

    assert one.edition.rows["coverage_diagnoses"] == 2
    assert one.edition.quarantined == 0
    assert one.edition.left_out["diagnoses that an article lists in several groups"] == 1


def test_procedure_codes_given_as_a_range_name_those_within(tmp_path) -> None:
    codes = ["57552,11,75572,2026,1,B,,,", "57552,11,75580,2026,1,E,,,"]
    one = imported("mcd", [pack(tmp_path, covered=ONE, codes=codes)], tmp_path / "lib")

    (policy,) = rows(tmp_path / "lib", one, "coverage_policies")
    assert policy["service"] == "ccta ffrct"


# What the rule makes of it.

SCAN = {"procedure_code": "75574", "service_state": "DC", "payer_type": "medicare"}


def scan(day: str, diagnosis: str, code: str = "75574") -> dict[str, str]:
    return SCAN | {"procedure_code": code, "service_date": day, "diagnosis_codes": diagnosis}


def test_the_version_of_the_day_judges(tmp_path) -> None:
    for path in (pack(tmp_path, covered=ONE), pack(tmp_path, covered=LATER, **LATER_OPTIONS)):
        imported("mcd", [path], tmp_path / "lib")

    result = audited(
        tmp_path / "lib",
        claims(
            scan("2025-10-01", "I20.81"),
            scan("2025-10-01", "I21.0"),
            scan("2026-02-14", "I20.81"),
            scan("2026-02-15", "I20.81"),
            scan("2026-02-15", "I21.0"),
        ),
    )

    assert found(result, "diagnosis_not_covered") == [(1, "review"), (3, "review")]


def test_an_article_about_both_services_judges_both(tmp_path) -> None:
    codes = ["57552,11,75574,2026,1,N,,,", "57552,11,75580,2026,1,N,,,"]
    imported("mcd", [pack(tmp_path, covered=ONE, codes=codes)], tmp_path / "lib")

    result = audited(
        tmp_path / "lib",
        claims(
            scan("2026-01-10", "M17.0"),
            scan("2026-01-10", "M17.0", "75580"),
            scan("2026-01-10", "I20.81", "75580"),
        ),
    )

    assert found(result, "diagnosis_not_covered") == [(0, "review"), (1, "review")]


def test_a_diagnosis_on_one_of_several_lists_of_the_contractor_is_covered(tmp_path) -> None:
    path = pack(
        tmp_path,
        covered=[*ONE, "57553,1,I21.0,1,N,1"],
        codes=["57552,11,75574,2026,1,N,,,", "57553,1,75574,2026,1,N,,,"],
        where=["57552,11,6,10,9,2,", "57553,1,6,10,9,2,"],
        about=["57552,11,6,T,2018-10-03,,,x,A,,,,", "57553,1,6,T,2018-10-03,,,x,A,,,,"],
    )
    imported("mcd", [path], tmp_path / "lib")

    lines = claims(
        scan("2026-01-10", "I20.81"), scan("2026-01-10", "I21.0"), scan("2026-01-10", "M17.0")
    )
    assert found(audited(tmp_path / "lib", lines), "diagnosis_not_covered") == [(2, "review")]


def test_a_list_that_is_not_complete_neither_accuses_nor_serves_others(tmp_path) -> None:
    imported("mcd", [pack(tmp_path, covered=RANGE)], tmp_path / "lib")

    # I20.89 is on the shipped list, not on the one whose range stays closed.
    result = audited(
        tmp_path / "lib",
        claims(
            scan("2026-01-10", "I20.89"),
            scan("2026-01-10", "I20.89") | {"service_state": "FL"},
            scan("2026-01-10", "M17.0"),
        ),
    )

    assert found(result, "diagnosis_not_covered") == [(2, "note")]


def test_a_range_is_opened_by_the_update_within_the_year(tmp_path) -> None:
    imported("icd10cm", [saved(tmp_path, "icd10cm_order_2026.txt", made.ORDER)], tmp_path / "lib")
    newer = made.ORDER.replace("I2510  ", "I25110 ")
    update = saved(tmp_path, "icd10cm-order-April-1-2026.txt", newer)
    imported("icd10cm", [update], tmp_path / "lib")

    before = catalogue_on(tmp_path / "lib", date(2026, 3, 31))
    after = catalogue_on(tmp_path / "lib", date(2026, 4, 1))

    assert before.between("I25.1", "I25.9") == ["I25.10"]
    assert after.between("I25.1", "I25.9") == ["I25.110"]
