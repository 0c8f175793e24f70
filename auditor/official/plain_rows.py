"""Reads files of named columns and of fixed width: each row checked, misfits with reasons.

The header of named columns is found by its content.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from auditor.errors import AuditError
from auditor.official.headers import Header, recognised
from auditor.official.kind import Misfit
from auditor.official.published import Published

# A row's cells by our names to the words kept; raises ValueError with the reason to refuse it.
Taken = Callable[[Mapping[str, str]], list[str]]
# What to do with dates in a file of rows that have none of their own.
NO_DATES = (
    "import the rows of each period apart, without that column, --edition naming its first day"
)
OTHER_SHEETS = "sheets without these columns"
_DATES = (
    "DATES?|DT|EFFECTIVE|EFF|STARTS?|BEGINS?|ENDS?|TERM|TERMINATION|EXPIRATION|EXPIRY|EXPIRES|VALID"
    "|FROM|TO|THRU|THROUGH|UNTIL|YEAR|CY|FY|QUARTER|MONTH|PERIOD"
)
_DATE = re.compile(rf"(?=.*\b({_DATES})\b)(({_DATES}|CONTRACT|RATES?|SERVICE|OF|ON) ?)+")


@dataclass
class Rows:
    """Rows taken so far: number, file and words of each; misfits; rows read by file."""

    kept: list[tuple[int, str, list[str]]] = field(default_factory=list)
    misfits: list[Misfit] = field(default_factory=list)
    read: dict[str, int] = field(default_factory=dict)
    title: str = ""

    def take(
        self,
        file: Published,
        wanted: Mapping[str, str],
        taken: Taken,
        optional: Mapping[str, str] | None = None,
    ) -> None:
        """Adds the rows of a file; ``title`` is what stands in and above its header."""
        rows = file.rows()
        header = recognised(rows, wanted, file.full_name, optional)
        self.title = " ".join(cell for row in rows[: header.first_row] for cell in row if cell)
        self._take(file, rows, header, taken)

    def take_own(
        self,
        file: Published,
        wanted: Mapping[str, str],
        taken: Taken,
        dates: str,
        optional: Mapping[str, str] | None = None,
    ) -> int:
        """Adds the rows of a site's own file, of a workbook those of all sheets.

        Returns how many sheets are no such table. Raises AuditError where all are, and where
        columns hold dates that are not read; ``dates`` says what to do then.
        """
        found = file.tables() or [(file.name, [])]
        others: list[AuditError] = []
        for name, rows in found:
            try:
                header = recognised(rows, wanted, file.full_name, optional)
            except AuditError as fault:
                others.append(fault)
                continue
            undated = next(filter(_is_of_dates, header.others), "")
            if undated:
                raise AuditError(
                    f"{file.full_name}: its column '{undated[:40]}' is not read, and without its "
                    f"dates the rows say something else; {dates}; nothing was imported"
                )
            self._take(file, rows, header, taken, name if len(found) > 1 else "")
        if len(others) == len(found):
            raise others[0]
        return len(others)

    def _take(
        self,
        file: Published,
        rows: Sequence[Sequence[str]],
        header: Header,
        taken: Taken,
        sheet: str = "",
    ) -> None:
        for number, row in enumerate(rows[header.first_row :], start=header.first_row + 1):
            if any(row):
                cells = {name: header.cell(row, name) for name in header.asked}
                self.add(file, number, cells, taken, row, sheet)

    def take_lines(
        self,
        file: Published,
        pattern: re.Pattern[str],
        taken: Callable[[re.Match[str], str], list[str]],
        begins: str,
        layout: str,
    ) -> None:
        """Adds the lines of a file of fixed width; each begins with ``pattern``.

        ``begins`` says in words with what, ``layout`` what lines it ought to have: raises
        AuditError with it when none so far begins so.
        """
        for number, line in enumerate(file.lines(), start=1):
            if not line.strip():
                continue
            self.read[file.full_name] = self.read.get(file.full_name, 0) + 1
            found = pattern.match(line)
            if found:
                self.kept.append((number, file.full_name, taken(found, line)))
            else:
                reason = f"does not begin with {begins}"
                self.misfits.append(Misfit(file.full_name, number, reason, line[:80].strip()))
        if not self.kept:
            raise AuditError(f"{file.full_name}: its layout is not recognised; expected {layout}")

    def add(
        self,
        file: Published,
        number: int,
        cells: Mapping[str, str],
        taken: Taken,
        row: Sequence[str],
        sheet: str = "",
    ) -> None:
        """Adds one row, or its reason."""
        self.read[file.full_name] = self.read.get(file.full_name, 0) + 1
        try:
            self.kept.append((number, file.full_name, taken(cells)))
        except ValueError as fault:
            # Descriptors are licensed, those of rows set aside, too.
            shown = (cell for cell in row if cell and cell != cells.get("label"))
            content = " | ".join(shown)[:200]
            reason = f"sheet {sheet}: {fault}" if sheet else str(fault)
            self.misfits.append(Misfit(file.full_name, number, reason, content))

    def add_all(self, others: "Rows") -> None:
        """Adds what was taken of another file."""
        self.kept += others.kept
        self.misfits += others.misfits
        self.read |= others.read
        self.title = others.title


def _is_of_dates(name: str) -> bool:
    """Whether a column's name, in upper case, speaks of nothing but dates."""
    return bool(_DATE.fullmatch(" ".join(re.findall(r"[A-Z]+", name))))
