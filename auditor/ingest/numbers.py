"""One cell at a time: money in cents, units, line numbers."""

import re
from decimal import ROUND_HALF_UP, Decimal

from auditor.ingest.values import DECIMALS, NO_VALUE, UNREADABLE, Value, unquoted

DECIMAL_COMMA = "decimal comma read"
WHOLE_CENTS = "rounded to whole cents"

_POINTED = r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?|[0-9]+(?:\.[0-9]*)?|\.[0-9]+"
_NUMBER = re.compile(rf"(?:{_POINTED})(?:E[+-]?[0-9]{{1,2}})?")
_COMMA_NUMBER = re.compile(r"[0-9]{1,3}(?:\.[0-9]{3})+(?:,[0-9]*)?|[0-9]+(?:,[0-9]*)?|,[0-9]+")
_CURRENCY = re.compile(r"USD|US\$|\$")
# Units of an 837 are UN, MJ, DA and F2.
_UNIT_WORDS = re.compile(r"(?<![A-Z])(?:UNITS?|UN|EA|MJ|MIN|DA|F2)(?![A-Z])")
# How Excel's formats for money show zero, and save it as CSV: $ -, and padded where there is no $.
_ZERO_WITH_SIGN = frozenset({"$-", "$ -", "-$", "- $", "USD -", "- USD"})
_PADDED_ZERO = re.compile(r" -\s{2,}")
_MOST_DIGITS = 40

# Arrow's regular expressions, for a whole column at once: a separator before other than three
# digits is a decimal sign.
COMMA_DECIMALS = r",([0-9]{1,2}|[0-9]{4,})[^0-9]*$"
POINT_DECIMALS = r"\.([0-9]{1,2}|[0-9]{4,})[^0-9]*$"

_MOST_CENTS = 10**13
_MOST_UNITS = 10**9
_CENTS = Decimal(100)


def cents(text: str, *, decimal_comma: bool = False) -> Value:
    """Amount in integer cents, ``None`` where blank or unreadable; half a cent is rounded up."""
    amount, unreadable = _decimal(text, decimal_comma=decimal_comma)
    if amount is None or abs(amount) * _CENTS >= _MOST_CENTS:
        return Value(None, UNREADABLE if unreadable or amount is not None else "")
    exact = amount * _CENTS
    whole = exact.quantize(Decimal(1), ROUND_HALF_UP)
    # 109.01000000000001 is the noise of a binary number, not a fraction of a cent.
    noise = abs(exact - whole) < Decimal("0.000001")
    repair = "" if noise else WHOLE_CENTS
    return Value(int(whole), DECIMAL_COMMA if decimal_comma and "," in text else repair)


def number(text: str, *, decimal_comma: bool = False) -> Value:
    """Count of units, with its sign and fraction; ``None`` where blank or unreadable."""
    words = _UNIT_WORDS.sub("", text.upper())
    amount, unreadable = _decimal(words if words.strip() else text, decimal_comma=decimal_comma)
    if amount is None or abs(amount) >= _MOST_UNITS:
        return Value(None, UNREADABLE if unreadable or amount is not None else "")
    return Value(float(amount), DECIMAL_COMMA if decimal_comma and "," in text else "")


def integer(text: str) -> Value:
    """Number of a line: whole, not negative; ``None`` where blank or unreadable."""
    amount, unreadable = _decimal(text, decimal_comma=False)
    if amount is None:
        return Value(None, UNREADABLE if unreadable else "")
    if not 0 <= amount < _MOST_UNITS or amount != amount.to_integral_value():
        return Value(None, UNREADABLE)
    return Value(int(amount), DECIMALS if "." in text else "")


def _decimal(text: str, *, decimal_comma: bool) -> tuple[Decimal | None, bool]:
    """The number that a text holds, and whether there is text that is none."""
    is_zero = _PADDED_ZERO.fullmatch(text)
    text = unquoted(text)
    if is_zero or text in _ZERO_WITH_SIGN:
        return Decimal(0), False
    if text in NO_VALUE:
        return None, False
    digits, negative = _sign(_CURRENCY.sub("", text.upper()).strip())
    if not digits:
        return None, False
    pattern = _COMMA_NUMBER if decimal_comma else _NUMBER
    if len(digits) > _MOST_DIGITS or not pattern.fullmatch(digits):
        return None, True
    digits = digits.replace(".", "").replace(",", ".") if decimal_comma else digits.replace(",", "")
    amount = Decimal(digits)
    return (-amount if negative else amount), False


def _sign(text: str) -> tuple[str, bool]:
    """Digits without their sign, however written: -12, 12-, (12), 12 CR."""
    negative = False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    if text.endswith(("CR", "DR")):
        text, negative = text[:-2].strip(), negative or text.endswith("CR")
    if text.startswith(("-", "+")):
        text, negative = text[1:], negative or text.startswith("-")
    elif text.endswith("-"):
        text, negative = text[:-1], True
    return text.replace(" ", "").replace("'", ""), negative
