"""Geographic practice cost indices: what a unit of work, expense and malpractice costs where."""

import re
from collections.abc import Mapping, Sequence

from auditor.official.kind import Asked, Kind, Reading, once_each, text_table
from auditor.official.numbers import decimal
from auditor.official.oppscap import carrier_number, locality_number
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed

_WANTED = {
    "carrier": r"MEDICARE ADMINI?STRATIVE CONTRACTOR( \(MAC\))?",
    "state": r"STATE",
    "locality": r"LOCALITY NUMBER",
    # The index that pays: with the floor of 1.0 where the law has one.
    "work": r"(\d{4} )?PW GPCI( \(WITH 1\.0 FLOOR\))?",
    "pe": r"(\d{4} )?PE GPCI",
    "mp": r"(\d{4} )?MP GPCI",
}
_COLUMNS = ("carrier", "locality", "state", "work_gpci", "pe_gpci", "mp_gpci")


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Indices by contractor and locality; footnotes below the table are misfits."""
    rows, editions = Rows(), []
    for file in files:
        rows.take(file, _WANTED, _taken)
        found = re.search(r"(20\d{2})", f"{file.name} {rows.title}")
        editions.append(found[1] if found else "")
    return Reading(
        tables={"gpci": text_table(_COLUMNS, once_each(rows.kept, 2, rows.misfits))},
        misfits=rows.misfits,
        read=rows.read,
        edition=agreed(editions, "editions", "import the files of each edition apart"),
    )


def _taken(cells: Mapping[str, str]) -> list[str]:
    indices = [decimal(cells[name]) for name in ("work", "pe", "mp")]
    if not all(indices):
        raise ValueError("an index is blank: a footnote")
    return [
        carrier_number(cells["carrier"]),
        locality_number(cells["locality"]),
        cells["state"].strip("* ")[:2].upper(),
        *indices,
    ]


KIND = Kind(
    name="gpci",
    title="Geographic practice cost indices",
    publisher="CMS",
    members=re.compile(r"GPCI\d{4}", re.IGNORECASE),
    tables=("gpci",),
    read=read,
    period="year",
)
