"""Opens a publisher's file as it comes: .txt, .csv, .xlsx, or a .zip around them."""

import codecs
import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from auditor.errors import AuditError
from auditor.official.sheets import Dictionary, columns_of, rows_of, sheets_of
from auditor.regular_files import regular

# Publishers pack one table as .csv, .txt and .xlsx side by side; the plainest is read, and a text
# beside a .csv is of fixed width.
_SUFFIXES = (".csv", ".txt", ".xlsx")
# The largest file seen has 130 MB; more than this is no reference table.
_LARGEST = 2 * 1024**3
_LARGEST_CELL = 64 * 1024**2
_DEPTH = 2
_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*<(!doctype\s+html|html)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Published:
    """One file of a publisher: its name (in its archive, if it came in one) and its bytes."""

    name: str
    archive: str
    content: bytes

    @property
    def suffix(self) -> str:
        """The kind of file, in lower case."""
        return Path(self.name).suffix.lower()

    @property
    def full_name(self) -> str:
        """The name to show, with the archive's."""
        return f"{self.archive}/{self.name}" if self.archive else self.name

    @property
    def sha256(self) -> str:
        """The digest of the content."""
        return hashlib.sha256(self.content).hexdigest()

    def text(self) -> str:
        """The content as text: UTF-8 where it is that, else Windows-1252, as spreadsheets write it.

        Where that has no character it is latin-1, as CMS writes it. A byte order mark tells UTF-16.
        """
        if self.content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return self.content.decode("utf-16", errors="replace")
        for encoding in ("utf-8-sig", "cp1252"):
            try:
                return self.content.decode(encoding)
            except UnicodeDecodeError:
                continue
        return self.content.decode("latin-1")

    def lines(self) -> list[str]:
        """The lines of a file of fixed width."""
        return self.text().splitlines()

    def rows(self, limit: int | None = None) -> list[list[str]]:
        """The cells as text, row by row, trimmed; cells may hold line breaks.

        Raises AuditError where the file can't be read as what its name says.
        """
        if self.suffix == ".xlsx":
            return rows_of(self.columns(), limit)
        with self._readable():
            return list(islice(self._text_rows(), limit))

    def columns(self) -> list[Dictionary]:
        """The cells of a workbook as ``rows`` gives them, as codes into distinct words.

        Raises AuditError where it can't be read.
        """
        with self._readable():
            return columns_of(self.content)

    def tables(self) -> list[tuple[str, list[list[str]]]]:
        """The rows of each sheet of a workbook, by its name; of another file all rows, by its own.

        Raises AuditError where it can't be read.
        """
        if self.suffix != ".xlsx":
            return [(self.name, self.rows())]
        with self._readable():
            return [(name, rows_of(columns)) for name, columns in sheets_of(self.content)]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (csv.Error, ValueError) as fault:
            raise AuditError(
                f"{self.full_name}: can't be read ({fault}); download or save it again"
            ) from fault

    def _text_rows(self) -> Iterator[list[str]]:
        text = self.text()
        head = text[:20_000]
        delimiter = "\t" if head.count("\t") > head.count(",") else ","
        stream = io.StringIO(text, newline="")
        # A cell of the coverage database holds a whole article.
        csv.field_size_limit(_LARGEST_CELL)
        if delimiter == "\t":
            found = csv.reader(stream, delimiter="\t", quoting=csv.QUOTE_NONE, strict=True)
        else:
            found = csv.reader(stream, strict=True)
        try:
            for row in found:
                yield [" ".join(cell.split()) for cell in row]
        except csv.Error as fault:
            raise ValueError(f"line {found.line_num}: {fault}") from fault


def opened(path: Path, members: re.Pattern[str]) -> list[Published]:
    """The tables in a file; of an archive those whose names match, each once.

    Raises AuditError when the file can't be read or an archive holds none that match.
    """
    try:
        content = regular(path).read_bytes()
    except FileNotFoundError as fault:
        raise AuditError(f"{path}: there is no such file", exit_code=2) from fault
    except IsADirectoryError as fault:
        raise AuditError(f"{path}: is a folder; give the files in it", exit_code=2) from fault
    except OSError as fault:
        raise AuditError(f"{path}: can't be read ({fault.strerror})", exit_code=2) from fault
    if _PAGE.match(content):
        raise AuditError(
            f"{path}: is a web page, not the file; the publisher asks to accept its licence first: "
            "download it in a browser"
        )
    if path.suffix.lower() != ".zip":
        if path.suffix.lower() not in _SUFFIXES:
            raise AuditError(
                f"{path}: is neither .txt, .csv, .xlsx nor .zip; give the file as published",
                exit_code=2,
            )
        return [Published(path.name, "", content)]
    seen: list[str] = []
    found = list(_members(path.name, content, members, seen, _DEPTH))
    if not found:
        held = ", ".join(seen[:6]) or "nothing"
        raise AuditError(f"{path}: holds no file of this kind; it holds {held}")
    return _plainest(found)


def _members(
    archive: str, content: bytes, members: re.Pattern[str], seen: list[str], depth: int
) -> Iterator[Published]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as pack:
            for info in sorted(pack.infolist(), key=lambda one: one.filename):
                name = Path(info.filename).name
                if info.is_dir() or name.startswith("."):
                    continue
                seen.append(name)
                if info.file_size > _LARGEST:
                    raise AuditError(f"{archive}: {name} is larger than any reference table")
                inner = name.lower().endswith(".zip")
                if inner and depth:
                    yield from _members(
                        f"{archive}/{name}", pack.read(info), members, seen, depth - 1
                    )
                elif name.lower().endswith(_SUFFIXES) and members.search(name):
                    yield Published(name, archive, pack.read(info))
    except (zipfile.BadZipFile, RuntimeError, EOFError) as fault:
        raise AuditError(f"{archive}: is a damaged or locked archive; download it again") from fault


def _plainest(found: list[Published]) -> list[Published]:
    """Of files that differ only in their suffix, the one that is easiest to read."""
    by_stem: dict[str, Published] = {}
    for one in found:
        stem = f"{one.archive}/{Path(one.name).stem}".lower()
        before = by_stem.get(stem)
        if before is None or _SUFFIXES.index(one.suffix) < _SUFFIXES.index(before.suffix):
            by_stem[stem] = one
    return list(by_stem.values())
