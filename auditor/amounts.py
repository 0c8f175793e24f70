"""What a line is worth, in cents, and on what basis.

Medicare's national rates: hospital lines by OPPS (status indicator and rate of the code's APC),
professional lines by the physician fee schedule (relative value units times conversion factor, the
lower of that and the OPPS imaging cap). Other payers by the user's own contract_rates table. Where
no rate is known there is no amount.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from auditor.caching import computed_once
from auditor.claim_lines import (
    Mask,
    among,
    each_word,
    has_code,
    has_modifier,
    institutional,
    professional,
    same_word,
)
from auditor.editions import day_number
from auditor.fee_schedule import (
    CT_REDUCED,
    NO_CENTS,
    cents_in,
    hundredths_in,
    is_local,
    old_scanner,
    physician_rate,
    share_of,
)
from auditor.localities import has_localities
from auditor.matching import first_places, group_key, numbered, whole_claims
from auditor.reference import Bools, Ints, Reference, day_numbers

# Non-excepted off-campus departments are paid 40 % of the OPPS rate (42 CFR 419.48).
_PN_SHARE = 40
_NO_RATE = "no rate is known for this code, place and date"
_NO_PAYER = "no rates of this payer are known"
_NO_BASE = (
    "your contract pays a percentage of Medicare's rate, and that is not known for this code, "
    "place and date"
)


@dataclass(frozen=True)
class Expected:
    """The expected payment of claim lines.

    ``cents`` is missing where no rate is known, and ``why_not`` then says why. ``basis`` is
    ``fee_schedule`` or ``contract``. ``stale`` marks dates the rate tables don't answer for,
    ``local`` lines priced by the costs of their locality, not by national rates, ``by_medicare``
    lines of Medicare and of contracts that pay a percentage of its rates.
    """

    cents: "pd.Series[int]"
    basis: "pd.Series[str]"
    why_not: "pd.Series[str]"
    stale: Bools
    local: Bools
    by_medicare: Bools

    def at(self, places: Ints) -> "Expected":
        """The same of the lines at some places, numbered anew."""
        return Expected(
            cents=self.cents.take(places).reset_index(drop=True),
            basis=self.basis.take(places).reset_index(drop=True),
            why_not=self.why_not.take(places).reset_index(drop=True),
            stale=self.stale[places],
            local=self.local[places],
            by_medicare=self.by_medicare[places],
        )


_PRICED_BY = (
    "procedure_code",
    "component",
    "claim_type",
    "place_of_service",
    "bill_type",
    "modifiers",
    "payer_type",
    "payer",
)
# What tells the status of a claim's services.
_TELLING_STATUS = ["claim_id", "patient_id", "claim_type", "procedure_code", "service_date"]


@computed_once
def expected_payment(lines: pd.DataFrame, reference: Reference) -> Expected:
    """What the payer should allow for each line, in cents, its units counted.

    Lines that agree in all that decides the price are priced once.
    """
    priced = np.flatnonzero(has_code(lines, _priced_codes(reference)))
    packaged = _beside_significant(lines, reference)[priced]
    period, periods = _rate_periods(lines, reference)
    by = (*_PRICED_BY, "service_zip") if has_localities(reference) else _PRICED_BY
    key = (group_key(lines, by)[priced] * periods + period[priced]) * 2 + packaged
    number = numbered(key)
    first = first_places(number)
    unit, contracted, shared = _unit_cents(lines.iloc[priced[first]], reference, packaged[first])
    unit_cents = np.full(len(lines), NO_CENTS, dtype=np.int64)
    unit_cents[priced] = unit[number]
    by_contract, relative = np.zeros((2, len(lines)), dtype=bool)
    by_contract[priced], relative[priced] = contracted[number], shared[number]
    units = lines["units"].to_numpy(dtype=np.float64)
    known = (unit_cents >= 0) & (units > 0)
    cents = np.where(known, np.rint(unit_cents * np.where(units > 0, units, 1)), 0)
    stale = np.where(
        institutional(lines),
        reference.stale("opps_rates", lines),
        reference.stale("pfs_rates", lines),
    )
    return Expected(
        cents=pd.Series(pd.array(cents.astype(np.int64), dtype="Int64"), index=lines.index).mask(
            ~known
        ),
        basis=_words(lines, [known & by_contract, known], ["contract", "fee_schedule"], ""),
        why_not=_words(
            lines,
            [known, relative, _medicare(lines) | by_contract],
            ["", _NO_BASE, _NO_RATE],
            _NO_PAYER,
        ),
        stale=stale.astype(bool),
        local=is_local(lines, reference) & known & ~by_contract,
        by_medicare=relative | _medicare(lines) & ~by_contract,
    )


_LOCAL_TABLES = ("zip_localities", "gpci", "locality_caps")
_RATE_TABLES = ("opps_rates", "pfs_rates", "conversion_factors", "imaging_caps", "contract_rates")


def _rate_periods(lines: pd.DataFrame, reference: Reference) -> tuple[Ints, int]:
    """For each line the number of its period, within which no rate changes, and how many there are.

    A place of service changes what is paid, too, and whether a table of caps answers at all.
    """
    names = (*_RATE_TABLES, "places_of_service", *_LOCAL_TABLES)
    tables = [reference.tables[name] for name in names if name in reference.tables]
    ends = [days for table in tables for days in (table.first_days, table.last_days + 1)]
    known = [one for table in tables for one in table.editions]
    begins = [day_number(one.first_date) for one in known if one.first_date]
    after = [day_number(one.last_date) + 1 for one in known if one.last_date]
    bounds = np.unique(np.concatenate([*ends, begins, after])).astype(np.int64)
    day, number = _numbered_days(lines)
    return np.searchsorted(bounds, day, side="right")[number], len(bounds) + 1


def _numbered_days(lines: pd.DataFrame) -> tuple[Ints, Ints]:
    """The days between the first and the last date of service, and each line's number among them.

    There are few days and many lines.
    """
    days = day_numbers(lines["service_date"])
    first = int(days.min()) if len(days) else 0
    last = int(days.max()) if len(days) else 0
    return np.arange(first, last + 1), days - first


def _words(
    lines: pd.DataFrame, masks: list[Mask], words: list[str], other: str
) -> "pd.Series[str]":
    """One of a few words a line: that of the first mask that holds."""
    codes = np.select(masks, list(range(len(masks))), len(masks))
    distinct = list(dict.fromkeys([*words, other]))
    at = np.array([distinct.index(word) for word in (*words, other)])
    return pd.Series(
        pd.Categorical.from_codes(at[codes], categories=pd.Index(distinct, dtype="str")),
        index=lines.index,
    )


def _priced_codes(reference: Reference) -> frozenset[str]:
    tables = ("opps_rates", "pfs_rates", "contract_rates")
    return frozenset().union(*(reference.words(name, "procedure_code") for name in tables))


def _unit_cents(
    lines: pd.DataFrame, reference: Reference, packaged: Bools
) -> tuple[Ints, Bools, Bools]:
    """Cents a unit, -1 where no rate is known; whether a contract gave them.

    Behind them whether a contract gives a percentage of Medicare's rate, be that known or not.
    """
    by_rates = np.where(institutional(lines), _hospital_rate(lines, reference, packaged), NO_CENTS)
    by_rates = np.where(professional(lines), physician_rate(lines, reference), by_rates)
    contract, relative = _contract_rate(lines, reference, by_rates)
    medicare = np.where(_medicare(lines), by_rates, NO_CENTS)
    return np.where(contract >= 0, contract, medicare), contract >= 0, relative


def _beside_significant(lines: pd.DataFrame, reference: Reference) -> Bools:
    """Lines on a claim with a service of status S, which packages a conditional one."""
    conditional = reference.words("opps_rates", "procedure_code", status_indicator="Q1")
    asks = has_code(lines, conditional) & institutional(lines)
    if not asks.any():
        return asks
    packaged = np.zeros(len(lines), dtype=bool)
    near = np.flatnonzero(whole_claims(lines, asks))
    claims = lines[_TELLING_STATUS].iloc[near]
    status = reference.as_of("opps_rates", claims, on=["procedure_code"])["status_indicator"]
    packaged[near] = whole_claims(claims, among(status, ["S"]))
    return packaged


def absent_component(
    lines: pd.DataFrame, reference: Reference, component: str, claim_type: str
) -> tuple["pd.Series[int]", "pd.Series[str]"]:
    """What the payer of each line pays for the other half of its study, which nobody billed.

    Returns cents of one unit (missing where no rate is known) and the basis. The reading has one
    price for all places; a hospital's scan is priced as an outpatient one.
    """
    asked = lines.assign(
        component=same_word(component, len(lines)),
        claim_type=same_word(claim_type, len(lines)),
        modifiers=same_word("", len(lines)),
        bill_type=same_word("013", len(lines)),
    )
    unit, contracted, _ = _unit_cents(asked, reference, np.zeros(len(lines), dtype=bool))
    basis = _words(lines, [contracted, unit >= 0], ["contract", "fee_schedule"], "")
    return _as_cents(unit, lines), basis.astype("str")


def at_risk_of(
    lines: pd.DataFrame, expected: Expected | None
) -> tuple["pd.Series[int]", "pd.Series[str]"]:
    """What could be denied or taken back: the allowed amount, else expected payment, else charge.

    ``expected`` is that of these lines; it is not asked where every line has an allowed
    amount. Returns cents (missing where none is known) and the basis: ``allowed``,
    ``fee_schedule``, ``contract``, ``charge`` or "".
    """
    allowed = lines["allowed_cents"].where(lines["allowed_cents"] > 0)
    charge = lines["charge_cents"].where(lines["charge_cents"] > 0)
    said = pd.Series("", index=lines.index, dtype="str").mask(charge.notna(), "charge")
    worth = charge
    if expected is not None:
        rate = expected.cents
        said = said.mask(rate.notna(), expected.basis.astype("str"))
        worth = rate.fillna(charge)
    return allowed.fillna(worth), said.mask(allowed.notna(), "allowed")


def _medicare(lines: pd.DataFrame) -> Mask:
    return among(lines["payer_type"], ["medicare"])


def _as_cents(cents: Ints, lines: pd.DataFrame) -> "pd.Series[int]":
    values = pd.Series(pd.array(np.asarray(cents, dtype=np.int64), dtype="Int64"), lines.index)
    return values.mask(values < 0)


def _hospital_rate(lines: pd.DataFrame, reference: Reference, beside_another: Bools) -> Ints:
    """OPPS cents a unit: bill types 12X and 13X only; packaged codes pay nothing of their own."""
    rate = reference.as_of("opps_rates", lines, on=["procedure_code"])
    cents = cents_in(rate, "rate_cents")
    status = rate["status_indicator"]
    packaged = among(status, ["N"]) | among(status, ["Q1"]) & beside_another
    cents = np.where(packaged, 0, cents)
    cents = np.where(has_modifier(lines, ["PN"]) & (cents > 0), share_of(cents, _PN_SHARE), cents)
    cents = np.where(old_scanner(lines) & (cents > 0), share_of(cents, CT_REDUCED), cents)
    outpatient = each_word(lines["bill_type"], lambda word: word[:3] in ("012", "013"))
    return np.where(outpatient, cents, NO_CENTS)


def _contract_rate(lines: pd.DataFrame, reference: Reference, by_rates: Ints) -> tuple[Ints, Mask]:
    """The user's own rates in cents, -1 where there is none, and which are shares of Medicare's."""
    on = ["payer", "procedure_code", "component", "claim_type"]
    rows = reference.as_of("contract_rates", lines, on=on)
    fixed = hundredths_in(rows, "amount")
    percent = hundredths_in(rows, "percent_of_medicare")
    relative = np.where(
        (percent >= 0) & (by_rates >= 0), (by_rates * percent + 5_000) // 10_000, -1
    )
    return np.where(fixed >= 0, fixed, relative), (percent >= 0) & (fixed < 0)
