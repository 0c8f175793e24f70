"""Claim lines for tests, made as those of the case files are."""

from auditor.cases import AS_OF, filled, lines_of

_filled = filled

__all__ = ["AS_OF", "_filled", "clean_line", "lines_of"]


def clean_line(claim_type: str) -> dict[str, str]:
    """A line that no rule flags, by schema column; its statement period is the caller's."""
    cells = filled({"claim_type": claim_type or "institutional"})
    return cells | {"statement_from": "", "statement_through": ""}
