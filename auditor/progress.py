"""Progress on stderr: a moving line on a terminal, plain timed lines in a log."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Progress:
    """Times the stages of a run and says on stderr which one is going on."""

    def __init__(self, *, quiet: bool = False) -> None:
        self.seconds: dict[str, float] = {}
        self._quiet = quiet
        self._terminal = sys.stderr.isatty()
        self._started = time.monotonic()

    @contextmanager
    def stage(self, name: str, words: str) -> Iterator[None]:
        """Times what is done inside; stages of one name add up."""
        self._say(words, end="" if self._terminal else "\n")
        begun = time.monotonic()
        try:
            yield
        finally:
            took = time.monotonic() - begun
            self.seconds[name] = self.seconds.get(name, 0.0) + took
            if self._terminal:
                self._say("", end="")

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
