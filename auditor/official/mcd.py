"""Medicare Coverage Database, articles: which diagnoses a contractor lists for CCTA and FFR-CT.

The tables come as CSV inside an archive inside an archive; articles about other services are left
out and counted. ``contractor.csv`` beside them says which contractor a number is.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date

from auditor.errors import AuditError
from auditor.official.kind import Asked, Kind, Misfit, Reading, once_each, text_table
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.shipped import reference_dir

_SERVICES = {
    "ccta": ("75574",),
    "ffrct": ("75580", "0501T", "0503T"),
}
_ARTICLE = {"article": r"ARTICLE_ID", "version": r"ARTICLE_VERSION"}
_TABLES: dict[str, dict[str, str]] = {
    "article_x_icd10_covered": _ARTICLE | {"icd10": r"ICD10_CODE_ID"},
    "article_x_hcpc_code": _ARTICLE | {"code": r"HCPC_CODE_ID"},
    "article_x_contractor": _ARTICLE | {"contractor": r"CONTRACT(OR)?_ID"},
    "contractor": {"contractor": r"CONTRACTOR_ID", "number": r"CONTRACTOR_NUMBER"},
}
_OPTIONAL: dict[str, dict[str, str]] = {
    "article_x_icd10_covered": {"range": r"RANGE", "updated": r"LAST_UPDATED"},
    "contractor": {"name": r"CONTRACTOR_BUS_NAME"},
}
_DIAGNOSES = ("list_id", "icd10", "service", "complete")
_POLICIES = (
    "policy_id",
    "jurisdiction",
    "service",
    "contractor",
    "stance",
    "diagnosis_list",
    "revised_on",
)
_ICD10 = re.compile(r"[A-Z][0-9][0-9A-Z](\.[0-9A-Z]{1,4})?")


def read(files: Sequence[Published], _asked: Asked) -> Reading:
    """The lists of the articles about our services, by contractor."""
    by_table = {_table_of(file): file for file in files}
    missing = [f"{name}.csv" for name in _TABLES if name not in by_table]
    if missing:
        raise AuditError(
            f"the coverage database's {missing[0]} was not given; give the archive "
            "current_article.zip, or its files together"
        )
    rows = {name: _rows(by_table[name], name) for name in _TABLES}
    services = _services(rows["article_x_hcpc_code"])
    diagnoses = rows["article_x_icd10_covered"]
    misfits = [misfit for table in rows.values() for misfit in table.misfits]
    listed, left_out = _listed(diagnoses, services, misfits)
    policies = _policies(rows, services, misfits)
    return Reading(
        tables={
            "coverage_diagnoses": text_table(_DIAGNOSES, listed),
            "coverage_policies": text_table(_POLICIES, policies),
        },
        misfits=misfits,
        read={name: count for table in rows.values() for name, count in table.read.items()},
        edition=_last_update(diagnoses),
        left_out={"rows of articles about other services": left_out},
    )


def _table_of(file: Published) -> str:
    return file.name.rsplit(".", 1)[0].lower()


def _rows(file: Published, name: str) -> Rows:
    columns = [*_TABLES[name], *_OPTIONAL.get(name, {})]

    def taken(cells: Mapping[str, str]) -> list[str]:
        if not cells[columns[0]]:
            raise ValueError("has no number in its first column")
        return [cells[column] for column in columns]

    rows = Rows()
    rows.take(file, _TABLES[name], taken, _OPTIONAL.get(name))
    return rows


def _services(rows: Rows) -> dict[tuple[str, str], str]:
    """The services that an article (by number and version) speaks of, of ours."""
    found: dict[tuple[str, str], set[str]] = {}
    for _, _, (article, version, code) in rows.kept:
        for service, codes in _SERVICES.items():
            if code in codes:
                found.setdefault((article, version), set()).add(service)
    newest: dict[str, str] = {}
    for article, version in found:
        newest[article] = max(newest.get(article, ""), version, key=_number)
    return {
        key: " ".join(sorted(services))
        for key, services in found.items()
        if newest[key[0]] == key[1]
    }


def _number(text: str) -> int:
    return int(text) if text.isdigit() else -1


def _listed(
    rows: Rows, services: Mapping[tuple[str, str], str], misfits: list[Misfit]
) -> tuple[list[list[str]], int]:
    """Diagnoses by list. A row that stands for a range makes its list one that is not complete."""
    ours = [
        (number, file, words) for number, file, words in rows.kept if tuple(words[:2]) in services
    ]
    kept: list[tuple[int, str, list[str]]] = []
    open_lists: set[str] = set()
    for number, file, (article, version, icd10, span, *_) in ours:
        code = icd10.upper()
        if span.upper() in ("Y", "YES", "1", "TRUE"):
            open_lists.add(article)
            misfits.append(Misfit(file, number, "stands for a range of codes", icd10))
        elif not _ICD10.fullmatch(code):
            open_lists.add(article)
            misfits.append(Misfit(file, number, "is no diagnosis code such as I25.10", icd10))
        else:
            kept.append((number, file, [f"A{article}", code, services[article, version]]))
    once = once_each(kept, 2, misfits)
    complete = [[*words, "no" if words[0][1:] in open_lists else "yes"] for words in once]
    return complete, len(rows.kept) - len(ours)


def _policies(
    rows: Mapping[str, Rows], services: Mapping[tuple[str, str], str], misfits: list[Misfit]
) -> list[list[str]]:
    contractors = {words[0]: words[1:] for _, _, words in rows["contractor"].kept}
    jurisdictions = _jurisdictions()
    found: dict[tuple[str, str], list[str]] = {}
    for number, file, (article, version, contractor) in rows["article_x_contractor"].kept:
        if (article, version) not in services:
            continue
        who, *name = contractors.get(contractor, ["", ""])
        # Parts A and B of one contractor differ in the last digit.
        where = jurisdictions.get(who.zfill(5)[:4], "") if who else ""
        if not where:
            reason = "the contractor's number is in no jurisdiction that we know"
            misfits.append(Misfit(file, number, reason, f"A{article} {who or contractor}"))
            continue
        list_id = f"A{article}"
        words = [list_id, where, services[article, version], "".join(name), "positive", list_id, ""]
        found[list_id, where] = words
    return list(found.values())


def _jurisdictions() -> dict[str, str]:
    """Jurisdictions by the first four digits of a contractor's number."""
    with (reference_dir() / "mac_states.csv").open(encoding="utf-8", newline="") as stream:
        return {row["partb_contractor"][:4]: row["jurisdiction"] for row in csv.DictReader(stream)}


def _last_update(rows: Rows) -> str:
    days = []
    for _, _, words in rows.kept:
        try:
            days.append(date.fromisoformat(words[-1][:10]).isoformat())
        except ValueError:
            continue
    return max(days, default="")


KIND = Kind(
    name="mcd",
    title="Medicare Coverage Database, articles",
    publisher="CMS",
    members=re.compile(
        r"^(article_x_icd10_covered|article_x_hcpc_code|article_x_contractor|contractor)\.csv$",
        re.IGNORECASE,
    ),
    tables=("coverage_diagnoses", "coverage_policies"),
    read=read,
)
