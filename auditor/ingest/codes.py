"""One cell at a time: the codes of a claim line, in the one form that rules and tables use.

Modifiers, diagnoses, pointers, adjustments and remarks may stand several in a cell: their
``Value.value`` is a tuple, in the order found.
"""

import re
from itertools import takewhile

from auditor.ingest.values import (
    DECIMALS,
    DESCRIPTION,
    EXTRA_ZERO,
    LOST_ZERO,
    NO_VALUE,
    UNREADABLE,
    Value,
    code_text,
    unquoted,
)

MODIFIER_IN_CODE = "modifier taken out of the code"
RUN_TOGETHER = "run together, taken apart"
NOT_A_MODIFIER = "not a modifier, ignored"
COMPONENT_IN_WORDS = "words for 26 or TC, read as them"
NOT_A_DIAGNOSIS = "text beside the code, ignored"
NOT_AN_ADJUSTMENT = "not an adjustment code, ignored"
NOT_A_REMARK = "not a remark code, ignored"

# What runs together may be a word or another number: LEFT is no LE and FT, 4012345 no modifier 45.
# So it is cut only where CPT's number modifiers, or letters of imaging and cardiology lines, stand.
_LETTER_MODIFIERS = (
    "TC XE XS XP XU LT RT LC LD RC LM RI CT FX FY PO PN ER KX JW JZ GA GC GX GY GZ QW CR"
)
_NUMBER_MODIFIERS = (
    "22 23 24 25 26 27 32 33 47 50 51 52 53 54 55 56 57 58 59 62 63 66 73 74 76 77 78 79 80 81 82"
    " 90 91 92 93 94 95 96 97 99"
)
CERTAIN_MODIFIERS = frozenset(f"{_LETTER_MODIFIERS} {_NUMBER_MODIFIERS}".split())
# Before words, CT, LT or RT begin a description: 75574-CT ANGIO HEART.
_NEVER_WORDS = frozenset(f"TC XE XS XP XU {_NUMBER_MODIFIERS}".split())

NOT_A_PROCEDURE = "is not the five characters of a CPT or HCPCS code"
SEVERAL_PROCEDURES = "holds more than one procedure code"

_PREFIX = re.compile(r"(?:CPT-?4?|HCPCS|HC)[\s:*#-]+(?=.)")
_FIVE = r"[0-9A-Z]{5}"
# Without a separator only a code of a firm shape tells where the modifier begins.
_FIRM = r"(?:[0-9]{5}|[A-Z][0-9]{4}|[0-9]{4}[A-Z])"
_RUN_TOGETHER = re.compile(rf"({_FIRM})((?:[0-9A-Z]{{2}}){{1,4}})")
_APART = r"[-\s,:;/.*^|+_]+"
_WITH_MODIFIERS = re.compile(rf"({_FIRM})((?:{_APART}[0-9A-Z]{{2}}){{1,5}})")
_BEHIND_IT = re.compile(rf"({_FIRM}){_APART}((?:[0-9A-Z]{{2}}){{2,4}})")
# 25 MIN is no modifier 25.
_WITH_DESCRIPTION = re.compile(
    rf"({_FIRM})((?:[-\s][0-9A-Z]{{2}}(?![0-9A-Z]|\s*MIN))*)(?:\s*[-:;,/]\s*|\s+)(\S.*)"
)
_FORMS_WITH_MODIFIERS = (_RUN_TOGETHER, _WITH_MODIFIERS, _BEHIND_IT)
_MODIFIERS_IN_BRACKETS = re.compile(
    rf"({_FIRM})\s*[\[(]([0-9A-Z]{{2}}(?:[\s,;/-]+[0-9A-Z]{{2}})*)[\])]"
)
_IN_BRACKETS = re.compile(rf"[^\[(]*[\[(]({_FIRM})[\])]")
_LOST_ZERO = re.compile(r"[0-9]{3}[TUFAM]|[0-9]{3,4}")
_NUMBER_WITH_DECIMALS = re.compile(r"([0-9]+)\.0+")
_LONE_CODES = re.compile(rf"{_FIRM}(?:[\s,;/|+&-]+{_FIRM})*")


def procedure(text: str) -> Value:
    """CPT or HCPCS code and the modifiers in its cell: ``(code, modifiers)``.

    A text that can't be such a code has a fault; a blank cell is ``("", ())`` without one.
    """
    text = _PREFIX.sub("", code_text(text), count=1).strip(".,;*: ")
    repair = ""
    if match := _NUMBER_WITH_DECIMALS.fullmatch(text):
        text, repair = match[1], DECIMALS
    if not text.strip("0"):
        return Value(("", ()))
    if re.fullmatch(_FIVE, text):
        return Value((text, ()), repair)
    if match := re.fullmatch(r"0+([0-9]{5})", text):
        return Value((match[1], ()), EXTRA_ZERO)
    if _LOST_ZERO.fullmatch(text):
        return Value((text.zfill(5), ()), LOST_ZERO)
    return _procedure_with_more(text)


def _procedure_with_more(text: str) -> Value:
    """A procedure code with modifiers or a description in its cell."""
    if match := next(filter(None, (one.fullmatch(text) for one in _FORMS_WITH_MODIFIERS)), None):
        pairs = re.findall("[0-9A-Z]{2}", match[2])
        if match[2][0] in "-:" or _are_modifiers(pairs):
            return Value((match[1], tuple(pairs)), MODIFIER_IN_CODE)
    if _LONE_CODES.fullmatch(text):
        return Value(("", ()), fault=SEVERAL_PROCEDURES)
    if match := _MODIFIERS_IN_BRACKETS.fullmatch(text):
        pairs = re.findall("[0-9A-Z]{2}", match[2])
        if _NEVER_WORDS.issuperset(pairs):
            return Value((match[1], tuple(pairs)), MODIFIER_IN_CODE)
    if match := _WITH_DESCRIPTION.fullmatch(text):
        pairs = re.findall("[0-9A-Z]{2}", match[2])
        modifiers = tuple(takewhile(_NEVER_WORDS.__contains__, pairs))
        return Value((match[1], modifiers), MODIFIER_IN_CODE if modifiers else DESCRIPTION)
    if match := _IN_BRACKETS.fullmatch(text):
        return Value((match[1], ()), DESCRIPTION)
    return Value(("", ()), fault=NOT_A_PROCEDURE)


_REVENUE_DIGITS = re.compile(r"([0-9]{1,4})(\.0+)?|([0-9]{2,3}X)")
_REVENUE_PREFIX = re.compile(r"(?:(?:REV(?:ENUE)?(?: ?CODE)?|RC)[\s:#-]*)+(?=[0-9])")
_REVENUE_DESCRIBED = re.compile(r"([0-9]{3,4})(?:\s*[-:;,/|_]\s*|\s+)([^0-9\s].*)")
_REVENUE_BEHIND = re.compile(r"[^0-9]*[^0-9A-Z](0[0-9]{3})")
_REVENUE_IN_BRACKETS = re.compile(r"[^\[(]*[\[(]([0-9]{3,4})[\])].*")


def revenue(text: str) -> Value:
    """Four digits; ``048X`` and other forms as found, upper case, for the rules to judge."""
    text = _REVENUE_PREFIX.sub("", code_text(text), count=1)
    if match := _REVENUE_DIGITS.fullmatch(text):
        code, decimals = match[1] or match[3], match[2]
        if not code.strip("0"):
            return Value("")
        # A spreadsheet eats one zero of 0480, and three of the total line 0001; never two.
        if len(code) == 2 or (len(code) == 1 and code != "1"):
            return Value(code, DECIMALS if decimals else "")
        return Value(code.zfill(4), LOST_ZERO if len(code) < 4 else DECIMALS if decimals else "")
    for described in (_REVENUE_DESCRIBED, _REVENUE_IN_BRACKETS, _REVENUE_BEHIND):
        if match := described.fullmatch(text):
            return Value(match[1].zfill(4), DESCRIPTION)
    return Value(text)


_MODIFIER_SEPARATOR = re.compile(r"[^0-9A-Z]+")
# Alone in its cell; among other words it names people (76 - Repeat by other professional).
_COMPONENT_IN_WORDS = re.compile(r"(PROF(?:ESSIONAL)?|TECH(?:NICAL)?)\.?(?: COMP(?:ONENT)?\.?)?")


def modifiers(text: str) -> Value:
    """Two-character modifiers of a cell, each once; what can't be one is left out and reported."""
    text = unquoted(unquoted(text).upper())
    if text != "NA":  # a modifier's two letters, not "not available"
        text = code_text(text)
    if match := re.fullmatch(r"([0-9]{1,2}|[0-9]{4}|[0-9]{6})\.0+", text):
        read = modifiers(match[1])
        return Value(read.value, read.repair or (DECIMALS if read.value else ""))
    if match := _COMPONENT_IN_WORDS.fullmatch(text):
        return Value(("26" if match[1].startswith("PROF") else "TC",), COMPONENT_IN_WORDS)
    found: dict[str, None] = {}
    repair = ""
    for token in _MODIFIER_SEPARATOR.split(text):
        if not token.strip("0"):  # nothing, or a formula's value for a blank cell
            continue
        pairs = re.findall("..", token)
        if len(token) <= 2:
            found[token] = None
        elif len(token) in {4, 6, 8, 10} and _are_modifiers(pairs):
            found.update(dict.fromkeys(pairs))
            repair = repair or RUN_TOGETHER
        else:
            repair = NOT_A_MODIFIER
    if repair == NOT_A_MODIFIER:  # among words, BY and OF are words
        found = {one: None for one in found if not one.isalpha() or one in CERTAIN_MODIFIERS}
    return Value(tuple(found), repair)


def _are_modifiers(pairs: list[str]) -> bool:
    return all(
        pair in CERTAIN_MODIFIERS or not (pair.isalpha() or pair.isdecimal()) for pair in pairs
    )


_WITHOUT_DOT = re.compile(r"(?:[A-Z][0-9][0-9A-Z]|[0-9]{3})[0-9A-Z]{1,4}")
# A misprint of a code still begins with a letter and a digit, or with three digits.
_LIKE_A_CODE = re.compile(r"(?:[A-Z][0-9]|[0-9]{3})[0-9A-Z.]*")
# Beside words, x3, T2DM, A1C and 2024 are words, too: the third place of a code is a digit, A or B.
_AMONG_WORDS = re.compile(r"[A-Z][0-9][0-9AB](?:\.?[0-9A-Z]{1,4})?")
_DIAGNOSIS_SEPARATOR = re.compile(r"[^\w.]+|_+")


def diagnoses(text: str) -> Value:
    """Diagnosis codes of a cell, with their dot, in order; misshapen ones as found.

    ``12510`` becomes ``125.10`` and stays so: whether a letter I is meant is for the rules.
    Words and numbers of a description beside a code are no diagnoses.
    """
    tokens = [token.strip("\"'.") for token in _DIAGNOSIS_SEPARATOR.split(code_text(text))]
    tokens = [_with_dot(token) for token in tokens if token not in NO_VALUE]
    coded = [token for token in tokens if _LIKE_A_CODE.fullmatch(token)]
    among_words = tuple(token for token in coded if _AMONG_WORDS.fullmatch(token))
    if among_words and len(coded) < len(tokens):
        return Value(among_words, NOT_A_DIAGNOSIS)
    return Value(tuple(tokens))


def names_a_diagnosis(text: str) -> bool:
    """Whether a cell holds a diagnosis code, be it misshapen, and not a description alone."""
    return any(_LIKE_A_CODE.fullmatch(token) for token in diagnoses(text).value)


def _with_dot(code: str) -> str:
    return f"{code[:3]}.{code[3:]}" if _WITHOUT_DOT.fullmatch(code) else code


def pointers(text: str) -> Value:
    """Letters of the diagnoses that a line points to, each once: A is the claim's first.

    Read from letters or numbers, with separators or run together: ``12`` alone is A and B.
    """
    text = code_text(text)
    text = re.sub(r"\.0+$", "", text) if re.fullmatch(r"[0-9]+\.0+", text) else text
    tokens = [token for token in re.split(r"[^0-9A-Z]+", text) if token]
    found: dict[str, None] = {}
    for token in tokens:
        if token.isalpha() and len(token) <= 12:
            letters = list(token)
        elif token.isdecimal():
            letters = _letters(token, alone=len(tokens) == 1)
        else:
            letters = []
        if not letters or max(letters) > "Y":
            return Value((), UNREADABLE)
        found.update(dict.fromkeys(letters))
    return Value(tuple(found))


def _letters(digits: str, *, alone: bool) -> list[str]:
    number = digits.lstrip("0") if len(digits) <= 2 else digits
    if not number:
        return []
    together = "0" not in number and (len(number) > 2 or (alone and number != "11"))
    places = [int(digit) for digit in number] if together else [int(number)] * (len(number) <= 2)
    return [chr(ord("A") + place - 1) for place in places if 1 <= place <= 25]


_GROUP_AND_CODE = r"(?:(CO|PR|OA|PI|CR)[\s:_*-]*)?([A-Z][0-9]{1,3}|0*[0-9]{1,3})(?![0-9A-Z])"
# 1,097.32 is no code 97, and $97 none either.
_DIGITS = r"[0-9]+(?:,[0-9]{3})*"
_AMOUNT = re.compile(rf"-?\$\s*-?{_DIGITS}(?:\.[0-9]+)?|-?{_DIGITS}\.[0-9]{{2}}(?![0-9])")
_BETWEEN_ADJUSTMENTS = re.compile(r"[;,|/&+~^\n]+|[$)\]]\s*(?=[\[(]?(?:CO|PR|OA|PI|CR)[^A-Z])")
_ADJUSTMENT = re.compile(_GROUP_AND_CODE)
_ADJUSTMENTS = re.compile(rf"(?:{_GROUP_AND_CODE}[\s,-]*)+")


def adjustments(text: str) -> Value:
    """Claim adjustment reason codes of a cell, with their group code where given: ``CO-97``."""
    text = code_text(text)
    if match := _NUMBER_WITH_DECIMALS.fullmatch(text):
        text = match[1]
    found: dict[str, None] = {}
    repair = ""
    amounts = _AMOUNT.sub(" $ ", text)
    for piece in filter(str.strip, _BETWEEN_ADJUSTMENTS.split(amounts)):
        piece = piece.strip(" ([")
        start = _ADJUSTMENT.match(piece)
        if not start:
            repair = NOT_AN_ADJUSTMENT
            continue
        whole = _ADJUSTMENTS.fullmatch(piece)
        for match in _ADJUSTMENT.finditer(piece) if whole else [start]:
            code = match[2].lstrip("0")
            if code:
                found[f"{match[1]}-{code}" if match[1] else code] = None
        repair = repair if whole else repair or DESCRIPTION
    return Value(tuple(found), repair)


def remarks(text: str) -> Value:
    """Remittance advice remark codes of a cell."""
    tokens = [token for token in re.split(r"[^0-9A-Z]+", code_text(text)) if token]
    codes = [token for token in tokens if re.fullmatch(r"[A-Z]{1,2}[0-9]{1,4}", token)]
    return Value(tuple(dict.fromkeys(codes)), NOT_A_REMARK if len(codes) < len(tokens) else "")


def bill_type(text: str) -> Value:
    """UB-04 type of bill as a rule reads it: four characters, or three without a frequency.

    ``131`` and ``0131`` become ``0131``: the last of four characters is the frequency. ``13`` and
    ``13X`` become ``013``: three characters have none.
    """
    text = code_text(text)
    if match := re.fullmatch(r"([0-9]{2,4})\.0+", text):
        text = match[1]
    if not text.strip("0 "):
        return Value("")
    description = re.fullmatch(r"([0-9]{2,3}[0-9A-Z]?)(?:\s*[-:/]\s*|\s+)([^0-9\s].*)", text)
    text = description[1] if description else text
    repair = DESCRIPTION if description else ""
    match = re.fullmatch(r"(0[0-9]{2})|0?([1-9][0-9])([0-9A-Z])?", text)
    if not match:
        return Value("", UNREADABLE)
    facility, frequency = match[2], (match[3] or "").replace("X", "")
    return Value(match[1] or f"0{facility}{frequency}", repair)


def bill_type_piece(text: str) -> str:
    """One of the pieces that some exports split the type of bill into."""
    text = code_text(text)
    match = _NUMBER_WITH_DECIMALS.fullmatch(text)
    return match[1] if match else text
