"""Numbers as the publishers write them, as the exact text that the tables hold."""

import re
from decimal import Decimal, InvalidOperation


def cents(text: str) -> str:
    """Whole cents of an amount such as ``$1,017.39``, blank where there is none.

    Raises ValueError for what is no amount.
    """
    plain = _without_thousands(text.replace("$", ""))
    if not plain:
        return ""
    return str(int((_decimal(plain) * 100).to_integral_value()))


def decimal(text: str) -> str:
    """A number without thousands separators, blank where there is none; 2.4 stays 2.4.

    Raises ValueError for what is no number.
    """
    plain = _without_thousands(text)
    return f"{_decimal(plain):f}" if plain else ""


def _without_thousands(text: str) -> str:
    """A number without its separators. Raises ValueError where a comma parts no thousands."""
    plain = text.strip()
    if "," in plain and not re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?", plain):
        raise ValueError(f"'{plain[:20]}' is no number such as 1,612.40")
    return plain.replace(",", "")


def _decimal(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]*\.?[0-9]+([Ee]-?[0-9]+)?", text):
        raise ValueError(f"'{text[:20]}' is no number")
    try:
        return Decimal(text)
    except InvalidOperation as fault:
        raise ValueError(f"'{text[:20]}' is no number") from fault
