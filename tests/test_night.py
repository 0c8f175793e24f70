"""The night: what arrives is audited as one run and filed away, whatever happens meanwhile."""

import gzip
import io
import json
import os
import re
import shutil
import stat
import threading
import time
import tomllib
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from exports import workbook
from filelock import FileLock

import auditor.intake
from auditor.errors import AuditError
from auditor.night import durable, steps
from auditor.night.archive import give_back
from auditor.night.doctor import doctor
from auditor.night.inbox import look
from auditor.night.journal import Input
from auditor.night.log import open_log
from auditor.night.night import only_one
from auditor.night.site import Site, open_site
from auditor.night_settings import InboxSettings, NightSettings
from tests.mail_server import Mailbox, serving
from tests.sites import (
    CONTEXT,
    ENDED,
    HEADER,
    KILLED,
    NIGHTS,
    READING,
    SCAN,
    SETTINGS,
    drop,
    export,
    fill,
    mail_settings,
    make_site,
    night,
    play,
    quickly,
)

DAY = NIGHTS[0]


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    quickly(monkeypatch.setattr)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return make_site(tmp_path / "site")


def changed(site: Site, **keys: Any) -> Site:
    """The site with other settings of the night."""
    night_settings = site.settings.night.model_copy(update=keys)
    return Site(site.settings.model_copy(update={"night": night_settings}), site.file)


def raising(fault: type[BaseException]) -> Callable[..., None]:
    def stopped(*_: object) -> None:
        raise fault

    return stopped


def below(folder: Path) -> list[str]:
    """Files of a folder, by their path in it."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def facts(site: Site, run: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((site.reports / run / "night.json").read_text("utf-8"))
    return found


def fates(site: Site, run: str) -> dict[str, str]:
    return {one["file"]: one["fate"] for one in facts(site, run)["inputs"]}


# What a night does.


def test_all_files_of_a_night_are_one_run_and_a_broken_one_stands_aside(site: Site) -> None:
    fill(site, 0)

    ran = night(site)

    assert fates(site, "2026-03-01") == {
        "broken.csv": "failed",
        "readings.csv": "audited",
        "scans.csv": "audited",
    }
    run = json.loads((site.reports / "2026-03-01" / "run.json").read_text("utf-8"))
    assert run["lines"]["read"] == 6
    assert below(site.file.parent / "inbox") == []
    assert below(site.archive) == [
        "2026-03-01/hospital/scans.csv.gz",
        "2026-03-01/inputs.json",
        "2026-03-01/physicians/readings.csv.gz",
    ]
    assert below(site.failed) == [
        "2026-03-01/hospital/broken.csv",
        "2026-03-01/hospital/broken.csv.reason.txt",
    ]
    reason = (site.failed / "2026-03-01/hospital/broken.csv.reason.txt").read_text("utf-8")
    assert reason.startswith("broken.csv")
    assert ran.problems == [f"hospital/broken.csv: {reason.strip()}"]
    assert run["asides"] == [
        f"hospital/broken.csv could not be read and is not in this report ({reason.strip()})"
    ]
    assert below(site.work) == ["last.json", "night.lock"]


def test_an_archived_export_unpacks_to_what_arrived(site: Site) -> None:
    content = drop(site, "hospital/scans.csv", export(SCAN, range(1, 3))).read_bytes()

    night(site)

    assert gzip.decompress((site.archive / "2026-03-01/hospital/scans.csv.gz").read_bytes()) == (
        content
    )


def test_an_export_and_one_packed_of_its_name_are_both_kept(site: Site) -> None:
    physicians = InboxSettings(name="physicians", folder="inbox/physicians")
    site = changed(site, inboxes=[physicians])
    drop(site, "physicians/readings.csv", export(READING, range(1, 3)))
    packed = gzip.compress(export(READING, range(3, 5)).encode())
    drop(site, "physicians/readings.csv.gz", packed)

    night(site)

    kept = site.archive / "2026-03-01" / "physicians"
    assert (kept / "readings.csv").read_text("utf-8") == export(READING, range(1, 3))
    assert (kept / "readings.csv.gz").read_bytes() == packed
    request = json.loads((site.reports / "2026-03-01" / "request.json").read_text("utf-8"))
    assert [Path(path) for path in request["files"]] == sorted(kept.iterdir())


def test_without_compression_an_export_stays_as_it_is(site: Site) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))

    night(changed(site, compress=False))

    assert "2026-03-01/hospital/scans.csv" in below(site.archive)


def test_an_export_audited_before_is_archived_and_not_audited_again(site: Site) -> None:
    fill(site, 0)
    night(site)
    fill(site, 1)

    night(site, NIGHTS[1])

    assert fates(site, "2026-03-02") == {"scans.csv": "audited", "again.csv": "repeat"}
    assert "2026-03-02/physicians/again.csv.gz" in below(site.archive)


@pytest.mark.parametrize("more", ["", "\n\n,,,\n"])
def test_an_export_with_a_header_and_no_lines_is_empty_and_no_failure(
    more: str, site: Site
) -> None:
    drop(site, "hospital/scans.csv", HEADER + more)
    drop(site, "physicians/readings.csv", export(READING, range(1, 3)))

    ran = night(site)

    assert fates(site, "2026-03-01") == {"scans.csv": "empty", "readings.csv": "audited"}
    assert ran.problems == []
    assert ran.said[0].startswith("2026-03-01: 1 of 2 exports held a header and no lines. ")
    assert "is empty" in ran.log
    assert "2026-03-01/hospital/scans.csv.gz" in below(site.archive)
    run = json.loads((site.reports / "2026-03-01" / "run.json").read_text("utf-8"))
    assert run["asides"] == ["hospital/scans.csv holds a header and no lines: nothing to audit"]
    drop(site, "hospital/scans.csv", HEADER + more)
    night(site, NIGHTS[1])
    assert fates(site, "2026-03-02") == {"scans.csv": "empty"}


def taking_any(site: Site) -> Site:
    """The same site, whose inboxes take files of any name."""
    text = site.file.read_text("utf-8")
    site.file.write_text(text.replace('"*.csv"', '"*"'), "utf-8")
    return open_site(site.file)


def without_lines(name: str, *, header: bool = True) -> bytes:
    """A workbook or Parquet file without lines."""
    written, frame = io.BytesIO(), pd.DataFrame(columns=HEADER.split(",") if header else ["note"])
    if name.endswith(".xlsx"):
        frame.to_excel(written, index=False)
    else:
        frame.astype("str").to_parquet(written, index=False)
    return written.getvalue()


@pytest.mark.parametrize("name", ["scans.xlsx", "scans.parquet"])
def test_a_workbook_or_parquet_file_without_lines_is_empty_too(name: str, site: Site) -> None:
    site = taking_any(site)
    drop(site, f"hospital/{name}", without_lines(name))

    ran = night(site)

    assert fates(site, "2026-03-01") == {name: "empty"}
    assert ran.problems == []


@pytest.mark.parametrize("name", ["scans.xlsx", "scans.parquet"])
def test_one_that_holds_something_else_has_failed(name: str, site: Site) -> None:
    site = taking_any(site)
    drop(site, f"hospital/{name}", without_lines(name, header=False))

    ran = night(site)

    assert fates(site, "2026-03-01") == {name: "failed"}
    assert len(ran.problems) == 1


def test_waivers_that_can_t_be_read_are_a_problem_of_the_night(site: Site) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    night(site)
    (site.history / "waivers.csv").write_bytes(b"rule,claim\n\xff")

    ran = night(site, NIGHTS[1])

    assert [problem for problem in ran.problems if "is no UTF-8 CSV" in problem]
    assert (site.reports / "2026-03-02" / "findings.csv").is_file()


@pytest.mark.parametrize(
    "content", ["Error 500: the database is away\n", HEADER[:15] + "\n", "Claim,DOS,CPT,Units\n"]
)
def test_a_line_that_is_no_header_of_claim_lines_is_no_empty_export(
    content: str, site: Site
) -> None:
    drop(site, "hospital/scans.csv", content)

    night(site)

    assert fates(site, "2026-03-01") == {"scans.csv": "failed"}


def test_a_zip_with_lines_beside_an_empty_member_is_not_empty(site: Site) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as members:
        members.writestr("a.csv", HEADER + "\n")
        members.writestr("b.csv", export(SCAN, range(1, 3)))
    drop(site, "hospital/scans.csv", packed.getvalue())

    night(site)

    assert fates(site, "2026-03-01") == {"scans.csv": "failed"}


def test_the_same_bytes_twice_in_a_night_are_audited_once(site: Site) -> None:
    for name in ("a.csv", "b.csv"):
        drop(site, f"hospital/{name}", export(SCAN, range(1, 3)))

    night(site)

    assert fates(site, "2026-03-01") == {"a.csv": "audited", "b.csv": "repeat"}


def test_two_sheets_of_a_workbook_in_two_inboxes_are_two_exports(tmp_path: Path) -> None:
    settings = SETTINGS.replace("*.csv", "*.xlsx").replace(
        'folder = "inbox/hospital"', 'folder = "inbox/hospital"\nsheet = "HB"'
    )
    site = make_site(tmp_path / "site", settings + 'columns = "physicians.toml"\n')
    (tmp_path / "site" / "physicians.toml").write_text('sheet = "PB"\n', encoding="utf-8")
    lines = {"HB": export(SCAN, range(1, 3)), "PB": export(READING, range(1, 3))}
    book = workbook(
        tmp_path / "book.xlsx",
        {name: [list(row.split(",")) for row in text.splitlines()] for name, text in lines.items()},
    )

    for day, fate in zip(NIGHTS, ("audited", "repeat"), strict=False):
        for inbox in ("hospital", "physicians"):
            drop(site, f"{inbox}/claims.xlsx", book.read_bytes())
        foreseen = [check.name for check in doctor(site, day)].count("repeat")
        night(site, day)

        inputs = facts(site, day.isoformat())["inputs"]
        assert {one["source"]: one["fate"] for one in inputs} == dict.fromkeys(
            ("hospital", "physicians"), fate
        )
        assert foreseen == [one["fate"] for one in inputs].count("repeat")


def test_a_source_that_sends_the_same_bytes_night_after_night_is_told(tmp_path: Path) -> None:
    box = Mailbox()
    with serving(box, "none") as port:
        site = make_site(tmp_path / "site", SETTINGS + mail_settings(port))
        for number in range(2):
            drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
            ran = night(site, NIGHTS[number])
        shutil.rmtree(site.spool)
        idle = night(site, NIGHTS[2])

    assert ran.problems == []
    words = "1 of 1 export held the same bytes as one audited before."
    assert ran.said[0].startswith(f"2026-03-02: {words} ")
    run = json.loads((site.reports / "2026-03-02" / "run.json").read_text("utf-8"))
    said = "hospital/scans.csv holds the same bytes as an export audited before: not audited again"
    assert run["asides"] == [said]
    assert idle.said[0].startswith("2026-03-20: no export came. ")
    texts = [one.get_body(("plain",)).get_content() for one in box.messages()]  # type: ignore[union-attr]
    first, second, last = (" ".join(text.split()) for text in texts)
    assert words not in first
    assert words in second
    assert "No export came." in last
    assert "not all exports" not in str(box.messages()[1]["Subject"])


def test_a_night_without_exports_says_so_and_is_a_run(site: Site) -> None:
    ran = night(site)

    assert facts(site, "2026-03-01")["inputs"] == []
    assert ran.said[0].startswith("2026-03-01: no export came. ")
    assert ran.problems == []


def test_a_night_started_again_has_nothing_to_add(site: Site) -> None:
    fill(site, 0)
    night(site)

    assert night(site).said == ["2026-03-01: no new export since the last night of this day"]
    assert [path.name for path in site.reports.iterdir()] == ["2026-03-01"]


def test_a_second_night_of_a_day_gets_a_number(site: Site) -> None:
    night(site)
    fill(site, 2)
    night(site)

    assert sorted(path.name for path in site.reports.iterdir()) == ["2026-03-01", "2026-03-01-2"]


def test_a_run_whose_folders_somebody_deleted_keeps_its_name(site: Site) -> None:
    night(site)
    shutil.rmtree(site.reports / "2026-03-01")
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 4)))

    ended = night(site)

    assert ended.problems == []
    assert (site.reports / "2026-03-01-2").is_dir()
    assert (site.archive / "2026-03-01-2" / "hospital" / "scans.csv.gz").is_file()


def test_an_export_whose_inbox_left_the_settings_is_not_read_in_another_way(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 4)))
    with monkeypatch.context() as patch:
        patch.setattr(steps, "_audit", raising(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            night(site)
    other = InboxSettings(name="scanners", folder="inbox/hospital")

    ended = night(changed(site, inboxes=[other]), NIGHTS[1])

    words = "its inbox is no longer in the settings; put it into one that is"
    assert ended.problems == [f"hospital/scans.csv: {words}"]
    assert (site.failed / "2026-03-01" / "hospital" / "scans.csv").is_file()


@pytest.mark.parametrize("step", ["_publish", "_mail"])
def test_reports_that_somebody_deleted_of_a_killed_run_hold_no_night_up(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(Mailbox(), "none") as port:
        site = make_site(tmp_path / "site", SETTINGS + mail_settings(port))
        drop(site, "hospital/scans.csv", export(SCAN, range(1, 4)))
        with monkeypatch.context() as patch:
            patch.setattr(steps, step, raising(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                night(site)
        for folder in (site.reports / "2026-03-01", site.work / "2026-03-01" / "reports"):
            shutil.rmtree(folder, ignore_errors=True)

        ended = night(site, NIGHTS[1])

    assert "2026-03-01: its reports are gone" in ended.problems[0]
    assert len(ended.problems) == 1
    assert (site.archive / "2026-03-01" / "hospital" / "scans.csv.gz").is_file()
    assert (site.reports / "2026-03-02").is_dir()
    assert not (site.work / "2026-03-01").exists()


def test_each_source_is_read_with_its_own_profile(site: Site) -> None:
    profile = site.file.parent / "physicians.toml"
    profile.write_text('[columns]\nprocedure_code = "Service"\n', encoding="utf-8")
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    drop(site, "physicians/readings.csv", export(READING, range(1, 3)).replace("CPT", "Service"))
    inboxes = [
        one.model_copy(update={"columns": "physicians.toml"} if one.name == "physicians" else {})
        for one in site.night.inboxes
    ]

    night(changed(site, inboxes=inboxes))

    assert set(fates(site, "2026-03-01").values()) == {"audited"}


def test_a_profile_that_is_wrong_fails_the_night_not_the_exports(site: Site) -> None:
    fill(site, 0)
    inboxes = [one.model_copy(update={"columns": "none.toml"}) for one in site.night.inboxes]

    with pytest.raises(AuditError, match=r"none\.toml"):
        night(changed(site, inboxes=inboxes))

    assert len(below(site.file.parent / "inbox")) == 3


def test_files_and_folders_are_for_their_owner_alone(site: Site) -> None:
    fill(site, 0)
    night(site)

    root = site.file.parent
    for folder in site.own_folders().values():
        for path in (folder, *folder.rglob("*")):
            mode = stat.S_IMODE(path.stat().st_mode)
            assert mode == (0o700 if path.is_dir() else 0o600), path.relative_to(root)


def test_settings_may_let_a_group_read(site: Site) -> None:
    fill(site, 0)
    night(changed(site, file_mode="0640"))

    for path in site.archive.rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o750 if path.is_dir() else 0o640)
    for path in (site.reports / "2026-03-01").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o640


# What stays in the inbox.


def test_symlinks_and_strangers_stay_where_they_are(site: Site, tmp_path: Path) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(export(SCAN, range(1, 3)), encoding="utf-8")
    inbox = site.file.parent / "inbox" / "hospital"
    (inbox / "link.csv").symlink_to(outside)
    drop(site, "hospital/readme.md", "hello")
    drop(site, "hospital/.hidden.csv", "hello")

    ran = night(site)

    assert {one["file"]: one["reason"] for one in facts(site, "2026-03-01")["left"]} == {
        "link.csv": "is a symbolic link: refused",
        "readme.md": "matches no pattern of its inbox",
    }
    assert (inbox / "link.csv").is_symlink()
    assert "symbolic link" in ran.log


def test_what_excel_lays_beside_an_open_workbook_is_no_export(site: Site) -> None:
    lock = drop(site, "hospital/~$scans.csv", b"\x05Revenue integrity")
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))

    ended = night(site)

    assert ended.problems == []
    assert facts(site, "2026-03-01")["left"] == []
    assert lock.exists()


def test_a_night_waits_for_somebody_who_uses_the_history(site: Site) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    site.history.mkdir()
    lock = FileLock(site.history / ".lock", thread_local=False)
    lock.acquire()
    later = threading.Timer(1.5, lock.release)
    later.start()

    ended = night(site)

    later.join()
    assert ended.problems == []
    assert fates(site, "2026-03-01") == {"scans.csv": "audited"}


@pytest.mark.skipif(os.name == "nt", reason="names are text there")
def test_a_name_that_no_report_can_write_stays_and_holds_no_night_up(site: Site) -> None:
    folder = site.file.parent / "inbox" / "hospital"
    names = [b"f\xe9vrier.csv", b"l\xe9eme.doc", b"%s.csv" % (b"long" * 60)]
    for name in names:
        (folder / os.fsdecode(name)).write_text(export(SCAN, range(1, 3)), "utf-8")
    drop(site, "hospital/scans.csv", export(SCAN, range(3, 5)))

    ended = night(site)

    assert ended.problems == []
    assert fates(site, "2026-03-01") == {"scans.csv": "audited"}
    assert {one["file"]: one["reason"] for one in facts(site, "2026-03-01")["left"]} == {
        r"f\xe9vrier.csv": "its name is no UTF-8: rename it",
        r"l\xe9eme.doc": "matches no pattern of its inbox",
        os.fsdecode(names[2]): "its name is too long: rename it",
    }
    assert {os.fsencode(path.name) for path in folder.iterdir()} == {*names}


@pytest.mark.parametrize("to", ["a file outside", "a folder", "nothing", "itself", "a device"])
def test_no_link_in_an_inbox_is_followed_and_the_night_goes_on(
    site: Site, tmp_path: Path, to: str
) -> None:
    inbox = site.file.parent / "inbox" / "hospital"
    secret, folder = tmp_path / "secret.csv", tmp_path / "folder"
    secret.write_text(export(SCAN, range(90, 92)), encoding="utf-8")
    folder.mkdir()
    places = {"a file outside": secret, "a folder": folder, "itself": inbox / "a-link.csv"}
    target = places.get(to, Path("/dev/zero") if to == "a device" else tmp_path / "missing.csv")
    (inbox / "a-link.csv").symlink_to(target)
    (inbox / "a-link.csv.done").symlink_to(target)
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))

    ran = night(site)

    assert fates(site, "2026-03-01") == {"scans.csv": "audited"}
    (left,) = facts(site, "2026-03-01")["left"]
    assert (left["file"], left["reason"]) == ("a-link.csv", "is a symbolic link: refused")
    assert (inbox / "a-link.csv").is_symlink()
    assert "symbolic link" in ran.log
    assert secret.exists()
    assert not [path for path in site.archive.rglob("*") if "link" in path.name]


@pytest.mark.parametrize("moment", ["before it is taken", "while it is taken", "copied"])
def test_a_link_put_in_the_place_of_an_export_is_not_followed(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text(export(SCAN, range(90, 92)), encoding="utf-8")
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    path = drop(site, "hospital/swapped.csv", export(SCAN, range(3, 5)))

    def swap() -> None:
        path.unlink()
        path.symlink_to(secret)

    take, move, geteuid = steps._take, durable.move, os.geteuid

    def taking(one: steps.Night) -> None:
        swap()
        take(one)

    def moving(source: Path, target: Path) -> None:
        if source == path:
            swap()
            if moment == "copied":  # as the file of another user is
                monkeypatch.setattr(durable.os, "geteuid", lambda: geteuid() + 1)
        move(source, target)

    if moment == "before it is taken":
        monkeypatch.setattr(steps, "_take", taking)
    else:
        monkeypatch.setattr(durable, "move", moving)
    if moment == "copied":
        with pytest.raises(AuditError):
            night(site)
        monkeypatch.undo()
    night(site)

    assert fates(site, "2026-03-01") == {"scans.csv": "audited", "swapped.csv": "gone"}
    assert "P90" not in (site.reports / "2026-03-01" / "findings.csv").read_text("utf-8")
    assert secret.read_text("utf-8") == export(SCAN, range(90, 92))


def test_a_file_still_being_written_stays_for_the_next_night(site: Site) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))

    ran = night(changed(site, stable_seconds=3600))

    assert below(site.file.parent / "inbox") == ["hospital/scans.csv"]
    assert "still being written" in ran.log
    night(site, NIGHTS[1])
    assert fates(site, "2026-03-02") == {"scans.csv": "audited"}


def test_a_night_waits_until_a_file_stops_growing(site: Site) -> None:
    path = drop(site, "hospital/scans.csv", "begun")
    naps: list[float] = []

    def sleep(seconds: float) -> None:
        naps.append(seconds)
        if len(naps) < 4:
            path.write_text("begun" * len(naps), encoding="utf-8")
        else:
            time.sleep(0.4)

    found = look(changed(site, stable_seconds=1, wait_seconds=30), sleep=sleep)

    assert [one.path for one in found.arrived] == [path]
    assert len(naps) > 4


def test_a_copy_that_keeps_its_old_time_is_not_complete_for_that(site: Site) -> None:
    path = drop(site, "hospital/scans.csv", "begun")
    os.utime(path, (0, 0))

    assert look(changed(site, stable_seconds=3600), wait=False).arrived == ()


def test_a_marker_says_that_a_file_is_complete_and_goes_with_it(site: Site) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    drop(site, "hospital/scans.csv.done", "")

    night(changed(site, stable_seconds=3600))

    assert fates(site, "2026-03-01") == {"scans.csv": "audited"}
    assert below(site.file.parent / "inbox") == []


def test_a_newer_export_keeps_its_marker_when_a_killed_night_goes_on(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("a.csv", "b.csv")
    site = changed(
        site, inboxes=[InboxSettings(name="hospital", folder="inbox/hospital", done_marker=True)]
    )

    def arrive(number: int) -> None:
        for place, name in enumerate(names):
            drop(site, f"hospital/{name}", export(SCAN, range(number + place, number + place + 1)))
            drop(site, f"hospital/{name}.done", "")

    def killed_at_the_second(source: Path, target: Path) -> None:
        if target.parent.is_dir():
            raise KeyboardInterrupt
        target.parent.mkdir(parents=True)
        source.rename(target)

    arrive(1)
    with monkeypatch.context() as patch:
        patch.setattr(durable, "move", killed_at_the_second)
        with pytest.raises(KeyboardInterrupt):
            night(site)
    arrive(11)
    ended = night(site, NIGHTS[1])

    assert ended.problems == []
    assert fates(site, "2026-03-01") == {"a.csv": "audited", "b.csv": "gone"}
    assert fates(site, "2026-03-02") == dict.fromkeys(names, "audited")
    assert below(site.file.parent / "inbox") == []


def test_where_a_marker_is_asked_for_nothing_goes_without(site: Site) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    inboxes = [one.model_copy(update={"done_marker": True}) for one in site.night.inboxes]

    night(changed(site, inboxes=inboxes))

    assert below(site.file.parent / "inbox") == ["hospital/scans.csv"]


# The clock.


def test_a_file_from_the_future_is_watched_instead_of_believed(site: Site) -> None:
    path = drop(site, "hospital/scans.csv", "x")
    os.utime(path, (time.time() + 86_400,) * 2)

    assert look(changed(site, stable_seconds=1), wait=False).arrived == ()
    waited = look(changed(site, stable_seconds=1, wait_seconds=30), sleep=lambda _: time.sleep(0.3))
    assert len(waited.arrived) == 1


def test_a_clock_a_day_behind_takes_the_last_nights_day(site: Site) -> None:
    night(site, NIGHTS[1])
    fill(site, 2)

    ran = night(site, NIGHTS[0])

    assert "clock is behind" in ran.log
    assert (site.reports / "2026-03-02-2").is_dir()


def test_a_clock_set_back_stops_the_night_before_it_takes_anything(site: Site) -> None:
    night(site, NIGHTS[2])
    fill(site, 0)

    with pytest.raises(AuditError, match="the clock says 2026-03-01, but the last night"):
        night(site, NIGHTS[0])

    assert len(below(site.file.parent / "inbox")) == 3
    night(site, NIGHTS[0], as_of=NIGHTS[0])
    assert (site.reports / "2026-03-01").is_dir()


# What happens meanwhile.


def after_reading(monkeypatch: pytest.MonkeyPatch, name: str, do: Callable[[Path], object]) -> None:
    """Does something to an export of this name right after it was read."""
    read = auditor.intake.read_files

    def read_and_do(paths: Any, **named: Any) -> Any:
        claims = read(paths, **named)
        for path in paths:
            if path.name == name:
                do(path)
        return claims

    monkeypatch.setattr(auditor.intake, "read_files", read_and_do)


def append(path: Path) -> None:
    with path.open("a", encoding="utf-8") as stream:
        stream.write(SCAN.format(n=9, day="2026-02-21") + "\n")


def test_a_file_that_changes_while_it_is_read_goes_back(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    drop(site, "physicians/readings.csv", export(READING, range(1, 3)))
    after_reading(monkeypatch, "scans.csv", append)

    night(site)

    assert fates(site, "2026-03-01") == {"scans.csv": "changed", "readings.csv": "audited"}
    assert below(site.file.parent / "inbox") == ["hospital/scans.csv"]


def test_a_file_that_changes_after_it_was_read_goes_back_too(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    publish = steps._publish

    def write_on(night: Any) -> None:
        append(night.journal.folder / "inputs/hospital/scans.csv")
        publish(night)

    monkeypatch.setattr(steps, "_publish", write_on)

    ran = night(site)

    assert "changed after it was read" in ran.log
    assert below(site.file.parent / "inbox") == ["hospital/scans.csv"]


def test_a_file_given_back_does_not_displace_a_newer_one(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))

    def write_on(path: Path) -> None:
        append(path)
        drop(site, "hospital/scans.csv", export(SCAN, range(5, 6)))

    after_reading(monkeypatch, "scans.csv", write_on)

    night(site)

    assert below(site.file.parent / "inbox") == [
        "hospital/scans-2026-03-01.csv",
        "hospital/scans.csv",
    ]


@pytest.mark.parametrize(
    ("name", "other"),
    [
        ("scans.csv.gz", "scans-2026-03-01.csv.gz"),
        ("a.b.csv", "a-2026-03-01.b.csv"),
        ("a", "a-2026-03-01"),
    ],
)
def test_an_export_given_back_still_matches_its_pattern(
    name: str, other: str, tmp_path: Path
) -> None:
    here, home = tmp_path / "work" / name, tmp_path / "inbox" / name
    for path, content in ((here, "old"), (home, "new"), (home.with_name(other), "older")):
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")

    give_back("2026-03-01", Input("hospital", str(home), "", 3), here)

    first, dot, rest = other.partition(".")
    assert {path.name: path.read_text("utf-8") for path in home.parent.iterdir()} == {
        name: "new",
        other: "older",
        f"{first}-2{dot}{rest}": "old",
    }
    assert not here.exists()


def test_an_export_given_back_twice_by_a_kill_is_there_once(tmp_path: Path) -> None:
    here, home = tmp_path / "work.csv", tmp_path / "scans.csv"
    for path in (here, home):
        path.write_text("same", encoding="utf-8")

    give_back("2026-03-01", Input("hospital", str(home), "", 4), here)

    assert [path.name for path in tmp_path.iterdir()] == ["scans.csv"]


def test_an_export_deleted_before_it_is_taken_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(site, 0)
    take = steps._take

    def delete_and_take(night: Any) -> None:
        (site.file.parent / "inbox/hospital/scans.csv").unlink()
        take(night)

    monkeypatch.setattr(steps, "_take", delete_and_take)

    ran = night(site)

    assert fates(site, "2026-03-01")["scans.csv"] == "gone"
    assert fates(site, "2026-03-01")["readings.csv"] == "audited"
    assert "is gone from its inbox" in ran.log


def test_an_export_deleted_while_it_is_read_is_named(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(site, 0)
    after_reading(monkeypatch, "scans.csv", Path.unlink)

    night(site)

    assert fates(site, "2026-03-01")["scans.csv"] == "gone"
    assert fates(site, "2026-03-01")["readings.csv"] == "audited"


def test_an_export_from_another_file_system_is_copied_whole(site: Site) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == site.file.stat().st_dev:
        pytest.skip("this machine has no other file system to write to")
    path = shared / f"auditor-{os.getpid()}"
    path.mkdir()
    try:
        inbox = site.night.inboxes[0].model_copy(update={"folder": str(path)})
        (path / "scans.csv").write_text(export(SCAN, range(1, 3)), encoding="utf-8")

        night(changed(site, inboxes=[inbox]))

        assert fates(site, "2026-03-01") == {"scans.csv": "audited"}
        assert list(path.iterdir()) == []
    finally:
        path.rmdir()


def _hold(work: Path, ready: Any) -> None:
    site = open_site(work / "audit.toml")
    with only_one(site):
        ready.set()
        time.sleep(60)


def test_a_second_night_at_once_does_nothing_and_a_dead_one_holds_nobody_up(site: Site) -> None:
    site.work.mkdir()
    fill(site, 2)
    ready = CONTEXT.Event()
    other = CONTEXT.Process(target=_hold, args=(site.file.parent, ready))
    other.start()
    assert ready.wait(60)

    with pytest.raises(AuditError, match="another night is at work there; nothing was done"):
        night(site)

    assert below(site.file.parent / "inbox") == ["physicians/late.csv"]
    other.kill()
    other.join()
    night(site)
    assert fates(site, "2026-03-01") == {"late.csv": "audited"}


def test_without_room_a_night_takes_nothing(site: Site) -> None:
    fill(site, 0)

    with pytest.raises(AuditError, match=r"MB are free, the night needs 1,000,000,000 MB"):
        night(changed(site, free_megabytes=1_000_000_000))

    assert len(below(site.file.parent / "inbox")) == 3


def test_an_export_that_kills_the_program_is_set_aside_in_the_end(site: Site) -> None:
    fill(site, 0)
    root = site.file.parent
    for _ in range(3):
        assert play(root, 0, place="reading scans.csv", ending="kill")[0] == KILLED

    assert play(root, 0)[0] == ENDED

    assert fates(site, "2026-03-01") == {
        "broken.csv": "failed",
        "readings.csv": "audited",
        "scans.csv": "failed",
    }
    reason = (site.failed / "2026-03-01/hospital/scans.csv.reason.txt").read_text("utf-8")
    assert reason == "the program died 3 times reading it\n"


def test_nights_that_could_not_finish_set_no_export_aside(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3)))
    for fault in (AuditError, OSError, AuditError, OSError):
        with monkeypatch.context() as patched:
            patched.setattr("auditor.history.memory.Memory.commit", raising(fault))
            with pytest.raises(AuditError):
                night(site)

    night(site)

    assert fates(site, "2026-03-01") == {"scans.csv": "audited"}


def test_an_unforeseen_fault_in_one_export_keeps_no_other_from_being_read(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(site, 0)

    def stumble(_path: Path) -> None:
        raise ValueError("MRN-4711 is odd")

    after_reading(monkeypatch, "scans.csv", stumble)

    ran = night(site)

    assert fates(site, "2026-03-01")["readings.csv"] == "audited"
    (line,) = [line for line in ran.problems if "scans.csv" in line]
    assert "by a fault of the program (ValueError in" in line
    assert "4711" not in ran.log + str(ran.problems)


def test_a_run_cut_short_days_ago_keeps_its_day_and_tonights_comes_after(site: Site) -> None:
    fill(site, 0)
    root = site.file.parent
    assert play(root, 0, place="before write_files", ending="kill")[0] == KILLED
    fill(site, 2)

    night(site, NIGHTS[2])

    assert facts(site, "2026-03-01")["as_of"] == "2026-03-01"
    assert fates(site, "2026-03-20") == {"late.csv": "audited"}


def test_exports_in_a_work_folder_without_a_journal_go_back(site: Site) -> None:
    lost = site.work / "2026-02-28/inputs/hospital/scans.csv"
    lost.parent.mkdir(parents=True)
    lost.write_text(export(SCAN, range(1, 3)), encoding="utf-8")

    ran = night(site)

    assert "found without its run" in ran.log
    assert fates(site, "2026-03-01") == {"scans.csv": "audited"}


def test_a_journal_that_is_damaged_stops_the_night_and_says_the_way_out(site: Site) -> None:
    folder = site.work / "2026-02-28"
    folder.mkdir(parents=True)
    (folder / "journal.json").write_text("{", encoding="utf-8")

    with pytest.raises(AuditError, match="can't be understood; move the exports in"):
        night(site)


# Retention and the log.


def old_run(folder: Path, day: date) -> Path:
    path = folder / day.isoformat() / "hospital"
    path.mkdir(parents=True)
    (path / "scans.csv").write_text("old", encoding="utf-8")
    return path.parent


def test_what_is_old_enough_goes_by_the_day_in_its_name(site: Site) -> None:
    night(site, DAY - timedelta(days=1))
    old = [old_run(folder, DAY - timedelta(days=401)) for folder in (site.archive, site.reports)]
    kept = [old_run(folder, DAY - timedelta(days=400)) for folder in (site.archive, site.reports)]
    failed = old_run(site.failed, DAY - timedelta(days=91))
    strange = site.archive / "keep-me"
    strange.mkdir()

    ran = night(site)

    assert not any(path.exists() for path in (*old, failed))
    assert all(path.exists() for path in (*kept, strange))
    assert '"count": 3' in ran.log


def test_marks_of_old_mail_and_refused_mails_go_and_waiting_ones_stay(site: Site) -> None:
    night(site, DAY - timedelta(days=1))
    old, young = [], []
    for folder, name in (("sent", "a.json"), ("refused", "b.eml"), ("waiting", "c.eml")):
        for days, places in ((401, old), (400, young)):
            path = site.spool / folder / f"{days}-{name}"
            path.parent.mkdir(exist_ok=True, parents=True)
            path.write_text("{}", encoding="utf-8")
            moment = datetime.combine(DAY - timedelta(days=days), datetime.min.time(), UTC)
            os.utime(path, (moment.timestamp(),) * 2)
            places.append(path)

    night(site)

    assert [path.exists() for path in old] == [False, False, True]
    assert all(path.exists() for path in young)


def test_zero_days_keep_for_ever(site: Site) -> None:
    night(site, DAY - timedelta(days=1))
    old = old_run(site.archive, date(2001, 1, 1))

    night(changed(site, keep_archive_days=0))

    assert old.exists()


def test_a_clock_that_jumps_deletes_nothing(site: Site) -> None:
    night(site, DAY)
    old = old_run(site.archive, DAY - timedelta(days=10))

    ran = night(site, DAY + timedelta(days=4000))

    assert old.exists()
    assert "nothing is deleted" in ran.log


def test_the_log_is_json_without_a_patient(site: Site) -> None:
    drop(site, "hospital/scans.csv", export(SCAN, range(1, 3), "13/45/2026").replace("P1", "P4711"))

    ran = night(site)

    lines = [json.loads(line) for line in ran.log.splitlines()]
    kept = (site.log / "2026-03.jsonl").read_text("utf-8").splitlines()
    assert [json.loads(line) for line in kept] == lines
    assert {"event", "level", "time"} <= set.intersection(*(set(line) for line in lines))
    assert "4711" not in ran.log + " ".join(ran.problems)


def test_the_log_drops_keys_that_are_not_on_its_list(capsys: pytest.CaptureFixture[str]) -> None:
    open_log(None, DAY).info("read", file="scans.csv", patient_id="P4711", claim="H1")

    said = capsys.readouterr().err
    assert "scans.csv" in said
    assert "4711" not in said
    assert "H1" not in said


class Terminal:
    """Stands for a terminal."""

    def __init__(self) -> None:
        self.text = ""

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        self.text += text
        return len(text)

    def flush(self) -> None:
        return


def test_on_a_terminal_the_log_is_read_by_people() -> None:
    terminal: Any = Terminal()

    open_log(None, DAY, stream=terminal).bind(run="2026-03-01").warning("read", file="scans.csv")

    assert terminal.text[8:] == " WARNING read  file=scans.csv\n"


# The disk.


def test_a_kill_while_packing_leaves_the_original(tmp_path: Path) -> None:
    path = tmp_path / "scans.csv"
    path.write_text("x" * 1000, encoding="utf-8")

    with pytest.raises(OSError, match="reads back differently"):
        durable.compress(path, tmp_path / "scans.csv.gz", "another digest")

    assert path.exists()
    assert not (tmp_path / "scans.csv.gz").exists()


def test_the_sample_settings_name_every_key_with_its_default() -> None:
    text = (Path(__file__).parent.parent / "samples" / "audit.toml").read_text("utf-8")
    given = tomllib.loads(text)["night"]
    (inbox,) = tomllib.loads(re.sub(r"^# (?=\[\[night|\w+ = )", "", text, flags=re.MULTILINE))[
        "night"
    ]["inboxes"]

    assert given == NightSettings().model_dump(exclude={"inboxes"})
    assert set(inbox) == set(InboxSettings.model_fields)
    assert inbox["files"] == InboxSettings(name="a", folder="a").files


def test_settings_name_each_inbox_once(tmp_path: Path) -> None:
    twice = SETTINGS.replace('name = "physicians"', 'name = "hospital"')

    with pytest.raises(AuditError, match="two inboxes are named hospital"):
        make_site(tmp_path / "site", twice)


def test_a_site_without_inboxes_is_wrong_usage(tmp_path: Path) -> None:
    with pytest.raises(AuditError, match="names no inbox") as caught:
        make_site(tmp_path / "site", "[night]\n")

    assert caught.value.exit_code == 2
