"""Progress on stderr: a moving line on a terminal, plain timed lines in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

_BETWEEN = 10.0


class Progress:
    """Times the stages of a run and says on stderr which one is going on."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.seconds: dict[str, float] = {}
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()
        self._begun = self._said = self._started

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[None]:
        """Times what is done inside; stages of one name add up."""
        self._say(words, end="" if self._terminal else "\n")
        begun = self._begun = self._said = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - begun
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            if self._terminal:
                self._say("", end="")

    def part(self, share: float, words: str) -> None:
        """Says that a share of the stage is done, and how long the rest will take at this pace.

        A log hears of it every ten seconds at most.
        """
        now = time.monotonic()
        if share <= 0 or (not self._terminal and now - self._said < _BETWEEN):
            return
        self._said = now
        left = (now - self._begun) * (1 - share) / share
        self._say(f"{words}, {left:.0f} s left", end="" if self._terminal else "\n")

    def say(self, words: str) -> None:
        """Says one thing that somebody must know."""
        self._say(words, end="\n")

    def _say(self, words: str, end: str) -> None:
        if self._quiet:
            return
        since = time.monotonic() - self._started
        clear = "\r\x1b[2K" if self._terminal else ""
        text = f"{clear}[{since:6.1f} s] {words}" if words else clear
        print(text, end=end, file=sys.stderr, flush=True)  # noqa: T201  this is the one place
