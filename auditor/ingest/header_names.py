"""What a header cell may mean.

Only letters and digits count, case-folded: ``Claim No.``, ``CLAIM_NO`` and ``claimno`` are one
name. The names themselves stand in ``synonyms``.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from itertools import product

from auditor.ingest.abbreviations import ABBREVIATIONS
from auditor.ingest.synonyms import FURTHER, LOOSE, SECOND_CHOICE, SYNONYMS

_ORDINALS = {
    word: number
    for number, words in enumerate(
        (
            "first principal primary princ prin prim one",
            "second secondary sec two",
            "third tertiary three",
            "fourth four quaternary",
            "fifth five",
        ),
        1,
    )
    for word in words.split()
}
_NUMBERS = range(1, 26)
FIRST_FURTHER = 26
# Parts of an 837's composite element that are modifiers: a qualifier and the code stand before.
_MODIFIER_PARTS = {"sv101#": range(3, 7), "sv202#": range(3, 7)}
_LONGEST_HEADER = 80
_PARENTHESISED = re.compile(
    r"\((?:[^a-z]*|[mdyhs/. -]*|usd|text|number|r|icd-?10(?:-?cm)?)\)", re.IGNORECASE
)
_TABLE_AND_COLUMN = re.compile(r"[^\[\]]+\[([^\[\]]+)\]")
_IDENTIFYING = re.compile(
    r"birth|dob|socialsecurity|address|street|phone|email|(?:first|last|middle|full)n(?:ame|m)|surname"
    r"|maiden|guarantor|gender|deathdate|dateofdeath|ethnic|maritalstatus|hicn|hicnum"
    r"|(?:patient|ptnt|pt|pat|member|mbr|subscriber|insured|beneficiary|bene|person|account|acct"
    r"|policyholder|contact)(?:\w{0,10}name|\w{0,10}nm$|first$|last$|addr|zip|city|state$|county|sex|race)"
)
_WHOLE_NAMES = re.compile(
    r"ssn|dod|sex|race|religion|fax|mobile|mail|addr\d?|fname|lname|mname|name|city|county|zip"
    r"|zipcode|patient|member|subscriber|beneficiary|person|insured"
)
_WORDS = frozenset(("ssn", "sex", "race", "dod", "fname", "lname", "fax"))


@dataclass(frozen=True)
class Reading:
    """What one header may mean.

    ``level`` 0 is a name of the column, 1 a second choice, 2 an everyday word; ``order`` ranks
    the names of levels 1 and 2; ``name`` is the key of the name, with ``#`` where ``number`` stood.
    What stands behind the first ones (Other Diagnosis 1) has a number from ``FIRST_FURTHER`` on.
    """

    column: str
    level: int
    order: int
    name: str
    number: int | None = None


def header_key(header: str) -> str:
    """Letters and digits of a header, case-folded; a closing ``#`` means number."""
    text = re.sub(r"#\s*$", " number", unicodedata.normalize("NFKC", header))
    return "".join(letter for letter in text.casefold() if letter.isalnum())


@lru_cache(maxsize=4096)
def readings(header: str) -> tuple[Reading, ...]:
    """Every column that a header could name, by the names above; empty if none knows it.

    Of ``Claims[Service Date]``, a table and its column, the column counts.
    """
    if len(header) > _LONGEST_HEADER:
        return ()
    as_written = (header, _PARENTHESISED.sub(" ", header), header.replace("#", " "))
    if found := next(filter(None, map(_readings_of_key, map(header_key, as_written))), ()):
        return found
    column = _TABLE_AND_COLUMN.fullmatch(header.strip())
    return tuple(one for one in readings(column[1]) if one.level == 0) if column else ()


def names_of(column: str) -> tuple[str, ...]:
    """Keys of all names of a column, to find near misses."""
    return tuple(key for key, known in _index().items() if any(r.column == column for r in known))


def identifies_patient(header: str) -> bool:
    """Whether a header announces names, birth dates, addresses, phones or the like."""
    words = re.split(r"[\W_]+", unicodedata.normalize("NFKC", header).casefold())
    key = header_key(header)
    return bool(
        _IDENTIFYING.search(key)
        or _WHOLE_NAMES.fullmatch(key)
        or key.startswith("ssn")
        or key.endswith("ssn")
        or not _WORDS.isdisjoint(words)
    )


def _readings_of_key(key: str) -> tuple[Reading, ...]:
    index = _index()
    exact = index.get(key, ())
    numbered = [
        replace(known, name=pattern, number=(known.number or 0) + parts.index(number) + 1)
        for pattern, number in _numbered(key)
        if number in (parts := _MODIFIER_PARTS.get(pattern, _NUMBERS))
        for known in index.get(pattern, ())
    ]
    # SV101-2 is the procedure code, though SV101-3 to 6 are modifiers.
    own = {reading.column for reading in exact}
    return (*exact, *(reading for reading in numbered if not own or reading.column in own))


def _numbered(key: str) -> Iterator[tuple[str, int]]:
    """The key with one number in it made ``#``, and that number, every way it can be read."""
    for run in re.finditer(r"\d+", key):
        for start in range(run.start(), run.end()):
            for end in range(start + 1, min(start + 2, run.end()) + 1):
                rest = re.sub(r"^(?:st|nd|rd|th)", "", key[end:])
                if int(key[start:end]) in _NUMBERS:
                    yield key[:start] + "#" + rest, int(key[start:end])
    for word, number in _ORDINALS.items():
        if word in key:
            yield key.replace(word, "#", 1), number


@cache
def _index() -> dict[str, tuple[Reading, ...]]:
    """Key of every known name, abbreviations included, to what it means."""
    index: dict[str, list[Reading]] = {}
    for level, names in enumerate((SYNONYMS, SECOND_CHOICE, LOOSE)):
        for column, written in names.items():
            for order, name in enumerate(written):
                for key in _spellings(name):
                    reading = Reading(column, level, order if level else 0, key)
                    known = index.setdefault(key, [])
                    if all((r.column, r.level) != (column, level) for r in known):
                        known.append(reading)
    for column, written in FURTHER.items():
        for key in (key for name in written for key in _spellings(name)):
            index.setdefault(key, []).append(Reading(column, 0, 0, key, FIRST_FURTHER))
    return {key: tuple(known) for key, known in index.items()}


def _spellings(name: str) -> Iterator[str]:
    words = re.findall(r"[^\W_]+|#", unicodedata.normalize("NFKC", name).casefold())
    for spelled in product(*((word, *ABBREVIATIONS.get(word, ())) for word in words)):
        yield "".join(spelled)
