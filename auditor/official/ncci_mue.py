"""NCCI medically unlikely edits, practitioner and outpatient hospital services.

The first record is one quoted cell of several lines, the header has a line break in its first
cell, and the indicator comes with words behind it. CMS leaves the limits of some codes unpublished.
"""

import re
from collections.abc import Sequence

from auditor.official.headers import recognised
from auditor.official.kind import CODE, Asked, Kind, Misfit, Reading, once_each, text_table
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed, hospital_or_practitioner

_WANTED = {
    "code": r"HCPCS ?/ ?CPT CODE",
    "limit": r".*MUE VALUES?",
    "indicator": r"MUE ADJUDICATION INDICATOR",
}
_OPTIONAL = {"rationale": r"MUE RATIONALE"}
_COLUMNS = ("setting", "procedure_code", "mue_value", "mai", "rationale")


def read(files: Sequence[Published], asked: Asked) -> Reading:
    """The limits of one setting. Raises AuditError where header or setting is not recognised."""
    kept: list[tuple[int, str, list[str]]] = []
    misfits: list[Misfit] = []
    counts: dict[str, int] = {}
    settings, editions = [], []
    for file in files:
        rows = file.rows()
        header = recognised(rows, _WANTED, file.full_name, _OPTIONAL)
        title = " ".join(cell for row in rows[: header.first_row] for cell in row)
        setting = asked.setting or hospital_or_practitioner(file.full_name, title)
        settings.append(setting)
        editions.append(_edition(file.name))
        for number, row in enumerate(rows[header.first_row :], start=header.first_row + 1):
            if not any(row):
                continue
            counts[file.full_name] = counts.get(file.full_name, 0) + 1
            cells = [header.cell(row, name) for name in ("code", "limit", "indicator", "rationale")]
            reason = _fault(cells)
            if reason:
                misfits.append(Misfit(file.full_name, number, reason, " | ".join(row)[:200]))
            else:
                code, limit, indicator, rationale = cells
                words = [setting, code, limit, indicator[0], rationale]
                kept.append((number, file.full_name, words))
    setting = agreed(settings, "settings", "import the files of each setting apart")
    return Reading(
        tables={"mue": text_table(_COLUMNS, once_each(kept, 2, misfits))},
        misfits=misfits,
        read=counts,
        edition=agreed(editions, "editions", "import the files of each edition apart"),
        setting=setting,
    )


def _fault(cells: Sequence[str]) -> str:
    code, limit, indicator, _ = cells
    if not CODE.fullmatch(code):
        return "no code of five characters in the first cell: a footnote, or a lost zero"
    if not re.fullmatch(r"[0-9]{1,7}", limit):
        return "the limit is no whole number"
    if not re.match(r"[123]\b", indicator):
        return "the adjudication indicator does not begin with 1, 2 or 3"
    return ""


def _edition(name: str) -> str:
    found = re.search(r"(\d{2})-(\d{2})-(\d{4})", name)
    return f"{found[3]}Q{(int(found[1]) + 2) // 3}" if found else ""


KIND = Kind(
    name="ncci-mue",
    title="NCCI medically unlikely edits",
    publisher="CMS",
    members=re.compile(r"MUE", re.IGNORECASE),
    tables=("mue",),
    read=read,
    by_setting=True,
)
