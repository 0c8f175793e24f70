"""A site's or payer's own view of which revenue codes suit which procedure codes."""

import re
from collections.abc import Mapping, Sequence

from auditor.official.kind import CODE, Asked, Kind, Reading, once_each, text_table
from auditor.official.plain_rows import NO_DATES, Rows
from auditor.official.published import Published

_FITS = ("preferred", "accepted", "unexpected", "unexpected_on_opps", "review")
_COLUMNS = ("procedure_code", "revenue_code", "fit", "revenue_group")
_WANTED = {
    "code": r"PROCEDURE[_ ]CODE",
    "revenue": r"REVENUE[_ ]CODE",
    "fit": r"FIT",
}


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Fit by procedure code and revenue code."""
    rows = Rows()
    for file in files:
        rows.take(file, _WANTED, _taken, dates=NO_DATES)
    return Reading(
        tables={"revenue_code_fit": text_table(_COLUMNS, once_each(rows.kept, 2, rows.misfits))},
        misfits=rows.misfits,
        read=rows.read,
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    code, fit = cells["code"].upper(), cells["fit"].lower().replace(" ", "_")
    if not CODE.fullmatch(code):
        raise ValueError("the procedure code has not five characters; a lost zero?")
    if not re.fullmatch(r"[0-9]{3,4}", cells["revenue"]):
        raise ValueError("the revenue code has not four digits")
    if fit not in _FITS:
        raise ValueError(f"fit is none of {', '.join(_FITS)}")
    revenue = cells["revenue"].zfill(4)
    return [code, revenue, fit, f"{revenue[:3]}X"]


KIND = Kind(
    name="revenue-fit",
    title="Own fit of revenue codes",
    publisher="the site itself",
    members=re.compile(r"."),
    tables=("revenue_code_fit",),
    read=read,
    complete=False,
    period="until replaced",
)
