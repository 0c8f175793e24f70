"""What each rule asks of a line, in plain words: a module a family, a function a rule.

An explanation computes these conditions anew for the one line, from its patient's lines, the tables
and the settings; those of a finding all hold. Rules don't know of them.
"""

from collections.abc import Callable
from importlib import import_module

from auditor.conditions.seen import Condition, Seen, of_rule

__all__ = ["Condition", "Seen", "conditions_of"]


def conditions_of(seen: Seen) -> list[Condition]:
    """All conditions of the rule for the line: what its declaration asks, then its own."""
    family = import_module(f"{__name__}.{seen.rule.family}")
    own: Callable[[Seen], list[Condition]] = getattr(family, seen.rule.name)
    return [*of_rule(seen), *own(seen)]
