"""What a line is worth, in cents, and on what basis."""

import pandas as pd


def at_risk_of(lines: pd.DataFrame) -> tuple["pd.Series[int]", "pd.Series[str]"]:
    """What could be denied or taken back: the allowed amount if above zero, else the charge.

    Returns cents (missing where neither is known) and the basis: ``allowed``, ``charge`` or "".
    """
    allowed = lines["allowed_cents"].where(lines["allowed_cents"] > 0)
    charge = lines["charge_cents"].where(lines["charge_cents"] > 0)
    basis = pd.Series("", index=lines.index, dtype="str")
    basis = basis.mask(charge.notna(), "charge").mask(allowed.notna(), "allowed")
    return allowed.fillna(charge), basis
