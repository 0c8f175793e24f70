"""The pieces from which XlsxWriter puts a workbook together: erased, not only unlinked."""

from __future__ import annotations

from pathlib import Path

import xlsxwriter
from xlsxwriter.packager import Packager

from auditor import erasing

# Texts of cells, and the cells; other pieces hold formats, titles and sums.
_CELLS = ("xl/sharedStrings.xml", "xl/worksheets/sheet")


class ErasedPieces(xlsxwriter.Workbook):  # type: ignore[misc]  # it tells no types
    """A workbook whose pieces leave nothing on the disk: they hold what its worklists say."""

    def close(self) -> None:
        """Puts the workbook together; then erases what it was put together from."""
        try:
            super().close()
        finally:
            for piece in self._packager.pieces if self._packager else ():
                erasing.erase_second(piece)

    _packager: _NamedTwice | None = None

    def _get_packager(self) -> Packager:
        self._packager = _NamedTwice()
        return self._packager


class _NamedTwice(Packager):  # type: ignore[misc]
    """XlsxWriter unlinks a piece as soon as it is packed: each has a second name until then."""

    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[Path] = []

    def _create_package(self) -> list[list[str]]:
        files: list[list[str]] = super()._create_package()
        names = [
            erasing.second_name(Path(file)) for file, name, *_ in files if name.startswith(_CELLS)
        ]
        self.pieces = [name for name in names if name is not None]
        return files
