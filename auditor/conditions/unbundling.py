"""What the unbundling rules ask."""

import numpy as np

from auditor.claim_lines import CCTA, has_code, is_denial
from auditor.conditions.seen import Condition, Seen, money
from auditor.ncci import PtpPairs, ptp_pairs
from auditor.reference import Ints

_CARDIAC_CT = ("75571", "75572", "75573", "75574")
_INCLUDED = ("97", "231", "234", "236")


def ptp_pair_never_payable(seen: Seen) -> list[Condition]:
    """An edit with indicator 0."""
    pairs, mine = _pairs(seen)
    pair = _best(mine, pairs.indicator[mine] == 0)
    return [*_edit(seen, pairs, pair), _indicator(pairs, pair, 0)]


def ptp_pair_without_modifier(seen: Seen) -> list[Condition]:
    """An edit with indicator 1 that nothing bypasses."""
    pairs, mine = _pairs(seen)
    pair = _best(mine, (pairs.indicator[mine] == 1) & ~pairs.bypassed[mine])
    said = f"no NCCI modifier on either line: {_modifiers(seen, pairs, pair)}"
    free = pair >= 0 and not pairs.bypassed[pair]
    return [*_edit(seen, pairs, pair), _indicator(pairs, pair, 1), Condition(said, free)]


def ptp_pair_bypassed(seen: Seen) -> list[Condition]:
    """An edit with indicator 1 that a modifier bypasses."""
    pairs, mine = _pairs(seen)
    pair = _best(mine, (pairs.indicator[mine] == 1) & pairs.bypassed[mine])
    said = f"an NCCI modifier stands on one of the lines: {_modifiers(seen, pairs, pair)}"
    bypassed = pair >= 0 and bool(pairs.bypassed[pair])
    return [*_edit(seen, pairs, pair), _indicator(pairs, pair, 1), Condition(said, bypassed)]


def _pairs(seen: Seen) -> tuple[PtpPairs, Ints]:
    pairs = ptp_pairs(seen.lines, seen.reference)
    return pairs, np.flatnonzero(pairs.two == seen.at)


def _best(mine: Ints, wanted: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> int:
    """A pair of the line that is as the rule wants it, else any, else -1."""
    chosen = mine[wanted] if wanted.any() else mine
    return int(chosen[0]) if len(chosen) else -1


def _edit(seen: Seen, pairs: PtpPairs, pair: int) -> list[Condition]:
    same = seen.alike("service_date", "billing_npi", "claim_type")
    beside = seen.others(same & ~seen.alike("procedure_code"))
    found = [
        Condition(
            "another code of this patient, day, billing NPI and claim type stands beside it: "
            f"{seen.named(beside)}",
            len(beside) > 0,
        )
    ]
    if pair < 0:
        return [
            *found,
            Condition("an edit in force on the date denies its code beside them", False),
        ]
    row = pairs.edits.table.rows.iloc[int(pairs.edits.row[pair])]
    since, until = row["effective_from"] or "the first edition", row["effective_to"] or "now"
    one = seen.lines.iloc[int(pairs.one[pair])]
    return [
        *found,
        Condition(
            f"an edit in force on {seen.day()} (from {since} to {until}) has "
            f"{row['column_one']} in column one and {row['column_two']} in column two",
            row["column_two"] == seen.text("procedure_code"),
        ),
        Condition(f"column one was not denied: claim {one['claim_id']}", not bool(one["denied"])),
    ]


def _indicator(pairs: PtpPairs, pair: int, wanted: int) -> Condition:
    found = str(int(pairs.indicator[pair])) if pair >= 0 else "unknown"
    means = "no modifier helps" if wanted == 0 else "a modifier may bypass it"
    return Condition(
        f"its modifier indicator is {found}; asked for: {wanted}, {means}", found == str(wanted)
    )


def _modifiers(seen: Seen, pairs: PtpPairs, pair: int) -> str:
    one = str(seen.lines["modifiers"].iloc[int(pairs.one[pair])]) if pair >= 0 else ""
    return f"this line {seen.shown('modifiers')}, column one {one or 'none'}"


def one_acquisition_billed_twice(seen: Seen) -> list[Condition]:
    """A cardiac CT of the same day."""
    same = seen.alike("service_date", "claim_type") & has_code(seen.lines, _CARDIAC_CT)
    beside = seen.others(same & ~seen.lines["denied"].to_numpy(dtype=bool))
    said = "a cardiac CT, not denied, of this patient, day and claim type stands beside it"
    return [Condition(f"{said}: {seen.named(beside)}", len(beside) > 0)]


def ffrct_denied_as_bundled(seen: Seen) -> list[Condition]:
    """Nothing paid, for a reason that says included, and a CCTA near by."""
    paid, allowed = seen.cents("paid_cents"), seen.cents("allowed_cents")
    named = [
        code
        for code in seen.words("adjustment_codes")
        if code.rpartition("-")[2] in _INCLUDED and code.rpartition("-")[0] in ("", "CO")
    ]
    limit = seen.settings["lookback_days"]
    apart = seen.days[seen.at] - seen.days
    near = seen.others(has_code(seen.lines, CCTA) & (apart >= 0) & (apart <= limit))
    return [
        Condition(
            f"nothing was paid ({money(paid)}) or allowed ({money(allowed)})", 0 in (paid, allowed)
        ),
        Condition(
            "an adjustment code says that it is included in another service (97, 231, 234 or 236 "
            f"of the contract): {seen.shown('adjustment_codes')}",
            bool(named) and is_denial(" ".join(named)),
        ),
        Condition(
            f"a CCTA of this patient stands in the {limit} days up to the date: {seen.named(near)}",
            len(near) > 0,
        ),
    ]
