"""ZIP codes to contractor and locality: fixed width, no header, ``20254`` at the end of each line.

Missouri and Kansas are split into EM, WM and EK, WK; ZIP codes of northern Virginia carry the
contractor of the District of Columbia.
"""

import re
from collections.abc import Sequence

from auditor.official.kind import Asked, Kind, Reading, once_each, text_table
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed

_STATES = {"EM": "MO", "WM": "MO", "EK": "KS", "WK": "KS"}
_COLUMNS = ("zip", "state", "carrier", "locality", "plus_four")
_LINE = re.compile(r"([A-Z]{2})(\d{5})(\d{5})(\d{2})")


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Contractor and locality by five-digit ZIP code."""
    rows = Rows()
    quarters: list[str] = []

    def words(found: re.Match[str], line: str) -> list[str]:
        state, code, carrier, locality = found.groups()
        if re.fullmatch(r"20\d{2}[1-4]", line[75:80]):
            quarters.append(f"{line[75:79]}Q{line[79]}")
        plus_four = "yes" if line[20:21] == "1" else "no"
        return [code, _STATES.get(state, state), carrier, locality, plus_four]

    for file in files:
        rows.take_lines(
            file,
            _LINE,
            words,
            "state, ZIP code, contractor and locality",
            "lines of 80 characters that begin with state (1-2), ZIP code (3-7), contractor (8-12) "
            "and locality (13-14)",
        )
    return Reading(
        tables={"zip_localities": text_table(_COLUMNS, once_each(rows.kept, 1, rows.misfits))},
        misfits=rows.misfits,
        read=rows.read,
        edition=agreed(quarters, "editions", "import the files of each edition apart"),
    )


KIND = Kind(
    name="zip",
    title="ZIP codes to contractor and locality",
    publisher="CMS",
    members=re.compile(r"ZIP5_", re.IGNORECASE),
    tables=("zip_localities",),
    read=read,
)
