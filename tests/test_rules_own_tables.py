"""Rules on tables that say what the shipped ones don't: what a hospital may lay over them."""

import csv
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from auditor.audit import Audit, audit, prepare
from auditor.catalogue import CATALOGUE
from auditor.judging import judge
from auditor.reference import load_reference
from auditor.report.words import BASIS_LABELS
from auditor.shipped import reference_dir
from tests.case_lines import AS_OF, clean_line, lines_of

RULES = {rule.name: rule for rule in CATALOGUE}
DAY = {"statement_from": "2025-03-10", "statement_through": "2025-03-10"}
Rows = list[dict[str, str]]


def audited(
    folder: Path,
    rule: str,
    table: str,
    change: Callable[[Rows], Rows],
    *rows: dict[str, str],
    **others: Callable[[Rows], Rows],
) -> Audit:
    """One rule over some lines, with shipped tables changed and laid over themselves."""
    for name, changed in ({table: change, "sources": list[dict[str, str]]} | others).items():
        with (reference_dir() / f"{name}.csv").open(encoding="utf-8", newline="") as stream:
            reader = csv.DictReader(stream)
            names, cells = list(reader.fieldnames or ()), changed(list(reader))
        with (folder / f"{name}.csv").open("w", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, names)
            writer.writeheader()
            writer.writerows(cells)
    reference = load_reference(reference_dir(), folder)
    lines, _ = lines_of(
        [
            clean_line(row.get("claim_type", "")) | DAY | {"claim_id": f"C{n}"} | row
            for n, row in enumerate(rows)
        ]
    )
    return audit(prepare(lines, reference, as_of=AS_OF), reference, rules=[RULES[rule]])


def complete(rows: Rows) -> Rows:
    """Lists of diagnoses, all of them whole."""
    return [row | {"complete": "yes"} for row in rows]


def flagged(result: Audit) -> list[int]:
    return sorted((result.findings["source_row"] - 2).tolist())


def reasons(result: Audit) -> set[tuple[str, str, int]]:
    said = result.not_evaluated[["reason", "detail", "lines"]]
    return set(said.itertuples(index=False, name=None))


def test_whether_a_code_splits_is_not_known_without_its_indicator(tmp_path) -> None:
    def without(rows: Rows) -> Rows:
        return [row | {"pctc_indicator": ""} if row["label"] else row for row in rows]

    reading = {"claim_type": "professional", "modifiers": "26"}
    result = audited(
        tmp_path,
        "component_modifier_not_applicable",
        "procedure_codes",
        without,
        reading,
        reading | {"modifiers": "TC"},
        reading | {"modifiers": ""},
    )

    assert flagged(result) == []
    assert reasons(result) == {("reference_missing", "procedure_codes", 2)}


def test_a_state_of_whose_contractor_no_list_is_known_is_not_judged(tmp_path) -> None:
    # Of JL, to which Pennsylvania belongs, no policy is shipped; Alabama's for FFR-CT began later.
    early = {"procedure_code": "0503T", "service_date": "2020-11-21"}
    result = audited(
        tmp_path,
        "diagnosis_not_covered",
        "coverage_diagnoses",
        complete,
        {"diagnosis_codes": "R07.2", "service_state": "PA"},
        {"diagnosis_codes": "R07.2", "service_state": "AL"},
        {"diagnosis_codes": "R07.2", "service_state": "AL"} | early,
    )

    assert flagged(result) == [1]
    assert reasons(result) == {("reference_missing", "coverage_policies", 2)}


def test_the_list_at_hand_is_that_of_no_policy() -> None:
    reference = load_reference(reference_dir())
    row = clean_line("") | DAY | {"diagnosis_codes": "R07.2", "service_state": "PA"}
    prepared = prepare(lines_of([row])[0], reference, as_of=AS_OF)

    rule = RULES["diagnosis_not_covered"]
    one = judge(rule, prepared.lines, reference, prepared.extract, {})

    assert one.flagged["policy_id"].tolist() == [""]


def test_a_list_serves_to_the_last_day_of_its_policy(tmp_path) -> None:
    def ended(rows: Rows) -> Rows:
        return [row | {"effective_to": "2025-03-10"} for row in rows]

    line = {"diagnosis_codes": "R07.2", "service_state": "AL"}
    result = audited(
        tmp_path,
        "diagnosis_not_covered",
        "coverage_diagnoses",
        complete,
        line,
        line | {"service_date": "2025-03-11"},
        coverage_policies=ended,
    )

    assert flagged(result) == [0]
    assert reasons(result) == {("reference_missing", "coverage_policies", 1)}


PAIR = ({"procedure_code": "75573"}, {"procedure_code": "75574"})


def with_edit(change: dict[str, str], rows: Rows) -> Rows:
    """The edits, that of a hospital's congenital heart CT and CCTA changed."""
    keys = ("setting", "column_one", "column_two")
    pair = ("institutional", "75573", "75574")
    return [row | change if tuple(row[key] for key in keys) == pair else row for row in rows]


@pytest.mark.parametrize(
    ("change", "denied"),
    [
        ({"effective_from": "2025-03-10"}, True),
        ({"effective_to": "2025-03-10"}, True),
        ({"effective_from": "2025-03-11"}, False),
        ({"effective_to": "2025-03-09"}, False),
        # Deleted on the day it began: never in force.
        ({"effective_from": "2025-03-10", "effective_to": "2025-03-10"}, False),
    ],
)
def test_a_pair_is_denied_from_the_first_to_the_last_day_of_its_edit(
    tmp_path, change, denied
) -> None:
    result = audited(
        tmp_path, "ptp_pair_never_payable", "ptp_edits", partial(with_edit, change), *PAIR
    )

    assert flagged(result) == ([1] if denied else [])
    assert reasons(result) == set()


@pytest.mark.parametrize("rule", ["ptp_pair_never_payable", "ptp_pair_without_modifier"])
def test_an_edit_with_indicator_9_denies_nothing(tmp_path, rule) -> None:
    inactive = partial(with_edit, {"modifier_indicator": "9"})

    assert flagged(audited(tmp_path, rule, "ptp_edits", inactive, *PAIR)) == []


def test_a_revenue_code_preferred_since_ever_makes_the_others_weaker(tmp_path) -> None:
    def undated(rows: Rows) -> Rows:
        ever = rows[0] | {"procedure_code": "75574", "effective_from": "", "effective_to": ""}
        fits = {"0489": "preferred", "0761": "accepted"}
        return [ever | {"revenue_code": code, "fit": fit} for code, fit in fits.items()]

    result = audited(
        tmp_path,
        "revenue_code_not_preferred",
        "revenue_code_fit",
        undated,
        {"revenue_code": "0761"},
        {"revenue_code": "0489"},
    )

    assert flagged(result) == [0]


def test_the_codes_that_a_site_prefers_are_named(tmp_path) -> None:
    def own(rows: Rows) -> Rows:
        here = rows[0] | {"procedure_code": "75574", "effective_from": "", "effective_to": ""}
        fits = {"0352": "preferred", "0329": "preferred", "0359": "preferred", "0489": "accepted"}
        return [here | {"revenue_code": code, "fit": fit} for code, fit in fits.items()]

    line = {"revenue_code": "0489"}
    result = audited(tmp_path, "revenue_code_not_preferred", "revenue_code_fit", own, line)

    (row,) = result.findings.to_dict("records")
    assert "under 0489: accepted, but 0329, 0352 or 0359 is preferred" in row["message"]
    assert "Talk to the chargemaster owner about 0329, 0352 or 0359;" in row["remedy"]


def test_a_limit_of_a_line_is_not_that_of_a_day(tmp_path) -> None:
    def of_a_line(rows: Rows) -> Rows:
        return [row | {"mai": "1", "mue_value": "1"} for row in rows]

    line = {"units": "1"}
    denied = {"units": "2", "paid_cents": "0.00", "adjustment_codes": "CO-97"}
    result = audited(
        tmp_path, "units_exceed_mue", "mue", of_a_line, line, line, {"units": "2"}, denied
    )

    assert flagged(result) == [2]
    assert "the limit is 1 a line." in result.findings["message"].iloc[0]
    assert result.findings["message"].iloc[0].startswith("2 units")


def contract(rows: Rows) -> Rows:
    return [
        {
            "payer": "BCBS",
            "procedure_code": code,
            "component": "technical",
            "setting": "institutional",
            "amount": amount,
            "source": "42-cfr-410-152",
        }
        for code, amount in (("75574", "600.00"), ("75573", "0.01"))
    ]


OURS = {"payer": "BCBS", "payer_type": "commercial"}


def test_a_payment_below_the_contract_says_so_and_by_how_much(tmp_path) -> None:
    result = audited(
        tmp_path,
        "allowed_below_expected",
        "contract_rates",
        contract,
        OURS | {"allowed_cents": "300.00", "paid_cents": "240.00"},
    )

    (row,) = result.findings.to_dict("records")
    assert row["message"].endswith("the contract rate gives $600.00.")
    assert (row["amount"], row["amount_basis"]) == (30_000, "difference")
    assert BASIS_LABELS[row["amount_basis"]] == "the difference from the expected payment"


def of_the_year(rows: Rows) -> Rows:
    return [row for row in rows if row["effective_from"].startswith("2025")]


def twice_as_much(own: Callable[[Rows], Rows], column: str, rows: Rows) -> Rows:
    """Rows in force in March 2025, each with twice the rate from the eleventh on."""
    before = [row | {"effective_to": "2025-03-10"} for row in own(rows)]
    after = [
        row | {"effective_from": "2025-03-11", column: str(2 * float(row[column]))}
        for row in own(rows)
    ]
    return before + after


@pytest.mark.parametrize(
    ("table", "own", "column", "asked"),
    [
        ("contract_rates", contract, "amount", OURS),
        (
            "conversion_factors",
            of_the_year,
            "conversion_factor",
            {"claim_type": "professional", "modifiers": "26", "place_of_service": "11"},
        ),
    ],
)
def test_a_rate_that_changes_prices_each_day_by_its_own(
    tmp_path, table, own, column, asked
) -> None:
    line = asked | {"allowed_cents": "10.00", "paid_cents": "8.00"}
    days = ({"service_date": "2025-03-10"}, {"service_date": "2025-03-11"})

    result = audited(
        tmp_path,
        "allowed_below_expected",
        table,
        partial(twice_as_much, own, column),
        *(line | day for day in days),
    )

    before, after = (owed + 1_000 for owed in result.findings.sort_values("line")["amount"])
    assert abs(after - 2 * before) <= 1


def ended(rows: Rows) -> Rows:
    """The codes that were preferred for 75574 are accepted like others from July 2025."""
    rows = [row for row in rows if row["procedure_code"] == "75574"]
    preferred = [row for row in rows if row["fit"] == "preferred"]
    kept = [row for row in rows if row["fit"] != "preferred"]
    for row in preferred:
        last, first = {"effective_to": "2025-06-30"}, {"effective_from": "2025-07-01"}
        kept += [row | last, row | first | {"fit": "accepted"}]
    return kept


def test_a_code_is_no_second_best_once_nothing_is_preferred(tmp_path) -> None:
    july = {"service_date": "2025-07-01", "revenue_code": "0352"}
    july |= {"statement_from": "2025-07-01", "statement_through": "2025-07-01"}
    june = {name: "2025-06-30" if "20" in cell else cell for name, cell in july.items()}
    result = audited(tmp_path, "revenue_code_not_preferred", "revenue_code_fit", ended, june, july)

    assert flagged(result) == [0]


def test_a_contract_amount_is_not_in_doubt_for_what_medicare_pays(tmp_path) -> None:
    """A percentage of Medicare's rate rests on it, an amount of the contract's own doesn't."""
    relative = {"procedure_code": "75572", "amount": "", "percent_of_medicare": "150"}
    low = OURS | {"allowed_cents": "300.00", "paid_cents": "240.00"}
    result = audited(
        tmp_path,
        "allowed_below_expected",
        "contract_rates",
        lambda rows: [*contract(rows), contract(rows)[0] | relative],
        low,
        low | {"procedure_code": "75572"},
    )

    fixed, percent = result.findings.sort_values("source_row")["message"]
    assert fixed.endswith("the contract rate gives $600.00.")
    assert "the contract rate gives $535.70. Sources disagree here: " in percent
    assert percent.endswith("(ccta-apc-2025).")


def relative(rows: Rows) -> Rows:
    """150 % of Medicare for four codes, of which 75577 has no hospital rate in 2025."""
    (row, *_) = contract(rows)
    parts = {"institutional": "technical", "professional": "global"}
    return [
        row
        | {"procedure_code": code, "setting": setting, "component": component}
        | {"amount": "", "percent_of_medicare": "150"}
        for code in ("75571", "75573", "75574", "75577")
        for setting, component in parts.items()
    ]


def test_a_share_of_a_rate_that_is_not_known_says_what_is_missing(tmp_path) -> None:
    """The contract has a row; it is Medicare's rate, or what tells it, that lacks."""
    low = OURS | {"allowed_cents": "300.00", "paid_cents": "240.00"}
    office = low | {"claim_type": "professional", "modifiers": "", "charge_cents": "900.00"}
    result = audited(
        tmp_path,
        "allowed_below_expected",
        "contract_rates",
        relative,
        low | {"procedure_code": "75577"},
        low | {"procedure_code": "75572"},
        low | {"bill_type": ""},
        low | {"bill_type": "0851"},
        low | {"service_date": "2017-03-10"},
        office | {"place_of_service": ""},
        low,
    )

    assert flagged(result) == [6]
    assert reasons(result) == {
        ("reference_missing", "opps_rates pfs_rates", 2),
        ("reference_missing", "contract_rates", 1),
        ("value_missing", "bill_type", 1),
        ("reference_stale", "opps_rates pfs_rates", 1),
        ("value_missing", "place_of_service", 1),
    }


def test_a_share_cites_the_rate_that_it_is_a_share_of(tmp_path) -> None:
    low = OURS | {"allowed_cents": "300.00", "paid_cents": "240.00"}
    result = audited(tmp_path, "allowed_below_expected", "contract_rates", relative, low)

    (row,) = result.findings.to_dict("records")
    assert row["sources"].split()[-3:] == [
        "42-cfr-410-152",
        "acc-2025-01-07",
        "acr-bulletin-2025-02-10",
    ]


def test_a_share_of_nothing_is_packaged(tmp_path) -> None:
    score = OURS | {"procedure_code": "75571", "service_date": "2026-03-10", "claim_id": "S"}
    paid = {"allowed_cents": "50.00", "paid_cents": "40.00", "patient_id": "S"}
    result = audited(
        tmp_path,
        "allowed_above_expected",
        "contract_rates",
        relative,
        score | paid,
        score | paid | {"procedure_code": "75574", "allowed_cents": "534.65"},
    )

    (row,) = result.findings.to_dict("records")
    assert row["message"].endswith("the contract rate gives $0.00 (packaged).")


def test_a_payment_cites_the_documents_that_give_its_rate(tmp_path) -> None:
    low = {"allowed_cents": "100.00", "paid_cents": "80.00"}
    office = {"claim_type": "professional", "place_of_service": "11", "service_date": "2024-06-03"}
    result = audited(
        tmp_path,
        "allowed_below_expected",
        "contract_rates",
        contract,
        low,
        low | office | {"modifiers": "TC"},
        low | office | {"modifiers": "26", "allowed_cents": "10.00"},
        OURS | low,
    )

    cited = [set(cell.split()) for cell in result.findings.sort_values("source_row")["sources"]]
    general = set.intersection(*cited)
    assert [one - general for one in cited] == [
        {"acc-2025-01-07", "acr-bulletin-2025-02-10"},
        {"pfs-rvu-2024-january", "pfs-rvu-2024-july", "opps-cap-2024"},
        {"pfs-rvu-2024-january", "pfs-rvu-2024-july"},
        {"42-cfr-410-152"},
    ]


def test_a_cent_owed_in_silence_is_owed(tmp_path) -> None:
    nothing = {"allowed_cents": "0.00", "paid_cents": "0.00", "remit_date": "2025-04-01"}
    result = audited(
        tmp_path,
        "paid_zero_without_reason",
        "contract_rates",
        contract,
        OURS | nothing | {"procedure_code": "75573"},
    )

    assert result.findings["amount"].tolist() == [1]


def test_a_missing_scan_is_worth_what_the_contract_pays_for_it(tmp_path) -> None:
    reading = OURS | {"claim_type": "professional", "place_of_service": "22"}
    near = {"claim_id": "X1", "patient_id": "PX"}
    result = audited(
        tmp_path,
        "technical_component_missing",
        "contract_rates",
        contract,
        OURS | near | {"service_date": "2025-02-10"},
        reading | near | {"service_date": "2025-02-10", "claim_id": "X2"},
        OURS | near | {"service_date": "2025-04-10", "claim_id": "X3"},
        reading,
    )

    (row,) = result.findings.to_dict("records")
    assert (row["source_row"], row["amount"], row["amount_basis"]) == (5, 60_000, "contract")
    assert BASIS_LABELS[row["amount_basis"]] == "expected payment by your contract rates"


def test_a_successor_that_the_table_itself_does_not_hold_is_not_named(tmp_path) -> None:
    """A hospital's own table may name a code that it has no row for; the line is flagged still."""

    def unheld(rows: Rows) -> Rows:
        return [
            row | {"successor": "75599"} if row["procedure_code"] == "0503T" else row
            for row in rows
        ]

    ended = {"procedure_code": "0503T", "service_date": "2024-05-01"}
    result = audited(tmp_path, "procedure_not_valid_on_date", "procedure_codes", unheld, ended)

    assert result.failed == ()
    assert flagged(result) == [0]
    assert "75599" not in result.findings["message"].iloc[0]


def test_a_successor_of_several_rows_is_named_by_the_one_of_the_day(tmp_path) -> None:
    """A hospital's own table may tell a code in several rows, whose dates follow each other."""

    def split(rows: Rows) -> Rows:
        (held,) = [row for row in rows if row["procedure_code"] == "75580"]
        return [
            *(row for row in rows if row is not held),
            held | {"effective_to": "2025-06-30"},
            held | {"effective_from": "2025-07-01"},
        ]

    ended = [
        {"procedure_code": "0503T", "service_date": day} for day in ("2024-05-01", "2025-08-01")
    ]
    result = audited(tmp_path, "procedure_not_valid_on_date", "procedure_codes", split, *ended)

    assert flagged(result) == [0, 1]
    assert all("75580 replaces it" in message for message in result.findings["message"])
