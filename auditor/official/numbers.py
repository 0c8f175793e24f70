"""Numbers as the publishers write them, as the exact text that the tables hold."""

import re
from decimal import Decimal, InvalidOperation


def cents(text: str) -> str:
    """Whole cents of an amount such as ``$1,017.39``, blank where there is none.

    Raises ValueError for what is no amount.
    """
    plain = text.replace("$", "").replace(",", "").strip()
    if not plain:
        return ""
    return str(int((_decimal(plain) * 100).to_integral_value()))


def decimal(text: str) -> str:
    """A number without thousands separators, blank where there is none; 2.4 stays 2.4.

    Raises ValueError for what is no number.
    """
    plain = text.replace(",", "").strip()
    return f"{_decimal(plain):f}" if plain else ""


def _decimal(text: str) -> Decimal:
    if not re.fullmatch(r"-?[0-9]*\.?[0-9]+([Ee]-?[0-9]+)?", text):
        raise ValueError(f"'{text[:20]}' is no number")
    try:
        return Decimal(text)
    except InvalidOperation as fault:
        raise ValueError(f"'{text[:20]}' is no number") from fault
