"""The message: its parts, its headers, what it holds and what it never may."""

import email
import io
import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msoffcrypto.format.ooxml
import openpyxl
import pytest
from pydantic import ValidationError

from auditor.errors import AuditError
from auditor.mail import failure, message, summary_of
from auditor.mail.letter import letter
from auditor.mail.words import plain
from auditor.mail_settings import MailSettings, RecipientSettings
from auditor.report.content import build
from auditor.report.workbook import write_workbook
from auditor.rule import FAMILIES, SEVERITIES
from auditor.settings import Settings
from tests.mail_runs import folder_of, renamed, settings_of
from tests.sample_run import clean_run, hostile_run, large_run, small_run
from tests.test_report_summary import with_history

DIRECTOR = RecipientSettings(address="director@hospital.example")
PASSWORD = "a long pass phrase"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = with_history(small_run())
    place = folder_of(tmp_path_factory.mktemp("letter"), run)
    write_workbook(build(run), place / "report.xlsx")
    return place


def built(
    folder: Path, settings: Settings, recipient: RecipientSettings = DIRECTOR
) -> EmailMessage:
    """The message as a reader's program takes it apart."""
    content = message(summary_of(folder), recipient, settings).as_bytes()
    return email.message_from_bytes(content, policy=SMTP)  # type: ignore[return-value]


def html_of(message: EmailMessage) -> str:
    part = message.get_body(("html",))
    assert part is not None
    return str(part.get_content())


def text_of(message: EmailMessage) -> str:
    part = message.get_body(("plain",))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


def parts_of(message: EmailMessage) -> list[str]:
    return [part.get_content_type() for part in message.walk()]


class Tags(HTMLParser):
    """Tags with their attributes, and the text between them."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_text_comes_first_then_html_with_its_pictures(folder: Path) -> None:
    settings = settings_of(DIRECTOR, charts=True)

    assert parts_of(built(folder, settings)) == [
        "multipart/alternative",
        "text/plain",
        "multipart/related",
        "text/html",
        "image/png",
    ]
    plain_bars = built(folder, settings_of(DIRECTOR, charts=False))
    assert parts_of(plain_bars) == ["multipart/alternative", "text/plain", "text/html"]


def test_each_picture_is_shown_by_its_content_id_and_says_what_it_shows(folder: Path) -> None:
    mail = built(folder, settings_of(DIRECTOR, charts=True))
    pictures = {
        part["Content-ID"].strip("<>"): part.get_content()
        for part in mail.walk()
        if part.get_content_type() == "image/png"
    }
    shown = [tag for name, tag in Tags(html_of(mail)).tags if name == "img"]

    assert {str(tag["src"]).removeprefix("cid:") for tag in shown} == set(pictures)
    assert all("$" in str(tag["alt"]) for tag in shown)
    assert all(png.startswith(b"\x89PNG") and len(png) < 100_000 for png in pictures.values())


def test_html_is_tables_with_styles_in_the_tags_and_asks_for_nothing(folder: Path) -> None:
    page = html_of(built(folder, settings_of(DIRECTOR)))
    tags = Tags(page).tags

    assert {name for name, _ in tags} <= {
        *("html", "head", "meta", "title", "style", "body", "table", "tbody", "tr", "td", "th"),
        *("h1", "h2", "p", "b", "br", "span", "a", "img"),
    }
    assert not re.search(r"https?://|url\(|@import|javascript:|\son\w+=", page)
    assert all("style" in given for name, given in tags if name in ("td", "th", "p", "h1", "h2"))
    assert all(given.get("role") or given.get("class") for name, given in tags if name == "table")
    assert "max-width: 640px" in page
    assert len(page.encode()) < 100_000


def test_fifty_thousand_findings_make_no_larger_a_mail(tmp_path: Path) -> None:
    mail = built(folder_of(tmp_path, large_run()), settings_of(DIRECTOR))

    assert len(html_of(mail).encode()) < 100_000


def test_the_text_twin_has_the_figures_of_the_html(folder: Path) -> None:
    mail = built(folder, settings_of(DIRECTOR))
    figures = r"\$[\d,]+|\d[\d,]* (?:likely denials:|findings that|lines|rules)"
    html = " ".join(" ".join(Tags(html_of(mail)).words).split())
    text = " ".join(text_of(mail).split())

    assert set(re.findall(figures, html)) == set(re.findall(figures, text))
    assert len(set(re.findall(figures, text))) > 20
    lines = text_of(mail).splitlines()
    assert [line for line in lines if len(line) > 78 and "/" not in line] == []


def test_headers_say_who_what_and_that_no_person_wrote_it(folder: Path) -> None:
    mail = built(folder, settings_of(DIRECTOR))

    assert mail["From"] == "Claim audit <audit@hospital.example>"
    assert mail["To"] == "director@hospital.example"
    assert re.fullmatch(
        r"\[Claim audit\] Cardiology 30 Jun 2026: \$[\d,]+ at risk, \d+ likely denials – correct",
        mail["Subject"],
    )
    assert mail["Auto-Submitted"] == "auto-generated"
    assert re.fullmatch(r"<[0-9a-f]{24}@hospital\.example>", mail["Message-ID"])
    assert mail["Date"].datetime.tzinfo is not None
    assert {name.lower() for name in mail} == {
        *("from", "to", "subject", "date", "message-id", "references", "auto-submitted"),
        *("x-auto-response-suppress", "mime-version", "content-type"),
    }


def test_the_message_is_ascii_in_lines_that_every_server_takes(folder: Path) -> None:
    content = message(summary_of(folder), DIRECTOR, settings_of(DIRECTOR, charts=True)).as_bytes()

    assert content.isascii()
    assert max(len(line) for line in content.split(b"\r\n")) < 998
    assert b"<!--[if mso]>" in content


def test_one_run_and_recipient_have_one_message_id_and_nights_thread(tmp_path: Path) -> None:
    first = folder_of(tmp_path / "first")
    second = folder_of(tmp_path / "second", renamed(small_run(), "ffffffffffff"))
    settings = settings_of(DIRECTOR)
    other = RecipientSettings(address="analyst@hospital.example")

    ids = [built(one, settings)["Message-ID"] for one in (first, first, second)]
    assert ids[0] == ids[1] != ids[2]
    assert built(first, settings, other)["Message-ID"] != ids[0]
    # Another site's night of that day, from the same sender to the same person.
    assert built(folder_of(tmp_path / "elsewhere"), settings)["Message-ID"] != ids[0]
    threads = {built(one, settings)["References"] for one in (first, second)}
    assert len(threads) == 1
    assert threads.isdisjoint(ids)


def test_the_same_moment_gives_the_same_words(folder: Path) -> None:
    moment = datetime(2026, 7, 1, 6, 0, tzinfo=UTC)
    settings = settings_of(DIRECTOR, charts=True)
    first, second = (
        message(summary_of(folder), DIRECTOR, settings, moment).as_bytes() for _ in range(2)
    )
    boundaries = rb"=+\d{10,}=+"

    assert re.sub(boundaries, b"", first) == re.sub(boundaries, b"", second)


@pytest.mark.parametrize("key", ["site", "link", "host", "user", "ca_file"])
@pytest.mark.parametrize("end", ["\r\nBcc: x@evil.example", "\n", "\r", "\x85", "\u2028", "\x00"])
def test_no_setting_opens_a_second_header(key: str, end: str) -> None:
    with pytest.raises(ValidationError, match="control character"):
        MailSettings.model_validate({key: "Cardiology" + end})


@pytest.mark.parametrize(
    "address",
    [
        "a@b.example\r\nBcc: c@d.example",
        "a b@c.example",
        "a@b.example, c@d.example",
        "Me <a@b.c>",
        "",
    ],
)
def test_an_address_is_one_address(address: str) -> None:
    with pytest.raises(ValidationError):
        RecipientSettings(address=address)


def test_hostile_texts_of_an_export_stand_nowhere(tmp_path: Path) -> None:
    mail = built(folder_of(tmp_path, hostile_run()), settings_of(DIRECTOR))
    for said in (html_of(mail), text_of(mail), str(mail["Subject"])):
        assert not re.search("alert|HYPERLINK|onerror|cmd|x\\.example|\u202e", said)


def test_quiet_nights_say_how_much_was_checked_and_what_was_not(tmp_path: Path) -> None:
    mail = built(folder_of(tmp_path, clean_run()), settings_of(DIRECTOR))

    assert mail["Subject"].endswith("no findings – 89.4 % checked")
    assert "left something not evaluated" in " ".join(text_of(mail).split())
    assert (
        "add column received_date to unlock filed_late" in " ".join(text_of(mail).split()).lower()
    )


@pytest.mark.parametrize(
    ("judged", "ending"),
    [
        (20, "no findings, but only 5.0 % could be checked – look"),
        (1, "no findings – clean"),
    ],
)
def test_a_night_is_called_clean_only_if_all_was_checked(
    tmp_path: Path, judged: int, ending: str
) -> None:
    run = clean_run()
    books = run.audit.books.copy()
    books["clean"] = books["in_scope"] // judged
    books["not_evaluated"] = books["in_scope"] - books["clean"]
    mail = built(
        folder_of(tmp_path, replace(run, audit=replace(run.audit, books=books))),
        settings_of(DIRECTOR),
    )

    assert mail["Subject"].endswith(ending)
    assert ("This is no clean result" in " ".join(text_of(mail).split())) == (judged == 20)


def test_what_changed_and_the_nights_before_are_told_with_a_history(folder: Path) -> None:
    text = text_of(built(folder, settings_of(DIRECTOR)))

    assert "WHAT CHANGED SINCE 29 JUN 2026" in text
    for label in ("New", "Reopened", "Persisting"):
        assert re.search(rf"^{label} +\d+$", text, re.MULTILINE)
    assert re.search(r"^Resolved +20 \(\$2 at risk recovered\)$", text, re.MULTILINE)
    assert "29 Jun 2026" in text


@pytest.mark.parametrize("count", [0, 1, 2])
def test_notes_that_stand_first_in_the_report_are_pointed_to_and_not_told(
    tmp_path: Path, count: int
) -> None:
    asides = ("hospital.xlsx: only the sheet 'A' was read", "2 numbers stand with zeros")[:count]
    mail = built(folder_of(tmp_path, replace(small_run(), asides=asides)), settings_of(DIRECTOR))

    for part in (text_of(mail), html_of(mail)):
        words = " ".join(part.split())
        said = {1: "Mind first the note at the head of the report.", 2: "Mind first the 2 notes at"}
        assert [n for n, sentence in said.items() if sentence in words] == [count][: count > 0]
        assert "hospital.xlsx" not in words


# Where the report lies.


@pytest.mark.parametrize(
    ("link", "said", "anchor"),
    [
        ("https://reports.example/{run}", "https://reports.example/0a1b2c3d4e5f", True),
        ("\\\\share\\audit\\{folder}", "\\\\share\\audit\\night", False),
        ("javascript://x/{run}", "javascript://x/0a1b2c3d4e5f", False),
    ],
)
def test_a_link_is_an_anchor_only_where_it_leads_to_a_page(
    link: str, said: str, anchor: bool, tmp_path: Path
) -> None:
    mail = built(folder_of(tmp_path / "night"), settings_of(DIRECTOR, link=link))

    assert said in text_of(mail)
    hrefs = [given["href"] for name, given in Tags(html_of(mail)).tags if name == "a"]
    assert hrefs == ([said] if anchor else [])


def test_without_a_link_the_path_is_told_and_nothing_attached(folder: Path) -> None:
    mail = built(folder, settings_of(DIRECTOR))

    assert str(folder) in text_of(mail)
    assert not list(mail.iter_attachments())


# Failures.


def failed(reason: str, settings: Settings) -> EmailMessage:
    moment = datetime(2026, 7, 1, 2, 15, tzinfo=UTC)
    summary = failure("night-7", date(2026, 7, 1), moment, reason)
    return message(summary, DIRECTOR, settings)


def test_a_failure_is_told_in_words() -> None:
    mail = failed("hospital.csv: is cut short; export it again", settings_of(DIRECTOR))

    assert mail["Subject"] == "[Claim audit] Cardiology 1 Jul 2026: FAILED, there is no report"
    assert "hospital.csv: is cut short; export it again" in text_of(mail)
    assert "is cut short" in html_of(mail)


def test_a_reason_gives_no_identifier_away() -> None:
    said = plain(
        "a.csv row 12: 'Jane Roe' born 1957-03-09,\r\nclaim 30101400, can't be read; isn't it"
    )

    assert (
        said == "a.csv row 12: 'AAAA AAA' born 9999-99-99, claim 99999999, can't be read; isn't it"
    )
    assert len(plain("long " * 200)) <= 400


def test_a_failed_and_a_later_good_run_are_two_messages(folder: Path) -> None:
    settings = settings_of(DIRECTOR)
    summary = summary_of(folder)
    bad = failure(summary.run, summary.as_of, summary.started_at, "no room on the disk")

    assert message(bad, DIRECTOR, settings)["Message-ID"] != built(folder, settings)["Message-ID"]


# The workbook.

WANTS = RecipientSettings(address="analyst@hospital.example", workbook=True)


def attached(folder: Path, **mail: Any) -> tuple[list[EmailMessage], str, str]:
    letter_ = letter(summary_of(folder), WANTS, settings_of(WANTS, **mail))
    parts = [part for part in letter_.message.iter_attachments() if part.get_filename()]
    return parts, text_of(letter_.message), letter_.warning  # type: ignore[return-value]


def test_the_workbook_goes_under_a_password_that_holds(folder: Path, monkeypatch) -> None:
    monkeypatch.setenv("WORKBOOK_PASSWORD", PASSWORD)
    (part,), text, warning = attached(folder, workbook_password_env="WORKBOOK_PASSWORD")
    content = part.get_content()

    assert part.get_filename() == "claim-audit-2026-06-30.xlsx"
    assert "The workbook is attached. Its password is not in any mail." in text
    assert PASSWORD not in text
    assert warning == ""
    assert b"P000" not in content
    with pytest.raises(Exception, match=r"zip|File"):
        openpyxl.load_workbook(io.BytesIO(content))
    locked = msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(content))
    locked.load_key(password=PASSWORD, verify_password=True)
    opened = io.BytesIO()
    locked.decrypt(opened)
    assert opened.getvalue() == (folder / "report.xlsx").read_bytes()
    assert openpyxl.load_workbook(opened, read_only=True).sheetnames


@pytest.mark.parametrize("password", [None, "", "short"])
def test_without_a_good_password_the_mail_goes_and_the_workbook_stays(
    password: str | None, folder: Path, monkeypatch
) -> None:
    monkeypatch.delenv("WORKBOOK_PASSWORD", raising=False)
    if password is not None:
        monkeypatch.setenv("WORKBOOK_PASSWORD", password)
    parts, text, warning = attached(folder, workbook_password_env="WORKBOOK_PASSWORD")

    assert parts == []
    assert "WORKBOOK_PASSWORD holds no password" in " ".join(text.split())
    assert "WORKBOOK_PASSWORD" in warning


def test_a_workbook_that_cannot_be_locked_stays_here(
    folder: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setenv("WORKBOOK_PASSWORD", PASSWORD)
    monkeypatch.setattr(
        "msoffcrypto.format.ooxml.OOXMLFile.encrypt",
        lambda self, password, out: out.write((folder / "report.xlsx").read_bytes()),
    )
    parts, _, warning = attached(folder, workbook_password_env="WORKBOOK_PASSWORD")

    assert parts == []
    assert "encrypting it failed" in warning


def test_an_open_workbook_needs_a_channel_that_the_settings_call_encrypted(folder: Path) -> None:
    with pytest.raises(ValidationError, match="workbook_password_env, or channel_is_encrypted"):
        settings_of(WANTS, security="starttls")
    with pytest.raises(ValidationError, match="contradicts"):
        settings_of(WANTS, security="none", channel_is_encrypted=True)
    (part,), text, _ = attached(folder, security="starttls", channel_is_encrypted=True)

    assert part.get_content() == (folder / "report.xlsx").read_bytes()
    assert "The workbook is attached." in text


def test_a_filter_and_the_workbook_exclude_each_other() -> None:
    with pytest.raises(ValidationError, match="no workbook with a filter"):
        RecipientSettings(address="a@b.example", payers=["Medicare"], workbook=True)


def test_a_workbook_past_the_limit_stays_here(folder: Path, tmp_path: Path) -> None:
    place = folder_of(tmp_path)
    (place / "report.xlsx").write_bytes(b"x" * 1_000_001)
    parts, _, warning = attached(
        place, security="starttls", channel_is_encrypted=True, attachment_megabytes=1
    )

    assert parts == []
    assert "larger than 1 MB" in warning


# What cannot be mailed.


@pytest.mark.parametrize("missing", ["report.json", "findings.parquet"])
def test_a_folder_without_what_the_mail_reads_is_one_clear_line(
    missing: str, tmp_path: Path
) -> None:
    (folder_of(tmp_path) / missing).unlink()
    with pytest.raises(AuditError, match=rf"holds no {missing}") as fault:
        summary_of(tmp_path)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', '{"format": 1}'])
def test_a_spoilt_report_json_is_one_clear_line(content: str, tmp_path: Path) -> None:
    (folder_of(tmp_path) / "report.json").write_text(content, encoding="utf-8")
    with pytest.raises(AuditError, match="run the audit again"):
        summary_of(tmp_path)


@pytest.mark.parametrize("key", ["rules", "lines", "coverage", "unlocks", "changes"])
def test_a_report_json_with_a_part_cut_out_is_one_clear_line(key: str, tmp_path: Path) -> None:
    path = folder_of(tmp_path) / "report.json"
    facts = json.loads(path.read_text(encoding="utf-8"))
    del facts[key]
    path.write_text(json.dumps(facts), encoding="utf-8")

    with pytest.raises(AuditError, match="has been changed"):
        built(tmp_path, settings_of(DIRECTOR))


def test_a_cut_findings_file_is_one_clear_line(tmp_path: Path) -> None:
    path = folder_of(tmp_path) / "findings.parquet"
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(AuditError, match="can't be read"):
        summary_of(tmp_path)


def test_without_matplotlib_bars_of_table_cells_stand_in(folder: Path, monkeypatch) -> None:
    monkeypatch.setattr("auditor.mail.charts.find_spec", lambda name: None)
    mail = built(folder, settings_of(DIRECTOR, charts=True))

    assert "image/png" not in parts_of(mail)
    bars = [given for name, given in Tags(html_of(mail)).tags if given.get("class") == "bar"]
    assert len(bars) > 5


def test_a_history_of_nights_is_drawn(tmp_path: Path) -> None:
    run = with_history(small_run())
    assert run.changes
    nights = tuple(
        replace(run.changes.nights[0], as_of=date(2026, 6, day), still_open_at_risk_cents=day * 900)
        for day in range(1, 29)
    )
    longer = replace(run, changes=replace(run.changes, nights=(*nights, run.changes.tonight)))
    mail = built(folder_of(tmp_path, longer), settings_of(DIRECTOR, charts=True))

    assert parts_of(mail).count("image/png") == 2
    alts = [str(given["alt"]) for name, given in Tags(html_of(mail)).tags if name == "img"]
    assert any("still open over 29 runs" in alt for alt in alts)


def test_the_nights_table_says_that_it_counts_what_came_back_too(tmp_path: Path) -> None:
    run = with_history(small_run())
    assert run.changes
    nights = tuple(
        replace(run.changes.nights[0], as_of=date(2026, 6, day), new=1, reopened=1)
        for day in (1, 2)
    )
    folder = folder_of(tmp_path, replace(run, changes=replace(run.changes, nights=nights)))
    mail = built(folder, settings_of(DIRECTOR))

    (heading,) = re.findall(r"^Night +(.+?)  +Resolved$", text_of(mail), re.MULTILINE)
    assert heading == "New or back"
    assert ">New or back</th>" in html_of(mail)
    assert re.search(r"1 Jun 2026 +2 +\d+$", text_of(mail), re.MULTILINE)


LIMIT = 11
PARTS: list[dict[str, Any]] = [
    {},
    *({"families": [name]} for name in FAMILIES),
    *({"severities": [name]} for name in SEVERITIES),
    {"payers": ["Sample Mutual"]},
]


@pytest.mark.parametrize("part", PARTS, ids=str)
def test_no_count_below_the_limit_stands_in_a_mail(part: dict[str, Any], folder: Path) -> None:
    recipient = RecipientSettings(address="someone@hospital.example", **part)
    mail = built(folder, settings_of(recipient, smallest_count=LIMIT), recipient)
    text = text_of(mail)
    told = text[: text.index("WHAT WAS READ")].replace(f"fewer than {LIMIT}", "")
    # Figures stand at the end of a line; days and words of titles don't.
    counts = re.findall(r" {2,}(\d[\d,]*)$", told, re.MULTILINE)
    counts += re.findall(r" {2,}(\d[\d,]*) +\S*\$?\S+ +\S+$", told, re.MULTILINE)
    counts += re.findall(r"(\d[\d,]*) (?:likely|findings? (?:that|to)|notes?)", told)
    counts += re.findall(r"(\d[\d,]*) (?:likely|findings? to|notes?)", str(mail["Subject"]))

    numbers = [int(count.replace(",", "")) for count in counts]
    assert not [number for number in numbers if 0 < number < LIMIT]
    if not part:
        assert len(numbers) > 8
