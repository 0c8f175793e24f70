"""Puts an imported edition into the library."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from auditor.disk import settle, sync_file, sync_folder
from auditor.library.gathering import gather, write_sorted
from auditor.library.shelf import (
    TABLES,
    Gathered,
    Shelf,
    Shelved,
    aside,
    open_shelf,
    replace_list,
    sweep,
)


def place(
    folder: Path,
    edition: Shelved,
    tables: dict[str, pa.Table],
    write_beside: Callable[[Path], None],
) -> Shelf:
    """Stores an edition and gathers the tables it touches; counts in one step or not at all.

    The caller holds the library (``shelf.alone``). ``write_beside`` writes the manifest and the
    quarantine into the edition's folder. An edition of the same name is replaced. All that the list
    will name is on the disk before it does: a power cut leaves the library as it was or as it is.
    """
    shelf = open_shelf(folder)
    sweep(shelf)
    same = (edition.kind, edition.edition, edition.setting)
    others = [one for one in shelf.editions if (one.kind, one.edition, one.setting) != same]
    editions = sorted(
        [*others, edition], key=lambda one: (one.kind, one.setting, one.first_date, one.edition)
    )
    with _clean(folder):
        with aside(folder) as temporary:
            books = temporary / "edition"
            books.mkdir()
            for name, table in tables.items():
                write_sorted(table, books / f"{name}.parquet")
            write_beside(books)
            settle(books)
            target = folder / edition.folder
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                books.rename(target)
                sync_folder(target.parent)
            planned = replace(shelf, editions=tuple(editions))
            gathered = _gathered(planned, edition, temporary)
        replace_list(folder, editions, gathered)
    after = open_shelf(folder)
    sweep(after)
    return after


@contextmanager
def _clean(folder: Path) -> Iterator[None]:
    """Takes away what an import that failed has put where the list does not name it."""
    try:
        yield
    except BaseException:
        sweep(open_shelf(folder))
        raise


def _gathered(planned: Shelf, edition: Shelved, temporary: Path) -> list[Gathered]:
    """The list of tables after the import: those it touches are made anew."""
    before = list(planned.tables)
    (planned.folder / TABLES).mkdir(exist_ok=True)
    made: list[Gathered] = []
    for table in edition.rows:
        found, path = gather(planned, table, edition.setting, temporary)
        sync_file(path)
        path.replace(planned.folder / found.file)
        made.append(found)
    sync_folder(planned.folder / TABLES)
    touched = {(one.table, one.setting) for one in made}
    kept = [one for one in before if (one.table, one.setting) not in touched]
    return sorted([*kept, *made], key=lambda one: (one.table, one.setting))
