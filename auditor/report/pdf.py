"""report.pdf: the summary and the rules on paper, for those who take no page and no workbook.

No finding, claim or patient stands in it; the rows lie in the other reports. weasyprint draws it,
which is an extra because it needs the system's Pango library.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any, NoReturn

from markupsafe import Markup

from auditor.errors import AuditError
from auditor.report.content import Report
from auditor.report.html import environment, facts
from auditor.shipped import templates_dir

NAME = "report.pdf"
# weasyprint gives the rules of a page's styles to its drawings only from inside them.
_DRAWN = """
rect.denial { fill: #b8372d } rect.review { fill: #d9972b } rect.note { fill: #8fa6bb }
rect.risk { fill: #2d4a68 } rect.missed, rect.resolved { fill: #2c8a7d }
rect.new { fill: #15578a } rect.reopened { fill: #b8372d } rect.persisting { fill: #8fa6bb }
text { font-size: 11px; font-family: sans-serif; fill: #53606c }
line.grid { stroke: #d8dee4 } line.axis { stroke: #53606c }
"""


def require() -> Any:
    """The library that draws. Raises AuditError, one line with the way out, if it can't be used."""
    try:
        import weasyprint
    except ImportError as fault:
        raise AuditError(
            "format pdf: its library is not installed; pip install 'weasyprint>=63,<71'",
            exit_code=2,
        ) from fault
    except OSError as fault:
        raise AuditError(
            "format pdf: weasyprint finds no Pango library; install it (Debian: libpango-1.0-0, "
            "libpangoft2-1.0-0)",
            exit_code=2,
        ) from fault
    return weasyprint


def write(report: Report, path: Path) -> None:
    """Writes the PDF, letter paper. Raises AuditError if the library is not installed."""
    weasyprint = require()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    document = weasyprint.HTML(string=render(report), url_fetcher=_refused)
    document.write_pdf(path)


def render(report: Report) -> str:
    """The document as HTML."""
    style = (templates_dir() / "styles" / "pdf.css").read_text(encoding="utf-8")
    return (
        environment(report)
        .get_template("pdf.html.j2")
        .render(
            facts(report)
            | {
                "style": Markup(style),  # noqa: S704  our own file
                "drawn": Markup(_DRAWN),  # noqa: S704  our own text
            }
        )
    )


def _refused(*_: Any, **__: Any) -> NoReturn:
    """Nothing is fetched: the document holds all it shows."""
    raise ValueError("the report fetches nothing")
