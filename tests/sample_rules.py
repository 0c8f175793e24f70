"""Invented rules, sources and editions for the tests of the reports."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from auditor.reference import Edition, Source


@dataclass(frozen=True)
class SampleRule:
    name: str
    family: str
    title: str
    severity: str
    money: str
    rationale: str
    remedy: str
    denial_codes: tuple[str, ...]
    sources: tuple[str, ...]
    needs: tuple[str, ...]
    needs_value: tuple[str, ...]
    settings: dict[str, Any]


# name, family, severity, money, denial codes, needs, sources, settings, title, rationale, remedy
RULE_TABLE = """
ptp_pair_never_payable|unbundling|denial|at_risk|CO-236 CO-97 M15|\
billing_npi modifiers|ncci-ptp ncci-manual||\
A code is billed beside the code that includes it|\
The NCCI pair has indicator 0: no modifier helps, and the payer denies the second code.|\
Take the second code off the claim.
ffrct_denied_as_bundled|unbundling|review|missed|CO-97 CO-234|\
paid_cents adjustment_codes|opps-2018|lookback_days=90|\
FFR-CT was denied as part of the CCTA|\
CMS pays FFR-CT separately from the CCTA; a payer that bundles them owes money.|\
Appeal with the OPPS rule and the NCCI tables, which hold no such pair.
global_billed_in_facility|components|denial|at_risk|CO-4 CO-58|\
claim_type modifiers place_of_service|pfs-2025 manual-13||\
The whole study is billed by a physician inside a facility|\
The facility owns the scanner and bills the technical part itself, so the payer pays a physician \
there for the reading only.|\
Bill the reading with modifier 26; the facility bills the scan.
professional_component_missing|components|review|missed||\
modifiers|manual-13|partner_days=7 grace_days=14|\
The reading of a scan was never billed|\
A hospital scan has a reading. If nobody bills it, the money is lost when filing closes.|\
Ask the reading group whether the claim went out; bill it while filing is open.
revenue_code_not_preferred|revenue_codes|note|missed||revenue_code|opps-2024||\
A revenue code is accepted but steers future rates the wrong way|\
CMS sets the rate from the cost ratio of the centre that the revenue code names.|\
Charge cardiac CT under 0480 or 0489.
ffrct_without_ccta|dates_of_service|review|at_risk|CO-B15 CO-107 N674|\
service_date|manual-13|lookback_days=90 grace_days=14|\
FFR-CT stands without a CCTA|\
FFR-CT is computed from the images of a CCTA; without one the payer sees half a study.|\
Find the CCTA claim; correct the patient number or the date.
line_outside_statement_period|dates_of_service|denial|at_risk|CO-16 MA31|\
statement_from statement_through|manual-13||\
A line's date lies outside the claim's statement period|\
The payer returns a claim whose lines fall outside its period.|\
Correct the line's date or widen the statement period.
filed_late|dates_of_service|denial|at_risk|CO-29|received_date|manual-13|limit_days=365|\
The claim was filed after the payer's limit|\
Medicare takes a claim for one calendar year after the service.|\
File earlier; ask for an exception if the payer caused the delay.
line_billed_twice|units|denial|at_risk|OA-18|units|ncci-manual||\
The same line is billed twice|\
The payer pays one of two identical lines and denies the other as a duplicate.|\
Void the later line, or add modifier 76 or 77 if the record shows a repeat.
diagnosis_missing|diagnoses|denial|at_risk|CO-16 M76|diagnosis_codes|manual-13||\
A line has no diagnosis|\
A claim line without a diagnosis is returned.|\
Add the diagnosis that the order and the record support.
authorization_missing|coverage|review|at_risk|CO-197|authorization_number|manual-13||\
The payer wants an authorization and the claim has none|\
Commercial and Medicare Advantage payers deny advanced imaging without an authorization.|\
Find the authorization number and add it; ask for one after the fact if the payer allows.
coinsurance_above_share|payment|note|none||patient_responsibility_cents|manual-13|share=0.2|\
The patient was charged more than the coinsurance share|\
Medicare's share is 20 % of the allowed amount.|\
Check whether a deductible is inside; refund the rest.
"""
SOURCE_TABLE = """
ncci-ptp|NCCI procedure-to-procedure edits, practitioner services|CMS||\
https://www.cms.gov/medicare/coding-billing/ncci-medicare|2024Q3|2024-07-01|2026-10-01
ncci-manual|NCCI Policy Manual for Medicare Services|CMS|chapter I, section E|\
https://www.cms.gov/files/document/chapter1.pdf|2025|2025-02-28|2026-10-01
pfs-2025|Physician fee schedule relative value file|CMS|attachment A|\
https://www.cms.gov/medicare/payment/fee-schedules/physician|RVU25D|2025-10-01|2026-10-01
manual-13|Medicare Claims Processing Manual|CMS|chapter 13, section 20|\
https://www.cms.gov/regulations-and-guidance/guidance/manuals||2024-05-31|2026-10-01
opps-2018|OPPS final rule for 2018|CMS|||CY2018||
opps-2024|OPPS final rule for 2024|CMS|||CY2024||
"""


def sample_rule(row: str) -> SampleRule:
    """One row of ``RULE_TABLE``."""
    name, family, severity, money, codes, needs, sources, settings, *texts = row.split("|")
    known = dict(setting.split("=") for setting in settings.split())
    return SampleRule(
        name,
        family,
        texts[0],
        severity,
        money,
        texts[1],
        texts[2],
        tuple(codes.split()),
        tuple(sources.split()),
        tuple(needs.split()),
        (),
        known,
    )


RULES = tuple(sample_rule(row) for row in RULE_TABLE.strip().splitlines())
SOURCES = {row.split("|")[0]: Source(*row.split("|")) for row in SOURCE_TABLE.strip().splitlines()}
EDITIONS = (
    Edition(
        "ptp_edits",
        "outpatient_hospital",
        "2026Q4",
        date(2024, 7, 1),
        date(2026, 12, 31),
        1_410_000,
        "shipped",
    ),
    Edition("ptp_edits", "practitioner", "2024Q3", None, date(2024, 9, 30), 2_960, "shipped"),
    Edition("mue", "practitioner", "2026-10-01", date(2024, 7, 1), None, 64, "tables/2026"),
)
