"""The shared joins against slow plain-Python oracles."""

import tracemalloc
from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor import matching
from auditor.caching import computed_once, forget
from auditor.matching import (
    count_between,
    earlier_in_group,
    group_key,
    group_starts,
    in_order,
    nearest,
    one_to_one,
    pairs,
    pairs_by_and_by,
)

FEW = st.integers(0, 3)
DAYS = st.integers(-5, 12)


def ints(values) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def columns(*kinds, max_size: int = 14):
    """Several arrays of one length."""
    return st.lists(st.tuples(*kinds), max_size=max_size).map(
        lambda rows: tuple(ints([row[place] for row in rows]) for place in range(len(kinds)))
    )


@settings(max_examples=150, deadline=None)
@given(columns(FEW, FEW))
def test_pairs_are_all_ordered_pairs_of_kinds_with_the_first_line_of_each(lines) -> None:
    group, kind = lines
    first: dict[tuple[int, int], int] = {}
    for place, key in enumerate(zip(group.tolist(), kind.tolist(), strict=True)):
        first.setdefault(key, place)
    expected = {
        (first[one], first[other])
        for one in first
        for other in first
        if one[0] == other[0] and one[1] != other[1]
    }

    left, right = pairs(group, kind)

    found = list(zip(left.tolist(), right.tolist(), strict=True))
    assert len(found) == len(set(found))
    assert set(found) == expected


@settings(max_examples=150, deadline=None)
@given(columns(FEW, DAYS), columns(FEW, DAYS), st.booleans())
def test_nearest_is_the_nearest_and_of_equals_the_first(lines, candidates, after) -> None:
    study, day = lines
    of_study, of_day = candidates
    expected = []
    for one, when in zip(study.tolist(), day.tolist(), strict=True):
        fit = [
            (abs(of_day[place] - when), place)
            for place in range(len(of_day))
            if of_study[place] == one and (of_day[place] > when if after else of_day[place] <= when)
        ]
        gap, place = min(fit, default=(0, -1))
        expected.append((place, gap))

    found, gaps = nearest(study, day, of_study, of_day, after=after)

    assert list(zip(found.tolist(), gaps.tolist(), strict=True)) == expected


@settings(max_examples=100, deadline=None)
@given(columns(FEW, DAYS, st.integers(0, 6)), columns(FEW, DAYS))
def test_count_between_counts_both_ends(lines, candidates) -> None:
    study, first, length = lines
    of_study, of_day = candidates
    expected = [
        sum(s == one and a <= d <= a + n for s, d in zip(of_study, of_day, strict=True))
        for one, a, n in zip(study, first, length, strict=True)
    ]

    assert count_between(study, first, first + length, of_study, of_day).tolist() == expected


def brackets(study, day, opens, within: int) -> list[int]:
    """Each closing takes the nearest earlier opening still free; on one day openings come first.

    Of several openings of one day the first given is taken first.
    """
    partner = [-1] * len(study)
    for one in set(study.tolist()):
        places = [place for place in range(len(study)) if study[place] == one]
        stack: list[int] = []
        for when in sorted({int(day[place]) for place in places}):
            today = [place for place in places if day[place] == when]
            stack += [place for place in reversed(today) if opens[place]]
            for place in today:
                if not opens[place] and stack:
                    scan = stack.pop()
                    if when - day[scan] <= within:
                        partner[scan], partner[place] = place, scan
    return partner


@settings(max_examples=300, deadline=None)
@given(columns(FEW, DAYS, st.integers(0, 1)), st.integers(0, 20))
def test_one_to_one_pairs_matching_brackets(lines, within) -> None:
    study, day, opens = lines

    found = one_to_one(study, day, opens.astype(bool), within=within)

    assert found.tolist() == brackets(study, day, opens.astype(bool), within)


@settings(max_examples=60, deadline=None)
@given(columns(FEW, DAYS, st.integers(0, 1)), st.integers(0, 20))
def test_one_to_one_is_one_to_one(lines, within) -> None:
    study, day, opens = lines

    found = one_to_one(study, day, opens.astype(bool), within=within)

    for place, other in enumerate(found.tolist()):
        if other >= 0:
            assert found[other] == place
            assert study[other] == study[place]
            assert opens[other] != opens[place]
            gap = (day[other] - day[place]) * (1 if opens[place] else -1)
            assert 0 <= gap <= within


def test_a_reading_takes_the_nearest_of_two_scans_and_the_other_stays_free() -> None:
    found = one_to_one(ints([0, 0, 0]), ints([1, 5, 6]), np.array([True, True, False]), within=7)

    assert found.tolist() == [-1, 2, 1]


def test_a_scan_too_far_back_is_not_taken() -> None:
    found = one_to_one(ints([0, 0]), ints([0, 8]), np.array([True, False]), within=7)

    assert found.tolist() == [-1, -1]


def test_no_lines_at_all() -> None:
    nothing = ints([])

    assert one_to_one(nothing, nothing, nothing.astype(bool), within=7).tolist() == []
    assert pairs(nothing, nothing)[0].tolist() == []
    assert nearest(nothing, nothing, nothing, nothing, after=True)[0].tolist() == []
    assert nearest(ints([1]), ints([1]), nothing, nothing, after=False)[0].tolist() == [-1]
    assert count_between(ints([1]), ints([1]), ints([2]), nothing, nothing).tolist() == [0]
    assert group_starts(nothing).tolist() == []


WORDS = st.sampled_from(["", "A", "B", "10", "9", "b"])
DATES = st.sampled_from(["", "2025-03-10", "2025-03-11", "1999-12-31"])


def frame(rows: list[tuple[str, str, str, str, int | None]]) -> pd.DataFrame:
    cells = list(zip(*rows, strict=True)) or [(), (), (), (), ()]
    patient, claim, day, received, number = cells
    return pd.DataFrame(
        {
            "patient_id": pd.Categorical(list(patient)),
            "claim_id": pd.Categorical(list(claim)),
            "service_date": pd.to_datetime(pd.Series(list(day), dtype="str")).astype(
                "datetime64[s]"
            ),
            "received_date": pd.to_datetime(pd.Series(list(received), dtype="str")).astype(
                "datetime64[s]"
            ),
            "line_number": pd.array(list(number), dtype="Int64"),
            "source_row": pd.array(range(2, len(rows) + 2), dtype="Int64"),
        }
    )


ROWS = st.lists(
    st.tuples(WORDS, WORDS, DATES.filter(bool), DATES, st.none() | st.integers(0, 3)), max_size=12
)


@settings(max_examples=60, deadline=None)
@given(ROWS, st.permutations(["patient_id", "claim_id", "service_date"]), st.integers(1, 3))
def test_group_key_is_equal_exactly_where_all_columns_are(rows, names, many) -> None:
    lines = frame(rows)
    key = group_key(lines, names[:many])
    cells = list(zip(*(lines[name].tolist() for name in names[:many]), strict=True))

    assert len(key) == len(rows)
    assert len(set(zip(key.tolist(), cells, strict=True))) == len(set(cells)) == len(set(key))
    assert all(0 <= one < 2**42 for one in key.tolist())


def test_group_key_stays_small_over_many_wide_columns() -> None:
    words = [f"W{number}" for number in range(3000)]
    lines = pd.DataFrame({f"c{n}": pd.Categorical(words) for n in range(8)})
    lines["c7"] = pd.Categorical(["same"] * 3000)

    key = group_key(lines, [f"c{n}" for n in range(8)])

    assert len(set(key.tolist())) == 3000
    assert key.max() < 2**42


def test_group_key_makes_room_before_a_wide_column_would_overflow() -> None:
    wide = pd.RangeIndex(2**21)
    codes = np.array([0, 2**20 - 1, 0, 2**20 - 1])
    lines = pd.DataFrame(
        {
            "narrow": pd.Categorical.from_codes(codes, categories=pd.RangeIndex(2**20)),
            "wide": pd.Categorical.from_codes([2**21 - 1] * 4, categories=wide),
            "last": pd.Categorical.from_codes([0, 1, 0, 2**21 - 1], categories=wide),
        }
    )

    key = group_key(lines, ["narrow", "wide", "last"])

    assert key[0] == key[2]
    assert len(set(key.tolist())) == 3
    assert 0 <= key.min() <= key.max() < 2**42


def test_pairs_come_in_shares_that_hold_all_of_them(monkeypatch) -> None:
    """A day with very many kinds of lines gives its pairs by and by."""
    group, kind = np.zeros(40, dtype=np.int64), np.arange(40) % 20
    whole = [side.tolist() for side in pairs(group, kind)]
    monkeypatch.setattr(matching, "_PAIRS_AT_ONCE", 50)

    shares = list(pairs_by_and_by(group, kind))

    assert len(shares) > 5
    assert max(len(left) for left, _ in shares) < 50 + 2 * 20
    assert min(len(left) for left, _ in shares[:-1]) >= 50
    assert [np.concatenate(side).tolist() for side in zip(*shares, strict=True)] == whole


@pytest.mark.parametrize("column", ["units", "charge_cents"])
def test_group_key_refuses_what_has_no_codes(column: str) -> None:
    with pytest.raises(TypeError, match=column):
        group_key(pd.DataFrame({column: [1.0]}), [column])


@settings(max_examples=80, deadline=None)
@given(ROWS, st.booleans(), st.randoms(use_true_random=False))
def test_in_order_is_received_claim_as_text_line_row(rows, by_received, random) -> None:
    lines = frame(rows)
    places = random.sample(range(len(rows)), len(rows) // 2)
    key = [len(rows[place][0]) for place in places]

    def rank(n: int) -> tuple[object, ...]:
        _, claim, _, received, number = rows[places[n]]
        return key[n], received if by_received else "", claim, number or 0, places[n]

    found = in_order(lines, ints(places), ints(key), by_received=by_received)

    assert found.tolist() == sorted(range(len(places)), key=rank)


@settings(max_examples=60, deadline=None)
@given(st.lists(FEW, max_size=12), st.randoms(use_true_random=False))
def test_earlier_in_group_names_the_first_line_of_the_group(keys, random) -> None:
    key = ints(keys)
    order = sorted(range(len(keys)), key=lambda n: (keys[n], random.random()))
    first: dict[int, int] = {}
    for place in order:
        first.setdefault(keys[place], place)
    expected = [-1 if first[k] == n else first[k] for n, k in enumerate(keys)]

    assert earlier_in_group(ints(order), key).tolist() == expected


def test_computed_once_answers_again_only_for_the_very_same_things() -> None:
    asked: list[object] = []

    @computed_once
    def answer(lines: list[int], days: int) -> int:
        asked.append(lines)
        return len(lines) + days

    lines = [1, 2]
    assert answer(lines, 7) == answer(lines, 7) == 9
    assert len(asked) == 1
    assert answer(list(lines), 7) == 9
    assert len(asked) == 2
    assert answer(lines, 8) == 10
    assert answer(lines, days=8) == 10
    forget()
    assert answer(lines, 8) == 10
    assert len(asked) >= 4


def test_computed_once_does_not_take_one_keyword_for_another() -> None:
    @computed_once
    def answer(*, first: int = 1, second: int = 1) -> tuple[int, int]:
        return first, second

    assert answer(first=5) == (5, 1)
    assert answer(second=5) == (1, 5)


def test_twenty_thousand_lines_of_one_patient_are_no_harder() -> None:
    size = 20_000
    random = np.random.default_rng(1)
    one, day = np.zeros(size, dtype=np.int64), random.integers(0, 400, size)
    tracemalloc.start()

    left, _ = pairs(one, random.integers(0, 30, size))
    nearest(one, day, one, day, after=False)
    nearest(one, day, one, day, after=True)
    count_between(one, day, day + 7, one, day)
    partner = one_to_one(one, day, random.random(size) < 0.5, within=7)

    assert len(left) == 30 * 29
    assert (partner >= 0).sum() > size / 2
    # Every pair of lines at once would take gigabytes.
    assert tracemalloc.get_traced_memory()[1] < 64 * 2**20
    tracemalloc.stop()


def test_many_patients_do_not_leak_into_each_other() -> None:
    random = np.random.default_rng(2)
    study, day = random.integers(0, 2000, 6000), random.integers(0, 30, 6000)
    opens = random.random(6000) < 0.5
    by_study = defaultdict(list)
    for place, one in enumerate(study.tolist()):
        by_study[one].append(place)
    expected = np.full(6000, -1)
    for places in by_study.values():
        alone = one_to_one(ints([0] * len(places)), day[places], opens[places], within=7)
        expected[places] = [places[n] if n >= 0 else -1 for n in alone]

    assert one_to_one(study, day, opens, within=7).tolist() == expected.tolist()
