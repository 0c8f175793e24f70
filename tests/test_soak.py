"""The soak itself: nights are the same for a seed, and what grows is told."""

from datetime import date

import pytest

from tests.benchmarks.invented_nights import InventedNights
from tests.benchmarks.soak import AFTER, LIMITS, Night, verdict

FIRST = date(2025, 5, 20)


def nights(count: int, **growth: float) -> list[Night]:
    """Nights whose figures go up and down, as merged files do, and grow by so much."""
    flat = dict.fromkeys(LIMITS, 1_000)
    return [
        Night(
            number=number,
            lines=300,
            seconds=1.0,
            **{
                name: size + number % 12 + growth.get(name, 0) * number
                for name, size in flat.items()
            },
        )
        for number in range(count)
    ]


def test_flat_nights_are_flat(capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(nights(400), 90) == 0
    assert capsys.readouterr().out.endswith("flat\n")


@pytest.mark.parametrize("name", LIMITS)
def test_what_grows_is_told(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert verdict(nights(400, **{name: 2}), 90) == 1
    assert f"grows: {name}\n" in capsys.readouterr().out


def test_growth_before_old_things_leave_is_none() -> None:
    grown = [
        Night(**(vars(late) | {name: min(getattr(late, name), 1_140) for name in LIMITS}))
        for late in nights(400, **dict.fromkeys(LIMITS, 1))
    ]

    assert verdict(grown, 90) == 0


def test_too_few_nights_say_nothing() -> None:
    with pytest.raises(SystemExit, match="too few nights"):
        verdict(nights(300), 90)
    assert max(AFTER.values()) * 90 < 400


def test_nights_are_the_same_for_a_seed_and_hold_what_they_promise() -> None:
    one, other = InventedNights(FIRST, patients=20), InventedNights(FIRST, patients=20)
    told, broken, again = "", 0, 0
    for _ in range(60):
        files = one.files()
        assert files == other.files()
        broken += any("broken" in name for name in files)
        again += any("again" in name for name in files)
        assert one.breaks() == any("broken" in name for name in files)
        told += "".join(files.values())
    assert (broken, again) == (6, 8)
    # Replaced, voided, and lines that came before and come again, paid.
    for word in (",0137,", ",0138,", ",professional,,7,", ",375.00,300.00,"):
        assert word in told
    assert InventedNights(FIRST, seed=2, patients=20).files() != InventedNights(FIRST).files()
