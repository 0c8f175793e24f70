"""The shared joins at the edges of their room, and the small ones that only other joins use."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.matching import (
    beside,
    group_key,
    is_among,
    occur_again,
    one_to_one,
    pairs,
    share_a_group,
    whole_claims,
)
from tests.test_matching import brackets

KEYS = st.lists(st.integers(-3, 6), max_size=12)


def ints(values) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def wide(codes: list[int], room: int) -> pd.Categorical:
    """A column of so many words, of which few are ever said."""
    return pd.Categorical.from_codes(codes, categories=pd.RangeIndex(room))


@settings(max_examples=100, deadline=None)
@given(KEYS)
def test_keys_that_occur_again(keys) -> None:
    assert occur_again(ints(keys)).tolist() == [keys.count(key) > 1 for key in keys]


@settings(max_examples=100, deadline=None)
@given(KEYS, KEYS, st.randoms(use_true_random=False))
def test_keys_among_others_and_in_the_group_of_some(keys, wanted, random) -> None:
    some = [random.random() < 0.3 for _ in keys]
    held = {key for key, one in zip(keys, some, strict=True) if one}

    assert is_among(ints(keys), ints(wanted)).tolist() == [key in wanted for key in keys]
    assert share_a_group(ints(keys), np.array(some, dtype=bool)).tolist() == [
        key in held for key in keys
    ]


CLAIMS = st.lists(
    st.tuples(
        st.sampled_from("AB"), st.sampled_from("PQ"), st.sampled_from("IJ"),
        st.booleans(), st.booleans(),
    ),
    max_size=10,
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(CLAIMS)
def test_lines_beside_others_on_their_claim(rows) -> None:
    names = ["claim_id", "patient_id", "claim_type"]
    lines = pd.DataFrame(
        {name: pd.Categorical([row[n] for row in rows]) for n, name in enumerate(names)}
    )
    asking, wanted = (np.array([row[n] for row in rows], dtype=bool) for n in (3, 4))
    holding = {row[:3] for row in rows if row[4]}

    assert whole_claims(lines, wanted).tolist() == [row[:3] in holding for row in rows]
    assert beside(lines, asking, wanted).tolist() == [row[3] and row[:3] in holding for row in rows]


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(-4, 4)), max_size=10))
def test_pairs_of_kinds_below_nothing(rows) -> None:
    left, right = pairs(ints([row[0] for row in rows]), ints([row[1] for row in rows]))

    found = {(rows[a], rows[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)}
    assert len(found) == len(left)
    assert found == {(a, b) for a in rows for b in rows if a[0] == b[0] and a[1] != b[1]}


@pytest.mark.parametrize(
    "rooms",
    [
        pytest.param([(2**21, 2), (2**21 + 1, 2)], id="hardly too wide"),
        pytest.param([(2**21, 2), (2**21, 2), (2**41 - 1, 2)], id="too wide again"),
        pytest.param([(2**20, 2), (2**21, 1), (2**24, 1)], id="far too wide"),
    ],
)
def test_a_group_key_never_outgrows_its_room(rooms: list[tuple[int, int]]) -> None:
    """A column after the others, of which the last words are said."""
    lines = pd.DataFrame(
        {
            f"c{n}": wide([0, 0, room - 1 - (room // 2 if said == 2 else 0), room - 1], room)
            for n, (room, said) in enumerate(rooms)
        }
    )

    key = group_key(lines, list(lines.columns))

    assert 0 <= key.min() <= key.max() < 2**42
    assert len(set(key.tolist())) == 3
    assert key[0] == key[1]


def test_a_group_key_holds_days_before_1970() -> None:
    first, last = pd.Timestamp("1960-01-01"), pd.Timestamp("2025-03-10")
    # So many days after the first one as both lie after 1970, taken together.
    between = first + pd.Timedelta(days=(last - pd.Timestamp(0)).days + 1 - 3653)
    lines = pd.DataFrame(
        {
            "patient_id": pd.Categorical(["A", "B", "B"]),
            "service_date": pd.Series([between, first, last]).astype("datetime64[s]"),
        }
    )

    assert len(set(group_key(lines, ["patient_id", "service_date"]).tolist())) == 3


def test_a_group_key_counts_days_from_the_first() -> None:
    days = pd.to_datetime(pd.Series(["2025-03-10", "2025-03-11"])).astype("datetime64[s]")
    lines = pd.DataFrame({"service_date": days, "c": wide([2**27 - 1, 0], 2**27)})

    assert group_key(lines, ["service_date", "c"]).max() < 2**29


def test_a_closing_of_the_next_study_takes_no_opening_of_this_one() -> None:
    study, day = ints([1, 2, 2, 2, 3]), ints([5, 5, 6, 7, 7])
    opens = np.array([True, False, True, True, False])

    found = one_to_one(study, day, opens, within=7)

    assert found.tolist() == brackets(study, day, opens, 7) == [-1] * 5
