"""Imports official files into a library: read, checked, quarantined, stored; or refused whole."""

import csv
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from auditor.errors import AuditError
from auditor.library.gathering import stored
from auditor.library.periods import dates_of
from auditor.library.placing import place
from auditor.library.shelf import Shelf, Shelved, alone, as_json, open_shelf, sweep
from auditor.library.specifications import SPECIFICATIONS, compared
from auditor.library.stretches import passed_over, rank
from auditor.official.changes import refuse_other_than
from auditor.official.kind import Asked, Kind, Misfit, Reading
from auditor.official.published import Published, opened

# A reader that knows another layout than the file's takes hardly a row.
_TOO_MANY = 20
_SHARE = 10
_IMPORTER = 3
# Files of changes have no names that are known.
_ANY = re.compile("")


@dataclass(frozen=True)
class Imported:
    """What came of an import; ``new`` is false where the library held the very same edition.

    ``ended`` are the payers of a site's own rows that held until now and that the edition lacks,
    one for each row, and ``before`` the edition that has them.
    """

    edition: Shelved
    new: bool
    ended: tuple[str, ...] = ()
    before: str = ""

    def page(self, library: Path) -> str:
        """What to tell the user."""
        one = self.edition
        name = " ".join(word for word in (one.kind, one.edition, one.setting) if word)
        if not self.new:
            return f"{name}: this edition is in {library} already; nothing was changed\n"
        until = "its replacement" if one.last_date == date.max else one.last_date
        lines = [
            f"{name}: answers for {one.first_date} to {until}",
            f"{one.rows_read:,} rows read, {one.quarantined:,} set aside; kept: "
            + ", ".join(f"{rows:,} {table}" for table, rows in one.rows.items()),
        ]
        lines += [
            f"not for {first} to {'any later date' if last == date.max else last}: there "
            f"{edition} answers"
            for first, last, edition in passed_over(one, _beside(one, library))
        ]
        if self.ended:
            payers = ", ".join(sorted(set(self.ended)))
            lines.append(
                f"from {one.first_date} on rows of {payers} ({len(self.ended):,}) hold no more, "
                f"which {self.before} had; if they still do, import all files of {one.kind} in one "
                "command"
            )
        lines += [f"left out: {count:,} {what}" for what, count in one.left_out.items() if count]
        if one.quarantined:
            lines.append(f"Reasons: {library / one.folder / 'quarantine.csv'}")
        return "\n".join(lines) + "\n"


def _beside(one: Shelved, library: Path) -> list[Shelved]:
    """The editions of its tables, of which one answers for each day; of dated lists itself."""
    tables = [name for name in one.rows if not SPECIFICATIONS[name].dated_by]
    return open_shelf(library).of_table(tables[0], one.setting) if tables else [one]


@dataclass(frozen=True)
class Wanted:
    """An import as asked for: files, library and options. ``changes`` are files of changes."""

    kind: Kind
    files: tuple[Path, ...]
    library: Path
    imported_at: datetime
    edition: str = ""
    setting: str = ""
    licensed: bool = False
    changes: tuple[Path, ...] = ()


def import_files(wanted: Wanted) -> Imported:
    """Reads the files and puts them into the library as one edition.

    Raises AuditError, and leaves the library as it was, when a file is not recognised, holds no or
    hardly any sound row, or does not agree with the changes given.
    """
    if wanted.setting and not wanted.kind.by_setting:
        raise AuditError(
            f"--setting {wanted.setting}: files of {wanted.kind.name} are for both settings; "
            "leave it out",
            exit_code=2,
        )
    files = [one for path in wanted.files for one in opened(path, wanted.kind.members)]
    asked = Asked(wanted.setting, wanted.licensed, wanted.edition, wanted.library)
    reading = wanted.kind.read(files, asked)
    _refuse_unsound(files, reading)
    shelved = _described(wanted, files, reading)
    with alone(wanted.library):
        shelf = open_shelf(wanted.library)
        before = next((one for one in shelf.editions if one.folder == shelved.folder), None)
        if before and before.digest == shelved.digest:
            sweep(shelf)
            return Imported(before, new=False)
        if wanted.changes:
            _refuse_unexplained(wanted, shelf, shelved, reading)
        former, ended = _ended(shelf, shelved, reading)
        place(
            wanted.library,
            shelved,
            reading.tables,
            lambda folder: _write_books(folder, shelved, reading.misfits),
        )
    return Imported(shelved, True, tuple(ended), former)


def _ended(shelf: Shelf, shelved: Shelved, reading: Reading) -> tuple[str, list[str]]:
    """The edition that answered so far on an edition's first day, and payers of rows it ends."""
    first = shelved.first_date
    for table, new in reading.tables.items():
        keys = SPECIFICATIONS[table].keys
        earlier = [one for one in shelf.of_table(table, "") if one.first_date <= first]
        if keys[0] != "payer" or not earlier:
            continue
        before = max(earlier, key=rank)
        kept = {_key(row, keys) for row in new.to_pylist()}
        held = [
            row
            for row in stored(shelf, before, table).to_pylist()
            if not row.get("own_to") or row["own_to"] >= first.isoformat()
        ]
        return before.edition, [row["payer"] for row in held if _key(row, keys) not in kept]
    return "", []


def _key(row: Mapping[str, str], keys: Sequence[str]) -> tuple[str, ...]:
    return compared(keys, [row[name] for name in keys])


def _refuse_unsound(files: Sequence[Published], reading: Reading) -> None:
    names = ", ".join(file.full_name for file in files)
    read, bad = sum(reading.read.values()), len(reading.misfits)
    if not any(table.num_rows for table in reading.tables.values()):
        raise AuditError(
            f"{names}: holds no row that could be used{_first(reading)}; nothing was imported"
        )
    if bad > _TOO_MANY and bad * 100 > read * _SHARE:
        raise AuditError(
            f"{names}: {bad:,} of {read:,} rows don't fit{_first(reading)}; the layout may have "
            "changed: nothing was imported"
        )


def _first(reading: Reading) -> str:
    """Where the first row stands that doesn't fit, and why; nothing where all do."""
    if not reading.misfits:
        return ""
    one = reading.misfits[0]
    return f", the first in row {one.row} of {one.file} ({one.reason})"


def _described(wanted: Wanted, files: Sequence[Published], reading: Reading) -> Shelved:
    kind = wanted.kind
    edition = wanted.edition or reading.edition
    if not edition:
        raise AuditError(
            f"{files[0].full_name}: does not say which edition it is; give --edition, such as "
            "2026Q4, 2026, FY2026 or 2026-04-01",
            exit_code=2,
        )
    first, last = dates_of(edition, kind.period)
    setting = reading.setting if kind.by_setting else ""
    digests = sorted([*(file.sha256 for file in files), *reading.rests_on])
    digest = hashlib.sha256(
        json.dumps([_IMPORTER, kind.name, edition, setting, wanted.licensed, digests]).encode()
    ).hexdigest()
    name = "-".join(word for word in (edition, setting, digest[:8]) if word)
    return Shelved(
        kind=kind.name,
        edition=edition,
        setting=setting,
        folder=f"{kind.name}/{name}",
        first_date=first,
        last_date=last,
        complete=kind.complete,
        descriptors=wanted.licensed,
        title=kind.title,
        publisher=kind.publisher,
        digest=digest,
        imported_at=wanted.imported_at.isoformat(timespec="seconds"),
        files=tuple(_facts(file, reading) for file in files),
        rows={name: table.num_rows for name, table in reading.tables.items()},
        rows_read=sum(reading.read.values()),
        quarantined=len(reading.misfits),
        left_out=dict(reading.left_out),
    )


def _facts(file: Published, reading: Reading) -> dict[str, Any]:
    return {
        "file": file.full_name,
        "sha256": file.sha256,
        "rows_read": reading.read.get(file.full_name, 0),
        "quarantined": sum(one.file == file.full_name for one in reading.misfits),
    }


def _write_books(folder: Path, shelved: Shelved, misfits: Sequence[Misfit]) -> None:
    manifest = json.dumps(as_json(shelved), indent=1, ensure_ascii=False) + "\n"
    (folder / "manifest.json").write_text(manifest, encoding="utf-8", newline="\n")
    with (folder / "quarantine.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["file", "row", "reason", "content"])
        writer.writerows([one.file, one.row, one.reason, one.content] for one in misfits)


def _refuse_unexplained(wanted: Wanted, shelf: Shelf, shelved: Shelved, reading: Reading) -> None:
    """Holds the new edition against the one before it and the publisher's file of changes."""
    earlier = [
        one
        for one in shelf.editions
        if (one.kind, one.setting) == (shelved.kind, shelved.setting)
        and one.first_date < shelved.first_date
    ]
    if not earlier:
        raise AuditError(
            f"the library holds no edition of {shelved.kind} before {shelved.edition}, so the "
            "changes can't be checked; import the earlier edition first, or leave --changes out"
        )
    before = max(earlier, key=lambda one: one.first_date)
    files = [one for path in wanted.changes for one in opened(path, _ANY)]
    for table, new in reading.tables.items():
        old: pa.Table = stored(shelf, before, table)
        refuse_other_than(old, new, files, wanted.kind, SPECIFICATIONS[table], before)
