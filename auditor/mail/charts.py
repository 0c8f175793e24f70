"""Charts of a mail as small pictures. They show only what the tables beside them tell."""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING

from auditor.report.words import whole_dollars

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from auditor.mail.view import NightLine, ShareLine, View

AT_RISK, MISSED, INK, QUIET = "#b3261e", "#8a5a00", "#1f2328", "#57606a"
# Twice the 592 points that a mail of 640 leaves between its margins.
_WIDTH_INCHES, _DOTS = 5.92, 200
_FEWEST_NIGHTS = 3
_MOST_TICKS = 6


@dataclass(frozen=True)
class Picture:
    """A PNG. ``alt`` says what it shows to whoever does not see it."""

    name: str
    png: bytes
    alt: str

    @property
    def cid(self) -> str:
        """The content id by which the HTML shows it."""
        return f"{self.name}@charts.invalid"


def pictures(view: View) -> tuple[Picture, ...]:
    """Dollars by family, and what stayed open over the nights; none without matplotlib."""
    if find_spec("matplotlib") is None:
        return ()
    found = []
    paying = [one for one in view.families if one.at_risk_cents or one.missed_cents]
    if len(paying) > 1:
        found.append(Picture("families", _families(paying), _families_alt(paying)))
    if len(view.nights) >= _FEWEST_NIGHTS:
        found.append(Picture("nights", _nights(view.nights), _nights_alt(view.nights)))
    return tuple(found)


def _families(rows: list[ShareLine]) -> bytes:
    figure, axes = _canvas(0.5 + 0.46 * len(rows))
    places = list(range(len(rows)))[::-1]
    most = max(max(one.at_risk_cents, one.missed_cents) for one in rows)
    for place, one in zip(places, rows, strict=True):
        sums = [(one.at_risk_cents, one.at_risk, AT_RISK), (one.missed_cents, one.missed, MISSED)]
        paying = [some for some in sums if some[0]]
        for rank, (cents, words, color) in enumerate(paying):
            middle = place + 0.36 * ((len(paying) - 1) / 2 - rank)
            axes.barh(middle, cents, height=0.32, color=color)
            axes.text(cents + most * 0.012, middle, words, va="center", fontsize=10, color=INK)
    axes.set_yticks(places, [one.label for one in rows], fontsize=11, color=INK)
    axes.set_xlim(0, most * 1.2)
    axes.set_xticks([])
    _legend(axes)
    return _png(figure)


def _families_alt(rows: list[ShareLine]) -> str:
    parts = [f"{one.label} {one.at_risk} at risk, {one.missed} missed" for one in rows]
    return f"Dollars by kind of rule. {'; '.join(parts)}."


def _nights(nights: tuple[NightLine, ...]) -> bytes:
    figure, axes = _canvas(2.2)
    places = list(range(len(nights)))
    for color, label, which in ((AT_RISK, "at risk", 0), (MISSED, "missed", 1)):
        dollars = [night.cents[which] / 100 for night in nights]
        axes.plot(places, dollars, color=color, linewidth=2, marker="o", markersize=3, label=label)
        axes.annotate(
            whole_dollars(nights[-1].cents[which]),
            (places[-1], dollars[-1]),
            textcoords="offset points",
            xytext=(6, -3),
            fontsize=10,
            color=INK,
            annotation_clip=False,
        )
    step = -(-len(nights) // _MOST_TICKS)
    ticks = places[::-1][::step][::-1]
    days = [nights[place].day.rpartition(" ")[0] for place in ticks]
    axes.set_xticks(ticks, days, fontsize=10, color=QUIET)
    top = max(max(night.cents) for night in nights) / 100
    axes.set_ylim(0, top * 1.15 or 1)
    axes.set_yticks([0, top], ["$0", whole_dollars(round(top * 100))], fontsize=10, color=QUIET)
    axes.grid(axis="y", color="#d0d7de", linewidth=0.6)
    axes.margins(x=0.02)
    _legend(axes)
    return _png(figure)


def _nights_alt(nights: tuple[NightLine, ...]) -> str:
    first, last = nights[0], nights[-1]
    return (
        f"Dollars still open over {len(nights)} runs. {first.day}: {first.still_open}; "
        f"{last.day}: {last.still_open}."
    )


def _canvas(height: float) -> tuple[Figure, Axes]:
    # A service without a home folder would be told on stderr, each night, where its cache went.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_INCHES, height), dpi=_DOTS, layout="constrained")
    figure.set_facecolor("#ffffff")
    axes = figure.subplots()
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    return figure, axes


def _legend(axes: Axes) -> None:
    from matplotlib.patches import Patch

    axes.legend(
        handles=[Patch(color=AT_RISK, label="at risk"), Patch(color=MISSED, label="missed")],
        loc="lower right",
        bbox_to_anchor=(1, 1),
        ncols=2,
        frameon=False,
        fontsize=10,
        labelcolor=INK,
    )


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    # No date and no program in the file: the same figures give the same bytes.
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
