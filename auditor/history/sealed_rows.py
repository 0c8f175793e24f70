"""Findings of an encrypted ledger: what was reported of each is one closed value.

Plain stay what the ledger asks for: status, runs, the days seen. The number of a finding is a
digest of its claim and stands as a digest under the history's key.
"""

import json
from collections.abc import Iterable
from typing import Any

from auditor.history.ledger import COPIED, KNOWN
from auditor.history.seal import Seal

_COLUMNS = (*COPIED, *KNOWN)
_NAME, _CLOSED = _COLUMNS.index("finding"), _COLUMNS.index("message")
_TEXTS = tuple(_COLUMNS.index(name) for name in ("waiver", "owner", "note"))

Row = tuple[Any, ...]


def closed_rows(rows: Iterable[Row], seal: Seal) -> Iterable[Row]:
    """Findings, columns ``COPIED`` and ``KNOWN``, as the ledger keeps them."""
    return (_closed(row, seal) for row in rows) if seal.on else rows


def opened_rows(rows: list[Row], seal: Seal) -> list[Row]:
    """Findings as they were before ``closed_rows``."""
    return [_opened(row, seal) for row in rows] if seal.on else rows


def _closed(row: Row, seal: Seal) -> Row:
    reported, known = row[: len(COPIED)], row[len(COPIED) :]
    name = seal.name(row[_NAME])
    kept: list[Any] = [None] * len(COPIED) + list(known)
    kept[_NAME] = name
    kept[_CLOSED] = seal.close(json.dumps(reported).encode(), name)
    for place in _TEXTS:
        kept[place] = seal.closed_text(kept[place])
    return tuple(kept)


def _opened(row: Row, seal: Seal) -> Row:
    reported = json.loads(seal.open(row[_CLOSED], row[_NAME]))
    whole = [*reported, *row[len(COPIED) :]]
    for place in _TEXTS:
        whole[place] = seal.opened_text(whole[place])
    return tuple(whole)
