"""Pairs of codes that exclude each other, restated."""

from tests.oracle.lines import CARDIAC_CT, CCTA, Line, days_between
from tests.oracle.money import expected
from tests.oracle.run import Run
from tests.oracle.tables import covers, is_stale, of, rows
from tests.oracle.verdicts import CLEAN, MILDER, OracleRule, Verdict, flag, unknown

BYPASSING = {row["modifier"] for row in rows("modifiers") if row["bypasses_ptp"] == "yes"}
FFRCT_ANALYSIS = {"75580", "0503T", "0501T"}
BUNDLED = {"97", "234", "236", "231"}


def is_column_two(line: Line) -> bool:
    """The family, and codes that stand in column two of some pair in their setting, at any date."""
    if line.in_family:
        return True
    settings = [line.claim_type] if line.claim_type else ["institutional", "professional"]
    return any(of("ptp_edits", setting=s, column_two=line.code) for s in settings)


def beside(line: Line, mine: list[Line]) -> list[Line]:
    """Lines with another code of the same day, provider and claim type."""
    return [
        other
        for other in mine
        if other is not line
        and other.service_date == line.service_date
        and other.claim_type == line.claim_type
        and other.npi == line.npi
        and other.code != line.code
    ]


def edit(one: str, two: str, line: Line) -> dict[str, str] | None:
    for row in of("ptp_edits", setting=line.claim_type, column_one=one, column_two=two):
        deleted = row["effective_from"] and row["effective_from"] == row["effective_to"]
        active = row["modifier_indicator"] in ("0", "1") and not deleted
        if active and covers(row, line.service_date):
            return row
    return None


def is_in_table(line: Line) -> bool:
    kind, code = line.claim_type, line.code
    return bool(
        of("ptp_edits", setting=kind, column_one=code)
        or of("ptp_edits", setting=kind, column_two=code)
    )


def is_no_edit(one: str, two: str) -> bool:
    return bool(of("ptp_non_edits", code_a=one, code_b=two)) or bool(
        of("ptp_non_edits", code_a=two, code_b=one)
    )


def pair_rule(indicator: str, bypassed: bool | None, severity: str):
    def judge(line: Line, mine: list[Line], run: Run) -> Verdict:
        stale = is_stale("ptp_edits", line.service_date, line.claim_type)
        harshest = ""
        open_question = False
        for other in beside(line, mine):
            open_question |= not is_no_edit(other.code, line.code)
            row = edit(other.code, line.code, line)
            if row is None or other.denied:
                continue
            helps = bool(BYPASSING & {*line.modifiers, *other.modifiers})
            if row["modifier_indicator"] == indicator and bypassed in (None, helps):
                readers = {line.text("rendering_npi"), other.text("rendering_npi")}
                two_readers = line.physician and len(readers) == 2 and "" not in readers
                mild = line.payer_type != "medicare" or two_readers
                word = "review" if severity == "denial" and mild else severity
                if not harshest or word == "denial":
                    harshest = word
        if harshest:
            return flag(MILDER[harshest] if stale else harshest, "at_risk")
        if not open_question:
            return CLEAN
        if stale:  # it may accuse, never acquit, save pairs known to be none
            return unknown("reference_stale", "ptp_edits")
        return CLEAN if is_in_table(line) else unknown("reference_missing", "ptp_edits")

    return judge


def one_acquisition_billed_twice(line: Line, mine: list[Line], run: Run) -> Verdict:
    for other in mine:
        if (
            other.code in CARDIAC_CT
            and other.service_date == line.service_date
            and other.claim_type == line.claim_type
            and not other.denied
        ):
            return flag("review", "at_risk")
    return CLEAN


def ffrct_denied_as_bundled(line: Line, mine: list[Line], run: Run) -> Verdict:
    nothing = line.cents("paid") == 0 or line.cents("allowed") == 0
    bundled = any(
        code.rpartition("-")[2] in BUNDLED and code.rpartition("-")[0] in ("", "CO")
        for code in line.words("adjustment_codes")
    )
    beside = any(
        other.code in CCTA and 0 <= days_between(other, line) <= run.options.lookback
        for other in mine
    )
    if not (nothing and bundled and beside):
        if line.cents("paid") is None and line.cents("allowed") is None:
            told = "paid_cents" in line.given
            return unknown("value_missing" if told else "column_missing", "paid_cents")
        return CLEAN
    return flag("review", "missed", expected(line, mine).cents, own_amount=True)


PROVIDED = ("claim_type", "billing_npi")

RULES = (
    OracleRule(
        "ptp_pair_never_payable",
        is_column_two,
        pair_rule("0", None, "denial"),
        needs=("claim_type",),
        needs_value=PROVIDED,
    ),
    OracleRule(
        "ptp_pair_without_modifier",
        is_column_two,
        pair_rule("1", False, "denial"),
        needs=("claim_type", "modifiers"),
        needs_value=PROVIDED,
    ),
    OracleRule(
        "ptp_pair_bypassed",
        is_column_two,
        pair_rule("1", True, "review"),
        needs=("claim_type", "modifiers"),
        needs_value=PROVIDED,
    ),
    OracleRule(
        "one_acquisition_billed_twice",
        lambda line: line.code == "71275",
        one_acquisition_billed_twice,
        needs=("claim_type",),
        needs_value=("claim_type",),
    ),
    OracleRule(
        "ffrct_denied_as_bundled",
        lambda line: line.code in FFRCT_ANALYSIS,
        ffrct_denied_as_bundled,
        needs=("adjustment_codes", "paid_cents|allowed_cents"),
    ),
)
