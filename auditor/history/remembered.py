"""What an audit with the memory gives: for the reports, and for the commit."""

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from auditor.audit import Audit
from auditor.changes import Changes
from auditor.extract import Extract
from auditor.history.extents import Extents
from auditor.history.lines import KeptLines
from auditor.history.tonight import Compared
from auditor.ingest.normalise import Intake
from auditor.reference import Bools, Ints
from auditor.report.dispositions import Disposition


@dataclass(frozen=True)
class Remembered:
    """An audit of tonight's lines together with what the memory adds to them.

    ``audit``: findings are all that are open, statuses filled; ``lines`` are the lines that were
    judged, ``tonight`` marks those of this night. ``superseded`` counts tonight's lines only.
    ``known`` are the findings that were open or waived before, columns of the ledger.
    ``dispositions`` are what people decided, by finding. ``waivers_unread`` says why the file of
    waivers can't be read. The rest is what ``commit`` writes.
    """

    audit: Audit
    changes: Changes
    tonight: Bools
    superseded: int
    compared: Compared
    known: pd.DataFrame
    keep: KeptLines
    exports: tuple[str, ...]
    extents: Extents
    extract: Extract
    waiting: Mapping[int, int]
    patients: Ints | None
    judged_by: str
    after: int
    waivers: tuple[str, ...]
    intakes: tuple[Intake, ...]
    dispositions: Mapping[str, Disposition]
    waivers_unread: str = ""

    @property
    def audited(self) -> int:
        """How many of tonight's lines were judged."""
        return int(self.tonight.sum())
