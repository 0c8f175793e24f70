"""ICD-10-CM order file: every code of a fiscal year, and whether it may be billed.

Fixed width, no header: order number 1-5, code without dot 7-13, flag 15 (0 a heading, 1 billable),
short title 17-76, long title from 78.
"""

import re
from collections.abc import Sequence

from auditor.official.kind import Asked, Kind, Reading, once_each, text_table
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed

_LINE = re.compile(r"(\d{5}) ([A-Z][0-9][0-9A-Z][0-9A-Z ]{4}) ([01])( |$)")
_UPDATE = re.compile(r"(January|April|July)[-_ ](\d{1,2})[-_ ](20\d{2})", re.IGNORECASE)
_COLUMNS = ("icd10", "label", "billable", "successors")


def read(files: Sequence[Published], asked: Asked) -> Reading:
    """Codes with their dot, and whether they may be billed."""

    def words(found: re.Match[str], line: str) -> list[str]:
        label = line[16:76].strip() if asked.licensed else ""
        return [with_dot(found[2]), label, "yes" if found[3] == "1" else "no", ""]

    rows = Rows()
    editions = []
    for file in files:
        rows.take_lines(
            file,
            _LINE,
            words,
            "order number, code and flag",
            "an order file: order number (1-5), code (7-13), flag 0 or 1 (15), titles",
        )
        editions.append(_edition(file))
    return Reading(
        tables={"icd10cm": text_table(_COLUMNS, once_each(rows.kept, 1, rows.misfits))},
        misfits=rows.misfits,
        read=rows.read,
        edition=agreed(editions, "editions", "import the files of each edition apart"),
    )


def _edition(file: Published) -> str:
    """The fiscal year, or the day on which an update within it begins: April-1-2026."""
    update = _UPDATE.search(file.full_name)
    if update:
        month = ["JAN", "APR", "JUL"].index(update[1].upper()[:3]) * 3 + 1
        return f"{update[3]}-{month:02}-{int(update[2]):02}"
    year = re.search(r"order[_-](20\d{2})", file.name, re.IGNORECASE)
    return f"FY{year[1]}" if year else ""


def with_dot(code: str) -> str:
    """A code as claims write it: I2510 is I25.10."""
    plain = code.strip().replace(".", "")
    return f"{plain[:3]}.{plain[3:]}" if len(plain) > 3 else plain


KIND = Kind(
    name="icd10cm",
    title="ICD-10-CM order file",
    publisher="CMS",
    members=re.compile(r"icd10cm[_-]order[_-](?!addenda)", re.IGNORECASE),
    tables=("icd10cm",),
    read=read,
    period="fiscal year",
)
