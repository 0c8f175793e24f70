"""Charts of the trend over runs, as geometry: columns on a scale, which a template draws as SVG.

Lengths are in units of the drawing, ``WIDTH`` by ``HEIGHT``; the y axis points down, as SVG has it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from auditor.changes import Night
from auditor.report.words import counted, whole_dollars

WIDTH, HEIGHT = 360, 176
_LEFT, _TOP, _BOTTOM = 46, 8, 24
MOST_RUNS = 30


@dataclass(frozen=True)
class Bar:
    """A rectangle; ``kind`` says what it counts and how it is coloured."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Tick:
    """A label on an axis, at ``at``; ``anchor`` is SVG's text-anchor."""

    at: float
    text: str
    anchor: str = "end"


@dataclass(frozen=True)
class Chart:
    """One chart: ``name`` makes ids, ``summary`` says in words what the eye would see."""

    name: str
    title: str
    summary: str
    keys: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    marks: tuple[Tick, ...]
    runs: tuple[Tick, ...]
    zero: float


# Side by side in a run's slot: stacks upward from the axis, and stacks downward.
_Stack = tuple[Sequence[tuple[str, int]], Sequence[tuple[str, int]]]


def charts(nights: Sequence[Night]) -> tuple[Chart, ...]:
    """The trend of the last runs: findings, dollars still open, dollars identified and recovered.

    Nothing is drawn for fewer than two runs: one column is no trend.
    """
    nights = nights[-MOST_RUNS:]
    if len(nights) < 2:
        return ()
    return (_findings(nights), _still_open(nights), _flow(nights))


def _findings(nights: Sequence[Night]) -> Chart:
    stacks: list[list[_Stack]] = [
        [
            (
                [
                    ("persisting", night.persisting),
                    ("reopened", night.reopened),
                    ("new", night.new),
                ],
                [("resolved", night.resolved)],
            )
        ]
        for night in nights
    ]
    first, last = nights[0], nights[-1]
    summary = (
        f"From {_open(first)} to {counted(_open(last), 'open finding')} over "
        f"{counted(len(nights), 'run')}; in the last run {last.new:,} new, "
        f"{last.reopened:,} reopened, {last.resolved:,} resolved."
    )
    keys = (
        ("new", "new"),
        ("reopened", "reopened"),
        ("persisting", "persisting"),
        ("resolved", "resolved"),
    )
    return _chart("trend-findings", "Findings", summary, keys, nights, stacks, money=False)


def _still_open(nights: Sequence[Night]) -> Chart:
    stacks: list[list[_Stack]] = [
        [
            ([("risk", night.still_open_at_risk_cents)], []),
            ([("missed", night.still_open_missed_cents)], []),
        ]
        for night in nights
    ]
    first, last = nights[0], nights[-1]
    summary = (
        f"At risk from {whole_dollars(first.still_open_at_risk_cents)} to "
        f"{whole_dollars(last.still_open_at_risk_cents)}, missed from "
        f"{whole_dollars(first.still_open_missed_cents)} to "
        f"{whole_dollars(last.still_open_missed_cents)}."
    )
    keys = (("risk", "at risk"), ("missed", "missed"))
    return _chart("trend-open", "Dollars still open", summary, keys, nights, stacks, money=True)


def _flow(nights: Sequence[Night]) -> Chart:
    stacks: list[list[_Stack]] = [
        [
            (
                [("risk", night.identified_at_risk_cents + night.reopened_at_risk_cents)],
                [("risk", night.recovered_at_risk_cents)],
            ),
            (
                [("missed", night.identified_missed_cents + night.reopened_missed_cents)],
                [("missed", night.recovered_missed_cents)],
            ),
        ]
        for night in nights
    ]
    last = nights[-1]
    summary = (
        f"In the last run {whole_dollars(last.identified_at_risk_cents)} at risk and "
        f"{whole_dollars(last.identified_missed_cents)} missed were identified, "
        f"{whole_dollars(last.reopened_at_risk_cents)} and "
        f"{whole_dollars(last.reopened_missed_cents)} reopened; "
        f"{whole_dollars(last.recovered_at_risk_cents)} and "
        f"{whole_dollars(last.recovered_missed_cents)} recovered."
    )
    keys = (("risk", "at risk"), ("missed", "missed"))
    title = "Identified or reopened above, recovered below"
    return _chart("trend-flow", title, summary, keys, nights, stacks, money=True)


def _open(night: Night) -> int:
    return night.new + night.reopened + night.persisting


def _chart(
    name: str,
    title: str,
    summary: str,
    keys: tuple[tuple[str, str], ...],
    nights: Sequence[Night],
    stacks: Sequence[Sequence[_Stack]],
    *,
    money: bool,
) -> Chart:
    up = max([sum(size for _, size in above) for slot in stacks for above, _ in slot] + [0])
    down = max([sum(size for _, size in below) for slot in stacks for _, below in slot] + [0])
    top, bottom = _round_up(up), _round_up(down) if down else 0
    scale = (HEIGHT - _TOP - _BOTTOM) / ((top + bottom) or 1)
    zero = round(_TOP + top * scale, 1)
    slot = (WIDTH - _LEFT) / len(nights)
    bars: list[Bar] = []
    for place, parts in enumerate(stacks):
        width = slot * 0.76 / len(parts)
        for side, (above, below) in enumerate(parts):
            x = _LEFT + slot * (place + 0.12) + side * width
            bars += _stack(above, x, width * 0.94, zero, scale, up=True)
            bars += _stack(below, x, width * 0.94, zero, scale, up=False)
    marks = [Tick(zero, "0"), Tick(round(zero - top * scale, 1), _label(top, money=money))]
    if bottom and bottom * scale > 14:
        marks.append(Tick(round(zero + bottom * scale, 1), _label(bottom, money=money)))
    return Chart(
        name, title, summary, keys, tuple(bars), tuple(marks), _run_ticks(nights, slot), zero
    )


def _stack(
    parts: Sequence[tuple[str, int]], x: float, width: float, zero: float, scale: float, *, up: bool
) -> list[Bar]:
    at, bars = zero, []
    for kind, size in parts:
        if size <= 0:
            continue
        # A count that is there is seen, however small.
        height = max(size * scale, 0.8)
        at = at - height if up else at
        bars.append(Bar(kind, round(x, 2), round(at, 2), round(width, 2), round(height, 2)))
        at = at if up else at + height
    return bars


def _round_up(most: int) -> int:
    """The next round number: 1, 2, 2.5 or 5 times a power of ten."""
    if most <= 0:
        return 1
    power: int = 10 ** (len(str(most)) - 1)
    return next(
        step * power // 2 for step in (2, 3, 4, 5, 6, 8, 10, 12, 16, 20) if 2 * most <= step * power
    )


def _label(size: int, *, money: bool) -> str:
    number, sign = (size / 100, "$") if money else (float(size), "")
    for limit, word in ((1_000_000, "M"), (1_000, "k")):
        if number >= limit:
            return f"{sign}{number / limit:.3g}{word}"
    return f"{sign}{number:.3g}"


def _run_ticks(nights: Sequence[Night], slot: float) -> tuple[Tick, ...]:
    """Dates of the first, the middle and the last run; months and days where they say enough."""
    places = sorted({0, (len(nights) - 1) // 2, len(nights) - 1})
    if len(nights) < 5:
        places = [0, len(nights) - 1]
    anchors = {places[0]: "start", places[-1]: "end"}
    return tuple(
        Tick(
            round(
                _LEFT
                + slot * (place + {"start": 0.12, "end": 0.88}.get(anchors.get(place, ""), 0.5)),
                1,
            ),
            nights[place].as_of.isoformat(),
            anchors.get(place, "middle"),
        )
        for place in places
    )
