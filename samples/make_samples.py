"""Writes the sample exports of Harbor Heart Center, an invented heart centre.

Everything is invented: the centre, its physicians, payers' decisions, patients, numbers. No
claim here was ever filed. The same program writes the same bytes on every machine:

    python samples/make_samples.py                  hospital.csv, professional.xlsx, seeded.csv
    python samples/make_samples.py --update-readme  the same, and the tables of README.md
"""

import argparse
import inspect
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harbor_heart import mistakes_of_codes as codes
from harbor_heart import mistakes_of_dates as dates
from harbor_heart.business import Centre, ordinary_business
from harbor_heart.claims import Claim, Episode, adjudicate, date_claim
from harbor_heart.exports import write_hospital, write_key, write_physicians
from harbor_heart.seeding import Seeded, Seeding

HERE = Path(__file__).resolve().parent
SEED = 75574
AS_OF = "2026-07-15"

# Those that take all claims of a place and time come first, while there are untouched ones.
MISTAKES: tuple[Callable[[Seeding], None], ...] = (
    codes.annex_charges_under_ct,
    dates.old_codes,
    codes.group_forgets_26,
    codes.locum_modifier_first,
    codes.nursing_charges_added,
    codes.revenue_code_slips_over,
    codes.revenue_codes_wrong,
    codes.parts_of_the_scan_billed,
    codes.never_together,
    codes.one_acquisition_two_studies,
    codes.analysis_denied_as_bundled,
    codes.readings_not_billed,
    codes.scans_not_billed,
    codes.truck_bills_the_scan,
    codes.component_modifiers_misplaced,
    codes.read_by_two_groups,
    codes.whole_and_part_billed,
    codes.units_and_copies,
    codes.diagnoses_wrong,
    dates.analyses_without_scan,
    dates.analyses_before_the_scan,
    dates.analyses_long_after,
    dates.episodes_split,
    dates.statement_too_short,
    dates.readings_on_wrong_days,
    dates.dates_mistyped,
    dates.work_queue_forgotten,
    dates.paperwork_and_permits,
    dates.payments_wrong,
    dates.claims_taken_back,
    dates.readings_not_yet_billed,
    codes.cells_left_blank,
)


def invent() -> tuple[list[Claim], list[Seeded]]:
    """All claims of the centre with their numbers and money, and the seeded mistakes."""
    centre = Centre(SEED)
    episodes = ordinary_business(centre)
    seeding = Seeding(centre, episodes)
    seeding.run(MISTAKES)
    claims = _claims(episodes)
    for claim in claims:
        date_claim(claim)
        adjudicate(claim)
    _number(claims)
    return claims, seeding.seeded


def _claims(episodes: list[Episode]) -> list[Claim]:
    return [claim for one in sorted(episodes, key=lambda one: one.day) for claim in one.claims]


def _number(claims: list[Claim]) -> None:
    last = {True: 30100000, False: 610000}
    for claim in claims:
        original = claim.version_of
        if original is None:
            last[claim.hospital] += 7
            claim.number = f"{'' if claim.hospital else 'PB'}{last[claim.hospital]}"
        else:
            claim.number = original.number
        for place, line in enumerate(claim.lines, start=1):
            line.number = place


def write_all(folder: Path) -> list[Seeded]:
    """Writes the three files; returns the seeded mistakes."""
    claims, seeded = invent()
    folder.mkdir(parents=True, exist_ok=True)
    write_hospital([claim for claim in claims if claim.hospital], folder / "hospital.csv")
    write_physicians(
        [claim for claim in claims if not claim.hospital], folder / "professional.xlsx"
    )
    rows = ((one.mistake, one.rule, one.claim, one.line) for one in seeded)
    write_key(rows, folder / "seeded.csv")
    return seeded


def run_facts(folder: Path, settings: Path) -> dict[str, Any]:
    """What the audit says of the sample: run.json of a run as of AS_OF."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "run"
        files = [str(folder / name) for name in ("hospital.csv", "professional.xlsx")]
        command = [sys.executable, "-m", "auditor", "run", *files, "--settings", str(settings)]
        command += ["--as-of", AS_OF, "--formats", "json", "--out", str(out), "--quiet"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603  our own program
        facts: dict[str, Any] = json.loads((out / "run.json").read_text(encoding="utf-8"))
    return facts


def findings_table(facts: dict[str, Any]) -> Iterator[str]:
    """Markdown rows: a rule, its findings, and the lines it could not judge."""
    yield "| rule | findings | not evaluated |"
    yield "|---|---:|---:|"
    for name, rule in sorted(facts["rules"].items(), key=lambda one: (one[1]["family"], one[0])):
        yield f"| `{name}` | {rule['flagged']} | {rule['not_evaluated']} |"


def totals_table(facts: dict[str, Any]) -> Iterator[str]:
    """Markdown rows: what was read, and what the findings come to."""
    lines, totals = facts["lines"], facts["totals"]
    yield "| | |"
    yield "|---|---:|"
    yield f"| lines read | {lines['read']} |"
    yield f"| rejected | {lines['rejected']} |"
    yield f"| superseded | {lines['superseded']} |"
    yield f"| audited | {lines['audited']} |"
    yield f"| lines with a finding | {totals['lines_flagged']} |"
    yield f"| findings | {totals['findings']} |"
    yield f"| dollars at risk | {totals['at_risk_cents'] / 100:,.2f} |"
    yield f"| dollars missed | {totals['missed_cents'] / 100:,.2f} |"


def seeded_table(seeded: list[Seeded]) -> Iterator[str]:
    """Markdown rows: what went wrong at the centre, and which rules it should meet."""
    yield "| what went wrong | lines | rules that should say so |"
    yield "|---|---:|---|"
    for mistake in MISTAKES:
        own = [one for one in seeded if one.mistake == mistake.__name__]
        rules = ", ".join(dict.fromkeys(f"`{one.rule}`" for one in own if one.rule))
        lines = len({(one.claim.number, one.line.number) for one in own})
        story = " ".join(inspect.cleandoc(mistake.__doc__ or "").split())
        yield f"| {story} | {lines} | {rules or 'none should be misled'} |"


def update_readme(folder: Path, seeded: list[Seeded]) -> None:
    """Rewrites the tables between the marks of README.md."""
    readme = HERE / "README.md"
    text = readme.read_text(encoding="utf-8")
    facts = run_facts(folder, HERE / "audit.toml")
    tables = {
        "totals": totals_table(facts),
        "findings": findings_table(facts),
        "seeded": seeded_table(seeded),
    }
    for mark, rows in tables.items():
        before, start, rest = text.partition(f"<!-- {mark} -->\n")
        _, end, after = rest.partition(f"<!-- end of {mark} -->")
        if not end:
            raise SystemExit(f"{readme.name}: has no marks for {mark}")
        text = before + start + "\n".join(rows) + "\n" + end + after
    readme.write_text(text, encoding="utf-8", newline="\n")


def main() -> None:
    """Writes the samples into their own folder, or another one."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--out", type=Path, default=HERE, help="folder to write to")
    parser.add_argument("--update-readme", action="store_true", help="rewrite README.md's tables")
    arguments = parser.parse_args()
    seeded = write_all(arguments.out)
    if arguments.update_readme:
        update_readme(arguments.out, seeded)


if __name__ == "__main__":
    main()
