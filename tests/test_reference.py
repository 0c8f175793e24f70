"""Reference tables: what the loader refuses, and the row in force on the date of service."""

import csv
import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.errors import AuditError
from auditor.reference import Reference, day_numbers, distinct_keys, load_reference
from auditor.shipped import reference_dir

SOURCES = (
    "id,title,publisher,section,url,edition,published_on,checked_on\n"
    "manual,A manual,CMS,s. 1,,2025,2025-01-01,2025-02-01\n"
    "list,A list,CMS,,,2024,2024-01-01,2024-02-01\n"
)
EDITIONS = "table,setting,edition,first_date,last_date,source,note\n"
HEADER = "procedure_code,effective_from,effective_to,limit,source\n"


def folder(path: Path, rows: str, *, header: str = HEADER, editions: str = "") -> Path:
    path.mkdir(parents=True, exist_ok=True)
    (path / "sources.csv").write_text(SOURCES, encoding="utf-8")
    (path / "editions.csv").write_text(EDITIONS + editions, encoding="utf-8")
    (path / "limits.csv").write_text(header + rows, encoding="utf-8")
    return path


def lines(*cells: tuple[str, str], claim_type: str = "institutional") -> pd.DataFrame:
    codes, days = zip(*cells, strict=True) if cells else ((), ())
    return pd.DataFrame(
        {
            "procedure_code": pd.Categorical(list(codes)),
            "claim_type": pd.Categorical([claim_type] * len(codes)),
            "service_date": pd.to_datetime(pd.Series(list(days), dtype="str")).astype(
                "datetime64[s]"
            ),
        }
    )


def in_force(reference: Reference, *cells: tuple[str, str]) -> list[str]:
    return reference.as_of("limits", lines(*cells), on=["procedure_code"])["limit"].tolist()


# Refusals.


def refusal(path: Path) -> str:
    with pytest.raises(AuditError) as caught:
        load_reference(path)
    message = str(caught.value)
    assert "\n" not in message
    assert str(path) in message
    return message


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("75574,2024-13-01,,1,manual\n", ["line 2", "effective_from '2024-13-01'", "correct"]),
        ("75574,20240101,,1,manual\n", ["line 2", "'20240101'", "2024-01-31"]),
        ("75574,01/02/2024,,1,manual\n", ["line 2", "effective_from", "correct"]),
        ("75574,,2024-02-30,1,manual\n", ["line 2", "effective_to '2024-02-30'", "correct"]),
        ("75574,2024-06-01,2024-05-31,1,manual\n", ["line 2", "before", "swap"]),
        ("75574,,,1,guide\n", ["line 2", "'guide'", "sources.csv", "add"]),
        ("75574,,,1,manual guide\n", ["line 2", "'guide'", "sources.csv"]),
        ("75574,,,1,\n", ["line 2", "source ''", "add"]),
        ("503T,,,1,manual\n", ["line 2", "procedure_code '503T'", "leading zero"]),
        ("75574,,,1,manual\n5574,,,1,manual\n", ["line 3", "'5574'", "leading zero"]),
        ("75574,,,1\n", ["line 2", "4 cells", "5", "quote"]),
        ("75574,,,1,2,manual\n", ["line 2", "6 cells", "quote"]),
        ("75574,,,1,manual\n\n75573,,,1,manual\n", ["line 3", "0 cells"]),
        ("75574,,,1,manual\n75574,2024-01-01,,2,manual\n", ["line 3", "75574", "line 2", "end"]),
        (
            "75574,2024-01-01,2024-06-30,1,manual\n75574,2024-06-30,,2,manual\n",
            ["line 3", "2024-06-30", "line 2", "the day before"],
        ),
        (
            "75574,2024-06-30,,2,manual\n75573,,,1,manual\n75574,,2024-12-31,1,manual\n",
            ["line 2", "line 4"],
        ),
        ('75574,,,"1,manual\n', ["limits.csv", "CSV"]),
    ],
)
def test_an_unsound_row_is_refused_with_its_line_and_the_way_out(tmp_path, rows, says) -> None:
    message = refusal(folder(tmp_path, rows))

    assert "limits.csv" in message
    for words in says:
        assert words in message


@pytest.mark.parametrize(
    ("column", "cell", "wants"),
    [
        ("revenue_code", "480", "four digits"),
        ("revenue_code", "048X", "four digits"),
        ("place_of_service", "9", "two digits"),
        ("modifier", "2", "two characters"),
        ("icd10", "125.10", "I25.10"),
        ("icd10", "I2510", "I25.10"),
        ("column_one", "36000.0", "five characters"),
        ("column_two", "3600", "five characters"),
        ("partb_contractor", "1112", "five digits"),
        ("procedure_code", "7557a", "five characters"),
    ],
)
def test_a_code_that_lost_its_shape_is_refused(tmp_path, column, cell, wants) -> None:
    header = f"{column},effective_from,effective_to,limit,source\n"

    message = refusal(folder(tmp_path, f"{cell},,,1,manual\n", header=header))

    assert f"line 2: {column} '{cell}'" in message
    assert wants in message


@pytest.mark.parametrize("missing", ["effective_from", "effective_to", "source"])
def test_a_table_without_dates_or_source_is_refused(tmp_path, missing) -> None:
    message = refusal(folder(tmp_path, "", header=HEADER.replace(missing, "other")))

    assert f"no column {missing}" in message


def test_two_columns_of_one_name_are_refused(tmp_path) -> None:
    header = "procedure_code,effective_from,effective_to,source,source\n"

    assert "same name" in refusal(folder(tmp_path, "", header=header))


def test_an_empty_table_file_is_refused(tmp_path) -> None:
    folder(tmp_path, "")
    (tmp_path / "limits.csv").write_text("")

    assert "is empty" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00binary\x00\n", b"procedure_code\x00,\xe9\n"])
def test_a_table_that_is_no_utf_8_text_is_refused(tmp_path, content) -> None:
    folder(tmp_path, "")
    (tmp_path / "limits.csv").write_bytes(content)

    assert "UTF-8" in refusal(tmp_path)


def test_a_folder_that_is_not_there_or_holds_nothing_is_refused(tmp_path) -> None:
    assert "no such folder" in refusal(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    assert "no reference tables" in refusal(tmp_path / "empty")


@pytest.mark.parametrize(
    "editions",
    ["limits,,2025,2025-02-30,,manual,\n", "limits,,2025,,yesterday,manual,\n"],
)
def test_an_edition_with_a_bad_date_is_refused(tmp_path, editions) -> None:
    message = refusal(folder(tmp_path, "75574,,,1,manual\n", editions=editions))

    assert "editions.csv" in message
    assert "line 2" in message


def test_editions_without_their_columns_are_refused(tmp_path) -> None:
    folder(tmp_path, "75574,,,1,manual\n")
    (tmp_path / "editions.csv").write_text("name,edition\nlimits,2025\n", encoding="utf-8")

    assert "editions.csv" in refusal(tmp_path)


@pytest.mark.parametrize(
    "content",
    ["name,title\nmanual,A manual\n", SOURCES.replace("checked_on", "seen_on"), "id\nmanual\n"],
)
def test_sources_without_their_columns_are_refused(tmp_path, content) -> None:
    folder(tmp_path, "75574,,,1,manual\n")
    (tmp_path / "sources.csv").write_text(content, encoding="utf-8")

    assert "sources.csv" in refusal(tmp_path)


def test_a_byte_order_mark_from_a_spreadsheet_is_no_part_of_a_name(tmp_path) -> None:
    folder(tmp_path, "75574,,,1,manual\n")
    for path in tmp_path.glob("*.csv"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())

    reference = load_reference(tmp_path)

    assert reference.table("limits").keys == ("procedure_code",)
    assert in_force(reference, ("75574", "2025-01-01")) == ["1"]


def test_an_edit_that_never_was_in_force_is_allowed_to_end_before_it_begins(tmp_path) -> None:
    header = "procedure_code,effective_from,effective_to,modifier_indicator,source\n"

    load_reference(folder(tmp_path, "75574,2024-06-01,2024-05-31,9,manual\n", header=header))


def test_adjoining_rows_are_no_overlap(tmp_path) -> None:
    rows = "75574,,2023-12-31,1,manual\n75574,2024-01-01,2024-12-31,2,list manual\n"
    reference = load_reference(folder(tmp_path, rows + "75574,2025-01-01,,3,manual\n"))

    assert in_force(
        reference,
        ("75574", "1990-01-01"),
        ("75574", "2023-12-31"),
        ("75574", "2024-01-01"),
        ("75574", "2024-12-31"),
        ("75574", "2025-01-01"),
        ("75574", "2099-12-31"),
    ) == ["1", "1", "2", "2", "3", "3"]


# As of.


def test_both_ends_are_inclusive_and_beyond_them_nothing_is_in_force(tmp_path) -> None:
    reference = load_reference(folder(tmp_path, "75574,2024-01-01,2024-06-30,1,manual\n"))
    asked = lines(
        ("75574", "2023-12-31"),
        ("75574", "2024-01-01"),
        ("75574", "2024-06-30"),
        ("75574", "2024-07-01"),
        ("75573", "2024-03-01"),
        ("", "2024-03-01"),
    )

    found = reference.as_of("limits", asked, on=["procedure_code"])

    assert found["limit"].tolist() == ["", "1", "1", "", "", ""]
    assert found.known.tolist() == [True] * 4 + [False] * 2
    assert found.found.tolist() == [False, True, True, False, False, False]
    assert reference.of_key("limits", asked, on=["procedure_code"])["limit"].tolist() == (
        ["1"] * 4 + [""] * 2
    )


def test_rows_in_force_throughout_stand_beside_those_that_change_in_between(tmp_path) -> None:
    """The first rows of all codes hold for all days at hand or none, of the second one changes."""
    rows = "75574,2020-01-01,2020-12-31,1,manual\n75574,2024-02-01,,2,manual\n"
    rows += "75573,2020-01-01,,3,manual\n"
    reference = load_reference(folder(tmp_path, rows))

    assert in_force(
        reference,
        ("75573", "2024-01-15"),
        ("75574", "2024-01-15"),
        ("75573", "2024-03-01"),
        ("75574", "2024-03-01"),
    ) == ["3", "", "3", "2"]


def test_a_line_without_a_date_of_service_has_only_what_was_always_in_force(tmp_path) -> None:
    reference = load_reference(folder(tmp_path, "75574,2024-01-01,,1,manual\n"))

    assert in_force(reference, ("75574", "")) == [""]


@pytest.mark.parametrize(
    ("day", "setting", "stale"),
    [
        ("2024-06-30", "institutional", True),
        ("2024-07-01", "institutional", False),
        ("2026-12-31", "institutional", False),
        ("2027-01-01", "institutional", True),
        ("2024-09-30", "professional", False),
        ("2024-10-01", "professional", True),
        ("2024-01-01", "", False),
    ],
)
def test_a_date_outside_the_edition_of_its_setting_is_stale(tmp_path, day, setting, stale) -> None:
    editions = (
        "limits,institutional,A,2024-07-01,2026-12-31,manual,\n"
        "limits,professional,B,2024-07-01,2024-09-30,list,\n"
    )
    reference = load_reference(folder(tmp_path, "75574,,,1,manual\n", editions=editions))
    asked = lines(("75574", day), claim_type=setting)

    found = reference.as_of("limits", asked, on=["procedure_code"])

    assert found.stale.tolist() == [stale]
    assert found["limit"].tolist() == ["1"]
    assert reference.edition_name("limits", "professional") == "B"


def test_the_shipped_tables_laid_over_themselves_are_the_shipped_ones() -> None:
    twice = load_reference(reference_dir(), reference_dir())

    assert twice.digest() == load_reference(reference_dir()).digest()


def test_the_shipped_edits_answer_as_the_rules_say() -> None:
    reference = load_reference(reference_dir())
    dates = {(e.setting, e.first_date, e.last_date) for e in reference.table("ptp_edits").editions}

    assert dates == {
        ("institutional", date(2024, 7, 1), date(2026, 12, 31)),
        ("professional", date(2024, 7, 1), date(2024, 9, 30)),
    }


def test_no_shipped_row_begins_after_its_table_stops_answering() -> None:
    with (reference_dir() / "editions.csv").open(encoding="utf-8") as text:
        last = {(row["table"], row["setting"]): row["last_date"] for row in csv.DictReader(text)}

    late = []
    for table in {table for table, _ in last}:
        with (reference_dir() / f"{table}.csv").open(encoding="utf-8") as text:
            for row in csv.DictReader(text):
                day = last.get((table, row.get("setting", ""))) or last.get((table, ""))
                if day and row["effective_from"] > day:
                    late.append((table, *row.values()))
    assert late == [], "move last_date in editions.csv: no line is judged by these rows"


def test_the_shipped_tables_hold_the_facts_of_the_field() -> None:
    reference = load_reference(reference_dir())
    pairs = reference.table("ptp_edits").rows
    ffrct, ccta = {"75580", "0501T", "0502T", "0503T", "0504T"}, {"75574"}
    joined = {
        frozenset(pair) for pair in zip(pairs["column_one"], pairs["column_two"], strict=True)
    }

    assert not {frozenset({one, other}) for one in ffrct for other in ccta} & joined
    bypassing = reference.words("modifiers", "modifier", bypasses_ptp="yes")
    assert {"59", "25", "XE", "XS", "XP", "XU", "LT", "RT", "91"} <= bypassing
    assert not {"22", "76", "77", "26", "TC"} & bypassing
    codes = reference.table("procedure_codes").rows.set_index("procedure_code")
    assert codes.loc["75580", "effective_from"] == "2024-01-01"
    assert codes.loc["0503T", "effective_to"] == "2023-12-31"
    assert codes.loc["75577", "effective_from"] == "2026-01-01"
    apcs = set(reference.table("opps_rates").rows.query("procedure_code == '75580'")["apc"])
    assert apcs == {"5724"}


DAYS = st.dates(date(2024, 1, 1), date(2024, 3, 31))


@st.composite
def tables(draw) -> list[tuple[str, str, str]]:
    """Rows of some codes whose spans don't overlap."""
    rows = []
    for code in ("75572", "75573", "75574"):
        days = sorted(draw(st.lists(DAYS, max_size=6, unique=True)))
        for first, last in zip(days[::2], days[1::2], strict=False):
            rows.append((code, first.isoformat(), last.isoformat()))
        if rows and rows[-1][0] == code and draw(st.booleans()):
            rows[-1] = (code, rows[-1][1], "")
    return draw(st.permutations(rows))


ASKED = st.lists(
    st.tuples(st.sampled_from(["75572", "75573", "75574", "", "71275"]), DAYS), max_size=20
)


@settings(max_examples=60, deadline=None)
@given(tables(), ASKED)
def test_as_of_is_the_one_row_in_force_and_keeps_every_line(tmp_path_factory, rows, asked) -> None:
    path = tmp_path_factory.mktemp("tables")
    text = "".join(f"{code},{a},{b},L{n},manual\n" for n, (code, a, b) in enumerate(rows))
    reference = load_reference(folder(path, text))
    expected = [
        next(
            (
                f"L{n}"
                for n, (key, a, b) in enumerate(rows)
                if key == code and a <= day.isoformat() <= (b or "9999-12-31")
            ),
            "",
        )
        for code, day in asked
    ]
    frame = lines(*((code, day.isoformat()) for code, day in asked))
    frame.index = pd.Index(range(100, 100 + len(frame)))

    found = reference.as_of("limits", frame, on=["procedure_code"])

    assert found["limit"].tolist() == expected
    assert found["limit"].index.equals(frame.index)
    assert found.known.tolist() == [code in {row[0] for row in rows} for code, _ in asked]
    assert found.take(np.arange(len(asked))[::-1]).values("limit").tolist() == expected[::-1]


def test_keys_of_several_columns_meet_only_together(tmp_path) -> None:
    header = "setting,procedure_code,effective_from,effective_to,limit,source\n"
    rows = "institutional,75574,,,1,manual\nprofessional,75573,,,2,manual\n"
    reference = load_reference(folder(tmp_path, rows, header=header))
    asked = lines(("75574", "2024-01-01"), ("75573", "2024-01-01"))

    found = reference.as_of("limits", asked, on=["claim_type", "procedure_code"])

    assert found["limit"].tolist() == ["1", ""]
    with pytest.raises(ValueError, match="limits"):
        reference.as_of("limits", asked, on=["procedure_code"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(*[st.sampled_from(["", "A", "B", "C"])] * 3), max_size=10))
def test_distinct_keys_numbers_the_combinations(rows) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    frame = pd.DataFrame({n: pd.Categorical(list(c)) for n, c in zip("abc", columns, strict=True)})

    numbers, keys = distinct_keys(frame, ["a", "b", "c"])

    assert [keys[number] for number in numbers] == rows
    assert len(set(keys)) == len(keys)


def test_days_are_counted_from_1970() -> None:
    days = pd.Series(pd.to_datetime(["1970-01-01", "1969-12-31", "2025-03-10"]))

    assert day_numbers(days.astype("datetime64[s]")).tolist() == [
        0,
        -1,
        (date(2025, 3, 10) - date(1970, 1, 1)) // timedelta(days=1),
    ]


# Overlay.


def test_a_users_table_replaces_the_shipped_one_whole_and_says_so(tmp_path) -> None:
    editions = "limits,,shipped 2024,2024-01-01,2024-12-31,list,\n"
    shipped = folder(tmp_path / "shipped", "75574,,,1,list\n75573,,,1,list\n", editions=editions)
    own = folder(
        tmp_path / "own", "75574,,,9,manual\n", editions="limits,,own 2026,2026-01-01,,manual,\n"
    )
    (shipped / "others.csv").write_text(HEADER + "75574,,,5,list\n", encoding="utf-8")

    reference = load_reference(shipped, own)

    assert in_force(reference, ("75574", "2026-05-01"), ("75573", "2026-05-01")) == ["9", ""]
    (edition,) = reference.table("limits").editions
    assert (edition.edition, edition.origin, edition.rows) == ("own 2026", str(own), 1)
    assert reference.table("others").origin == "shipped"
    assert reference.digest() != load_reference(shipped).digest()


def test_a_users_table_may_cite_shipped_sources(tmp_path) -> None:
    shipped = folder(tmp_path / "shipped", "75574,,,1,list\n")
    own = tmp_path / "own"
    own.mkdir()
    (own / "limits.csv").write_text(HEADER + "75574,,,9,manual\n", encoding="utf-8")

    assert in_force(load_reference(shipped, own), ("75574", "2025-01-01")) == ["9"]


def test_a_users_unsound_table_is_refused_by_its_own_name(tmp_path) -> None:
    shipped = folder(tmp_path / "shipped", "75574,,,1,list\n")
    own = folder(tmp_path / "own", "5574,,,1,list\n")

    with pytest.raises(AuditError, match=r"own.limits\.csv line 2"):
        load_reference(shipped, own)


def test_a_users_table_with_other_columns_than_the_shipped_is_refused(tmp_path) -> None:
    shipped = folder(tmp_path / "shipped", "75574,,,1,list\n")
    own = folder(
        tmp_path / "own",
        "75574,,,1,list\n",
        header="procedure_code,effective_from,effective_to,maximum,source\n",
    )

    with pytest.raises(AuditError, match=r"limits\.csv.*limit"):
        load_reference(shipped, own)


def test_a_users_table_in_parquet_counts_too(tmp_path) -> None:
    shipped = folder(tmp_path / "shipped", "75574,,,1,list\n")
    own = tmp_path / "own"
    own.mkdir()
    pd.DataFrame([["75574", "", "", "9", "manual"]], columns=HEADER.strip().split(",")).to_parquet(
        own / "limits.parquet"
    )

    assert in_force(load_reference(shipped, own), ("75574", "2025-01-01")) == ["9"]


def test_every_shipped_table_survives_a_round_through_a_folder_of_ones_own(tmp_path) -> None:
    shutil.copytree(reference_dir(), tmp_path / "copy")

    reference = load_reference(reference_dir(), tmp_path / "copy")

    assert reference.digest() == load_reference(reference_dir()).digest()
    for name, table in reference.tables.items():
        with (tmp_path / "copy" / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            assert len(table.rows) == len(list(csv.reader(stream))) - 1
