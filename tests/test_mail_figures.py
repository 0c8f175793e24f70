"""A recipient's figures: recounted, money once, no name that nobody vouched for."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from auditor.mail.figures import Figures, figures_of
from auditor.mail.summary import Summary, summary_of
from auditor.mail.view import view_of
from auditor.mail_settings import MailSettings, RecipientSettings
from auditor.report.content import Run, build
from auditor.report.words import whole_dollars
from tests.mail_runs import folder_of
from tests.sample_run import clean_run, empty_run, run_of, small_run
from tests.test_report_summary import with_history

ALL = RecipientSettings(address="director@hospital.example")


@pytest.fixture(scope="module")
def run() -> Run:
    return with_history(small_run())


@pytest.fixture(scope="module")
def summary(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Summary:
    return summary_of(folder_of(tmp_path_factory.mktemp("figures"), run))


def counted(summary: Summary, recipient: RecipientSettings = ALL, smallest: int = 0) -> Figures:
    return figures_of(summary, recipient, smallest=smallest, payer_names=())


def only(**filters: list[str]) -> RecipientSettings:
    return RecipientSettings(address="someone@hospital.example", **filters)  # type: ignore[arg-type]


def cents_of(findings: pd.DataFrame, money: str) -> int:
    """Each line's money once, row by row: of the finding that counts it, else the dearest."""
    carried: dict[tuple[object, ...], tuple[bool, int]] = {}
    for row in findings.to_dict("records"):
        if row["money"] == money and not pd.isna(row["amount"]):
            line = (row["source_file"], row["source_row"])
            mine = (bool(row["counts_money"]), int(row["amount"]))
            carried[line] = max(carried.get(line, mine), mine)
    return sum(cents for _, cents in carried.values())


def test_the_mail_says_what_its_sums_rest_on_and_leave_out(run: Run, summary: Summary) -> None:
    settings = MailSettings()
    findings = run.audit.findings
    charged = findings[findings["amount_basis"] == "charge"]
    figures = counted(summary)
    assert figures.charged_cents == cents_of(charged[charged["counts_money"]], "at_risk") > 0
    assert figures.missed_without_amount == run.audit.totals.missed_without_amount > 0

    told = view_of(summary, ALL, settings, ())
    report = build(run)
    assert told.money_means == (
        f"At risk: {report.at_risk_means}.",
        f"Missed: {report.missed_means}.",
    )
    few = view_of(summary, ALL, settings.model_copy(update={"smallest_count": 11}), ())
    assert not any(letter.isdigit() for words in few.money_means for letter in words)


def test_the_likely_denials_are_not_said_to_be_worth_the_whole_sum(
    run: Run, summary: Summary
) -> None:
    told = view_of(summary, ALL, MailSettings(), ())
    denial = build(run).severities[0]
    totals = run.audit.totals

    assert denial.at_risk_cents < totals.at_risk_cents
    label = f"likely denials, {whole_dollars(denial.at_risk_cents)} at risk"
    assert (f"{totals.denial:,}", label) in told.figures
    at_risk = whole_dollars(totals.at_risk_cents)
    assert told.subject.endswith(f"{at_risk} at risk, {totals.denial:,} likely denials – correct")


def test_without_a_filter_the_figures_are_those_of_the_report(run: Run, summary: Summary) -> None:
    figures, totals = counted(summary), run.audit.totals

    assert (figures.at_risk_cents, figures.missed_cents) == (
        totals.at_risk_cents,
        totals.missed_cents,
    )
    assert [count for _, _, count in figures.severities] == [
        totals.denial,
        totals.review,
        totals.note,
    ]
    for shares in (figures.families, figures.payers):
        assert sum(one.findings for one in shares) == totals.findings
        assert sum(one.at_risk_cents for one in shares) == totals.at_risk_cents
        assert sum(one.missed_cents for one in shares) == totals.missed_cents
    assert sum(rule.findings for rule in figures.rules) == totals.findings


Part = Callable[[pd.DataFrame], "pd.Series[bool]"]
PARTS: list[tuple[RecipientSettings, Part]] = [
    (only(families=["unbundling"]), lambda f: f["family"].eq("unbundling")),
    (
        only(families=["components", "payment"]),
        lambda f: f["family"].isin(["components", "payment"]),
    ),
    (only(payers=["sample mutual "]), lambda f: f["payer"].eq("Sample Mutual")),
    (only(payers=["medicare"]), lambda f: f["payer_type"].eq("medicare")),
    (only(providers=["3000000000"]), lambda f: f["rendering_npi"].eq("3000000000")),
    (only(providers=["1000000004"]), lambda f: f["billing_npi"].eq("1000000004")),
    (only(severities=["denial"]), lambda f: f["severity"].eq("denial")),
    (
        only(families=["unbundling"], payers=["Medicare"], severities=["denial", "review"]),
        lambda f: (
            f["family"].eq("unbundling")
            & (f["payer"].eq("Medicare") | f["payer_type"].eq("medicare"))
            & f["severity"].isin(["denial", "review"])
        ),
    ),
]


@pytest.mark.parametrize(("recipient", "part"), PARTS)
def test_a_filter_counts_again_with_each_lines_money_once(
    recipient: RecipientSettings, part: Part, run: Run, summary: Summary
) -> None:
    figures = counted(summary, recipient)
    mine = run.audit.findings[part(run.audit.findings)]

    assert len(mine)
    assert sum(count for _, _, count in figures.severities) == len(mine)
    assert figures.at_risk_cents == cents_of(mine, "at_risk")
    assert figures.missed_cents == cents_of(mine, "missed")
    assert sum(one.at_risk_cents for one in figures.payers) == figures.at_risk_cents
    new = mine["status"].eq("new").sum()
    assert figures.changes
    assert {name: count for name, _, count in figures.changes.counts}["new"] == new


def test_a_line_whose_money_another_family_carries_has_it_here_too(tmp_path: Path) -> None:
    findings = small_run().audit.findings
    two = findings[findings["money"] == "at_risk"].drop_duplicates("family").head(2).copy()
    two[["source_row", "claim_id", "line_number"]] = (
        two[["source_row", "claim_id", "line_number"]].iloc[0].tolist()
    )
    two["amount"] = pd.array([50_000, 40_000], dtype="Int64")
    two["counts_money"] = [True, False]
    summary = summary_of(folder_of(tmp_path, run_of(two, in_family=100)))

    families = two["family"].tolist()
    assert counted(summary).at_risk_cents == 50_000
    assert counted(summary, only(families=[families[0]])).at_risk_cents == 50_000
    assert counted(summary, only(families=[families[1]])).at_risk_cents == 40_000


def test_lines_of_two_nights_that_share_a_row_number_are_two_lines(tmp_path: Path) -> None:
    findings = small_run().audit.findings
    two = findings[findings["money"] == "at_risk"].head(2).copy()
    two["source_row"] = 7
    two["claim_id"] = ["C1", "C2"]
    two["amount"] = pd.array([100, 200], dtype="Int64")
    summary = summary_of(folder_of(tmp_path, run_of(two, in_family=100)))

    assert counted(summary).at_risk_cents == 300


def test_a_payer_is_named_only_where_the_settings_know_the_name(summary: Summary) -> None:
    unnamed = {one.label for one in counted(summary).payers}
    named = figures_of(summary, ALL, smallest=0, payer_names=("SAMPLE MUTUAL",)).payers

    assert unnamed == {"Medicare"}  # by their type: the sample calls all of them medicare
    assert {one.label for one in named} == {"Medicare", "SAMPLE MUTUAL"}
    filtered = counted(summary, only(payers=["Harbor Health Plan"]))
    assert {one.label for one in filtered.payers} == {"Harbor Health Plan"}


def test_a_filter_that_nothing_meets_is_clean(summary: Summary) -> None:
    figures = counted(summary, only(payers=["Nobody"]))

    assert figures.kind == "clean"
    assert figures.rules == figures.payers == figures.families == ()


@pytest.mark.parametrize(
    ("run_", "kind"), [(clean_run(), "clean"), (empty_run(), "nothing_judged")]
)
def test_runs_without_findings_say_which_kind_they_are(
    run_: Run, kind: str, tmp_path: Path
) -> None:
    assert counted(summary_of(folder_of(tmp_path, run_))).kind == kind


def test_a_run_without_a_line_of_the_family_is_told_as_its_page_tells_it(tmp_path: Path) -> None:
    """Exports that can't be read, and those that never came, are not "the wrong export"."""
    empty = empty_run()
    unread = replace(empty, lines_read=len(empty.rejected), audited=0, superseded=0)
    none = replace(unread, lines_read=0, rejected=empty.rejected.head(0))
    for name, run_ in (("empty", empty), ("unread", unread), ("none", none)):
        summary = summary_of(folder_of(tmp_path / name, run_))
        told = view_of(summary, ALL, MailSettings(), ())
        verdict = build(run_).verdict
        assert (told.verdict, told.action) == (verdict.headline, verdict.action)

        few = view_of(summary, ALL, MailSettings(smallest_count=11), ())
        if name == "unread":
            assert str(len(unread.rejected)) not in few.verdict


def test_what_changed_is_told_by_what_concerns_the_recipient(run: Run, tmp_path: Path) -> None:
    findings = run.audit.findings.assign(status="persisting")
    still = replace(run, audit=replace(run.audit, findings=findings))  # type: ignore[type-var]
    assert still.changes
    gone = still.changes.resolved
    summary = summary_of(folder_of(tmp_path / "gone", still))
    assert counted(summary).changed
    families = set(gone["family"])
    for family in set(findings["family"]):
        assert counted(summary, only(families=[family])).changed == (family in families)

    quiet = replace(still, changes=replace(still.changes, resolved=gone.head(0)))
    assert not counted(summary_of(folder_of(tmp_path / "quiet", quiet))).changed


def test_without_a_history_every_run_counts_as_changed(tmp_path: Path) -> None:
    assert counted(summary_of(folder_of(tmp_path))).changed


# Small counts.

LIMIT = 11


@pytest.fixture(scope="module")
def small(summary: Summary) -> Figures:
    return counted(summary, smallest=LIMIT)


def test_no_count_below_the_limit_is_left_in_the_figures(small: Figures) -> None:
    assert small.changes
    counts = [
        *(count for _, _, count in small.severities),
        *(rule.findings for rule in small.rules),
        *(one.findings for one in (*small.families, *small.payers)),
        *(count for _, _, count in small.changes.counts),
    ]
    assert not [count for count in counts if 0 < count < LIMIT]
    assert small.few_rules
    assert small.changes.nights == ()
    assert small.changes.recovered_cents is None


def test_money_and_severities_stay_those_of_the_report(small: Figures, run: Run) -> None:
    assert small.at_risk_cents == run.audit.totals.at_risk_cents
    assert small.severities[0] == ("denial", "shown", run.audit.totals.denial)


def test_families_tell_no_count_beside_their_rules(small: Figures) -> None:
    assert {one.shown for one in small.families} == {"withheld"}
    assert any(one.money for one in small.families)


def test_where_a_severity_is_hidden_no_table_tells_the_sum(run: Run, tmp_path: Path) -> None:
    findings = run.audit.findings
    notes = findings[findings["severity"] == "note"].index
    assert len(notes) > LIMIT
    fewer = findings.drop(notes[4:])
    hidden = replace(run, audit=replace(run.audit, findings=fewer))  # type: ignore[type-var]
    figures = counted(summary_of(folder_of(tmp_path, hidden)), smallest=LIMIT)

    assert figures.severities[2] == ("note", "few", 0)
    assert {one.shown for one in figures.payers} == {"withheld"}
    assert figures.changes
    assert {name: state for name, state, _ in figures.changes.counts}["persisting"] == "withheld"
    assert all(rule.severity != "note" for rule in figures.rules)
    titles = {rule["name"]: rule["title"] for rule in summary_of(tmp_path).facts["rules"]}
    told = {titles[name] for name in fewer.loc[fewer["severity"] == "note", "rule"]}
    assert not told & set(figures.few_rules)


def test_a_small_severity_is_fewer_than_in_subject_and_verdict(run: Run, tmp_path: Path) -> None:
    findings = run.audit.findings
    fewer = findings.drop(findings[findings["severity"] == "denial"].index[3:])
    summary = summary_of(
        folder_of(tmp_path, replace(run, audit=replace(run.audit, findings=fewer)))  # type: ignore[type-var]
    )
    view = view_of(summary, ALL, MailSettings(smallest_count=LIMIT), ())

    assert "fewer than 11 likely denials" in view.subject
    assert "correct fewer than 11 likely denials" in view.verdict
    assert ("< 11", "likely denials") in view.figures
