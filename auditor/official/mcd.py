"""Medicare Coverage Database, articles: which diagnoses a contractor lists for CCTA and FFR-CT.

The tables come as CSV inside an archive inside an archive; articles about other services are left
out and counted. ``contractor.csv`` beside them says which contractor a number is, ``article.csv``
since when an article stands.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from datetime import date

from auditor.errors import AuditError
from auditor.library.periods import dates_of
from auditor.official.articles import (
    ABOUT,
    ARTICLE,
    RETIRING,
    Article,
    Key,
    articles_of,
    last_update,
    number,
)
from auditor.official.diagnosis_ranges import Catalogue, Listed, catalogue_on, opened
from auditor.official.kind import Asked, Kind, Misfit, Reading, text_table
from auditor.official.plain_rows import Rows
from auditor.official.published import Published
from auditor.shipped import reference_dir

_TABLES: dict[str, dict[str, str]] = {
    "article_x_icd10_covered": ARTICLE | {"icd10": r"ICD10_CODE_ID"},
    "article_x_hcpc_code": ARTICLE | {"code": r"HCPC_CODE_ID"},
    "article_x_contractor": ARTICLE | {"contractor": r"CONTRACT(OR)?_ID"},
    "contractor": {"contractor": r"CONTRACTOR_ID", "number": r"CONTRACTOR_NUMBER"},
}
# Beside them in the archive, and read where they are given.
_BESIDE = {"article": ARTICLE, "article_future_retire": RETIRING}
_VERSION = {"type": r"CONTRACTOR_TYPE_ID", "of": r"CONTRACTOR_VERSION"}
_OPTIONAL: dict[str, dict[str, str]] = {
    "article_x_icd10_covered": {
        "range": r"RANGE",
        "group": r"ICD10_COVERED_GROUP",
        "order": r"SORT_ORDER",
        "updated": r"LAST_UPDATED",
    },
    "article_x_hcpc_code": {"range": r"RANGE", "group": r"HCPC_CODE_GROUP"},
    "article_x_contractor": _VERSION,
    "contractor": _VERSION | {"name": r"CONTRACTOR_BUS_NAME"},
    "article": ABOUT,
}
_DIAGNOSES = ("list_id", "icd10", "own_from", "own_to", "service", "complete")
_POLICIES = (
    "policy_id",
    "jurisdiction",
    "own_from",
    "own_to",
    "service",
    "contractor",
    "stance",
    "diagnosis_list",
    "revised_on",
)


def read(files: Sequence[Published], asked: Asked) -> Reading:
    """The lists of the articles about our services, by contractor.

    A range of codes is opened by the ICD-10-CM edition of the library, where it holds one.
    """
    by_table = {_table_of(file): file for file in files}
    missing = [f"{name}.csv" for name in _TABLES if name not in by_table]
    if missing:
        raise AuditError(
            f"the coverage database's {missing[0]} was not given; give the archive "
            "current_article.zip, or its files together"
        )
    rows = {
        name: _rows(by_table[name], name, wanted)
        for name, wanted in (_TABLES | _BESIDE).items()
        if name in by_table
    }
    misfits = [misfit for table in rows.values() for misfit in table.misfits]
    articles = articles_of(
        rows["article_x_hcpc_code"],
        rows.get("article"),
        rows.get("article_future_retire"),
        misfits,
    )
    diagnoses = rows["article_x_icd10_covered"]
    updated = last_update([words[-1] for _, _, words in diagnoses.kept])
    catalogue = catalogue_on(asked.library, _day_of(asked.edition) or updated or date.min)
    listed, left_out = _listed(diagnoses, articles, catalogue, misfits)
    policies = _policies(rows, articles, misfits)
    return Reading(
        tables={
            "coverage_diagnoses": text_table(_DIAGNOSES, listed),
            "coverage_policies": text_table(_POLICIES, policies),
        },
        misfits=misfits,
        read={name: count for table in rows.values() for name, count in table.read.items()},
        edition=updated.isoformat() if updated else "",
        left_out=left_out,
        rests_on=(catalogue.digest,) if catalogue.digest else (),
    )


def _table_of(file: Published) -> str:
    return file.name.rsplit(".", 1)[0].lower()


def _day_of(edition: str) -> date | None:
    return dates_of(edition, "quarter")[0] if edition else None


def _rows(file: Published, name: str, wanted: Mapping[str, str]) -> Rows:
    columns = [*wanted, *_OPTIONAL.get(name, {})]

    def taken(cells: Mapping[str, str]) -> list[str]:
        if not cells[columns[0]]:
            raise ValueError("has no number in its first column")
        return [cells[column] for column in columns]

    rows = Rows()
    rows.take(file, wanted, taken, _OPTIONAL.get(name))
    return rows


def _listed(
    rows: Rows, articles: Mapping[Key, Article], catalogue: Catalogue, misfits: list[Misfit]
) -> tuple[list[list[str]], dict[str, int]]:
    """Diagnoses by list. A row that can't be read makes its list one that is not complete."""
    by_group: dict[tuple[Key, str], list[tuple[int, Listed]]] = {}
    for place, (row, file, words) in enumerate(rows.kept):
        article, version, icd10, mark, group, order, _ = words
        if (article, version) in articles:
            one = Listed(file, row, icd10.upper(), mark.upper())
            by_group.setdefault(((article, version), group), []).append(
                (number(order) if order else place, one)
            )
    codes: dict[Key, dict[str, None]] = {}
    unread: set[Key] = set()
    ours = twice = 0
    for (key, _), held in by_group.items():
        ours += len(held)
        found = opened([one for _, one in sorted(held, key=lambda pair: pair[0])], catalogue)
        before = codes.setdefault(key, {})
        twice += len(before.keys() & found.codes)
        codes[key] = before | dict.fromkeys(found.codes)
        for one, reason in found.unread:
            unread.add(key)
            misfits.append(Misfit(one.file, one.row, reason, one.code))
    kept = []
    for key, held_codes in codes.items():
        about = articles[key]
        whole = "no" if key in unread else "yes"
        kept += [
            [f"A{key[0]}", code, about.first, about.last, about.services, whole]
            for code in held_codes
        ]
    return kept, {
        "rows of articles about other services": len(rows.kept) - ours,
        "diagnoses that an article lists in several groups": twice,
    }


def _policies(
    rows: Mapping[str, Rows], articles: Mapping[Key, Article], misfits: list[Misfit]
) -> list[list[str]]:
    contractors = {
        (words[0], *words[2:4]): (words[1], words[4]) for _, _, words in rows["contractor"].kept
    }
    jurisdictions = _jurisdictions()
    found: dict[tuple[str, str], list[str]] = {}
    for row, file, (article, version, *contractor) in rows["article_x_contractor"].kept:
        about = articles.get((article, version))
        if about is None:
            continue
        who, name = contractors.get(tuple(contractor), ("", ""))
        # Parts A and B of one contractor differ in the last digit.
        where = jurisdictions.get(who.zfill(5)[:4], "") if who else ""
        if not where:
            reason = "the contractor's number is in no jurisdiction that we know"
            misfits.append(Misfit(file, row, reason, f"A{article} {who or contractor[0]}"))
            continue
        list_id = f"A{article}"
        words = [list_id, where, about.first, about.last, about.services, name, "positive", list_id]
        found[list_id, where] = [*words, about.first]
    return list(found.values())


def _jurisdictions() -> dict[str, str]:
    """Jurisdictions by the first four digits of a contractor's number."""
    with (reference_dir() / "mac_states.csv").open(encoding="utf-8", newline="") as stream:
        return {row["partb_contractor"][:4]: row["jurisdiction"] for row in csv.DictReader(stream)}


KIND = Kind(
    name="mcd",
    title="Medicare Coverage Database, articles",
    publisher="CMS",
    members=re.compile(
        rf"^({'|'.join([*_TABLES, *_BESIDE])})\.csv$",
        re.IGNORECASE,
    ),
    tables=("coverage_diagnoses", "coverage_policies"),
    read=read,
)
