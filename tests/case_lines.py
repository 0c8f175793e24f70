"""Claim lines for tests, made as those of the case files are."""

from auditor.cases import AS_OF, filled, lines_of

_filled = filled

__all__ = ["AS_OF", "_filled", "lines_of"]
