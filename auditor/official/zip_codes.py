"""ZIP codes to contractor and locality: fixed width, no header, ``20254`` at the end of each line.

Missouri and Kansas are split into EM, WM and EK, WK; ZIP codes of northern Virginia carry the
contractor of the District of Columbia.
"""

import re
from collections.abc import Sequence

from auditor.errors import AuditError
from auditor.official.kind import Asked, Kind, Misfit, Reading, once_each, text_table
from auditor.official.published import Published
from auditor.official.settings_of_files import agreed

_STATES = {"EM": "MO", "WM": "MO", "EK": "KS", "WK": "KS"}
_COLUMNS = ("zip", "state", "carrier", "locality", "plus_four")
_LINE = re.compile(r"([A-Z]{2})(\d{5})(\d{5})(\d{2})")


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """Contractor and locality by five-digit ZIP code."""
    kept: list[tuple[int, str, list[str]]] = []
    misfits: list[Misfit] = []
    read_rows: dict[str, int] = {}
    editions = []
    for file in files:
        quarters: set[str] = set()
        for number, line in enumerate(file.lines(), start=1):
            if not line.strip():
                continue
            read_rows[file.full_name] = read_rows.get(file.full_name, 0) + 1
            found = _LINE.match(line)
            if not found:
                reason = "does not begin with state, ZIP code, contractor and locality"
                misfits.append(Misfit(file.full_name, number, reason, line[:80].strip()))
                continue
            state, code, carrier, locality = found.groups()
            plus_four = "yes" if line[20:21] == "1" else "no"
            words = [code, _STATES.get(state, state), carrier, locality, plus_four]
            kept.append((number, file.full_name, words))
            if re.fullmatch(r"20\d{2}[1-4]", line[75:80]):
                quarters.add(f"{line[75:79]}Q{line[79]}")
        if not kept:
            raise AuditError(
                f"{file.full_name}: its layout is not recognised; expected lines of 80 characters "
                "that begin with state (1-2), ZIP code (3-7), contractor (8-12) and locality "
                "(13-14)"
            )
        editions += sorted(quarters)
    return Reading(
        tables={"zip_localities": text_table(_COLUMNS, once_each(kept, 1, misfits))},
        misfits=misfits,
        read=read_rows,
        edition=agreed(editions, "editions", "import the files of each edition apart"),
    )


KIND = Kind(
    name="zip",
    title="ZIP codes to contractor and locality",
    publisher="CMS",
    members=re.compile(r"ZIP5_", re.IGNORECASE),
    tables=("zip_localities",),
    read=read,
)
