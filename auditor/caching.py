"""Answers remembered for the length of an audit, so that rules share what they ask for.

An answer is reused only for the very same arguments: the same objects, and equal words and numbers.
"""

from collections.abc import Callable, Hashable
from functools import wraps
from threading import RLock
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_FEW, _MANY = 16, 512
_FORGET: list[Callable[[], None]] = []
_KNOWN: dict[Callable[..., Any], Callable[..., Any]] = {}


def computed_once(function: Callable[P, T]) -> Callable[P, T]:
    """Remembers the last answer of a function; ``forget`` drops it.

    What is given back is shared: nobody may change it.
    """
    return _remembering(function, 1)


def computed_lately(function: Callable[P, T]) -> Callable[P, T]:
    """The same for the last few answers, where a function is asked several things in turn."""
    return _remembering(function, _FEW)


def computed_often(function: Callable[P, T]) -> Callable[P, T]:
    """The same for many small answers."""
    return _remembering(function, _MANY)


def _remembering(function: Callable[P, T], most: int) -> Callable[P, T]:
    remembered: dict[Hashable, tuple[tuple[object, ...], T]] = {}
    lock = RLock()

    @wraps(function)
    def answer(*args: P.args, **kwargs: P.kwargs) -> T:
        asked, key = _asked(*args, **kwargs)
        with lock:
            if key not in remembered:
                found = function(*args, **kwargs)
                while len(remembered) >= most:
                    del remembered[next(iter(remembered))]
                # The arguments are kept, so that no other object takes their place.
                remembered[key] = (asked, found)
            return remembered[key][1]

    def known(*args: P.args, **kwargs: P.kwargs) -> T | None:
        with lock:
            _, found = remembered.get(_asked(*args, **kwargs)[1], (None, None))
        return found

    _FORGET.append(remembered.clear)
    _KNOWN[answer] = known
    return answer


def if_computed(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
    """The answer of a function that remembers its answers, None where it would have to compute."""
    found: T | None = _KNOWN[function](*args, **kwargs)
    return found


def _asked(*args: object, **kwargs: object) -> tuple[tuple[object, ...], Hashable]:
    """The arguments in one order, and what tells them from others."""
    asked = (*args, *(part for pair in sorted(kwargs.items()) for part in pair))
    return asked, tuple(map(_name_of, asked))


def _name_of(argument: Any) -> Hashable:
    """What tells an argument from others: words and numbers their value, else the object itself."""
    if isinstance(argument, str | int | float | frozenset | type(None)):
        return argument
    if isinstance(argument, tuple):
        return tuple(map(_name_of, argument))
    return id(argument)


def forget() -> None:
    """Drops what is remembered; called when an audit ends."""
    for drop in _FORGET:
        drop()
