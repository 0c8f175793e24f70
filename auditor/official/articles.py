"""Articles of the coverage database: which of them speak of our services, and since when.

The download holds the newest version of each article alone. Its dates are those of that version:
``article_pub_date`` the first of all, ``article_eff_date`` the revision's, blank before the first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from auditor.official.contract_rates import day_of
from auditor.official.kind import Misfit
from auditor.official.plain_rows import Rows

SERVICES = {
    "ccta": ("75574",),
    "ffrct": ("75580", "0501T", "0503T"),
}
ARTICLE = {"article": r"ARTICLE_ID", "version": r"ARTICLE_VERSION"}
ABOUT = {
    "status": r"STATUS",
    "revised": r"ARTICLE_EFF_DATE",
    "published": r"ARTICLE_PUB_DATE",
    "end": r"ARTICLE_END_DATE",
    "revision_end": r"ARTICLE_REV_END_DATE",
    "retired": r"DATE_RETIRED",
    "draft": r"DISPLAY_ID",
}
RETIRING = {"article": r"ARTICLE_ID", "day": r"RETIRE_DT"}
_ENDS = ("end", "revision_end")
_PROPOSED = "P"
Key = tuple[str, str]


@dataclass(frozen=True)
class Article:
    """The newest version of an article: the services it speaks of, and its first and last day.

    Days are blank where the files don't say; the last one is in force yet.
    """

    services: str
    first: str = ""
    last: str = ""


def articles_of(
    codes: Rows, about: Rows | None, retiring: Rows | None, misfits: list[Misfit]
) -> dict[Key, Article]:
    """The articles about our services by number and version, drafts and ended ones left out."""
    speaking = _speaking(codes)
    dates, drafts = _dated(about, speaking, misfits)
    ends = _retiring(retiring, misfits)
    newest: dict[str, str] = {}
    for article, version in speaking:
        if (article, version) not in drafts:
            newest[article] = max(newest.get(article, ""), version, key=number)
    found = {}
    for (article, version), services in speaking.items():
        if newest.get(article) != version:
            continue
        first, last = dates.get((article, version), ("", ""))
        last = min(filter(None, (last, ends.get(article, ""))), default="")
        if not last or first <= last:
            found[article, version] = Article(" ".join(sorted(services)), first, last)
    return found


def number(text: str) -> int:
    """A number that orders versions and rows."""
    return int(text) if text.isdigit() else -1


def _speaking(codes: Rows) -> dict[Key, set[str]]:
    found: dict[Key, set[str]] = {}
    begun: dict[tuple[str, ...], str] = {}
    for _, _, (article, version, code, mark, group) in codes.kept:
        first = begun.pop((article, version, group), code) if mark.upper() == "E" else code
        if mark.upper() == "B":
            begun[article, version, group] = code
        for service, ours in SERVICES.items():
            if any(first <= one <= code for one in ours):
                found.setdefault((article, version), set()).add(service)
    return found


def _dated(
    about: Rows | None, speaking: Mapping[Key, object], misfits: list[Misfit]
) -> tuple[dict[Key, tuple[str, str]], set[Key]]:
    dates: dict[Key, tuple[str, str]] = {}
    drafts: set[Key] = set()
    for row, file, (article, version, *words) in about.kept if about else []:
        key = (article, version)
        if key not in speaking:
            continue
        cells = dict(zip(ABOUT, words, strict=True))
        if cells["draft"] or cells["status"].upper().startswith(_PROPOSED):
            drafts.add(key)
            continue
        try:
            days = {name: day(cells[name]) for name in ABOUT if name not in ("status", "draft")}
        except ValueError as fault:
            misfits.append(Misfit(file, row, str(fault), f"A{article}"))
            continue
        ends = [days[name] for name in _ENDS if days[name]] or [days["retired"]]
        dates[key] = days["revised"] or days["published"], min(ends)
    return dates, drafts


def _retiring(retiring: Rows | None, misfits: list[Misfit]) -> dict[str, str]:
    found = {}
    for row, file, (article, word) in retiring.kept if retiring else []:
        try:
            found[article] = day(word)
        except ValueError as fault:
            misfits.append(Misfit(file, row, str(fault), f"A{article}"))
    return found


def day(text: str) -> str:
    """The day of a cell such as ``2026-01-05 00:00:00``, blank for ``N/A`` or nothing.

    Raises ValueError for anything else.
    """
    word = text.split(" ")[0]
    return "" if word.upper() in ("", "N/A", "NULL") else day_of(word)


def last_update(words: Sequence[str]) -> date | None:
    """The latest of some days, None where there is none."""
    found = []
    for word in words:
        try:
            found.append(day(word))
        except ValueError:
            continue
    latest = max(found, default="")
    return date.fromisoformat(latest) if latest else None
