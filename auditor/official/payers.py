"""A site's own payer map: payer names as exported, and what they are."""

import re
from collections.abc import Mapping, Sequence

from auditor.official.kind import Asked, Kind, Reading, once_each, text_table
from auditor.official.plain_rows import NO_DATES, OTHER_SHEETS, Rows
from auditor.official.published import Published

_WANTED = {"payer": r"PAY[EO]R([_ ]NAME)?", "payer_type": r"PAY[EO]R[_ ]TYPE"}
_TYPES = ("medicare", "medicare_advantage", "medicaid", "commercial", "other")


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Payer types by payer name; case does not matter."""
    rows = Rows()
    others = sum(rows.take_own(file, _WANTED, _taken, NO_DATES) for file in files)
    return Reading(
        tables={
            "payers": text_table(("payer", "payer_type"), once_each(rows.kept, 1, rows.misfits))
        },
        misfits=rows.misfits,
        read=rows.read,
        left_out={OTHER_SHEETS: others},
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    kind = cells["payer_type"].lower().replace(" ", "_").replace("-", "_")
    if not cells["payer"]:
        raise ValueError("has no payer")
    if kind not in _TYPES:
        raise ValueError(f"the payer type is none of {', '.join(_TYPES)}")
    return [cells["payer"].upper(), kind]


KIND = Kind(
    name="payers",
    title="Own payer map",
    publisher="the site itself",
    members=re.compile(r"."),
    tables=("payers",),
    read=read,
    period="until replaced",
)
