"""What a crash or a bad disk left in the folder of a history, put right before anything is read."""

from pathlib import Path

from auditor import erasing
from auditor.history.ledger import Ledger
from auditor.history.lines import digest_of, path_of


def repaired(folder: Path, ledger: Ledger) -> tuple[str, ...]:
    """Removes what a killed run left, sets damaged files aside; says what somebody must know."""
    notes = []
    erasing.clear(folder)
    if ledger.restored:
        last = ledger.rows("SELECT run, as_of FROM runs ORDER BY seq DESC LIMIT 1")
        until = f"the run of {last[0][1]}" if last else "the beginning"
        notes.append(
            f"{ledger.path} was damaged: restored from the copy laid after {until}; the damaged "
            "file stands beside it, look at the disk"
        )
    named = ledger.rows("SELECT name, sha256, first_seq, last_seq FROM files ORDER BY first_seq")
    for name, sha256, first, last_seq in named:
        path = path_of(folder, name)
        if path.is_file() and digest_of(path) == sha256:
            continue
        notes.append(_set_aside(ledger, path, first, last_seq))
    known = {row[0] for row in ledger.rows("SELECT name FROM files")}
    for path in sorted(path_of(folder, "").glob("*")):
        if path.name in known or path.name.startswith("damaged-"):
            continue
        if ledger.restored and not path.name.startswith("."):
            erasing.replace(path, path.with_name(f"damaged-{path.name}"))
            notes.append(
                f"{path}: came after the copy of the ledger, so it was set aside; give the exports "
                "of that night again"
            )
        else:
            erasing.erase(path)
    return tuple(notes)


def _set_aside(ledger: Ledger, path: Path, first: int, last: int) -> str:
    """Forgets a damaged file and what it held, so that its exports may be given again."""
    runs = ledger.rows("SELECT run, as_of FROM runs WHERE seq BETWEEN ? AND ?", first, last)
    files = [
        str(name)
        for run, _ in runs
        for (name,) in ledger.rows("SELECT file FROM inputs WHERE run = ? ORDER BY file", run)
    ]
    missing = not path.exists()
    if not missing:
        erasing.replace(path, path.with_name(f"damaged-{path.name}"))
    with ledger.writing():
        ledger.do("DELETE FROM files WHERE name = ?", path.name)
        ledger.do_all("DELETE FROM inputs WHERE run = ?", [(run,) for run, _ in runs])
        # All lines are counted and judged again, without those that are lost.
        ledger.put("meta", ("key", "value"), [("judged_by", "")])
    shown = ", ".join(files[:5]) + (f" and {len(files) - 5} more" if len(files) > 5 else "")
    what = "is missing" if missing else "is damaged and was set aside"
    nights = " to ".join(dict.fromkeys([runs[0][1], runs[-1][1]])) if runs else "an unknown day"
    return (
        f"{path}: {what}; the claim lines of {nights} are forgotten until {shown or 'its exports'} "
        "are given again; a half that stood in them may be called missing"
    )
