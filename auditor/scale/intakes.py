"""What became of a table that was read in parts, from what became of its parts."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from auditor.ingest.normalise import Intake
from auditor.ingest.restored import Restored
from auditor.schema import COLUMNS


def intakes_together(pieces: Sequence[Intake]) -> Intake:
    """What became of a table, from what became of its pieces in their order."""
    repairs = pd.concat([piece.repairs for piece in pieces], ignore_index=True)
    by = ["column", "repair"]
    summed = repairs.groupby(by, sort=False, as_index=False).agg(
        cells=("cells", "sum"), example_shape=("example_shape", "first")
    )
    place = summed["column"].map({name: number for number, name in enumerate(COLUMNS)})
    summed = summed.assign(place=place).sort_values(["place", "repair"]).drop(columns="place")
    rejected = [piece.rejected for piece in pieces if len(piece.rejected)]
    return replace(
        pieces[0],
        lines_read=sum(piece.lines_read for piece in pieces),
        totals_rows=sum(piece.totals_rows for piece in pieces),
        repairs=summed[list(repairs.columns)].reset_index(drop=True),
        rejected=pd.concat(rejected, ignore_index=True) if rejected else pieces[0].rejected,
        restored=_restored([one for piece in pieces for one in piece.restored]),
    )


def _restored(pieces: Sequence[Restored]) -> tuple[Restored, ...]:
    found = []
    for column in dict.fromkeys(one.column for one in pieces):
        some = [one for one in pieces if one.column == column]
        found.append(
            Restored(
                column,
                np.concatenate([one.rows for one in some]),
                pd.api.types.union_categoricals([one.before for one in some]),
                pd.api.types.union_categoricals([one.after for one in some]),
            )
        )
    return tuple(found)


def with_rows_behind(intake: Intake, before: int) -> Intake:
    """An intake whose rows stand behind so many others."""
    rejected = intake.rejected.assign(row=intake.rejected["row"] + before)
    restored = tuple(replace(one, rows=one.rows + before) for one in intake.restored)
    return replace(intake, rejected=rejected, restored=restored)
