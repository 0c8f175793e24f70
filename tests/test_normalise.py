"""From cells as found to claim lines, rejected lines and counted repairs."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.ingest.mapping import Mapping, Match
from auditor.ingest.normalise import Intake, claim_lines, join
from auditor.ingest.raw import Misfit, RawLines, RawTable
from auditor.schema import COLUMNS, REJECTED, REQUIRED, SOURCE_COLUMNS

LINE = {
    "claim_id": "C1",
    "patient_id": "P1",
    "service_date": "2025-03-10",
    "procedure_code": "75574",
}
Rows = Sequence[dict[str, str]]


def read(
    rows: Rows,
    *,
    constants: dict[str, str] | None = None,
    misfits: tuple[Misfit, ...] = (),
    chunks: int = 1,
) -> tuple[pd.DataFrame, Intake]:
    """Claim lines of rows; a key is a schema column, a number behind it one of several columns."""
    header = list(dict.fromkeys(key for row in rows for key in row)) or list(LINE)
    table = pa.table(
        {
            str(place): pa.array([row.get(key, "") for row in rows], pa.string())
            for place, key in enumerate(header)
        }
    )
    size = max(1, -(-len(rows) // chunks))
    pieces = [
        pa.table({name: part.dictionary_encode() for name, part in zip(header, piece, strict=True)})
        for piece in (table.slice(start, size).columns for start in range(0, len(rows) or 1, size))
    ]
    cells = pa.concat_tables(pieces).rename_columns([str(place) for place in range(len(header))])
    numbers = pa.array(range(2, len(rows) + 2), pa.int64())
    raw = RawLines(cells, numbers, misfits)
    file = RawTable("claims.csv", Path("claims.csv"), None, tuple(header), 1, (), (), lambda _: raw)
    named: dict[str, list[int]] = {}
    for place, key in enumerate(header):
        named.setdefault(key.rstrip("123456789"), []).append(place)
    matches = [Match(name, tuple(places), (), "name", 1.0) for name, places in named.items()]
    for name, constant in (constants or {}).items():
        matches.append(Match(name, (), (), "profile", 1.0, constant=constant))
    return claim_lines(file, Mapping(tuple(matches), (), (), ()))


def column(rows: Rows, name: str) -> list[object]:
    return list(read([LINE | row for row in rows])[0][name])


def repairs(intake: Intake) -> list[tuple[object, ...]]:
    return list(intake.repairs.itertuples(index=False, name=None))


def assert_types(frame: pd.DataFrame) -> None:
    assert list(frame.columns) == list(COLUMNS)
    assert isinstance(frame.index, pd.RangeIndex)
    for name, schema_column in COLUMNS.items():
        series = frame[name]
        if schema_column.kind == "text":
            assert isinstance(series.dtype, pd.CategoricalDtype)
            assert series.cat.categories[0] == ""
            assert all(isinstance(word, str) for word in series.cat.categories)
            assert not series.isna().any()
        else:
            kinds = {"date": "datetime64[s]", "number": "float64"}
            assert str(series.dtype) == kinds.get(schema_column.kind, "Int64")


def test_every_column_is_there_and_typed() -> None:
    frame, intake = read([LINE])

    assert_types(frame)
    assert frame.loc[0, "service_date"] == pd.Timestamp("2025-03-10")
    assert frame.loc[0, ["claim_id", "source_file", "source_row"]].tolist() == [
        "C1",
        "claims.csv",
        2,
    ]
    assert frame["charge_cents"].isna().all()
    assert frame["units"].isna().all()
    assert (frame["modifiers"] == "").all()
    assert (intake.lines_read, intake.totals_rows, len(intake.rejected)) == (1, 0, 0)
    assert len(intake.repairs) == 0


@pytest.mark.parametrize("distinct", [126, 127, 128, 129, 255, 257, 32_767, 32_769])
def test_a_column_of_many_words_keeps_each(distinct: int) -> None:
    claims = [f"C{n}" for n in range(distinct)]

    assert column([{"claim_id": claim} for claim in claims], "claim_id") == claims


def test_no_rows_give_no_lines() -> None:
    frame, intake = read([])

    assert_types(frame)
    assert (len(frame), intake.lines_read) == (0, 0)
    assert list(intake.rejected.columns) == list(REJECTED)


def test_constant_of_a_profile_stands_on_every_line() -> None:
    frame, _ = read([LINE, LINE], constants={"payer": "Aetna", "place_of_service": "22"})

    assert list(frame["payer"]) == ["Aetna", "Aetna"]
    assert list(frame["place_of_service"]) == ["22", "22"]


def test_modifiers_of_several_columns_and_of_the_code_come_together() -> None:
    rows = [
        {"procedure_code": "75574-26", "modifiers1": "", "modifiers2": "xu", "modifiers3": "26"},
        {"modifiers1": "TC", "modifiers2": "", "modifiers3": "59"},
        {"modifiers1": "2659", "modifiers2": "XE XP", "modifiers3": "76,77"},
    ]
    frame, intake = read([LINE | row for row in rows])

    assert list(frame["modifiers"]) == ["26 XU", "TC 59", "26 59 XE XP 76"]
    assert list(frame["procedure_code"]) == ["75574"] * 3
    assert repairs(intake) == [
        ("procedure_code", "modifier taken out of the code", 1, "99999-99"),
        ("modifiers", "more than 5 modifiers, the rest left out", 1, "99 99 AA AA 99 99"),
        ("modifiers", "run together, taken apart", 1, "9999"),
    ]


def test_modifier_of_the_code_is_kept_without_modifier_columns() -> None:
    assert column([{"procedure_code": "75574 26"}, {}], "modifiers") == ["26", ""]


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", "I25.10 R07.9 E78.5"),
        ("A", "I25.10"),
        ("4,1", "E78.5 I25.10"),
        ("12", "I25.10 R07.9"),
        ("C", "I25.10 R07.9 E78.5"),
        ("K", "I25.10 R07.9 E78.5"),
        ("?", "I25.10 R07.9 E78.5"),
    ],
)
def test_pointers_choose_among_the_diagnoses(pointer: str, expected: str) -> None:
    codes = ["I2510", "R079", "", "E78.5", "I25.10"]
    diagnoses = {f"diagnosis_codes{place}": code for place, code in enumerate(codes, start=1)}
    rows = [{**diagnoses, "diagnosis_pointers": pointer}, {**diagnoses, "diagnosis_pointers": "A"}]

    assert column(rows, "diagnosis_codes") == [expected, "I25.10"]


def test_pointer_to_no_diagnosis_is_reported() -> None:
    frame, intake = read([LINE | {"diagnosis_codes": "I25.10", "diagnosis_pointers": "2"}])

    assert list(frame["diagnosis_codes"]) == ["I25.10"]
    assert list(frame["diagnosis_pointers"]) == ["B"]
    assert [row[:3] for row in repairs(intake)] == [
        ("diagnosis_pointers", "points to no diagnosis of the export, all of them kept", 1)
    ]


def test_pointer_to_an_empty_place_is_reported() -> None:
    codes = {"diagnosis_codes1": "I25.10", "diagnosis_codes2": "", "diagnosis_codes3": "R07.9"}
    frame, intake = read([LINE | codes | {"diagnosis_pointers": place} for place in ("C", "B")])

    assert list(frame["diagnosis_codes"]) == ["R07.9", "I25.10 R07.9"]
    assert [row[2] for row in repairs(intake)] == [1]


def test_beside_cells_with_several_diagnoses_pointers_count_the_diagnoses() -> None:
    rows = [
        {"diagnosis_codes1": "I25.10, R07.9", "diagnosis_codes2": "E78.5", "diagnosis_pointers": 3},
        {"diagnosis_codes1": "I25.10", "diagnosis_codes2": "E78.5", "diagnosis_pointers": 2},
    ]

    written = [{name: str(cell) for name, cell in row.items()} for row in rows]
    assert column(written, "diagnosis_codes") == ["E78.5", "E78.5"]


def test_diagnoses_in_one_cell_are_counted_for_pointers() -> None:
    rows = [{"diagnosis_codes": "I25.10, R07.9; E785", "diagnosis_pointers": "C"}]

    assert column(rows, "diagnosis_codes") == ["E78.5"]


def test_bill_type_of_three_pieces() -> None:
    rows = [
        {"bill_type1": "1", "bill_type2": "3", "bill_type3": "7"},
        {"bill_type1": "1.0", "bill_type2": "3", "bill_type3": ""},
        {"bill_type1": "", "bill_type2": "", "bill_type3": ""},
    ]

    assert column(rows, "bill_type") == ["0137", "013", ""]


def test_adjustment_codes_of_several_columns() -> None:
    rows = [{"adjustment_codes1": "CO97", "adjustment_codes2": "", "adjustment_codes3": "PR2 "}]

    assert column(rows, "adjustment_codes") == ["CO-97 PR-2"]


def test_amounts() -> None:
    rows = [
        {"charge_cents": "1500.00", "paid_cents": "1.234,50", "units": "2"},
        {"charge_cents": "($1,500.5)", "paid_cents": "12,00", "units": "n/a"},
        {"charge_cents": "much", "paid_cents": "", "units": "0.5"},
    ]
    frame, intake = read([LINE | row for row in rows])

    assert frame["charge_cents"].tolist() == [150000, -150050, pd.NA]
    assert frame["paid_cents"].tolist() == [123450, 1200, pd.NA]
    assert frame["units"].fillna(-1).tolist() == [2.0, -1.0, 0.5]
    assert repairs(intake) == [
        ("charge_cents", "could not be read, left blank", 1, "AAAA"),
        ("paid_cents", "decimal comma read", 2, "9.999,99"),
    ]


@pytest.mark.parametrize(
    ("charges", "paid", "expected"),
    [
        (["1.500", "2.000"], ["357,13", "0"], [150000, 200000]),
        (["1,500", "2,000"], ["357.13", "0"], [150000, 200000]),
        (["1,500", "2,000"], ["357.13", "12,50"], [150000, 200000]),
        (["1,500", "2,000"], ["357", "0"], [150000, 200000]),
        (["1500.00", "12,50"], ["0", "0"], [150000, pd.NA]),
        (["1500.5", "12,5"], ["357,13", "0,0"], [150050, pd.NA]),
        (["1.234,50", "1500,00"], ["357.13", "0"], [123450, 150000]),
    ],
)
def test_a_column_tells_its_decimal_sign_itself_else_by_the_others(
    charges: list[str], paid: list[str], expected: list[object]
) -> None:
    pairs = zip(charges, paid, strict=True)
    rows = [{"charge_cents": charge, "paid_cents": pay} for charge, pay in pairs]

    assert column(rows, "charge_cents") == expected


def test_units_are_written_as_the_amounts_beside_them() -> None:
    assert column([{"units": "1,000", "paid_cents": "357,13"}], "units") == [1.0]
    assert column([{"units": "1,000", "paid_cents": "357.13"}], "units") == [1000.0]


def test_day_first_column_is_read_and_reported() -> None:
    frame, intake = read([LINE | {"service_date": text} for text in ("25/03/2025", "01/02/2025")])

    assert frame["service_date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-03-25", "2025-02-01"]
    assert repairs(intake) == [("service_date", "read as day before month", 2, "99/99/9999")]


def test_column_in_both_orders_rejects_what_does_not_fit() -> None:
    frame, intake = read([LINE | {"service_date": text} for text in ("25/03/2025", "03/25/2025")])

    assert frame["service_date"].dt.strftime("%Y-%m-%d").tolist() == ["2025-03-25"]
    assert intake.rejected["reason"].tolist() == ["service_date is not a day of the calendar"]


def test_of_a_span_the_last_day_ends_a_line() -> None:
    span = "3/10/2025 - 3/12/2025"
    frame, _ = read([LINE | {"service_date": span, "service_date_to": span}])

    assert frame["service_date"].tolist() == [pd.Timestamp("2025-03-10")]
    assert frame["service_date_to"].tolist() == [pd.Timestamp("2025-03-12")]


def test_line_numbers_are_whole() -> None:
    rows = [{"line_number": text} for text in ("1", "02", "3.0", "1.5", "L1", "")]

    assert column(rows, "line_number") == [1, 2, 3, pd.NA, pd.NA, pd.NA]


def test_optional_date_never_rejects() -> None:
    rows = [{"received_date": "9999-12-31"}, {"received_date": "soon"}, {"received_date": "45726"}]
    frame, intake = read([LINE | row for row in rows])

    assert frame["received_date"].isna().tolist() == [True, True, False]
    assert [row[1:3] for row in repairs(intake)] == [
        ("could not be read, left blank", 1),
        ("day number of a spreadsheet read as a date", 1),
        ("placeholder date, left blank", 1),
    ]


@pytest.mark.parametrize(
    ("cells", "failing", "form", "reason"),
    [
        ({"claim_id": " "}, "claim_id", " ", "claim_id is blank"),
        ({"patient_id": "NULL"}, "patient_id", "AAAA", "patient_id is blank"),
        ({"service_date": "n/a"}, "service_date", "A/A", "service_date is blank"),
        (
            {"service_date": "99/99/AB"},
            "service_date",
            "99/99/AA",
            "service_date is not a date like 2025-03-10",
        ),
        (
            {"procedure_code": "hcpcs1"},
            "procedure_code",
            "AAAAA9",
            "procedure_code is not the five characters of a CPT or HCPCS code",
        ),
        ({"procedure_code": ""}, "procedure_code", "", "procedure_code is blank"),
        ({"patient_id": "", "service_date": "x"}, "patient_id", "", "patient_id is blank"),
        ({"patient_id": "000"}, "patient_id", "999", "patient_id is blank"),
        (
            {"patient_id": "6E+11"},
            "patient_id",
            "9A+99",
            "patient_id was rounded by a spreadsheet, so that others look the same; export it as "
            "text",
        ),
        (
            {"claim_id": "6.00001E+11"},
            "claim_id",
            "9.99999A+99",
            "claim_id was rounded by a spreadsheet, so that others look the same; export it as "
            "text",
        ),
    ],
)
def test_rejected_line_names_the_first_failing_column(
    cells: dict[str, str], failing: str, form: str, reason: str
) -> None:
    frame, intake = read([LINE, LINE | cells, LINE])

    assert len(frame) == 2
    assert frame["source_row"].tolist() == [2, 4]
    assert intake.lines_read == 3
    rejected = list(intake.rejected.itertuples(index=False, name=None))
    assert rejected == [("claims.csv", "", 3, failing, form, reason)]


def test_hospital_line_needs_no_procedure_code() -> None:
    rows = [
        {"procedure_code": "", "revenue_code": "250"},
        {"procedure_code": "", "revenue_code": "0001"},
        {"procedure_code": "", "revenue_code": ""},
        {"procedure_code": "hcpcs1", "revenue_code": "0480"},
    ]
    frame, intake = read([LINE | row for row in rows])

    assert list(frame["revenue_code"]) == ["0250", "0001"]
    assert list(frame["procedure_code"]) == ["", ""]
    assert intake.rejected["row"].tolist() == [4, 5]


def test_misfits_are_rejected_in_the_order_of_the_file() -> None:
    misfits = (Misfit(3, "the row has 5 cells, the header 4"),)
    _, intake = read([LINE, LINE | {"claim_id": ""}, LINE | {"claim_id": ""}], misfits=misfits)

    assert intake.rejected["row"].tolist() == [3, 3, 4]
    assert "the row has 5 cells, the header 4" in intake.rejected["reason"].tolist()
    assert intake.lines_read == 4


@pytest.mark.parametrize(
    "last",
    [
        {"claim_id": "Total", "charge_cents": "300.00"},
        {"claim_id": "Grand Total:", "charge_cents": "300.00"},
        {"claim_id": "TOTAL", "patient_id": "2", "charge_cents": "300.00"},
        {"claim_id": "Record count", "patient_id": "2"},
        {"charge_cents": "300.00"},
    ],
)
def test_totals_row_is_no_line(last: dict[str, str]) -> None:
    frame, intake = read([LINE | {"charge_cents": "150.00"}, LINE | {"charge_cents": "150"}, last])

    assert len(frame) == 2
    assert (intake.totals_rows, intake.lines_read, len(intake.rejected)) == (1, 2, 0)
    assert list(frame["claim_id"].cat.categories) == ["", "C1"]


@pytest.mark.parametrize(
    "last",
    [
        {"claim_id": "C9", "service_date": "2025-03-10", "charge_cents": "300.00"},
        {"service_date": "see note", "charge_cents": "300.00"},
        {"payer": "Total", **LINE, "procedure_code": ""},
    ],
)
def test_a_last_row_that_holds_more_than_a_total_is_rejected(last: dict[str, str]) -> None:
    _, intake = read([{"payer": "", **LINE, "charge_cents": "150.00"}, last])

    assert (intake.totals_rows, intake.lines_read, len(intake.rejected)) == (0, 2, 1)


def test_subtotal_between_the_lines_is_no_line() -> None:
    _, intake = read([LINE, {"claim_id": "Subtotal for P1", "charge_cents": "1"}, LINE])

    assert (intake.totals_rows, intake.lines_read) == (1, 2)


@pytest.mark.parametrize(
    "row",
    [
        ["Claim ID", "MRN", "DOS", "CPT Code"],
        ["CLAIM_NO", "", "Service Date", "HCPCS"],
        ["--------", "---", "----------", "-----"],
    ],
)
def test_a_header_repeated_on_a_page_and_its_rule_are_no_lines(row: list[str]) -> None:
    frame, intake = read([LINE, dict(zip(LINE, row, strict=True)), LINE])

    assert (len(frame), intake.totals_rows, len(intake.rejected)) == (2, 1, 0)


def test_a_line_with_one_word_for_a_value_is_rejected() -> None:
    _, intake = read([LINE, LINE | {"service_date": "DOS"}, LINE | {"procedure_code": "CPT"}])

    assert (intake.totals_rows, len(intake.rejected)) == (0, 2)


def test_line_without_claim_patient_date_and_code_is_rejected_between_lines() -> None:
    _, intake = read([LINE, {"charge_cents": "1"}, LINE])

    assert (intake.totals_rows, intake.lines_read) == (0, 3)
    assert intake.rejected["reason"].tolist() == ["claim_id is blank"]


def test_lines_whose_required_columns_are_all_blank_are_no_totals() -> None:
    _, intake = read([LINE, *[{"charge_cents": "1"}] * 6])

    assert (intake.totals_rows, intake.lines_read, len(intake.rejected)) == (0, 7, 6)


def test_payer_called_total_is_a_line() -> None:
    rows = [{"payer": "Total Health Care", **LINE}, {"payer": "Total Health Care", **LINE}]
    frame, intake = read([*rows, rows[0] | {"procedure_code": ""}])

    assert (len(frame), intake.totals_rows, len(intake.rejected)) == (2, 0, 1)


def test_rows_blank_in_every_column_read_are_nothing() -> None:
    _, intake = read([LINE, dict.fromkeys(LINE, " "), LINE, dict.fromkeys(LINE, "")])

    assert (intake.totals_rows, intake.lines_read, len(intake.rejected)) == (0, 2, 0)


def test_repairs_of_rejected_lines_are_not_counted() -> None:
    rows = [{"revenue_code": "480"}, {"revenue_code": "480", "claim_id": ""}]
    _, intake = read([LINE | row for row in rows])

    assert repairs(intake) == [("revenue_code", "lost leading zero restored", 1, "999")]


def test_many_time_stamps_are_read_as_their_days() -> None:
    stamps = [
        f"2025-03-10T{hour:02}:{minute:02}:{second:02}.5Z"
        for hour in range(24)
        for minute in range(60)
        for second in (1, 2, 3)
    ]
    frame, _ = read([LINE | {"service_date": stamp, "received_date": stamp} for stamp in stamps])

    assert (frame["service_date"] == pd.Timestamp("2025-03-10")).all()
    assert (frame["received_date"] == pd.Timestamp("2025-03-10")).all()


def test_joined_tables_share_their_categories() -> None:
    first, _ = read([LINE, LINE | {"claim_id": "C2", "charge_cents": "1"}])
    second, _ = read([LINE | {"claim_id": "C3", "payer": "Aetna"}, LINE | {"claim_id": "C2"}])

    both = join([first, second])

    assert_types(both)
    assert list(both["claim_id"]) == ["C1", "C2", "C3", "C2"]
    assert list(both["payer"]) == ["", "", "Aetna", ""]
    assert both["charge_cents"].tolist() == [pd.NA, 100, pd.NA, pd.NA]
    assert sorted(both["claim_id"].cat.categories) == ["", "C1", "C2", "C3"]
    assert_types(join([]))
    assert join([first]) is first


def test_number_of_chunks_changes_nothing() -> None:
    rows = [LINE | {"claim_id": f"C{number % 3}", "modifiers": "26"} for number in range(7)]

    pd.testing.assert_frame_equal(read(rows, chunks=1)[0], read(rows, chunks=3)[0])


CELL = st.sampled_from(
    ["", "C1", "P2", "2025-03-10", "75574", "75574-26", "0480", "480", "26", "Total", "x", "12,50"]
) | st.text(max_size=12)
KEYS = st.sampled_from(
    [
        *(name for name, column in COLUMNS.items() if column not in SOURCE_COLUMNS),
        *("modifiers1", "modifiers2", "diagnosis_codes1", "diagnosis_codes2", "bill_type2"),
    ]
)


@settings(deadline=None, max_examples=60)  # the machine may be busy
@given(
    rows=st.lists(
        st.dictionaries(KEYS, CELL).flatmap(
            lambda cells: st.booleans().map(lambda whole: LINE | cells if whole else cells)
        ),
        max_size=6,
    ),
    chunks=st.integers(1, 3),
)
def test_any_text_gives_typed_lines_and_books_that_add_up(
    rows: list[dict[str, str]], chunks: int
) -> None:
    frame, intake = read(rows, chunks=chunks)

    assert_types(frame)
    assert intake.lines_read == len(frame) + len(intake.rejected)
    filled = sum(any(cell.strip() for cell in row.values()) for row in rows)
    assert intake.lines_read + intake.totals_rows <= len(rows)
    if set(REQUIRED) <= {key for row in rows for key in row}:
        assert len(frame) <= filled
    assert not frame["service_date"].isna().any()
    assert (frame["claim_id"] != "").all()


@settings(deadline=None, max_examples=60)  # the machine may be busy
@given(
    rows=st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(
                (
                    "modifiers",
                    "revenue_code",
                    "diagnosis_codes",
                    "place_of_service",
                    "payer",
                    "bill_type",
                    "claim_type",
                    "adjustment_codes",
                    "original_claim_id",
                ),
                CELL,
            )
        ),
        min_size=1,
        max_size=5,
    )
)
def test_claim_lines_read_again_are_unchanged(rows: list[dict[str, str]]) -> None:
    frame, _ = read([LINE | row for row in rows])
    text = list(rows[0])
    again, _ = read(
        [
            LINE | dict(zip(text, cells, strict=True))
            for cells in zip(*(frame[name] for name in text), strict=True)
        ]
    )

    assert again[text].astype("str").equals(frame[text].astype("str"))
    assert np.array_equal(again["service_date"], frame["service_date"])
