"""Invented finished runs for the tests of the reports: small, large, clean and empty.

Stand-ins carry the fields of the audit's and the intake's own classes, so that the reports are
tested without reading a file or running a rule.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime

import numpy as np
import pandas as pd
from sample_rules import EDITIONS, RULES, SOURCES

from auditor import schema
from auditor.reference import Contradiction
from auditor.report.content import Run, Unlock
from auditor.report.dispositions import Disposition
from auditor.stories import with_stories


@dataclass(frozen=True)
class Totals:
    at_risk_cents: int
    missed_cents: int
    findings: int
    denial: int
    review: int
    note: int
    lines_flagged: int
    missed_without_amount: int


@dataclass(frozen=True)
class SampleCounts:
    claims: int
    patients: int
    first_date: date | None
    last_date: date | None
    crowded_days: int = 0


@dataclass(frozen=True)
class SampleAudit:
    lines: pd.DataFrame
    findings: pd.DataFrame
    books: pd.DataFrame
    not_evaluated: pd.DataFrame
    superseded: int
    as_of: date
    totals: Totals
    counts: SampleCounts
    failed: tuple[tuple[str, str], ...] = ()

    @property
    def coverage(self) -> float:
        return 1 - self.books["not_evaluated"].sum() / max(1, self.books["in_scope"].sum())


@dataclass(frozen=True)
class SampleMatch:
    column: str
    positions: tuple[int, ...]
    headers: tuple[str, ...]
    how: str
    confidence: float
    note: str = ""


@dataclass(frozen=True)
class SampleMapping:
    matches: tuple[SampleMatch, ...]
    unused: tuple[str, ...]
    identifying: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class SampleIntake:
    file: str
    sheet: str | None
    sha256: str
    notes: tuple[str, ...]
    mapping: SampleMapping
    lines_read: int
    totals_rows: int
    repairs: pd.DataFrame
    rejected: pd.DataFrame


PAYERS = (
    "Medicare",
    "Example Advantage",
    "Sample Mutual",
    "Harbor Health Plan",
    "Example Medicaid",
)
CODES = ("75574", "75580", "75572", "75573", "75571", "0503T")
MESSAGES = {
    "ptp_pair_never_payable": "{code} on {day} stands beside 75574; indicator 0.",
    "global_billed_in_facility": "{code} without modifier 26 at place of service 22, a facility.",
    "ffrct_denied_as_bundled": "{code} on {day} was paid $0.00 with CO-97.",
}


CONTRADICTIONS = (
    Contradiction(
        "ccta-apc-2025",
        "opps_rates",
        "procedure_code",
        "75574",
        "2025-01-01",
        "2025-12-31",
        "APC 5572",
        "APC 5571",
        "opps-2024",
        "guide-2025",
        "the rate is that of 5572",
    ),
)


def findings_frame(count: int, seed: int = 7) -> pd.DataFrame:
    """Invented findings, sorted as the audit sorts them; amounts in cents."""
    random = np.random.default_rng(seed)
    flagging = [rule for rule in RULES if rule.name not in ("filed_late", "diagnosis_missing")]
    weights = np.array([5, 3, 12, 9, 14, 4, 3, 6, 8, 2], dtype=float)
    picks = random.choice(len(flagging), size=count, p=weights / weights.sum())
    rules = [flagging[pick] for pick in picks]
    codes = random.choice(CODES, size=count)
    professional = random.random(count) < 0.5
    lines = random.integers(0, max(2, int(count * 0.8)), count)
    # A patient's lines lie within a week, those of the patient's two claims some days apart.
    days = pd.Timestamp("2025-01-02") + pd.to_timedelta(lines // 6 * 37 % 490 + lines % 8, unit="D")
    amounts = pd.array(random.integers(8_000, 105_000, count), dtype="Int64")
    amounts[np.isin([rule.severity for rule in rules], ["note"])] = pd.NA
    amounts[random.random(count) < 0.08] = pd.NA
    basis = random.choice(["allowed", "fee_schedule", "charge"], size=count, p=[0.6, 0.3, 0.1])
    day_texts = days.strftime("%Y-%m-%d")
    frame = pd.DataFrame(
        {
            "finding": [f"{number:012x}" for number in random.integers(0, 2**48, count)],
            "rule": [rule.name for rule in rules],
            "family": [rule.family for rule in rules],
            "severity": [rule.severity for rule in rules],
            "money": [rule.money for rule in rules],
            "amount": amounts,
            "amount_basis": np.where(pd.isna(amounts), "", basis),
            "status": "",
            "claim_id": [f"C{number // 3:07d}" for number in lines],
            "line_number": pd.array(lines % 3 + 1, dtype="Int64"),
            "patient_id": [f"P{number // 6:06d}" for number in lines],
            "payer": random.choice(PAYERS, size=count, p=[0.5, 0.2, 0.15, 0.1, 0.05]),
            "payer_type": "medicare",
            "claim_type": np.where(professional, "professional", "institutional"),
            "service_date": days.astype("datetime64[s]"),
            "procedure_code": codes,
            "modifiers": np.where(
                professional, random.choice(["26", "", "TC", "26 59"], size=count), ""
            ),
            "place_of_service": np.where(professional, "22", ""),
            "revenue_code": np.where(
                professional, "", random.choice(["0350", "0489", "0480"], size=count)
            ),
            "units": random.choice([1.0, 2.0, 1.5], size=count, p=[0.9, 0.09, 0.01]),
            "billing_npi": "1000000004",
            "rendering_npi": np.where(professional, "3000000000", ""),
            "department": np.where(professional, "", "Cardiology"),
            "message": [
                MESSAGES.get(rule.name, "{code} on {day}: " + rule.title.lower() + ".").format(
                    code=code, day=day
                )
                for rule, code, day in zip(rules, codes, day_texts, strict=True)
            ],
            "remedy": [rule.remedy for rule in rules],
            "denial_codes": [" ".join(rule.denial_codes) for rule in rules],
            "partner_claim_id": np.where(picks % 3 == 0, "C9000001", ""),
            "partner_line_number": pd.array(np.where(picks % 3 == 0, 2, 0), dtype="Int64"),
            "other_partners": "",
            "sources": [" ".join(rule.sources) for rule in rules],
            "source_file": "hospital.csv",
            "source_sheet": "",
            "source_row": pd.array(lines + 2, dtype="Int64"),
        }
    )
    frame.loc[frame["partner_line_number"] == 0, "partner_line_number"] = pd.NA
    frame = frame.drop_duplicates(["rule", "source_row"])
    return sorted_findings(frame)


def sorted_findings(frame: pd.DataFrame) -> pd.DataFrame:
    """Findings in the audit's order, with ``counts_money``, ``story`` and ``line``."""
    order = frame["severity"].map({"denial": 0, "review": 1, "note": 2})
    frame = frame.assign(order=order, none=frame["amount"].fillna(-1))
    frame = frame.sort_values(
        ["order", "none", "claim_id", "line_number", "rule"],
        ascending=[True, False, True, True, True],
    )
    has_money = frame["money"].ne("none") & frame["amount"].notna()
    first = ~frame[has_money].duplicated(["source_file", "source_row", "money"])
    frame["counts_money"] = first.reindex(frame.index, fill_value=False)
    frame["line"] = frame["source_row"].astype("int64") - 2
    return with_stories(frame.reset_index(drop=True), {})[[*schema.FINDINGS, "line"]]


def rejected_frame(count: int) -> pd.DataFrame:
    """Invented rejected lines."""
    return pd.DataFrame(
        {
            "file": "hospital.csv",
            "sheet": "",
            "row": np.arange(count) * 7 + 11,
            "column": "service_date",
            "value_shape": "99/AA/99",
            "reason": "the date of service is not a date like 2024-01-31",
        },
        columns=list(schema.REJECTED),
    )


def intake(lines_read: int, rejected: pd.DataFrame) -> SampleIntake:
    """How the invented export was understood."""
    known = (
        ("claim_id", "Claim Number"),
        ("line_number", "Line"),
        ("patient_id", "MRN"),
        ("service_date", "DOS"),
        ("procedure_code", "CPT"),
        ("revenue_code", "Rev Code"),
        ("payer", "Payer"),
    )
    matches = [
        SampleMatch(column, (place,), (header,), "name", 1.0)
        for place, (column, header) in enumerate(known)
    ]
    matches.append(
        SampleMatch("modifiers", (7, 8), ("M", "M"), "shape", 0.8, "two columns share one header")
    )
    missing = ("received_date", "authorization_number")
    repairs = pd.DataFrame(
        {
            "column": ["revenue_code", "service_date"],
            "repair": ["lost leading zero restored", "date read as month/day/year"],
            "cells": [412, lines_read],
            "example_shape": ["999", "99/99/9999"],
        }
    )
    mapping = SampleMapping(
        tuple(matches), ("Comment", "Internal flag"), ("Patient Name",), missing
    )
    notes = ("UTF-8, comma-delimited", "2 title rows above the header")
    return SampleIntake(
        "hospital.csv", None, "4f" * 32, notes, mapping, lines_read, 1, repairs, rejected
    )


def books_of(findings: pd.DataFrame, in_family: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Books that add up, and the reasons of the lines not evaluated."""
    flagged = findings["rule"].value_counts()
    rows, gaps = [], []
    for place, rule in enumerate(RULES):
        found = int(flagged.get(rule.name, 0))
        if rule.name == "filed_late":
            missed = [("column_missing", "received_date", in_family)]
        elif rule.name == "ptp_pair_never_payable":
            missed = [("reference_stale", "ptp_edits practitioner", in_family // 20)]
        elif rule.name in ("global_billed_in_facility", "professional_component_missing"):
            missed = [
                ("value_missing", "place_of_service", in_family // 30),
                ("awaiting_partner", "", in_family // 50),
            ]
        else:
            missed = []
        missed = [gap for gap in missed if gap[2]]
        lost = sum(gap[2] for gap in missed)
        scope = 0 if rule.name == "coinsurance_above_share" and not found else in_family
        scope = max(scope, found + lost) if scope else 0
        rows.append(
            (
                rule.name,
                rule.family,
                rule.severity,
                rule.money,
                scope,
                found,
                scope - found - lost,
                lost,
            )
        )
        gaps += [(rule.name, *gap) for gap in missed if place >= 0]
    names = ["rule", "family", "severity", "money", "in_scope", "flagged", "clean", "not_evaluated"]
    return (
        pd.DataFrame(rows, columns=names),
        pd.DataFrame(gaps, columns=["rule", "reason", "detail", "lines"]),
    )


def run_of(findings: pd.DataFrame, in_family: int, rejected: int = 3) -> Run:
    """A finished run around ``findings``."""
    audited, superseded = max(in_family + in_family // 5, len(findings), 40), 4
    lines_read = audited + superseded + rejected
    bad = rejected_frame(rejected)
    books, gaps = books_of(findings, in_family)
    money = findings[findings["counts_money"].astype(bool)]
    severity = findings["severity"].value_counts()
    totals = Totals(
        int(money.loc[money["money"] == "at_risk", "amount"].sum()),
        int(money.loc[money["money"] == "missed", "amount"].sum()),
        len(findings),
        *(int(severity.get(name, 0)) for name in ("denial", "review", "note")),
        int((~findings.duplicated(["source_file", "source_row"])).sum()),
        int(findings.loc[findings["money"] == "missed", "amount"].isna().sum()),
    )
    span = np.arange(audited)
    lines = pd.DataFrame(
        {
            "claim_id": pd.Categorical([f"C{number // 3:07d}" for number in span]),
            "patient_id": pd.Categorical([f"P{number // 6:06d}" for number in span]),
            "service_date": (
                pd.Timestamp("2025-01-02") + pd.to_timedelta(span % 500, unit="D")
            ).astype("datetime64[s]"),
        }
    )
    days = lines["service_date"].dropna()
    counts = SampleCounts(
        lines["claim_id"].nunique(),
        lines["patient_id"].nunique(),
        days.min().date() if len(days) else None,
        days.max().date() if len(days) else None,
    )
    audit = SampleAudit(lines, findings, books, gaps, superseded, date(2026, 6, 30), totals, counts)
    unlocks = (Unlock("received_date", ("filed_late",), in_family),) if in_family else ()
    return Run(
        audit=audit,  # type: ignore[arg-type]
        rules=RULES,  # type: ignore[arg-type]
        intakes=(intake(lines_read, bad),),  # type: ignore[arg-type]
        lines_read=lines_read,
        audited=audited,
        superseded=superseded,
        rejected=bad,
        in_family=in_family,
        editions=EDITIONS,
        sources=SOURCES,
        unlocks=unlocks,
        identity="0a1b2c3d4e5f",
        rule_set_digest="ab" * 32,
        settings_digest="cd" * 32,
        program_version="0.1.0",
        settings_changed={"ffrct_without_ccta.lookback_days": "60"},
        command="auditor run hospital.csv --out night --as-of 2026-06-30",
        started_at=datetime(2026, 7, 1, 2, 15, tzinfo=UTC),
        seconds={"read": 0.41, "audit": 0.83, "report": 0.52},
        contradictions=CONTRADICTIONS,
        reference_digest="9f" * 32,
        table_digests={edition.table: "3d" * 32 for edition in EDITIONS},
    )


def small_run() -> Run:
    """About 160 findings, with one of everything."""
    return run_of(findings_frame(180), in_family=2_940)


def large_run(count: int = 50_000) -> Run:
    """Fifty thousand findings."""
    return run_of(findings_frame(int(count * 1.12)).head(count), in_family=200_000, rejected=2_400)


def clean_run() -> Run:
    """Lines of the family and no finding."""
    return run_of(findings_frame(40).head(0), in_family=2_940)


def empty_run() -> Run:
    """No line of the cardiac CT family at all."""
    return run_of(findings_frame(40).head(0), in_family=0)


HOSTILE_TAG = '"><img src=x onerror=alert(2)>'
RIGHT_TO_LEFT = "\u202emoc.live\u202c \u200f\u05d0\u05d1"


def decided_run() -> Run:
    """The small run: its second finding decided, its third somebody's."""
    run = small_run()
    second, third = (str(finding) for finding in run.audit.findings["finding"].iloc[1:3])
    decided = Disposition("not an error", "A. Okafor", "<b>call</b> the payer")
    return replace(run, dispositions={second: decided, third: Disposition("open", "B. Li")})


def long_numbers_run() -> Run:
    """The small run with claims and patients of 40 characters, as some clearing houses write."""
    run = small_run()
    findings = run.audit.findings.copy()
    for column in ("claim_id", "patient_id"):
        findings[column] = findings[column].astype(str).str.ljust(40, "7")
    return replace(run, audit=replace(run.audit, findings=findings))


LONG_NAME = f"{'hospital_cardiac_ct_' * 9}2025.csv"


def hostile_run() -> Run:
    """Texts that would break out of a page or become a formula in a spreadsheet."""
    findings = findings_frame(60)
    texts = {
        "claim_id": [
            '=HYPERLINK("http://x.example")',
            "</script><script>alert(1)</script>",
            "+1",
            HOSTILE_TAG,
        ],
        "payer": ["<img src=x onerror=alert(1)>", "@SUM(A1)", "-2+3", RIGHT_TO_LEFT],
        "message": [
            "{{ 7 * 7 }} <b>bold</b>",
            'line\nbreak "quoted", comma',
            "\tcmd|' /C calc'!A0",
            "x" * 10_000,
        ],
        "modifiers": ["\x01\x0b", "é ü 漢字 \u202eabc", "&amp;"],
    }
    for column, values in texts.items():
        findings.loc[: len(values) - 1, column] = values
    run = run_of(findings, in_family=2_940)
    (read,) = run.intakes
    return replace(run, intakes=(replace(read, file=LONG_NAME),))
