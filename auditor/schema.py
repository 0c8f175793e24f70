"""Columns of claim lines, rejected lines and findings: name, type, label, meaning.

Grain of the claim lines: one row a service line of a claim, as exported. Text columns hold ``""``
where the export has nothing; dates and amounts hold a missing value there. The headers that
exports use for these columns stand in ``auditor.ingest.synonyms``.
"""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "date", "cents", "number", "integer"]


@dataclass(frozen=True)
class Column:
    """One column of the claim lines; ``label`` is the word a report shows."""

    name: str
    kind: Kind
    label: str
    meaning: str
    required: bool = False


CLAIM_LINES: tuple[Column, ...] = (
    Column("claim_id", "text", "Claim", "the provider's claim number (CLM01)", required=True),
    Column("line_number", "integer", "Line", "position of the line on its claim (LX)"),
    Column("claim_type", "text", "Claim type", "professional (837P) or institutional (837I)"),
    Column(
        "bill_type", "text", "Bill type", "UB-04 type of bill, with or without its frequency digit"
    ),
    Column("claim_frequency", "text", "Frequency", "original, replacement (7), void (8) (CLM05-3)"),
    Column(
        "original_claim_id",
        "text",
        "Original claim",
        "the claim that a replacement or void names (REF*F8)",
    ),
    Column("payer_claim_number", "text", "Payer's claim number", "the payer's number of the claim"),
    Column("patient_id", "text", "Patient", "the person across claims", required=True),
    Column(
        "service_date",
        "date",
        "Service date",
        "date of service of the line (DTP*472)",
        required=True,
    ),
    Column("service_date_to", "date", "Service date to", "last date of a line that spans days"),
    Column(
        "statement_from",
        "date",
        "Statement from",
        "first date of the claim's statement period (FL6)",
    ),
    Column(
        "statement_through",
        "date",
        "Statement through",
        "last date of the claim's statement period (FL6)",
    ),
    Column(
        "received_date",
        "date",
        "Received",
        "the day the payer received the claim, else the day it was billed",
    ),
    Column("remit_date", "date", "Remitted", "the day the payer adjudicated or paid the claim"),
    Column("procedure_code", "text", "Code", "CPT or HCPCS code (SV101-2, SV202-2)", required=True),
    Column("modifiers", "text", "Modifiers", "up to five, in order, space-separated"),
    Column("revenue_code", "text", "Revenue code", "four digits, institutional lines only (SV201)"),
    Column("units", "number", "Units", "service units (SV104, SV205)"),
    Column("charge_cents", "cents", "Charge", "billed amount of the line"),
    Column("allowed_cents", "cents", "Allowed", "the payer's allowed amount of the line"),
    Column("paid_cents", "cents", "Paid", "what the payer paid for the line"),
    Column(
        "patient_responsibility_cents",
        "cents",
        "Patient share",
        "coinsurance and deductible of the line (group PR)",
    ),
    Column(
        "adjustment_codes",
        "text",
        "Adjustments",
        "claim adjustment reason codes, with group code where given (CAS)",
    ),
    Column("remark_codes", "text", "Remarks", "remittance advice remark codes (LQ)"),
    Column("place_of_service", "text", "Place", "two-digit place of service, professional lines"),
    Column(
        "diagnosis_codes",
        "text",
        "Diagnoses",
        "ICD-10-CM codes that the line points to, space-separated",
    ),
    Column(
        "diagnosis_pointers",
        "text",
        "Pointers",
        "which of the claim's diagnoses the line points to (SV107)",
    ),
    Column("rendering_npi", "text", "Rendering NPI", "who did or read the study (NM1*82)"),
    Column("billing_npi", "text", "Billing NPI", "who bills (NM1*85)"),
    Column("referring_npi", "text", "Referring NPI", "who sent the patient (NM1*DN, DK)"),
    Column("facility_npi", "text", "Facility NPI", "where the service was done (NM1*77)"),
    Column("department", "text", "Department", "department or cost centre that charged the line"),
    Column("payer", "text", "Payer", "who adjudicates the claim"),
    Column(
        "payer_type",
        "text",
        "Payer type",
        "medicare, medicare_advantage, medicaid, commercial or other",
    ),
    Column("service_state", "text", "State", "state where the service was done"),
    Column("service_zip", "text", "ZIP", "ZIP code where the service was done"),
    Column("authorization_number", "text", "Authorization", "prior authorization number (REF*G1)"),
    Column(
        "attachment_control_number",
        "text",
        "Attachment",
        "control number of paperwork sent with the claim (PWK06)",
    ),
)

SOURCE_COLUMNS: tuple[Column, ...] = (
    Column("source_file", "text", "File", "export file the line came from"),
    Column("source_sheet", "text", "Sheet", "sheet of the workbook, if it was one"),
    Column("source_row", "integer", "Row", "row in the file, as a spreadsheet shows it"),
    Column("columns_given", "text", "Columns", "the schema columns that the export had"),
)

COLUMNS: dict[str, Column] = {column.name: column for column in CLAIM_LINES + SOURCE_COLUMNS}
REQUIRED: tuple[str, ...] = tuple(column.name for column in CLAIM_LINES if column.required)

# Grain of the findings: one row a rule and claim line.
FINDINGS: tuple[str, ...] = (
    "finding",
    "rule",
    "family",
    "severity",
    "money",
    "amount",
    "amount_basis",
    "status",
    "claim_id",
    "line_number",
    "patient_id",
    "payer",
    "payer_type",
    "claim_type",
    "service_date",
    "procedure_code",
    "modifiers",
    "place_of_service",
    "revenue_code",
    "units",
    "billing_npi",
    "rendering_npi",
    "department",
    "message",
    "remedy",
    "denial_codes",
    "partner_claim_id",
    "partner_line_number",
    "other_partners",
    "sources",
    "source_file",
    "source_sheet",
    "source_row",
    "counts_money",
    "story",
)

# Grain of the rejected lines: one row a line that could not be read.
REJECTED: tuple[str, ...] = ("file", "sheet", "row", "column", "value_shape", "reason")
