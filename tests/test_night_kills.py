"""A night that dies at any change on the disk, or finds the disk full, ends as if it had not.

Each test kills a night at one of its changes (or somewhere in time), runs it again, and compares
all that the site then holds with the same night left in peace.
"""

import random
import shutil
from pathlib import Path

import pytest

from auditor.night.durable import PART
from tests.mail_server import Mailbox, serving
from tests.sites import (
    ENDED,
    KILLED,
    SETTINGS,
    STOPPED,
    fill,
    mail_settings,
    make_site,
    play,
    state,
)

PLACES = 8


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> dict[int, tuple[Path, Path, int]]:
    """For the first two nights: the site before and after, and how many changes each took."""
    root = tmp_path_factory.mktemp("peace") / "site"
    found = {}
    site = make_site(root)
    for number in (0, 1):
        fill(site, number)
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


@pytest.mark.parametrize("number", [0, 1])
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
    "delay", [random.Random(place).uniform(0.05, 1.5) for place in range(6)], ids="{:.2f}".format
)
def test_a_night_killed_in_the_middle_of_something_ends_as_if_left_in_peace(
    delay: float, sites: dict[int, tuple[Path, Path, int]], tmp_path: Path
) -> None:
    before, after, _ = sites[1]
    root = Path(shutil.copytree(before, tmp_path / "site"))

    play(root, 1, after=delay)
    play(root, 1, after=delay * 1.5)

    assert play(root, 1)[0] == ENDED
    assert whole(root) == whole(after)


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
