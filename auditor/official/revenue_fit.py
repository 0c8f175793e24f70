"""A site's or payer's own view of which revenue codes suit which procedure codes."""

import re
from collections.abc import Mapping, Sequence

from auditor.official.kind import CODE, Asked, Kind, Reading, once_each, text_table
from auditor.official.plain_rows import NO_DATES, OTHER_SHEETS, Rows
from auditor.official.published import Published

_FITS = ("preferred", "accepted", "unexpected", "unexpected_on_opps", "review")
_COLUMNS = ("procedure_code", "revenue_code", "fit", "revenue_group")
_WANTED = {
    "procedure_code": r"PROCEDURE[_ ]CODE",
    "revenue_code": r"REVENUE[_ ]CODE",
    "fit": r"FIT",
}


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Fit by procedure code and revenue code."""
    rows = Rows()
    others = sum(rows.take_own(file, _WANTED, _taken, NO_DATES) for file in files)
    return Reading(
        tables={"revenue_code_fit": text_table(_COLUMNS, once_each(rows.kept, 2, rows.misfits))},
        misfits=rows.misfits,
        read=rows.read,
        left_out={OTHER_SHEETS: others},
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    code, fit = cells["procedure_code"].upper(), cells["fit"].lower().replace(" ", "_")
    if not CODE.fullmatch(code):
        raise ValueError("the procedure code has not five characters; a lost zero?")
    if not re.fullmatch(r"[0-9]{3,4}", cells["revenue_code"]):
        raise ValueError("the revenue code has not four digits")
    if fit not in _FITS:
        raise ValueError(f"fit is none of {', '.join(_FITS)}")
    revenue = cells["revenue_code"].zfill(4)
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
