"""The mail as a browser draws it: no request, no sideways scrolling, nothing too faint to read."""

import base64
import re
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from sample_history import history_run
from sample_run import clean_run

from auditor.mail import summary_of
from auditor.mail.letter import letter
from auditor.mail_settings import RecipientSettings
from auditor.report.content import Run
from tests.mail_runs import folder_of, settings_of

DIRECTOR = RecipientSettings(address="director@hospital.example")
KINDS: dict[str, tuple[Run, dict[str, Any]]] = {
    "charts": (history_run(), {"charts": True}),
    "bars": (history_run(), {"link": "https://reports.hospital.example/{run}"}),
    "few": (history_run(), {"smallest_count": 11}),
    "clean": (clean_run(), {}),
}


def page_of(message: EmailMessage) -> str:
    """The HTML part with its pictures put in, as a mail program does."""
    part = message.get_body(("html",))
    assert part is not None
    page = str(part.get_content())
    for inner in message.walk():
        if name := inner["Content-ID"]:
            data = base64.b64encode(inner.get_payload(decode=True)).decode()  # type: ignore[arg-type]
            page = page.replace(f"cid:{name.strip('<>')}", f"data:image/png;base64,{data}")
    return page


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("mails")
    written = {}
    for name, (run, mail) in KINDS.items():
        summary = summary_of(folder_of(place / name, run))
        made = letter(summary, DIRECTOR, settings_of(DIRECTOR, **mail)).message
        written[name] = place / f"{name}.html"
        written[name].write_text(page_of(made), encoding="utf-8")
        # A program that does not know the query for dark colours keeps the light ones.
        simple = re.sub(r"@media.*?}\s*}", "", page_of(made), flags=re.DOTALL)
        written[f"{name} without query"] = place / f"{name}-simple.html"
        written[f"{name} without query"].write_text(simple, encoding="utf-8")
    return written


@pytest.fixture
def shown(browser: Any, pages: dict[str, Path]) -> Iterator[Any]:
    contexts, requests = [], []

    def opened(name: str, width: int, scheme: str) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.on(
            "request",
            lambda asked: (
                None if asked.url.startswith(("file:", "data:")) else requests.append(asked.url)
            ),
        )
        page.goto(pages[name].as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert requests == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", [*KINDS, "bars without query"])
def test_a_mail_fits_desk_and_phone_and_is_legible(name: str, scheme: str, shown: Any) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    for width in (640, 390):
        page = shown(name, width, scheme)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        faults = [
            (fault["id"], node["target"])
            for fault in axe.run(page).response["violations"]
            for node in fault["nodes"]
            # A mail is no page: it has no landmarks to put its parts into.
            if fault["id"] not in ("region", "landmark-one-main")
        ]
        assert faults == []


def test_pictures_are_drawn(shown: Any) -> None:
    page = shown("charts", 640, "light")

    widths = page.eval_on_selector_all("img", "found => found.map(one => one.naturalWidth)")
    assert len(widths) >= 1
    assert all(width == 1184 for width in widths)
