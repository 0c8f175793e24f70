"""Export files to claim lines: reads, understands the columns, normalises, joins."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pandas as pd

from auditor.errors import AuditError, EmptyTableError
from auditor.ingest.columns import count_known, suggest, understand
from auditor.ingest.habits import Habits
from auditor.ingest.mapping import Mapping, Profile
from auditor.ingest.normalise import Intake, claim_lines, join, lines_of, positions_of
from auditor.ingest.profiles import profile_of, read_profile, read_profiles
from auditor.ingest.raw import RawLines, RawTable
from auditor.ingest.tables import open_tables
from auditor.schema import REJECTED
from auditor.shown_names import shown_names


@dataclass(frozen=True)
class Claims:
    """The claim lines of some exports, the lines that can't be read, and what was understood."""

    lines: pd.DataFrame
    intakes: tuple[Intake, ...]
    rejected: pd.DataFrame

    @property
    def lines_read(self) -> int:
        """Claim lines in the files, readable or not."""
        return sum(intake.lines_read for intake in self.intakes)


def read_files(
    paths: Sequence[Path],
    *,
    profiles: Sequence[Path] = (),
    sheet: str | None = None,
    patient_id_substitute: str = "",
    names: Sequence[str] = (),
) -> Claims:
    """The claim lines of all files together. Raises AuditError for a file that can't be read.

    ``profiles`` say how columns are read, each of the files that it is for. ``names`` are those to
    show, where not those that tell these files apart.
    """
    with unchanged(paths):
        tables = tables_to_read(
            paths,
            profiles=profiles,
            sheet=sheet,
            patient_id_substitute=patient_id_substitute,
            names=names,
        )
        read = [claim_lines(table, mapping) for table, mapping in tables]
    return _claims([lines for lines, _ in read], tuple(intake for _, intake in read))


def is_empty_export(
    fault: AuditError,
    export: str,
    *,
    profiles: Sequence[Path] = (),
    patient_id_substitute: str = "",
) -> bool:
    """Whether a file was refused only because its header, one of claim lines, has no lines.

    ``export`` is the file's own name.
    """
    if not isinstance(fault, EmptyTableError) or not fault.header:
        return False
    table = RawTable("", Path(), None, fault.header, 1, (), (), _nothing)
    try:
        profile = profile_of([read_profile(path) for path in profiles], export)
        mapping_of(table, profile, patient_id_substitute)
    except AuditError:
        return False
    return True


def _nothing(_positions: Sequence[int]) -> RawLines:
    raise ValueError("there is nothing to read below this header")


@contextmanager
def unchanged(paths: Sequence[Path]) -> Iterator[None]:
    """Raises AuditError at its end for a file that was changed meanwhile."""
    states = [_state(path) for path in paths]
    yield
    for path, state in zip(paths, states, strict=True):
        if _state(path) != state:
            raise AuditError(
                f"{path} was changed while it was read; wait until it is written, then run again"
            )


def _state(path: Path) -> tuple[int, int, int] | None:
    """What changes when somebody writes into a file or puts another in its place."""
    try:
        found = path.stat()
    except OSError:  # reading will say why
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def together(parts: Sequence[Claims]) -> Claims:
    """Exports that were read one by one, as if they had been read at once; none make no lines."""
    intakes = tuple(intake for part in parts for intake in part.intakes)
    return _claims([part.lines for part in parts], intakes)


def _claims(tables: list[pd.DataFrame], intakes: tuple[Intake, ...]) -> Claims:
    rejected = [intake.rejected for intake in intakes if len(intake.rejected)]
    return Claims(
        lines=join(tables),
        intakes=intakes,
        rejected=pd.concat(rejected, ignore_index=True)
        if rejected
        else pd.DataFrame(columns=list(REJECTED), dtype="str"),
    )


def tables_to_read(
    paths: Sequence[Path],
    *,
    profiles: Sequence[Path] = (),
    sheet: str | None = None,
    patient_id_substitute: str = "",
    names: Sequence[str] = (),
) -> list[tuple[RawTable, Mapping]]:
    """The tables of some files and how their columns are understood, before they are read.

    Raises AuditError for a file that is given twice or can't be understood.
    """
    _refuse_repeats(paths)
    read = read_profiles(profiles, [path.name for path in paths])
    chosen = {path: profile_of(read, path.name) for path in paths}
    named = dict(zip(paths, names or shown_names(paths), strict=True))
    tables = [
        table for path in paths for table in tables_of(path, chosen[path], sheet, named[path])
    ]
    _refuse_twins(tables, named)
    return [
        (table, mapping_of(table, chosen[table.path], patient_id_substitute)) for table in tables
    ]


def read_in_pieces(
    table: RawTable, mapping: Mapping, size: int
) -> Iterator[tuple[int, pd.DataFrame, Intake]]:
    """Claim lines of a table and what became of the rest, piece by piece of some ``size`` bytes.

    With each stands the number of the round. A later piece may show that the table writes its
    dates or amounts otherwise than those before it: then a new round begins with the first piece,
    and all that the former round gave is to be forgotten.
    """
    assumed: Habits | None = None
    for number in count():
        shown = assumed
        for raw in table.pieces(positions_of(mapping), size):
            lines, intake, own = lines_of(table, mapping, raw, assumed)
            shown = shown.beside(own) if shown else own
            assumed = assumed or shown
            if not shown.read_alike(assumed):
                break
            yield number, lines, intake
        else:
            return
        assumed = shown


def tables_of(
    path: Path, profile: Profile | None, sheet: str | None, name: str = ""
) -> list[RawTable]:
    """The tables of one file that may hold claim lines; ``name`` is the file's to show."""
    wanted = sheet or (profile.sheet if profile else None)
    return open_tables(path, sheet=wanted, looks_like_claim_lines=count_known, name=name)


def mapping_of(table: RawTable, profile: Profile | None, patient_id_substitute: str) -> Mapping:
    """How the columns of a table are understood; the substitute serves where no patient is."""
    if patient_id_substitute and "patient_id" in suggest(table, profile).missing:
        found = {match.column: match for match in suggest(table, profile).matches}
        if patient_id_substitute in found:
            given = profile or Profile(file="settings")
            headers = found[patient_id_substitute].headers
            profile = Profile(
                file=given.file,
                sheet=given.sheet,
                columns={**given.columns, "patient_id": headers, patient_id_substitute: headers},
                constants=given.constants,
                ignore=given.ignore,
            )
    return understand(table, profile)


def _refuse_repeats(paths: Sequence[Path]) -> None:
    seen: set[Path] = set()
    for path in paths:
        if path.resolve() in seen:
            raise AuditError(f"{path} is given twice; give each export once", exit_code=2)
        seen.add(path.resolve())


def _refuse_twins(tables: Sequence[RawTable], named: dict[Path, str]) -> None:
    if len({table.path for table in tables}) < 2:
        return
    seen: dict[tuple[str, str | None, str], str] = {}
    for table in tables:
        member = table.file.removeprefix(named[table.path])
        twin = seen.setdefault((table.sha256, table.sheet, member), str(table.path))
        if twin != str(table.path):
            raise AuditError(
                f"{table.path} holds the same bytes as {twin}; give each export once", exit_code=2
            )
