"""What the ledger knows of waivers: when each was first seen, and when it last matched.

A waiver is known by the digest of its patterns. Who has a list of claims could try them out against
that, so in an encrypted history it is closed like all that identifies.
"""

from collections.abc import Mapping
from datetime import date

from auditor.history.ledger import Ledger
from auditor.history.seal import Seal

Days = Mapping[str, date]


def waiver_days(ledger: Ledger) -> tuple[dict[str, date], dict[str, date]]:
    """The day each waiver (by digest) was first seen in a ledger, and the day it last matched."""
    kept = ledger.rows("SELECT digest, first_seen, last_matched FROM waivers")
    rows = [(ledger.seal.opened_text(digest), first, last) for digest, first, last in kept]
    first = {digest: date.fromisoformat(seen) for digest, seen, _ in rows}
    return first, {digest: date.fromisoformat(last) for digest, _, last in rows if last}


def write_waiver_days(ledger: Ledger, seal: Seal, first: Days, last: Days) -> None:
    """Writes them in place of those that are there; inside ``writing``."""
    ledger.do("DELETE FROM waivers")
    ledger.put(
        "waivers",
        ("digest", "first_seen", "last_matched"),
        [
            (
                seal.closed_text(digest),
                day.isoformat(),
                last[digest].isoformat() if digest in last else None,
            )
            for digest, day in first.items()
        ],
    )
