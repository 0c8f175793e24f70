"""A night that dies at any change on the disk, or finds the disk full, ends as if it had not.

Each test kills a night at one of its changes (or somewhere in time), runs it again, and compares
all that the site then holds with the same night left in peace.
"""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.night.durable import PART
from auditor.night.journal import STEPS
from tests.mail_server import Mailbox, serving
from tests.sites import (
    ENDED,
    KILLED,
    SETTINGS,
    STOPPED,
    fill,
    fill_for_later,
    mail_settings,
    make_site,
    play,
    state,
)

PLACES = 4


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, Path, int]]:
    """For three nights: the site before and after, and how many changes each took.

    The third brings a reading whose scan waited for it, and replacements of claims found wrong.
    """
    root = tmp_path_factory.mktemp("peace") / "site"
    found = {}
    site = make_site(root)
    for number in (0, 1, 2):
        fill(site, number)
        fill_for_later(site, number)
        before = Path(shutil.copytree(root, root.parent / f"before-{number}"))
        end, changes = play(root, number)
        assert end == ENDED
        found[number] = (
            before,
            Path(shutil.copytree(root, root.parent / f"after-{number}")),
            changes,
        )
    return found


def whole(root: Path) -> dict[str, str]:
    """What a site holds; nothing half made may be among it."""
    held = state(root)
    assert [name for name in held if PART in name or name.startswith("work/20")] == []
    return held


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize("ending", ["kill", "full"])
@pytest.mark.parametrize("place", range(PLACES))
def test_a_night_cut_short_anywhere_ends_as_if_left_in_peace(
    number: int, ending: str, place: int, sites: dict[int, tuple[Path, Path, int]], tmp_path: Path
) -> None:
    before, after, changes = sites[number]
    root = Path(shutil.copytree(before, tmp_path / "site"))
    at = random.Random(f"{number} {ending} {place}").randrange(
        changes * place // PLACES, changes * (place + 1) // PLACES
    )

    end, _ = play(root, number, place=at, ending=ending)

    assert end == (KILLED if ending == "kill" else STOPPED)
    assert play(root, number)[0] == ENDED
    assert whole(root) == whole(after)


@pytest.mark.parametrize(
    "delay", [random.Random(place).uniform(0.05, 1.5) for place in range(3)], ids="{:.2f}".format
)
def test_a_night_killed_in_the_middle_of_something_ends_as_if_left_in_peace(
    delay: float, sites: dict[int, tuple[Path, Path, int]], tmp_path: Path
) -> None:
    before, after, _ = sites[2]
    root = Path(shutil.copytree(before, tmp_path / "site"))

    play(root, 2, after=delay)
    play(root, 2, after=delay * 1.5)

    assert play(root, 2)[0] == ENDED
    assert whole(root) == whole(after)


def test_the_third_night_fills_a_partner_and_takes_replacements(
    sites: dict[int, tuple[Path, Path, int]],
) -> None:
    """What the kills of that night must not spoil happens in it."""
    _, after, _ = sites[2]
    told = json.loads((after / "reports/2026-03-20/report.json").read_text("utf-8"))
    resolved = {row["rule"]: row["findings"] for row in told["changes"]["resolved"]}
    assert resolved["professional_component_missing"] == 1
    assert resolved["revenue_code_not_preferred"] == 2


@pytest.fixture(scope="module")
def mailed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path, Mailbox]]:
    """A night with history and mail: the site before and after, and what the server took."""
    box = Mailbox()
    root = tmp_path_factory.mktemp("mailed") / "site"
    with serving(box, "none") as port:
        site = make_site(root, SETTINGS + mail_settings(port))
        fill(site, 0)
        assert play(root, 0)[0] == ENDED
        fill(site, 1)
        before = Path(shutil.copytree(root, root.parent / "before"))
        assert play(root, 1)[0] == ENDED
        yield before, root, box


@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("side", ["before", "after"])
def test_a_night_killed_at_the_edge_of_a_step_ends_as_if_left_in_peace(
    side: str, step: str, mailed: tuple[Path, Path, Mailbox], tmp_path: Path
) -> None:
    before, after, box = mailed
    root = Path(shutil.copytree(before, tmp_path / "site"))
    taken = len(box.messages())

    assert play(root, 1, place=f"{side} {step}", ending="kill")[0] == KILLED
    assert play(root, 1)[0] == ENDED

    assert whole(root) == whole(after)
    assert len(box.messages()) == taken + 1


@pytest.mark.parametrize(
    ("place", "copies"),
    [
        ("before add", 1),
        ("after add", 1),
        ("before send", 1),
        # The server has it, and nobody knows: better twice under one Message-ID than not at all.
        ("after send", 2),
        ("before mark_sent", 2),
        ("after mark_sent", 1),
    ],
)
def test_no_mail_is_lost_nor_sent_twice(place: str, copies: int, tmp_path: Path) -> None:
    box = Mailbox()
    with serving(box, "none") as port:
        root = tmp_path / "site"
        fill(make_site(root, SETTINGS + mail_settings(port)), 0)

        assert play(root, 0, place=place, ending="kill")[0] == KILLED
        assert play(root, 0)[0] == ENDED
        assert play(root, 0)[0] == ENDED

    messages = box.messages()
    assert len(messages) == copies
    assert len({message["Message-ID"] for message in messages}) == 1
    assert "1 of 3 exports could not be read" in messages[0].get_body(["plain"]).get_content()
