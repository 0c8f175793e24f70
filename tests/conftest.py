"""What tests of several files share: Chromium for the page, how Spark and properties run."""

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# On a busy machine any example takes longer than others: how long says nothing of a property.
hypothesis.settings.register_profile("auditor", deadline=None)
hypothesis.settings.load_profile("auditor")

# Programs that tests start keep their compiled modules, as installed ones do, and start sooner.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
# Spark's own programs run so shortly that compiling them well costs more than it gives.
_QUICKLY = "-XX:TieredStopAtLevel=1"
os.environ.setdefault(
    "PYSPARK_SUBMIT_ARGS",
    f"--conf spark.ui.enabled=false --conf spark.driver.extraJavaOptions={_QUICKLY} "
    f"--conf spark.executor.extraJavaOptions={_QUICKLY} pyspark-shell",
)

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
WITHOUT_LIST = ("clean", "empty")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Spark's long tests come first, so that no worker is left alone with them at the end."""
    items.sort(key=lambda item: item.get_closest_marker("spark") is None)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The page of an invented run by its name, written when first asked for."""
    import sample_history
    import sample_run

    from auditor.report.content import build
    from auditor.report.html import render

    folder = tmp_path_factory.mktemp("pages")
    made = {
        "small": lambda: render(build(sample_run.small_run())),
        "decided": lambda: render(build(sample_run.decided_run())),
        "long_numbers": lambda: render(build(sample_run.long_numbers_run())),
        "hostile": lambda: render(build(sample_run.hostile_run())),
        "clean": lambda: render(build(sample_run.clean_run())),
        "empty": lambda: render(build(sample_run.empty_run())),
        "history": lambda: render(build(sample_history.history_run())),
        "first_night": lambda: render(build(sample_history.first_night_run())),
        "partial": lambda: render(build(sample_run.small_run()), most_bytes=8_000),
        "large": lambda: render(build(sample_run.large_run())),
    }

    def file_of(name: str) -> Path:
        path = folder / f"{name}.html"
        if not path.exists():
            path.write_text(made[name](), encoding="utf-8", newline="\n")
        return path

    return file_of


@pytest.fixture
def visit(browser: Any, page_file: Callable[[str], Path]) -> Iterator[Callable[..., Any]]:
    """Opens a page by its name; at the end nothing may have been said, asked or requested."""
    contexts, faults = [], []

    def opened(name: str = "small", address: str = "", **options: Any) -> Any:
        size = {"width": 1280, "height": 800}
        context = browser.new_context(**{"viewport": size, "accept_downloads": True, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: faults.append(message.text))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("dialog", lambda dialog: (faults.append(dialog.message), dialog.dismiss()))
        page.on(
            "request",
            lambda request: (
                None
                if request.url.startswith(("file:", "data:", "blob:"))
                else faults.append(request.url)
            ),
        )
        page.goto(page_file(name).as_uri() + address)
        if name not in WITHOUT_LIST and options.get("java_script_enabled", True):
            page.wait_for_selector("#filters:not([hidden])")
        return page

    yield opened
    for context in contexts:
        context.close()
    assert faults == []
