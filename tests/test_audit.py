"""What holds for every audit: order, files, patients, books, money, and what is never flagged."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from auditor.audit import Audit, Prepared, audit, in_family_count, prepare, touched
from auditor.batch import unlocks
from auditor.catalogue import CATALOGUE
from auditor.ingest.normalise import join
from auditor.reference import Reference, load_reference
from auditor.report.data import write_findings_csv
from auditor.report.words import BASIS_LABELS
from auditor.schema import FINDINGS
from auditor.shipped import reference_dir
from tests.case_lines import _filled, clean_line, lines_of

AS_OF = date(2026, 6, 30)
# Where a line stood, and so nothing that a finding may depend on.
WHERE = ["source_file", "source_sheet", "source_row", "line"]

# An audit costs the same for many lines as for few: few exports, each with many lines, and no
# shrinking, which would audit for minutes.
modest = settings(
    max_examples=3,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)


@cache
def reference() -> Reference:
    return load_reference(reference_dir())


def prepared(*files: Sequence[dict[str, str]], without: Sequence[str] = ()) -> Prepared:
    read = [
        lines_of(rows, frozenset(without), file=f"part{n}.csv")
        for n, rows in enumerate(files)
        if rows
    ]
    assert [len(rejected) for _, rejected in read] == [0] * len(read)
    return prepare(join([lines for lines, _ in read]), reference(), as_of=AS_OF)


def audited(*files: Sequence[dict[str, str]], without: Sequence[str] = ()) -> Audit:
    return audit(prepared(*files, without=without), reference())


# Invented exports.

CODES = ["75574", "75574", "75580", "75571", "75572", "76376", "71275", "36000", "36415", "0503T"]
DATES = [f"2025-03-{day:02d}" for day in range(1, 25)] + ["2023-06-01", "2024-08-05", "2026-06-25"]
LINE = st.fixed_dictionaries(
    {
        "procedure_code": st.sampled_from(CODES),
        "modifiers": st.sampled_from(["", "", "26", "TC", "59", "59 26", "26 TC", "76"]),
        "service_date": st.sampled_from(DATES),
        "revenue_code": st.sampled_from(["0489", "0352", "0351", "", "048X"]),
        "units": st.sampled_from(["1", "1", "2", "-1"]),
        "allowed": st.sampled_from(["357.13", "0.00", ""]),
        "paid": st.sampled_from(["285.70", "0.00", ""]),
        "adjustment_codes": st.sampled_from(["", "CO-97", "CO-45"]),
    }
)
CLAIM = st.fixed_dictionaries(
    {
        "claim_type": st.sampled_from(["institutional", "professional", "professional"]),
        "patient_id": st.sampled_from(["P1", "P2", "P3", "P4", "P5", "P6", "P7"]),
        "claim_frequency": st.sampled_from(["", "", "", "7", "8"]),
        "original_claim_id": st.sampled_from(["", "", "C0", "C1", "C2", "C3"]),
        "billing_npi": st.sampled_from(["1000000004", "2000000002", ""]),
        "rendering_npi": st.sampled_from(["", "3000000000", "3000000018"]),
        "place_of_service": st.sampled_from(["22", "11", "", "24"]),
        "payer_type": st.sampled_from(["medicare", "commercial"]),
        "received_date": st.sampled_from(["2025-04-01", "2025-03-10", "2026-06-28", ""]),
        "lines": st.lists(LINE, min_size=1, max_size=3),
    }
)


def as_rows(claims: Sequence[dict[str, object]]) -> list[dict[str, str]]:
    rows = []
    for number, claim in enumerate(claims):
        header = {name: cell for name, cell in claim.items() if name != "lines"}
        for place, line in enumerate(claim["lines"], start=1):
            cells = header | line | {"claim_id": f"C{number}", "line_number": str(place)}
            if cells["claim_type"] == "institutional":
                cells["place_of_service"] = ""
            else:
                cells["bill_type"] = cells["statement_from"] = cells["statement_through"] = ""
            rows.append(_filled(cells))
    return rows


EXPORTS = st.lists(CLAIM, min_size=25, max_size=40).map(as_rows)


def same_findings(one: pd.DataFrame, other: pd.DataFrame, *apart: str) -> None:
    columns = [name for name in one.columns if name not in apart]
    assert one[columns].astype("str").to_dict("records") == other[columns].astype("str").to_dict(
        "records"
    )


@modest
@given(EXPORTS, st.randoms(use_true_random=False))
def test_neither_the_order_of_the_lines_nor_the_files_they_stand_in_change_a_finding(
    rows, random
) -> None:
    turned = random.sample(rows, len(rows))
    parts: list[list[dict[str, str]]] = [[], []]
    for row in rows:
        parts[random.random() < 0.5].append(row)

    one = audited(rows)

    for other in (audited(turned), audited(*parts)):
        same_findings(one.findings, other.findings, *WHERE)
        assert one.books.equals(other.books)
        assert one.totals == other.totals
        assert one.superseded == other.superseded


@modest
@given(EXPORTS)
def test_patients_apart_with_one_extract_say_what_they_say_together(rows) -> None:
    whole = prepared(rows)
    first = whole.lines["patient_id"].isin(["P1", "P3", "P4"]).to_numpy(dtype=bool)
    together = audit(whole, reference())

    parts = [
        audit(
            Prepared(whole.lines[part].reset_index(drop=True), whole.extract, 0),
            reference(),
        )
        for part in (first, ~first)
    ]

    found = pd.concat([part.findings for part in parts], ignore_index=True)
    found = found.set_index("finding").loc[together.findings["finding"]].reset_index()
    same_findings(together.findings, found[together.findings.columns], "line")
    counts = ["in_scope", "flagged", "clean", "not_evaluated"]
    assert (sum(part.books[counts] for part in parts) == together.books[counts]).all(axis=None)
    assert sum(part.totals.at_risk_cents for part in parts) == together.totals.at_risk_cents
    assert sum(part.totals.missed_cents for part in parts) == together.totals.missed_cents


@modest
@given(EXPORTS, st.sets(st.sampled_from(["modifiers", "revenue_code", "billing_npi", "units"])))
def test_every_audit_adds_up(rows, without) -> None:
    result = audited(rows, without=sorted(without))

    assert len(rows) == len(result.lines) + result.superseded
    books_add_up(result)
    money_of_a_line_counts_once_a_kind(result)
    findings_say_what_their_lines_say(result)


def books_add_up(result: Audit) -> None:
    booked = result.not_evaluated.groupby("rule")["lines"].sum()
    found = Counter(result.findings["rule"])
    assert result.books["rule"].tolist() == [rule.name for rule in CATALOGUE]
    for row in result.books.to_dict("records"):
        assert row["in_scope"] == row["flagged"] + row["clean"] + row["not_evaluated"], row["rule"]
        assert row["flagged"] == found[row["rule"]]
        assert row["not_evaluated"] == booked.get(row["rule"], 0)
        assert 0 <= row["in_scope"] <= len(result.lines)
        assert row["clean"] >= 0
    assert not result.findings.duplicated(["rule", "line"]).any()
    assert result.findings["finding"].is_unique


def money_of_a_line_counts_once_a_kind(result: Audit) -> None:
    worth: dict[str, dict[int, int]] = defaultdict(dict)
    for row in result.findings.to_dict("records"):
        if row["money"] != "none" and not pd.isna(row["amount"]):
            of_kind = worth[row["money"]]
            of_kind[row["line"]] = max(of_kind.get(row["line"], 0), row["amount"])
    assert result.totals.at_risk_cents == sum(worth["at_risk"].values())
    assert result.totals.missed_cents == sum(worth["missed"].values())
    counted = result.findings[result.findings["counts_money"]]
    assert not counted.duplicated(["line", "money"]).any()
    severities = Counter(result.findings["severity"])
    assert result.totals.findings == len(result.findings) == sum(severities.values())
    assert (result.totals.denial, result.totals.review, result.totals.note) == tuple(
        severities[name] for name in ("denial", "review", "note")
    )
    assert result.totals.lines_flagged == len(set(result.findings["line"]))


def findings_say_what_their_lines_say(result: Audit) -> None:
    findings = result.findings
    assert list(findings.columns) == [*FINDINGS, "line"]
    rank = findings["severity"].map({"denial": 0, "review": 1, "note": 2})
    assert rank.is_monotonic_increasing
    lines = result.lines.astype({"service_date": "str"}).to_dict("records")
    for row in findings.astype({"service_date": "str"}).to_dict("records"):
        line = lines[row["line"]]
        for name in ("claim_id", "patient_id", "procedure_code", "service_date", "modifiers"):
            assert row[name] == line[name]
        assert "{" not in row["message"] + row["remedy"]
        assert not {"nan", "NaT", "<NA>", "None"} & set(row["message"].replace(".", " ").split())
        assert row["sources"]
        assert (row["amount_basis"] != "") == (not pd.isna(row["amount"]))
        assert row["amount_basis"] in BASIS_LABELS
        assert pd.isna(row["amount"]) or row["amount"] >= 0
        if row["partner_claim_id"]:
            partners = {
                one["patient_id"] for one in lines if one["claim_id"] == row["partner_claim_id"]
            }
            assert row["patient_id"] in partners


def test_the_same_inputs_give_the_same_bytes(tmp_path) -> None:
    rows = [_filled({"revenue_code": ""}), _filled({"claim_type": "professional", "modifiers": ""})]
    for name in ("one.csv", "other.csv"):
        write_findings_csv(audited(rows).findings, tmp_path / name)

    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "other.csv").read_bytes()


def test_an_audit_changes_no_line_it_was_given() -> None:
    given_lines = prepared([_filled({}), _filled({"claim_type": "professional"})])
    before = given_lines.lines.copy(deep=True)

    audit(given_lines, reference())

    pd.testing.assert_frame_equal(before, given_lines.lines)


_UNSORTED = [("C1", "B", "2025-03-09"), ("C2", "A", "2025-03-12"), ("C3", "B", "2025-03-04")]


def _unsorted() -> list[dict[str, str]]:
    said = ("claim_id", "patient_id", "service_date")
    return [_filled(dict(zip(said, row, strict=True))) for row in _UNSORTED]


def test_lines_that_rules_will_all_look_at_stand_by_patient_and_day_and_are_held_once() -> None:
    lines = prepared(_unsorted()).lines
    found, places = touched(lines)

    patient = lines["patient_id"].cat.codes.tolist()
    stands = list(zip(patient, lines["service_date"], strict=True))
    assert stands == sorted(stands)
    assert found is lines
    assert places.tolist() == [0, 1, 2]


def test_among_lines_that_no_rule_looks_at_they_stand_as_given() -> None:
    foreign = _filled({"claim_id": "C9", "patient_id": "Z", "procedure_code": "99213"})
    lines = prepared([*_unsorted(), foreign]).lines
    found, places = touched(lines)

    assert lines["claim_id"].tolist() == ["C1", "C2", "C3", "C9"]
    assert sorted(found["claim_id"]) == ["C1", "C2", "C3"]
    assert lines["claim_id"].take(places).tolist() == found["claim_id"].tolist()


def test_as_many_lines_that_are_void_as_no_rule_looks_at_take_no_place_of_theirs() -> None:
    claim = _filled({"claim_id": "C1"})
    void = _filled({"claim_id": "C2", "claim_frequency": "8"})
    foreign = _filled({"claim_id": "C9", "patient_id": "Z", "procedure_code": "99213"})

    lines = prepared([claim, void, foreign]).lines

    assert lines["claim_id"].tolist() == ["C1", "C9"]


def test_a_finding_stands_on_its_line_wherever_other_lines_stand() -> None:
    foreign = [_filled({"patient_id": f"Z{n}", "procedure_code": "99213"}) for n in range(3)]
    flagged = _filled({"claim_id": "C5", "diagnosis_codes": ""})

    result = audited([*foreign, flagged, _filled({"patient_id": "Y", "procedure_code": "99213"})])

    line = int(result.findings["line"].iloc[0])
    assert result.findings["rule"].tolist() == ["diagnosis_missing"]
    assert result.lines["claim_id"].iloc[line] == "C5"


def test_no_line_in_gives_nothing_and_every_rule_in_the_books() -> None:
    lines = lines_of([_filled({})])[0].iloc[:0].reset_index(drop=True)
    result = audit(prepare(lines, reference(), as_of=AS_OF), reference())

    assert len(result.findings) == 0
    assert result.books["in_scope"].sum() == 0
    assert len(result.books) == len(CATALOGUE)
    assert result.totals.at_risk_cents == 0


def test_required_columns_alone_are_enough_to_audit() -> None:
    required = {"claim_id", "patient_id", "service_date", "procedure_code"}
    rows = [_filled({}), _filled({"claim_id": "C2", "procedure_code": "75580"})]
    without = sorted(set(rows[0]) - required)

    result = audited(rows, without=without)

    books = result.books.set_index("rule")
    assert (books["in_scope"] == books["flagged"] + books["clean"] + books["not_evaluated"]).all()
    assert {"column_missing"} <= set(result.not_evaluated["reason"])
    assert books["flagged"].sum() == 0


def test_one_patient_with_twenty_thousand_lines_is_audited() -> None:
    random = np.random.default_rng(3)
    days = [f"2025-{1 + n // 28:02d}-{1 + n % 28:02d}" for n in random.integers(0, 300, 20_000)]
    codes = random.choice(["75574", "75580", "71275", "36000"], 20_000)
    rows = [
        _filled(
            {
                "claim_id": f"C{number // 2}",
                "line_number": str(number % 2 + 1),
                "claim_type": ("institutional", "professional")[number // 2 % 2],
                "service_date": days[number],
                "procedure_code": str(codes[number]),
                "statement_from": "",
                "statement_through": "",
                "received_date": "2026-01-10",
            }
        )
        for number in range(20_000)
    ]

    result = audited(rows)

    books = result.books
    assert (books["in_scope"] == books["flagged"] + books["clean"] + books["not_evaluated"]).all()
    assert in_family_count(result.lines) > 5_000


# Guard cases (RULES section 5), each against the whole catalogue.

FFRCT = {
    "procedure_code": "75580",
    "line_number": "2",
    "charge": "3000.00",
    "allowed": "997.00",
    "paid": "797.60",
}
SPAN = {"statement_from": "2025-03-10", "statement_through": "2025-03-12"}
OLD = {"service_date": "2023-06-01", "received_date": "2023-06-10"}

GUARDS: dict[str, tuple[list[dict[str, str]], set[tuple[str, str]]]] = {
    "CCTA and FFR-CT together on one claim": ([{}, FFRCT], set()),
    "CCTA and FFR-CT together on two claims": ([{}, FFRCT | {"claim_id": "C2"}], set()),
    "a hospital line and its reading one day later": (
        [{}, {"claim_type": "professional", "claim_id": "C2", "service_date": "2025-03-11"}],
        set(),
    ),
    "CCTA under 0489": ([{}], set()),
    "CCTA under 0352 in 2025": (
        [{"revenue_code": "0352"}],
        {("revenue_code_not_preferred", "note")},
    ),
    "CCTA under 0352 in 2023": ([OLD | {"revenue_code": "0352"}], set()),
    "CCTA under 0480 in 2023": (
        [OLD | {"revenue_code": "0480"}],
        {("revenue_code_unexpected", "denial")},
    ),
    "FFR-CT two days later on one claim that spans both": (
        [SPAN, FFRCT | SPAN | {"service_date": "2025-03-12"}],
        set(),
    ),
    "0503T in 2023": (
        [
            {
                "service_date": "2023-05-01",
                "received_date": "2023-05-10",
                "revenue_code": "0350",
                "procedure_code": code,
                "line_number": number,
            }
            for code, number in (("75574", "1"), ("0503T", "2"))
        ],
        set(),
    ),
    "a blood draw beside the CCTA": (
        [{}, {"procedure_code": "36415", "line_number": "2", "revenue_code": "0300"}],
        set(),
    ),
    "modifier 59 between CCTA and calcium score": (
        [{}, {"procedure_code": "75571", "line_number": "2", "modifiers": "59"}],
        {("ptp_pair_bypassed", "review")},
    ),
    "an original that was replaced": (
        [{"revenue_code": ""}, {"claim_frequency": "7", "received_date": "2025-04-01"}],
        set(),
    ),
}


@pytest.mark.parametrize("sentence", GUARDS)
def test_guard_cases_get_no_finding_but_the_one_named(sentence) -> None:
    rows, expected = GUARDS[sentence]

    result = audited([_filled(row) for row in rows])

    found = set(zip(result.findings["rule"], result.findings["severity"], strict=True))
    assert found == expected


def test_the_two_that_are_never_bundled_are_clean_and_not_just_unjudged() -> None:
    result = audited([_filled({}), _filled(FFRCT)])
    books = result.books.set_index("rule")

    for rule in ("ptp_pair_never_payable", "ptp_pair_without_modifier", "ptp_pair_bypassed"):
        assert books.loc[rule, ["in_scope", "clean"]].tolist() == [2, 2]


def test_denied_lines_stay_partners() -> None:
    denied = {"paid": "0.00", "allowed": "0.00", "adjustment_codes": "CO-97"}
    reading = {"claim_type": "professional", "claim_id": "C2"}

    result = audited([_filled(denied), _filled(reading)])

    assert set(result.findings["rule"]) & {"technical_component_missing"} == set()
    assert result.superseded == 0


# A finding is the same finding on another night.


def ids(*rows: dict[str, str]) -> set[str]:
    return set(audited([_filled(row) for row in rows]).findings["finding"])


NO_DIAGNOSIS = {"diagnosis_codes": ""}


def test_lines_that_nothing_tells_apart_have_ids_of_their_own() -> None:
    twins = [_filled(NO_DIAGNOSIS | {"line_number": ""})] * 3
    findings = audited(twins).findings
    missing = findings.loc[findings["rule"] == "diagnosis_missing", "finding"]

    assert len(set(missing)) == len(missing) == 3


def test_a_finding_keeps_its_id_when_its_line_is_corrected_elsewhere() -> None:
    as_first_billed = ids(NO_DIAGNOSIS)

    assert len(as_first_billed) == 1
    for corrected in ({"modifiers": "59"}, {"revenue_code": "0480"}, {"allowed": "1.00"}):
        assert as_first_billed <= ids(NO_DIAGNOSIS | corrected)
    assert as_first_billed.isdisjoint(ids(NO_DIAGNOSIS | {"line_number": "2"}))
    assert as_first_billed.isdisjoint(ids(NO_DIAGNOSIS | {"patient_id": "P2"}))


def test_lines_without_a_number_of_their_own_are_told_apart_by_what_was_billed() -> None:
    first = NO_DIAGNOSIS | {"line_number": ""}
    second = first | {"procedure_code": "75571"}

    one, other = ids(first), ids(second)

    assert len(one) == len(other) == 1
    assert one != other
    assert one | other <= ids(first, second)
    assert one | other <= ids(second, first)


def test_of_several_scans_on_one_day_the_first_by_claim_is_named_wherever_its_row_stands() -> None:
    reading = {"claim_type": "professional", "claim_id": "R1", "service_date": "2025-03-05"}
    scans = [
        {"claim_id": claim, "service_date": "2025-03-08", "revenue_code": revenue}
        for claim, revenue in (("C1", "0489"), ("C2", "0480"))
    ]

    for rows in ([reading, *scans], [reading, *reversed(scans)]):
        found = audited([_filled(row) for row in rows]).findings
        early = found[found["rule"] == "professional_component_before_technical"]
        assert early["partner_claim_id"].tolist() == ["C1"]


def test_a_column_that_unlocks_notes_alone_is_the_last_to_ask_for() -> None:
    """A physician's export has no revenue codes, and is not asked for them before all else."""
    rows = [clean_line("professional") | {"claim_id": f"C{n}"} for n in range(5)]
    held = prepared(rows, without=["revenue_code", "received_date", "allowed_cents"])

    asked = unlocks(audit(held, reference()), CATALOGUE)

    columns = [one.column for one in asked]
    assert {"received_date", "allowed_cents"} <= set(columns)
    assert columns[-1] == "revenue_code"
    assert asked[-1].rules == ("revenue_code_on_professional_line",)
