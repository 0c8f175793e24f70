"""Which claim lines no longer stand (RULES section 3)."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.claim_types import with_types
from auditor.superseding import superseded
from tests.case_lines import AS_OF, _filled, lines_of
from tests.oracle.lines import Line
from tests.oracle.run import run_of

TYPES = ("institutional", "professional")
REPLACES, VOIDS = {"claim_frequency": "7"}, {"claim_frequency": "8"}
CORRECTED = {"procedure_code": "75573", "received_date": "2025-04-20"}


def gone(*rows: dict[str, str]) -> list[bool]:
    lines, rejected = lines_of([_filled(row) for row in rows])
    assert len(rejected) == 0
    return superseded(with_types(lines, {})).tolist()


def claim(claim_id: str, **cells: str) -> dict[str, str]:
    return {"claim_id": claim_id, **cells}


def test_originals_stand() -> None:
    assert gone(claim("C1"), claim("C1", line_number="2"), claim("C2")) == [False] * 3


def test_a_replacement_with_the_same_claim_id_replaces_every_line() -> None:
    found = gone(
        claim("C1"), claim("C1", line_number="2"), claim("C1", **REPLACES, **CORRECTED), claim("C2")
    )

    assert found == [True, True, False, False]


def test_the_claim_named_by_its_number_is_replaced() -> None:
    found = gone(
        claim("C1"), claim("C2"), claim("C9", original_claim_id="C1", **REPLACES, **CORRECTED)
    )

    assert found == [True, False, False]


def test_the_claim_named_by_the_payers_number_is_replaced() -> None:
    found = gone(
        claim("C1", payer_claim_number="ICN1"),
        claim("C2", payer_claim_number="ICN2"),
        claim("C9", payer_claim_number="ICN9", original_claim_id="ICN1", **REPLACES, **CORRECTED),
    )

    assert found == [True, False, False]


def test_a_replacement_that_keeps_the_payers_number_stands() -> None:
    found = gone(
        claim("C1", payer_claim_number="ICN1"),
        claim("C9", payer_claim_number="ICN1", original_claim_id="ICN1", **REPLACES, **CORRECTED),
    )

    assert found == [True, False]


@pytest.mark.parametrize("keeps", [("ICN1", "ICN1"), ("ICN1", "ICN2"), ("ICN2", "ICN1")])
def test_of_several_that_keep_the_payers_number_the_latest_received_stands(keeps) -> None:
    first, last = ({"payer_claim_number": number, "original_claim_id": "ICN1"} for number in keeps)
    found = gone(
        claim("C9", received_date="2025-05-01", **last, **REPLACES),
        claim("C1", payer_claim_number="ICN1"),
        claim("C5", received_date="2025-04-01", **first, **REPLACES),
    )

    assert found == [False, True, True]


def test_all_lines_of_a_replacement_stand_where_one_alone_names_the_original() -> None:
    kept = {"payer_claim_number": "ICN1", **REPLACES, **CORRECTED}
    found = gone(
        claim("C1", payer_claim_number="ICN1"),
        claim("C9", original_claim_id="ICN1", **kept),
        claim("C9", line_number="2", **kept),
        claim("C8", **kept),
    )

    assert found == [True, False, False, True]


def test_a_replacement_that_names_its_own_claim_id_stands() -> None:
    found = gone(claim("C1"), claim("C1", original_claim_id="C1", **REPLACES, **CORRECTED))

    assert found == [True, False]


def test_a_replacement_whose_original_is_in_no_file_stands() -> None:
    found = gone(
        claim("C9", original_claim_id="C1", **REPLACES),
        claim("C8", **REPLACES),
        claim("C9", line_number="2", original_claim_id="C1", **REPLACES),
    )

    assert found == [False, False, False]


def test_a_void_goes_with_what_it_voids() -> None:
    assert gone(claim("C1"), claim("C1", **VOIDS), claim("C2")) == [True, True, False]
    assert gone(claim("C1"), claim("C8", original_claim_id="C1", **VOIDS), claim("C2")) == [
        True,
        True,
        False,
    ]


def test_a_void_whose_original_is_in_no_file_goes_alone() -> None:
    assert gone(claim("C8", original_claim_id="C1", **VOIDS), claim("C2")) == [True, False]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("turned", [False, True])
def test_of_several_replacements_the_latest_received_stands(named, turned) -> None:
    adjusting = [
        claim("C7" if named else "C1", received_date="2025-04-01", **REPLACES),
        claim("C8" if named else "C1", received_date="2025-06-01", **REPLACES),
        claim("C9" if named else "C1", received_date="2025-05-01", **REPLACES),
    ]
    rows = [claim("C1"), *(row | {"original_claim_id": "C1" * named} for row in adjusting)]
    expected = [True, True, False, True]
    if turned:
        rows, expected = rows[::-1], expected[::-1]

    assert gone(*rows) == expected


@pytest.mark.parametrize("named", [True, False])
def test_a_void_after_a_replacement_leaves_nothing(named) -> None:
    name = {"original_claim_id": "C1"} if named else {}
    found = gone(
        claim("C1"),
        claim("C7" if named else "C1", received_date="2025-04-01", **name, **REPLACES),
        claim("C8" if named else "C1", received_date="2025-05-01", **name, **VOIDS),
    )

    assert found == [True, True, True]


@pytest.mark.parametrize("named", [True, False])
def test_a_replacement_after_a_void_stands(named) -> None:
    name = {"original_claim_id": "C1"} if named else {}
    found = gone(
        claim("C1"),
        claim("C8" if named else "C1", received_date="2025-04-01", **name, **VOIDS),
        claim("C7" if named else "C1", received_date="2025-05-01", **name, **REPLACES),
    )

    assert found == [True, True, False]


@pytest.mark.parametrize("named", [True, False])
def test_a_claim_billed_again_after_its_void_stands(named) -> None:
    """Its number is an account's or the patient's: it outlives the void."""
    void = claim("C8" if named else "C1", original_claim_id="C1" * named, **VOIDS)
    again = claim("C1", received_date="2025-05-01")

    assert gone(claim("C1"), void | {"received_date": "2025-04-01"}, again) == [True, True, False]
    assert gone(claim("C1"), void | {"received_date": "2025-05-01"}, again) == [True, True, True]
    # A void of which nobody knows when it came is a void of all.
    assert gone(claim("C1"), void | {"received_date": ""}, again) == [True, True, True]


@pytest.mark.parametrize("named", [True, False])
def test_a_claim_billed_again_between_two_voids_is_gone(named) -> None:
    voids = [
        claim(f"C{n}" if named else "C1", original_claim_id="C1" * named, **VOIDS)
        | {"received_date": day}
        for n, day in ((8, "2025-04-01"), (7, "2025-06-01"), (9, "2025-04-02"))
    ]
    rows = [claim("C1"), claim("C1", received_date="2025-05-01"), *voids]

    assert gone(*rows) == [True] * 5
    assert gone(claim("C1", received_date="2025-06-02"), *voids) == [False, True, True, True]


def test_an_original_received_after_its_replacement_is_replaced() -> None:
    """Exports give originals the day of their last change; a replacement is no end."""
    late = claim("C1", received_date="2025-05-01")

    assert gone(late, claim("C1", **REPLACES, **CORRECTED)) == [True, False]
    assert gone(late, claim("C9", original_claim_id="C1", **REPLACES, **CORRECTED)) == [True, False]


def test_a_replacement_of_a_replacement_leaves_only_the_last() -> None:
    found = gone(
        claim("C1"),
        claim("C2", original_claim_id="C1", received_date="2025-04-01", **REPLACES),
        claim("C3", original_claim_id="C2", received_date="2025-05-01", **REPLACES),
    )

    assert found == [True, True, False]


def test_a_chain_by_the_payers_numbers_leaves_only_the_last() -> None:
    found = gone(
        claim("C1", payer_claim_number="ICN1"),
        claim("C1", payer_claim_number="ICN2", original_claim_id="ICN1", **REPLACES, **CORRECTED),
        claim(
            "C1",
            payer_claim_number="ICN3",
            original_claim_id="ICN2",
            received_date="2025-06-01",
            **REPLACES,
        ),
    )

    assert found == [True, True, False]


def test_a_void_of_a_replacement_leaves_nothing() -> None:
    found = gone(
        claim("C1"),
        claim("C2", original_claim_id="C1", received_date="2025-04-01", **REPLACES),
        claim("C3", original_claim_id="C2", received_date="2025-05-01", **VOIDS),
    )

    assert found == [True, True, True]


@pytest.mark.parametrize("named", [True, False])
def test_two_patients_do_not_mix(named) -> None:
    other = {"patient_id": "P2", "original_claim_id": "C1" if named else ""}
    found = gone(claim("C1"), claim("C9" if named else "C1", **other, **REPLACES, **CORRECTED))

    assert found == [False, False]


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("kinds", [TYPES, TYPES[::-1]])
def test_a_replacement_leaves_the_claim_of_the_other_type_alone(named, kinds) -> None:
    one, other = ({"claim_type": kind} for kind in kinds)
    number = {"claim_id": "C9", "original_claim_id": "C1"} if named else {"claim_id": "C1"}
    found = gone(claim("C1") | one, claim("C1") | other, other | number | REPLACES | CORRECTED)

    assert found == [False, True, False]


@pytest.mark.parametrize("kinds", [("", ""), ("", TYPES[0]), ("", TYPES[1]), (TYPES[1], "")])
def test_a_claim_without_a_type_is_of_any(kinds) -> None:
    bare = {"bill_type": "", "revenue_code": "", "place_of_service": ""}
    original, naming = (bare | {"claim_type": kind} for kind in kinds)
    found = gone(claim("C1", **original), claim("C9", original_claim_id="C1", **naming, **REPLACES))

    assert found == [True, False]


def test_a_replacement_shown_by_the_bill_type_replaces_an_untyped_original() -> None:
    untyped = {"claim_type": "", "bill_type": "", "revenue_code": ""}
    found = gone(
        claim("C1", **untyped),
        claim("C9", original_claim_id="C1", **CORRECTED, claim_type="", bill_type="0137"),
    )

    assert found == [True, False]


@pytest.mark.parametrize("frequency", ["", "1", "2", "3", "4", "9", "A"])
def test_other_frequencies_supersede_nothing(frequency) -> None:
    assert gone(claim("C1"), claim("C1", line_number="2", claim_frequency=frequency)) == [
        False,
        False,
    ]


# Reversals.

NEGATIVE = {"units": "-1", "charge": "-1500.00"}


def test_a_reversal_and_what_it_reverses_go_together() -> None:
    found = gone(claim("C1"), claim("C1", **NEGATIVE), claim("C2", patient_id="P2"))

    assert found == [True, True, False]


@pytest.mark.parametrize("negative", [{"charge": "-1500.00"}, {"units": "-1"}, NEGATIVE])
def test_negative_units_or_a_negative_charge_reverse(negative) -> None:
    assert gone(claim("C1"), claim("C2", received_date="2025-04-01", **negative)) == [True, True]


def test_a_line_billed_again_after_its_reversal_stands() -> None:
    found = gone(
        claim("C1"),
        claim("C1", received_date="2025-04-01", **NEGATIVE),
        claim("C2", received_date="2025-05-01"),
    )

    assert found == [True, True, False]


def test_a_reversal_takes_one_of_two() -> None:
    found = gone(
        claim("C1"),
        claim("C2", received_date="2025-04-01"),
        claim("C2", received_date="2025-05-01", **NEGATIVE),
    )

    assert found == [False, True, True]


def test_a_reversal_reverses_nothing_later() -> None:
    found = gone(
        claim("C1", received_date="2025-05-01"),
        claim("C1", received_date="2025-04-01", **NEGATIVE),
    )

    assert found == [False, False]


@pytest.mark.parametrize(
    "other",
    [
        {"patient_id": "P2"},
        {"service_date": "2025-03-11"},
        {"procedure_code": "75573"},
        {"modifiers": "59"},
        {"billing_npi": "1000000012"},
        {"charge": "-1400.00"},
        {"units": "-2"},
    ],
    ids=lambda cells: next(iter(cells)),
)
def test_what_does_not_mirror_does_not_reverse(other) -> None:
    assert gone(claim("C1"), claim("C1", **(NEGATIVE | other))) == [False, False]


def test_a_charge_that_lacks_mirrors_no_cent() -> None:
    assert gone(claim("C1", charge="0.01"), claim("C1", units="-1", charge="")) == [False, False]
    assert gone(claim("C1", charge=""), claim("C1", units="-1", charge="")) == [True, True]


def test_which_of_two_like_lines_a_reversal_takes_is_not_the_order_of_the_file() -> None:
    like = [claim("C1", received_date=""), claim("C2", received_date="")]
    reversal = claim("C2", received_date="", **NEGATIVE)

    first, second, _ = gone(*like, reversal)

    assert gone(*like[::-1], reversal) == [second, first, True]


def test_a_reversal_on_the_same_claim_is_taken_before_another_claims_line() -> None:
    found = gone(claim("C2"), claim("C1"), claim("C2", **NEGATIVE))

    assert found == [True, False, True]


def test_a_reversal_of_a_replaced_line_takes_nothing_else() -> None:
    found = gone(claim("C1"), claim("C1", **REPLACES, received_date="2025-05-01"))

    assert found == [True, False]


CELLS = st.fixed_dictionaries(
    {
        "claim_id": st.sampled_from(["C1", "C2", "C3"]),
        "patient_id": st.sampled_from(["P1", "P2"]),
        "claim_frequency": st.sampled_from(["", "1", "7", "8"]),
        "original_claim_id": st.sampled_from(["", "", "C1", "C2", "I1"]),
        "payer_claim_number": st.sampled_from(["", "I1"]),
        "received_date": st.sampled_from(["", "2025-04-01", "2025-05-01"]),
        "units": st.sampled_from(["1", "-1"]),
        "claim_type": st.sampled_from(["institutional", "professional"]),
    }
)


@settings(max_examples=15, deadline=None)
@given(st.data(), st.lists(CELLS, min_size=1, max_size=7))
def test_the_order_of_the_lines_decides_nothing(data, rows) -> None:
    order = data.draw(st.permutations(range(len(rows))))
    found = gone(*(row | {"line_number": str(n)} for n, row in enumerate(rows)))

    turned = gone(*(rows[n] | {"line_number": str(n)} for n in order))

    assert turned == [found[n] for n in order]


@settings(max_examples=15, deadline=None)
@given(st.lists(CELLS, min_size=1, max_size=7))
def test_every_void_goes_and_without_adjustment_or_reversal_nothing_does(rows) -> None:
    found = gone(*rows)

    for row, superseded_row in zip(rows, found, strict=True):
        assert superseded_row or row["claim_frequency"] != "8"
    if not any(row["claim_frequency"] in "78" and row["claim_frequency"] for row in rows):
        reversed_lines = sum(found)
        assert reversed_lines % 2 == 0
        assert reversed_lines <= 2 * sum(row["units"] == "-1" for row in rows)


# Many small exports at once, one a patient: what the oracle says, in any order of the lines.


def invented(seed: int) -> list[dict[str, str]]:
    draw = random.Random(seed)
    days = ["2025-04-01", "2025-05-01", "2025-06-01"]
    return [
        {
            "patient_id": f"P{patient}",
            "line_number": str(line),
            "claim_id": draw.choice(["C1", "C2", "C3"]),
            "claim_frequency": draw.choice(["", "1", "7", "7", "8"]),
            "original_claim_id": draw.choice(["", "", "C1", "C2", "I1", "A2"]),
            "payer_claim_number": draw.choice(["", "I1", "I1", "A2"]),
            "received_date": draw.choice(days if patient % 2 else [*days, ""]),
            "units": draw.choice(["1", "1", "-1"]),
            "claim_type": draw.choice([TYPES[0], *TYPES]),
        }
        for patient in range(500)
        for line in range(draw.randint(2, 5))
    ]


@pytest.mark.parametrize("seed", range(3))
def test_any_mix_of_replacements_and_voids_is_what_the_oracle_says(seed) -> None:
    rows = invented(seed)
    told = [Line(n, n, _filled(row), frozenset(_filled(row))) for n, row in enumerate(rows)]
    run_of(told, AS_OF)
    expected = {(line.patient, line.text("line_number")): line.superseded for line in told}

    for turned in (rows, random.Random(seed).sample(rows, len(rows))):
        found = gone(*turned)
        for row, is_gone in zip(turned, found, strict=True):
            name = (row["patient_id"], row["line_number"])
            assert is_gone == expected[name], [r for r in rows if r["patient_id"] == name[0]]
