"""Small counts: not told, and not to be worked out from what is told."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.mail.small_counts import protected, too_small


def possible(counts: list[int], states: list[str], smallest: int) -> list[set[int]]:
    """What each row may be, for whoever knows the total and how the rows are shown."""
    total = sum(counts)
    ranges = {
        "few": range(1, smallest),
        "withheld": range(smallest, total + 1),
    }
    rows = [
        [count] if state == "shown" else list(ranges[state])
        for count, state in zip(counts, states, strict=True)
    ]
    fitting = [one for one in product(*rows) if sum(one) == total]
    return [{one[place] for one in fitting} for place in range(len(counts))]


@settings(max_examples=300, deadline=None)
@given(st.lists(st.integers(0, 14), min_size=1, max_size=5), st.integers(0, 6))
def test_each_small_count_may_be_anything_below_the_limit(counts: list[int], smallest: int) -> None:
    states = protected(counts, smallest)
    if states is None:
        return
    for count, state, values in zip(
        counts, states, possible(counts, list(states), smallest), strict=True
    ):
        assert (state == "few") == too_small(count, smallest)
        if state == "few":
            assert values == set(range(1, smallest))


def test_the_smallest_row_that_is_enough_is_withheld_with_a_single_small_one() -> None:
    assert protected([40, 30, 3, 12], 11) == ["shown", "withheld", "few", "shown"]


def test_a_table_that_cannot_be_protected_is_not_shown() -> None:
    assert protected([3], 11) is None
    assert protected([11, 3], 11) is None


@pytest.mark.parametrize("counts", [[], [0, 0], [11, 500, 0]])
def test_zero_and_counts_from_the_limit_on_are_shown(counts: list[int]) -> None:
    assert protected(counts, 11) == ["shown"] * len(counts)


def test_without_a_limit_everything_is_shown() -> None:
    assert protected([1, 2, 3], 0) == protected([1, 2, 3], 1) == ["shown"] * 3
