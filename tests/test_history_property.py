"""Three nights, however far apart, and one run over all their files agree on what is open."""

import random
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from auditor.history.memory import Remembered
from tests.nights import AS_OF, Site

CODES = ["75574", "75574", "75580", "75571", "75572", "76376", "71275", "36000", "0503T"]
DATES = [f"2025-03-{day:02d}" for day in range(1, 25)]
DATES += ["2023-06-01", "2024-08-05", "2026-06-25", "2026-06-10"]
Row = dict[str, str]


def exported_claims(chance: random.Random) -> list[list[Row]]:
    """Invented claims, a list of lines each; replacements and voids among them."""
    return [_claim(chance, number) for number in range(chance.randint(15, 40))]


def _claim(chance: random.Random, number: int) -> list[Row]:
    pick = chance.choice
    head = {
        "claim_id": f"C{number if chance.random() < 0.9 else chance.randint(0, number)}",
        "claim_type": pick(["institutional", "professional", "professional"]),
        "patient_id": pick([f"P{n}" for n in range(1, 9)]),
        "claim_frequency": pick(["", "", "", "7", "8"]),
        "billing_npi": pick(["1000000004", "2000000002", ""]),
        "rendering_npi": pick(["", "3000000000", "3000000018"]),
        "place_of_service": pick(["22", "11", "", "24"]),
        "payer_type": pick(["medicare", "commercial"]),
        "received_date": pick(["2025-04-01", "2025-03-10", "2026-06-28", ""]),
    }
    if head["claim_frequency"]:
        head["original_claim_id"] = pick(["", "C0", "C1", "C2", "C3"])
    empty = ["place_of_service"]
    if head["claim_type"] == "professional":
        empty = ["bill_type", "statement_from", "statement_through"]
    return [
        head
        | dict.fromkeys(empty, "")
        | {
            "line_number": str(place),
            "procedure_code": pick(CODES),
            "modifiers": pick(["", "", "26", "TC", "59", "59 26", "26 TC", "76"]),
            "service_date": pick(DATES),
            "revenue_code": pick(["0489", "0352", "0351", "", "048X"]),
            "units": pick(["1", "1", "2", "-1"]),
            "allowed": pick(["357.13", "0.00", ""]),
            "paid": pick(["285.70", "0.00", ""]),
            "adjustment_codes": pick(["", "CO-97", "CO-45"]),
        }
        for place in range(1, chance.randint(1, 3) + 1)
    ]


def over_nights(chance: random.Random, claims: Sequence[list[Row]]) -> list[list[Row]]:
    """The claims at random over three nights; some are exported again, some of those changed."""
    nights: list[list[Row]] = [[], [], []]
    changes: list[Row] = [{}, {"paid": "0.00", "remit_date": "2026-06-29"}, {"allowed": "1.00"}]
    changes += [{"modifiers": "26"}, {"modifiers": ""}]
    for rows in claims:
        first = chance.randrange(3)
        nights[first] += rows
        if first < 2 and chance.random() < 0.3:
            later = chance.randrange(first + 1, 3)
            nights[later] += [row | chance.choice(changes) for row in rows]
    return nights


def content(remembered: Remembered) -> pd.DataFrame:
    """The open findings, but for where their line stood and since when they are known."""
    apart = ["status", "line", "source_file", "source_row", "source_sheet"]
    found = remembered.audit.findings.drop(columns=apart).astype("str")
    return found.set_index("finding").sort_index()


@pytest.mark.parametrize(
    ("seed", "gaps"), [(0, (1, 1)), (1, (1, 1)), (2, (1, 1)), (3, (2, 279)), (5, (15, 91))]
)
def test_three_nights_and_one_run_over_all_files_agree(
    seed: int, gaps: tuple[int, int], tmp_path: Path
) -> None:
    chance = random.Random(seed)
    nights = over_nights(chance, exported_claims(chance))

    three = Site(tmp_path / "three")
    for days, rows in zip((sum(gaps), gaps[1], 0), nights, strict=True):
        last = three.night(rows, as_of=AS_OF - timedelta(days=days))
    single = Site(tmp_path / "one").night(*nights)

    assert len(single.audit.findings) > 10
    pd.testing.assert_frame_equal(content(last), content(single))
    assert last.audit.totals == single.audit.totals
    assert last.extract == single.extract
