"""One cell at a time: identifiers, names and the closed lists, as claim lines hold them.

Every function here takes the text of one distinct cell and returns a :class:`Value`; none raises,
and a value that was read comes back unchanged when it is read again. Codes are in ``codes``,
amounts in ``numbers``, days in ``dates``.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import Any, NamedTuple

EXTRA_ZERO = "extra leading zero dropped"
DECIMALS = "decimal ending dropped"
DESCRIPTION = "description dropped"
LOST_ZERO = "lost leading zero restored"
THOUSANDS = "thousands separators dropped"
ROUNDED = "number rounded by the spreadsheet"
UNREADABLE = "could not be read, left blank"

# Excel's error values come out of CSV exports as text.
_ERRORS = frozenset({"#N/A", "#REF!", "#VALUE!", "#NAME?", "#DIV/0!", "#NULL!", "#NUM!"})
# Pivot tables write (blank), Power BI (Blank).
_OF_PIVOTS = frozenset({"(blank)", "(Blank)", "(BLANK)"})
BLANK_WORDS = (
    frozenset({"", "NULL", "null", "(null)", "(NULL)", "\\N", "nan", "NaN"}) | _ERRORS | _OF_PIVOTS
)
NO_VALUE = BLANK_WORDS | {
    *("N/A", "n/a", "NA", "na", "None", "NONE", "none", "NAN", "(NONE)"),
    *("NaT", "NAT", "<NA>", "-", "--", "."),
}

_DIGITS_WITH_DECIMALS = re.compile(r"(-?[0-9]+)\.0+")
_WITH_THOUSANDS = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+)(?:\.0+)?")
_ONE_NPI = re.compile(r"[^0-9]*([12][0-9]{9})[^0-9]*")
_SCIENTIFIC = re.compile(r"-?[0-9](\.[0-9]+)?[Ee]\+[0-9]{1,3}")
_MOST_EXACT_DIGITS = 15  # a spreadsheet number holds no more
_NOT_LETTERS_OR_DIGITS = re.compile(r"[^0-9A-Z]+")


class Value(NamedTuple):
    """What one cell says: its value, what had to be repaired, or why it can't be read.

    ``repair`` and ``fault`` are plain words, ``""`` where there is nothing to say. A value with a
    fault is blank.
    """

    value: Any
    repair: str = ""
    fault: str = ""


Read = Callable[[str], Value]


def shape(text: str) -> str:
    """Form of a value without the value: letters are A, digits 9, at most 24 characters."""
    return "".join(_mark(character) for character in text[:24])


def _mark(character: str) -> str:
    if character.isnumeric():
        return "9"
    if character.isalpha():
        return "A"
    return character if character.isprintable() and character.isascii() else "?"


def tidy(text: str) -> str:
    """Text trimmed, inner blanks single, without invisible characters or ``="..."`` around it."""
    if not (text.isascii() and text.isprintable()):
        text = _visible(text)
    text = " ".join(text.split())
    while len(text) > 2 and text.startswith('="') and text.endswith('"'):
        text = text[2:-1].strip()
    return text


def _visible(text: str) -> str:
    """Text in compatibility form, dashes and blanks made plain, marks of direction taken out."""
    previous = None
    while text != previous:
        previous = text
        text = "".join(_plain(character) for character in unicodedata.normalize("NFKC", text))
    return text


def _plain(character: str) -> str:
    if character.isspace():
        return " "
    category = unicodedata.category(character)
    if category == "Pd" or character == "\N{MINUS SIGN}":
        return "-"
    return "" if category in {"Cc", "Cf", "Cs"} else character


def unquoted(text: str) -> str:
    """Tidy text without quotes around it, or the apostrophe that marks text in a spreadsheet."""
    previous = None
    while text != previous:
        previous = text
        text = tidy(text).strip("\"'")
    return text


def code_text(text: str) -> str:
    """Text of a cell that holds a code: upper case, ``""`` where it says that there is none."""
    text = unquoted(unquoted(text).upper())
    return "" if text in NO_VALUE else text


def words_in(text: str) -> str:
    """Upper-case words of a text, single blanks between them, punctuation gone."""
    return _NOT_LETTERS_OR_DIGITS.sub(" ", unquoted(text).upper()).strip()


def name(text: str) -> Value:
    """Name of a payer or department, as written."""
    text = tidy(text)
    return Value("" if text in BLANK_WORDS else text)


def identifier(text: str) -> Value:
    """Number of a claim, patient or authorization: leading zeros and case as found.

    A number that a spreadsheet has rounded (1.23E+15) is kept and reported. Nothing but zeros, as
    of a blank field of numbers, names nothing.
    """
    text = unquoted(text)
    if text in NO_VALUE or not text.strip("0"):
        return Value("")
    if match := _WITH_THOUSANDS.fullmatch(text):
        return Value(match[1].replace(",", ""), THOUSANDS)
    if match := _DIGITS_WITH_DECIMALS.fullmatch(text):
        return Value(match[1], ROUNDED if len(match[1]) > _MOST_EXACT_DIGITS else DECIMALS)
    return Value(text, ROUNDED if _SCIENTIFIC.fullmatch(text) else "")


def is_rounded(number: str) -> bool:
    """Whether a number lost its last digits to a spreadsheet: 1.23E+15."""
    return _SCIENTIFIC.fullmatch(number) is not None


def npi(text: str) -> Value:
    """Ten digits of an NPI; a number of another form still tells providers apart and is kept.

    Of a name with its NPI it is the NPI. A rounded number could be anybody's and is blank.
    """
    read = identifier(text)
    if is_rounded(read.value):
        return Value("", f"{ROUNDED}, left blank")
    digits = read.value.replace(" ", "").replace("-", "")
    if len(digits) == 10 and digits.isascii() and digits.isdecimal():
        return Value(digits, read.repair)
    if match := _ONE_NPI.fullmatch(read.value):
        return Value(match[1], DESCRIPTION)
    return read


def place_of_service(text: str) -> Value:
    """Two digits; other text as found, upper case, for the rules to judge."""
    text = code_text(text)
    match = re.fullmatch(r"(?:POS\W*)?([0-9]{1,2})(\.0+)?(?:(?:\s*[-:/]\s*|\s+)([A-Z(].*))?", text)
    if not match and (bracketed := re.fullmatch(r"[^0-9]*[\[(]([0-9]{1,2})[\])]", text)):
        return place_of_service(bracketed[1])._replace(repair=DESCRIPTION)
    if not match:
        return Value(text)
    digits, decimals, description = match.groups()
    if not digits.strip("0"):
        return Value("")
    if len(digits) == 1:
        return Value("0" + digits, LOST_ZERO)
    return Value(digits, DECIMALS if decimals else DESCRIPTION if description else "")


# NCH claim type codes of the ResDAC research files: 71 and 72 carrier, 81 and 82 DMERC,
# 10 home health, 20 and 30 nursing facility, 40 outpatient, 50 hospice, 60 inpatient.
_PROFESSIONAL = frozenset(("P", "PRO", "PHY", "71", "72", "81", "82", "PART B"))
_INSTITUTIONAL = frozenset(("I", "H", "F", "OP", "IP", "10", "20", "30", "40", "50", "60", "61"))
# TRICARE's word for what physicians bill.
_NOT_INSTITUTIONAL = re.compile(r"\bNON ?(?:INST|FACILIT|HOSPITAL)\w*")
_PROFESSIONAL_WORD = re.compile(
    r"PROF|PHYSICIAN|CARRIER|1500|HCFA|837 ?P|\bPB\b|005010X222|004010X098"
)
_INSTITUTIONAL_WORD = re.compile(
    r"INST|FACILIT|HOSPITAL|OUTPATIENT|INPATIENT|UB ?0?4|UB ?92|837 ?I|\bHB\b|\bUB\b"
    r"|005010X223|004010X096|CMS ?1450"
)


def claim_type(text: str) -> Value:
    """``professional`` or ``institutional``, from the many words that mean them, else blank."""
    words = words_in(code_text(text))
    if not words:
        return Value("")
    words = _NOT_INSTITUTIONAL.sub("PROFESSIONAL", re.sub(r"^([0-9]+) 0+$", r"\1", words))
    professional = words in _PROFESSIONAL or bool(_PROFESSIONAL_WORD.search(words))
    institutional = words in _INSTITUTIONAL or bool(_INSTITUTIONAL_WORD.search(words))
    if professional == institutional:
        return Value("", UNREADABLE)
    return Value("professional" if professional else "institutional")


_FREQUENCY_WORDS = (("REPLACE", "7"), ("CORRECT", "7"), ("VOID", "8"), ("CANCEL", "8"))


def claim_frequency(text: str) -> Value:
    """One character: 1 original, 7 replacement, 8 void, others as found."""
    text = code_text(text)
    if len(text) <= 1:
        return Value(text)
    match = re.fullmatch(r"0?([0-9A-Z])(\.0+)?(?:(?:\s*[-:/]\s*|\s+)([A-Z(].*))?", text)
    if match:
        _, decimals, description = match.groups()
        return Value(match[1], DECIMALS if decimals else DESCRIPTION if description else "")
    meanings = {code for word, code in _FREQUENCY_WORDS if word in text}
    if not meanings and text in {"ORIGINAL", "ADMIT THROUGH DISCHARGE"}:
        meanings = {"1"}
    return Value(meanings.pop()) if len(meanings) == 1 else Value("", UNREADABLE)


# Single words of the line of business, with the claim filing indicators of X12 SBR09.
# MA is Medicare Advantage among lines of business; SBR09 has it as Part A, the milder reading wins.
_PAYER_TYPES = {
    "medicare": "MEDICARE|MCR|MCARE|MB|FFS|TRADITIONAL MEDICARE|ORIGINAL MEDICARE|MEDICARE FFS"
    "|MEDICARE TRADITIONAL|MEDICARE FEE FOR SERVICE|MEDICARE PART A|MEDICARE PART B|MEDICARE A"
    "|MEDICARE B|MEDICARE A B|MEDICARE PART A B|MEDICARE PART A AND B",
    "medicare_advantage": "MEDICARE ADVANTAGE|MA|MAPD|MCR ADV|MCARE ADV|PART C|16|MEDICARE HMO"
    "|MEDICARE PPO|MEDICARE REPLACEMENT|MANAGED MEDICARE|MEDICARE MANAGED CARE|MEDICARE MANAGED"
    "|MEDICARE PART C|MEDICARE ADV|MEDICARE ADVANTAGE HMO|MEDICARE ADVANTAGE PPO|MA HMO|MA PPO"
    "|MA PD|MEDICARE ADVANTAGE PLAN|MANAGED MEDICARE HMO|MANAGED MEDICARE PPO",
    "medicaid": "MEDICAID|MCD|MC|MEDI CAL|MANAGED MEDICAID|MEDICAID HMO|MEDICAID MANAGED CARE"
    "|MEDICAID MANAGED|CHIP",
    "commercial": "COMMERCIAL|COMM|COM|CI|BL|BLUE CROSS|BLUE SHIELD|BCBS|BLUE CROSS BLUE SHIELD"
    "|PPO|HMO|EPO|POS|PRIVATE|PRIVATE INSURANCE|EXCHANGE|MANAGED CARE|12|13|14|15|HM|FI|EMPLOYER"
    "|COMMERCIAL HMO|COMMERCIAL PPO|COMMERCIAL INSURANCE|MEDICARE SUPPLEMENT|MEDIGAP"
    "|COMMERCIAL MANAGED CARE|BCBS HMO|BCBS PPO",
    "other": "OTHER|SELF PAY|SELFPAY|SELF|CASH|09|WC|WORKERS COMP|WORKERS COMPENSATION|TRICARE"
    "|CHAMPUS|CH|VA|VETERANS|AUTO|AM|LIABILITY|LM|OF|OTHER FEDERAL|OTHER GOVERNMENT|ZZ|UNINSURED",
}
_PAYER_TYPE_OF = {
    word: payer_type for payer_type, words in _PAYER_TYPES.items() for word in words.split("|")
}


# The number of a payer or class behind its name, as Epic writes it: MEDICARE [1001].
_RECORD_NUMBER = re.compile(r"\s*(\[[0-9]+\]|\([0-9]+\))\s*$")


def without_record_number(text: str) -> str:
    """A name without the number, in brackets behind it, of its record."""
    return _RECORD_NUMBER.sub("", text)


def payer_type(text: str) -> Value:
    """One of the five payer types, else blank: then the payer's name decides."""
    words = words_in(without_record_number(code_text(text)))
    if not words:
        return Value("")
    found = _PAYER_TYPE_OF.get(words, "")
    return Value(found, "" if found else UNREADABLE)


_STATES = (
    "AL ALABAMA;AK ALASKA;AZ ARIZONA;AR ARKANSAS;CA CALIFORNIA;CO COLORADO;CT CONNECTICUT;"
    "DE DELAWARE;DC DISTRICT OF COLUMBIA;FL FLORIDA;GA GEORGIA;HI HAWAII;ID IDAHO;IL ILLINOIS;"
    "IN INDIANA;IA IOWA;KS KANSAS;KY KENTUCKY;LA LOUISIANA;ME MAINE;MD MARYLAND;"
    "MA MASSACHUSETTS;MI MICHIGAN;MN MINNESOTA;MS MISSISSIPPI;MO MISSOURI;MT MONTANA;"
    "NE NEBRASKA;NV NEVADA;NH NEW HAMPSHIRE;NJ NEW JERSEY;NM NEW MEXICO;NY NEW YORK;"
    "NC NORTH CAROLINA;ND NORTH DAKOTA;OH OHIO;OK OKLAHOMA;OR OREGON;PA PENNSYLVANIA;"
    "RI RHODE ISLAND;SC SOUTH CAROLINA;SD SOUTH DAKOTA;TN TENNESSEE;TX TEXAS;UT UTAH;VT VERMONT;"
    "VA VIRGINIA;WA WASHINGTON;WV WEST VIRGINIA;WI WISCONSIN;WY WYOMING;AS AMERICAN SAMOA;"
    "GU GUAM;MP NORTHERN MARIANA ISLANDS;PR PUERTO RICO;VI VIRGIN ISLANDS;VI US VIRGIN ISLANDS"
)
_STATE_OF = {entry[3:]: entry[:2] for entry in _STATES.split(";")}


def state(text: str) -> Value:
    """Two letters of a US state or territory."""
    words = words_in(code_text(text))
    if words in NO_VALUE:
        return Value("")
    words = _STATE_OF.get(words, words)
    return Value(words) if re.fullmatch(r"[A-Z]{2}", words) else Value("", UNREADABLE)


def zip_code(text: str) -> Value:
    """First five digits of a ZIP or ZIP+4 code."""
    text = code_text(text)
    match = re.fullmatch(
        r"([0-9]{3,5})(?: ?- ?(?:[0-9]{4})?| [0-9]{4})?|([0-9]{7,9})", text.partition(".0")[0]
    )
    if not match:
        return Value("", UNREADABLE if text.strip("0") else "")
    digits = match[1].zfill(5) if match[1] else match[2].zfill(9)[:5]
    if not digits.strip("0"):
        return Value("")
    lost = len(match[1] or "") in {3, 4} or len(match[2] or "") in {7, 8}
    return Value(digits, LOST_ZERO if lost else "")
