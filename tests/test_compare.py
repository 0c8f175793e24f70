"""Runs compared after later nights: what a run said of itself counts, not the ledger of today."""

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from auditor.errors import AuditError
from auditor.history.compare import comparison_page
from tests.sites import NIGHTS, SCAN, drop, export, make_site, night

WRONG = SCAN.replace("0489", "0402")
WRONG_AGAIN = WRONG.replace("1500.00", "1501.00")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two claims under a wrong revenue code, one mended and spoiled again over three nights."""
    site = make_site(tmp_path_factory.mktemp("site"))
    for day, one in zip(NIGHTS, (WRONG, SCAN, WRONG_AGAIN), strict=True):
        more = export(WRONG, range(2, 3)) if day == NIGHTS[0] else export(SCAN, range(8, 9))
        rows = export(one, range(1, 2)) + export(SCAN, range(7, 8)).split("\n", 1)[1]
        drop(site, "hospital/scans.csv", rows + more.split("\n", 1)[1])
        night(site, day)
    return site.file.parent


def row(page: str, change: str) -> list[str]:
    return next((line.split()[1:4] for line in page.splitlines() if line.startswith(change)), [])


def as_written(_: Path) -> None:
    """The folder as the night left it."""


def without_closed(run: Path) -> None:
    facts = json.loads((run / "run.json").read_text("utf-8"))
    assert facts.pop("closed")["resolved"]
    (run / "run.json").write_text(json.dumps(facts), encoding="utf-8")


@pytest.mark.parametrize("spoil", [as_written, without_closed])
def test_what_was_resolved_and_is_open_again_today_was_resolved(
    root: Path, spoil: Callable[[Path], None]
) -> None:
    earlier, later = (root / "reports" / day.isoformat() for day in NIGHTS[:2])
    told = json.loads((later / "report.json").read_text("utf-8"))["changes"]["nights"][-1]
    spoil(later)
    page = comparison_page(earlier, later, root / "history")

    assert told["resolved"] == 1
    assert row(page, "resolved")[:2] == ["1", f"${told['recovered_at_risk_cents'] / 100:,.2f}"]
    assert row(page, "gone") == []


def test_money_that_came_back_is_told_and_adds_up(root: Path) -> None:
    earlier, later = (root / "reports" / day.isoformat() for day in NIGHTS[1:])

    page = comparison_page(earlier, later, root / "history")

    money = {
        line.split(":")[0]: float(line.split("$")[1].split()[0].replace(",", ""))
        for line in page.splitlines()
        if " at risk, " in line
    }
    assert money["reopened"] > 0
    assert "otherwise" not in money
    came = money["identified"] + money["reopened"] - money["recovered"]
    assert money["open before"] + came == pytest.approx(money["still open"])


def test_the_list_is_whole_or_as_it_was(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier, later, last = (root / "reports" / day.isoformat() for day in NIGHTS)
    path = tmp_path / "list.csv"
    comparison_page(earlier, later, None, path)
    whole = path.read_bytes()
    assert whole.startswith(b"finding,rule,")
    assert whole.count(b"\n") > 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def full(_: int) -> None:
        monkeypatch.undo()
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(AuditError, match=r"list\.csv: can't be written"):
        comparison_page(later, last, None, path)
    assert path.read_bytes() == whole
    assert [one.name for one in tmp_path.iterdir()] == ["list.csv"]


def test_the_list_goes_through_a_link_to_where_it_leads(root: Path, tmp_path: Path) -> None:
    """As /dev/stdout is one."""
    earlier, later = (root / "reports" / day.isoformat() for day in NIGHTS[:2])
    link = tmp_path / "link.csv"
    link.symlink_to(tmp_path / "behind.csv")
    comparison_page(earlier, later, None, link)

    assert link.is_symlink()
    assert (tmp_path / "behind.csv").read_bytes().startswith(b"finding,rule,")


def test_runs_in_the_wrong_order_are_not_compared(root: Path) -> None:
    earlier, later = (root / "reports" / day.isoformat() for day in NIGHTS[:2])

    with pytest.raises(AuditError, match="name the earlier run first") as fault:
        comparison_page(later, earlier)
    assert fault.value.exit_code == 2


def test_a_run_of_a_newer_version_is_not_compared(root: Path, tmp_path: Path) -> None:
    earlier, later = (root / "reports" / day.isoformat() for day in NIGHTS[:2])
    newer = tmp_path / "newer"
    shutil.copytree(later, newer)
    facts = json.loads((newer / "run.json").read_text("utf-8"))
    (newer / "run.json").write_text(json.dumps(facts | {"format": 99}), encoding="utf-8")

    with pytest.raises(AuditError, match="newer: was written by a newer version"):
        comparison_page(earlier, newer)
