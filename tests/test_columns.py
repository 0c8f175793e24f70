"""Headers to schema columns, profiles, and the refusals that people read."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import AuditError
from auditor.ingest.columns import count_known, describe, suggest, understand
from auditor.ingest.header_names import header_key, identifies_patient, readings
from auditor.ingest.mapping import Profile, certainty
from auditor.ingest.profiles import read_profile, write_profile
from auditor.ingest.shapes import fit, only_long_numbers
from auditor.ingest.synonyms import LOOSE, SECOND_CHOICE, SYNONYMS
from auditor.schema import CLAIM_LINES, COLUMNS, REQUIRED


@dataclass(frozen=True)
class Table:
    """Stands in for a table found in a file: its header and the first rows."""

    header: tuple[str, ...]
    sample: tuple[tuple[str, ...], ...]
    file: str = "hospital.csv"
    sheet: str | None = None
    header_row: int = 1


def table(columns, **details):
    """A table from (header, values) pairs, which may repeat a header, or from a dictionary."""
    pairs = list(columns.items()) if isinstance(columns, dict) else list(columns)
    rows = tuple(zip(*(values for _, values in pairs), strict=True))
    return Table(tuple(header for header, _ in pairs), rows, **details)


NEEDED = {
    "Claim ID": ["C1", "C1"],
    "Patient ID": ["P1", "P1"],
    "Service Date": ["2025-03-10", "2025-03-11"],
    "Procedure Code": ["75574", "75580"],
}
EXAMPLES = {
    "claim_id": "C-1001",
    "line_number": "2",
    "claim_type": "professional",
    "bill_type": "0131",
    "claim_frequency": "7",
    "original_claim_id": "C-1000",
    "payer_claim_number": "2025A77",
    "patient_id": "P-17",
    "procedure_code": "75574",
    "modifiers": "26",
    "revenue_code": "0489",
    "adjustment_codes": "CO-97",
    "remark_codes": "M15",
    "place_of_service": "22",
    "diagnosis_codes": "I25.10",
    "diagnosis_pointers": "1",
    "rendering_npi": "3000000000",
    "billing_npi": "1000000004",
    "referring_npi": "2000000002",
    "facility_npi": "1000000004",
    "department": "Cardiac imaging",
    "payer": "Sample Health Plan",
    "payer_type": "Medicare",
    "service_state": "TX",
    "service_zip": "75001",
    "authorization_number": "A-4411",
    "attachment_control_number": "PW0001",
}
BY_KIND = {"date": "2025-03-10", "cents": "1500.00", "number": "1", "integer": "1"}


def example(column):
    return EXAMPLES.get(column) or BY_KIND[COLUMNS[column].kind]


def with_column(header, values, without=()):
    """The needed columns, but for some, and one more."""
    kept = {name: given for name, given in NEEDED.items() if name not in without}
    return table([*kept.items(), (header, values)])


def headers_of(mapping):
    return {match.column: match.headers for match in mapping.matches}


def match_of(mapping, column):
    return next((match for match in mapping.matches if match.column == column), None)


def refusal_of(given_table, profile=None):
    with pytest.raises(AuditError) as caught:
        understand(given_table, profile)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert caught.value.exit_code == 1
    return message


def profile_from(tmp_path, text):
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="utf-8")
    return read_profile(path)


# Names


def test_every_schema_column_has_names():
    expected = {column.name for column in CLAIM_LINES}

    assert expected == set(SYNONYMS)
    assert expected >= set(SECOND_CHOICE) | set(LOOSE)


@pytest.mark.parametrize("column", [column.name for column in CLAIM_LINES])
def test_the_schema_s_own_name_is_a_name(column):
    assert column in {reading.column for reading in readings(column.removesuffix("_cents"))}


def test_cents_are_not_taken_for_dollars():
    assert not readings("charge_cents")


@pytest.mark.parametrize(
    ("column", "name"),
    [(column, name) for column, names in SYNONYMS.items() for name in names if "#" not in name],
)
def test_a_name_means_one_column_only(column, name):
    found = [reading for reading in readings(name) if reading.level == 0]

    assert {reading.column for reading in found} == {column}


@pytest.mark.parametrize("names", [SECOND_CHOICE, LOOSE])
def test_a_lesser_name_is_borrowed_for_needed_columns_only(names):
    for column, written in names.items():
        for name in written:
            others = {r.column for r in readings(name) if r.level == 0 and r.column != column}
            assert not others or column in REQUIRED, name


ALIASES = """
claim_id: Claim ID; ClaimID; claim_id; Claim Number; Claim No.; Claim #; Clm Nbr; PCN; HAR; Invoice
claim_id: Account; Acct No; Patient Control Number; ICN; DCN; TCN; Encounter Number; CLM01; FL3a
claim_id: FIN; FIN_NBR; ENCNTR_ID
claim_id: Patient Account Number; Pt Acct #; CLAIM
line_number: LN_NBR
line_number: claim_line_number; Line; LineNo; Line #; Service Line; Seq; TX ID; LX01; CLM_LINE_NUM
claim_type: CLM_TYP
claim_type: claim_type; Form Type; PB/HB; 837P/837I; Billing System; CLM_TYPE_CD; NCH_CLM_TYPE_CD
bill_type: UB Bill Type
bill_type: bill_type_code; TOB; Type of Bill; Bill Type; FL4
claim_frequency: Claim Frequency; Freq Code; CLM05-3; Resubmission Code; Frequency
original_claim_id: Original Claim #; Orig ICN; Original Ref No; REF*F8
payer_claim_number: Payer Claim Control Number; Payor Claim No
patient_id: person_id; member_id; MRN; Patient ID; PtID; MBI; Subscriber ID; EMPI; Medical Record No
patient_id: BENE_ID; bene_sk; Patient; Member; Pat MRN
patient_id: PAT_MRN_ID; Med Rec #; MR Number; SUBSCR_ID
service_date: claim_line_start_date; DOS; Service Date; From DOS; Date of Service; SvcDt; Svc Dt
service_date: Service Date From; DTP*472; FL45; LINE_1ST_EXPNS_DT; Date of Service (MM/DD/YYYY)
service_date: SERVICE_DT_TM; Service Date/Time
service_date: ORIG_SERVICE_DATE; Begin DOS; Beg DOS; Procedure Date; Exam Date
service_date_to: claim_line_end_date; To DOS; Service Date To; Svc Thru Dt; LINE_LAST_EXPNS_DT
statement_from: claim_start_date; Statement From; From Date; Covers From; Admit Date; Stmt From Dt
statement_through: claim_end_date; Statement Thru; Through Date; To Date; Discharge Date
received_date: RECV_DT
received_date: Received Date; Bill Date; Claim Date; Submit Date; file_date; Billed Date; Date Rcvd
remit_date: Remit Date; Paid Date; Payment Date; Check Dt; NCH_WKLY_PROC_DT
procedure_code: hcpcs_code; CPT; CPT Code; CPT4; HCPCS; Procedure Code; Proc; Proc Cd; CPT/HCPCS
procedure_code: Procedure Code (CPT); CPT Procedure Code; Procedure Code (HCPCS)
procedure_code: HCPCS/Rates
revenue_code: UB_REV_CODE_ID
claim_id: Pt Ctl Nbr; Voucher; Voucher No
patient_id: Person Nbr
service_date: Day of Service Date
adjustment_codes: Adj Reason 1; CAS Reason; Adjustment
remark_codes: Remark 1
procedure_code: EAP Code; CDM Code; CPT®
modifiers: Mod; Modifier; Modifiers (26,59); hcpcs_modifier_1; Mod1; Modifier 1; M1; 1st Modifier
modifiers: HCPCS_1ST_MDFR_CD; HCPCS_1_MDFR_CD; SV101-3
modifiers: MODIFIER_ONE; Mod One
revenue_code: revenue_center_code; Rev Code; Revenue Code; RevCd; UB Rev; REV_CNTR; Rev; FL42
units: PROC_QTY; Billed Quantity
units: service_unit_quantity; Units; Qty; Quantity; UOS; Days/Units; REV_CNTR_UNIT_CNT; CHRG_QTY
charge_cents: charge_amount; Billed; Charges; Billed Amount; Total Charge; Line Chg Amt; Charge ($)
charge_cents: EXT_PRICE; Extended Price
charge_cents: TX_AMOUNT; ORIGINAL_AMT; Transaction Amount
allowed_cents: allowed_amount; Allowed; Allowed Amt
paid_cents: paid_amount; Paid; Payment; Insurance Paid; Line Payment
patient_responsibility_cents: Patient Responsibility; Pt Resp; Coinsurance
adjustment_codes: Denial Code; CARC; Reason Code; REV_CNTR_1ST_ANSI_CD; CARC 1
adjustment_codes: Denial Reason; DENIAL_RSN; Reason; REMIT_CODES
remark_codes: Remark Code; RARC; RARC 1
place_of_service: place_of_service_code; POS; Place of Service; POS Code; LINE_PLACE_OF_SRVC_CD
diagnosis_codes: diagnosis_code_1; Dx1; ICD1; Primary Dx; Diagnosis Codes; Dx; ICD-10; ICD10
diagnosis_codes: LINE_ICD_DGNS_CD; PRNCPAL_DGNS_CD; ICD_DGNS_CD1; clm_dgns_1_cd; Principal Diagnosis
diagnosis_codes: PRIM_DX; Prin Dx; DX_ONE; DX_LIST
diagnosis_pointers: Dx Pointer; DiagPtr; Pointer; SV107
rendering_npi: rendering_npi; Rendering NPI; Provider NPI; Performing Provider; PRF_PHYSN_NPI; NPI
rendering_npi: PERF_PHYS_NPI; Svc Provider NPI
rendering_npi: Reading NPI; Interpreting Physician NPI
billing_npi: billing_npi; Billing NPI; Group NPI; ORG_NPI_NUM; Bill Prov NPI
referring_npi: Ordering NPI; Referring NPI; Ordering Provider; RFR_PHYSN_NPI
facility_npi: facility_npi; Facility NPI; Service Facility; Location NPI
department: Department; Dept; Cost Center; Cost Centre
payer: payer; plan; Payer Name; Payor; Financial Class; FC; Insurance; Primary Payer
payer: PAYER_NM; PRIM_PAYOR; Primary Insurance; Ins 1; Primary Plan; Fin Class
payer_type: Payer Type; Line of Business; LOB
service_state: Service State; Facility State; Provider State
service_zip: Service ZIP; Facility ZIP; Location ZIP; Facility Zip Code
authorization_number: Auth; Authorization Number; Prior Auth; PA Number; Auth #
authorization_number: Authorisation No
authorization_number: Precert Number; Pre-cert #
attachment_control_number: PWK; Attachment Control Number; ACN
claim_id: Billing Account; Visit ID; PAT_ENC_CSN_ID; Bill Number; Claim Ref No; Claim Key; Inv Num
claim_id: Hosp Acct
patient_id: MBR_ID; Beneficiary ID; Chart Number; Chart #; Person Key; PT_KEY
service_date: Service Begin Date; Begin Service Date; BEG_SVC_DT; First Service Date; Start DOS
service_date: First DOS; Charge Service Date; Trans Service Date
service_date_to: End DOS; Thru DOS; End Service Date; Last Service Date
service_date_to: END_SVC_DT; Service Date End
procedure_code: CPT(R); CPT(R) Code; Billed CPT; CPT Billed; HCPC; HCPC Code
procedure_code: Line CPT; CPT Procedure
modifiers: All Modifiers; Modifier List; Billing Modifier; Line Modifier
revenue_code: UB04 Rev Code; UB-04 Revenue Code; Revenue Code (UB)
units: Qty Billed; Charge Units
charge_cents: Submitted Amount; Total Charge Amount; Tot Chg
allowed_cents: Insurance Allowed; Payer Allowed Amt; Allow Amt; Approved Amount; Allowed Charges
paid_cents: Insurance Payments; Payer Payment; Pd Amt; Medicare Paid; Total Paid
patient_responsibility_cents: Member Responsibility; Patient Portion; Member Liability; Coins
adjustment_codes: CAS Code; Line CARC; Claim Adjustment Reason
remark_codes: Line RARC
diagnosis_codes: Primary ICD-10; Billing Dx; Encounter Dx
billing_npi: Organization NPI; Practice NPI; Billing Entity NPI; Billing Group NPI; NPI (Billing)
rendering_npi: Servicing NPI; Radiologist NPI
payer: Health Plan Name; Insurance Plan Name; Carrier; Insurance Carrier; Benefit Plan; Payor Plan
bill_type: UB Type of Bill; UB04 Bill Type; TOB Code; Claim Bill Type
claim_frequency: Bill Frequency
original_claim_id: Replaced Claim; Prior Claim ID; Previous Claim Number
claim_type: Claim Format; Claim Form Type; Type of Claim; Inst/Prof
line_number: Line Seq; Line Sequence Number; Charge Line
statement_from: Statement Begin Date; Stmt Beg Dt; Statement Start Date; Bill From Date
statement_through: Statement End Date; Stmt End Dt; Statement Covers To; Bill Thru Date
received_date: Claim Receipt Date; Date Submitted; Claim Submit Date; First Bill Date; Billing Date
remit_date: ERA Date; Payer Paid Date
authorization_number: Treatment Authorization Code; PreAuth Number; Precert; Pre-Auth
attachment_control_number: Attachment Number; PWK ACN; Paperwork Control Number
service_state: State of Service
service_zip: Service Facility ZIP
department: Billing Dept
service_date: chargefromdate; Ser Date; begin_date_of_service
service_date_to: chargetodate; end_date_of_service
procedure_code: cpt4_code_id
units: ITEM_QUANTITY
charge_cents: ITEM_EXTENDED_PRICE; Txn Amount
allowed_cents: Allowed Fee
patient_responsibility_cents: Line Patient Responsibility
adjustment_codes: Line Adjustment Reason Codes
remark_codes: Line Remark Codes
payer: Insurance Package Name; ORIGINAL_PAYOR_NAME; FSC
bill_type: TypeOfBillCode
billing_npi: medicalgroupnpi
"""


def aliases():
    for line in ALIASES.strip().splitlines():
        column, names = line.split(": ", 1)
        yield from ((column, name.strip()) for name in names.split(";"))


@pytest.mark.parametrize(("column", "header"), list(aliases()))
def test_an_export_s_header_is_understood(column, header):
    needed = {name for name in NEEDED if header_key(name) == header_key(column)}

    mapping = understand(with_column(header, [example(column)] * 2, without=needed))

    assert headers_of(mapping)[column] == (header,)
    assert match_of(mapping, column).how == "name"


# Near misses


HOSTILE = [
    ("Account Name", "claim_id", "Sample Person"),
    ("Claim Status", "claim_id", "Paid"),
    ("Claim", "claim_id", "Paid"),
    ("Account", "claim_id", "Sample Company"),
    ("Line of Business", "line_number", "Medicare"),
    ("Line", "line_number", "Cardiology"),
    ("Payment Date", "paid_cents", "2025-04-01"),
    ("Payment", "paid_cents", "Check"),
    ("Paid Date", "paid_cents", "2025-04-01"),
    ("Provider Name", "payer", "Sample Clinic"),
    ("Payer ID", "payer", "00123"),
    ("Plan", "payer", "120.00"),
    ("Procedure Description", "procedure_code", "CT of the heart"),
    ("CPT Description", "procedure_code", "CT of the heart"),
    ("Procedure", "procedure_code", "CT of the heart"),
    ("Charge Code", "charge_cents", "44100077"),
    ("Charge Description", "charge_cents", "CT heart"),
    ("Amount", "charge_cents", "high"),
    ("Revenue", "revenue_code", "1500.00"),
    ("Revenue Description", "revenue_code", "CT scan"),
    ("Modifier Description", "modifiers", "Professional component"),
    ("Dx1 POA", "diagnosis_codes", "Y"),
    ("Other Diagnoses", "diagnosis_codes", "3"),
    ("Additional Diagnosis", "diagnosis_codes", "Heart disease"),
    ("ICD_DGNS_VRSN_CD1", "diagnosis_codes", "0"),
    ("ICD9", "diagnosis_codes", "414.01"),
    ("Diagnosis Description", "diagnosis_codes", "Heart disease"),
    ("POS Description", "place_of_service", "Office"),
    ("Rendering Provider", "rendering_npi", "Sample Doctor"),
    ("Performing Provider", "rendering_npi", "Sample Doctor"),
    ("Ordering Provider", "referring_npi", "Sample Doctor"),
    ("Service Facility", "facility_npi", "Sample Hospital"),
    ("Unit Price", "units", "1500.00"),
    ("Billed By", "charge_cents", "1500.00"),
    ("Authorization", "authorization_number", "Y"),
    ("Frequency", "claim_frequency", "Daily"),
    ("Reason Code", "adjustment_codes", "Not entered"),
    ("Reason", "adjustment_codes", "Not covered by the plan"),
    ("Denial Reason", "adjustment_codes", "No authorization"),
    ("Unit #", "patient_id", "M000123"),
    ("Adjustment", "adjustment_codes", "97"),
    ("Adj", "adjustment_codes", "100"),
    ("Primary Insurance", "payer", "120.00"),
    ("PRVDR_STATE_CD", "service_state", "22"),
    ("Service Line", "line_number", "Cardiology"),
    ("Admit Type", "statement_from", "3"),
    ("REV_CNTR_NCVRD_CHRG_AMT", "charge_cents", "0.00"),
    ("CLM_TOT_CHRG_AMT", "charge_cents", "1500.00"),
    ("Allowed Units", "units", "1"),
    ("Group Code", "adjustment_codes", "CO"),
    ("Revenue Code Description", "revenue_code", "CT scan"),
    ("Expected Allowed", "allowed_cents", "350.00"),
    ("Referral Number", "authorization_number", "R123456"),
    ("Post Date", "service_date", "2025-03-20"),
    ("Hospital NPI", "billing_npi", "1234567893"),
    ("Carrier", "payer", "120.00"),
    ("Modifier", "modifiers", "Reading only"),
    ("Diagnosis", "diagnosis_codes", "Chest pain, unspecified"),
    ("Primary Dx", "diagnosis_codes", "Angina"),
    ("Adj Code", "adjustment_codes", "4012"),
    ("Denial Code", "adjustment_codes", "Not covered"),
    ("Revenue Center", "revenue_code", "Cardiac imaging"),
    ("Unit", "units", "5 West"),
    ("Original Claim", "original_claim_id", "Y"),
    ("Replaced Claim", "original_claim_id", "N"),
    ("Charge To Date", "service_date_to", "1500.00"),
    ("Processed Date", "remit_date", "2025-04-01"),
    ("Finalized Date", "remit_date", "2025-04-01"),
    ("Transaction Count", "units", "3"),
    ("Rendering CPT(R) Description", "procedure_code", "CT of the heart"),
]


@pytest.mark.parametrize(("header", "column", "value"), HOSTILE)
def test_a_near_miss_is_left_alone(header, column, value):
    mapping = understand(with_column(header, [value, value]))

    assert header not in headers_of(mapping).get(column, ())


@pytest.mark.parametrize(
    ("header", "column", "values"),
    [
        ("Modifier", "modifiers", ["26 - Professional Component", "LEFT"]),
        ("Modifier", "modifiers", ["0", "00"]),
        ("Diagnosis", "diagnosis_codes", ["Chest pain (R07.9)", "Angina"]),
        ("Diagnosis", "diagnosis_codes", ["125.10", "n/a"]),
        ("Denial Code", "adjustment_codes", ["CO-197: precertification", "4012"]),
        ("Revenue Center", "revenue_code", ["0489 Cardiac imaging", "Cardiac imaging"]),
        ("Revenue Center", "revenue_code", ["048X", ""]),
    ],
)
def test_codes_beside_words_are_codes(header, column, values):
    assert headers_of(understand(with_column(header, values)))[column] == (header,)


def test_what_a_profile_says_is_read_though_words_alone_stand_there():
    profile = Profile("site", columns={"modifiers": ("Modifier",)})
    given_table = with_column("Modifier", ["Reading only"] * 2)

    assert headers_of(understand(given_table, profile))["modifiers"] == ("Modifier",)


IDENTIFYING = [
    *("Patient Name", "Last Name", "FirstName", "PATIENT_LAST_NAME", "Pt Name", "Member Name"),
    *("DOB", "Birth Date", "patient_dob", "Date of Birth", "clm_ptnt_birth_dt", "PatDOB"),
    *("SSN", "Patient SSN", "Social Security Number", "Address", "Patient Address 1", "Street"),
    *("Phone", "Home Phone", "E-mail", "Email Address", "Sex", "Gender", "clm_bene_sex_cd"),
    *("Account Name", "Guarantor", "Subscriber Name", "bene_hic_num", "Patient Zip", "City"),
    *(
        "PATIENT_NM",
        "PAT_LAST_NM",
        "FIRST_NM",
        "Name",
        "Patient City",
        "Date of Death",
        *("Full Name", "Death Date", "Maiden Name", "Fax", "Race", "Religion", "ssn_last4"),
        *("pt_ssn", "MBR_NAME", "PTNT_NM", "Acct Name", "Beneficiary Name", "Patient Race"),
        "Ethnicity",
    ),
]


@pytest.mark.parametrize("header", IDENTIFYING)
def test_a_header_that_identifies_a_patient_is_never_read(header):
    given_table = with_column(header, ["2025-03-10", "2025-03-11"])

    mapping = understand(given_table)

    assert mapping.identifying == (header,)
    assert header not in mapping.unused
    position = given_table.header.index(header)
    assert all(position not in match.positions for match in mapping.matches)


@pytest.mark.parametrize(
    "header",
    ["Provider Name", "Payer Name", "Department Name", "Plan Name", "Facility NPI", "Class No",
     "Missing", "Claim Number", "Service State", "Provider ZIP", "Performing Department"],
)  # fmt: skip
def test_other_names_are_not_identifying(header):
    assert not identifies_patient(header)


def test_a_patient_column_that_holds_names_is_not_read():
    given_table = with_column("Patient", ["DOE, JANE", "ROE, RICHARD"])

    mapping = understand(given_table)

    assert mapping.identifying == ("Patient",)


def test_amounts_that_are_mostly_an_accountant_s_zero_are_amounts():
    found = headers_of(understand(with_column("Payment", ["$ -", " $-   "])))

    assert found["paid_cents"] == ("Payment",)


def test_a_type_of_bill_without_one_of_its_digits_is_none():
    frequency = NEEDED | {"CLM_FAC_TYPE_CD": ["1", "1"], "CLM_FREQ_CD": ["1", "7"]}
    whole = frequency | {"CLM_SRVC_CLSFCTN_TYPE_CD": ["3", "3"]}

    assert "bill_type" not in headers_of(understand(table(frequency)))
    assert len(headers_of(understand(table(whole)))["bill_type"]) == 3


def test_a_lesser_name_is_read_as_one_column():
    found = headers_of(understand(with_column("Start Date", ["2025-03-10", "2025-03-11"])))
    alone = with_column("Start Date", ["2025-03-10", "2025-03-11"], without=["Service Date"])

    assert found["statement_from"] == ("Start Date",)
    assert "statement_from" not in headers_of(understand(alone))


def test_a_date_of_birth_never_becomes_the_service_date():
    for header in ("DOB", "Birth Dt", "Field 3", "Date"):
        given_table = with_column(header, ["1950-03-10", "1971-03-11"], without=["Service Date"])

        message = refusal_of(given_table)

        assert "no service date" in message


# Families


FAMILIES = [
    ("modifiers", ["Modifier 1", "Modifier 2", "Modifier 3", "Modifier 4"]),
    ("modifiers", ["Mod1", "Mod2"]),
    ("modifiers", ["M1", "M2", "M3"]),
    ("modifiers", ["hcpcs_modifier_1", "hcpcs_modifier_2", "hcpcs_modifier_5"]),
    ("modifiers", ["HCPCS_1ST_MDFR_CD", "HCPCS_2ND_MDFR_CD", "HCPCS_3RD_MDFR_CD"]),
    ("modifiers", ["HCPCS_1_MDFR_CD", "HCPCS_2_MDFR_CD"]),
    ("modifiers", ["1st Modifier", "2nd Modifier"]),
    ("modifiers", ["First Modifier", "Second Modifier"]),
    ("modifiers", ["Primary Modifier", "Secondary Modifier"]),
    ("modifiers", ["SV101-3", "SV101-4", "SV101-5"]),
    ("modifiers", ["Modifier", "Modifier.1", "Modifier.2"]),
    ("modifiers", ["Modifier", "Modifier 2", "Modifier 3"]),
    ("modifiers", ["Mod", "Mod 2"]),
    ("modifiers", ["Modifier #1", "Modifier #2"]),
    ("diagnosis_codes", [f"diagnosis_code_{number}" for number in range(1, 26)]),
    ("diagnosis_codes", [f"ICD_DGNS_CD{number}" for number in range(1, 26)]),
    ("diagnosis_codes", [f"clm_dgns_{number}_cd" for number in range(1, 13)]),
    ("diagnosis_codes", [f"ICD{number}" for number in range(1, 13)]),
    ("diagnosis_codes", [f"ICD-10 {number}" for number in range(1, 13)]),
    ("diagnosis_codes", ["Dx1", "Dx2", "Dx10", "Dx11"]),
    ("diagnosis_codes", ["Dx01", "Dx02"]),
    ("diagnosis_codes", ["Primary Dx", "Dx2", "Dx3"]),
    ("diagnosis_codes", ["PRIMARY_DX_CODE", "DX_TWO_CODE", "DX_THREE_CODE"]),
    ("diagnosis_codes", ["ICD1 Code", "ICD2 Code", "ICD3 Code"]),
    ("diagnosis_codes", ["Principal Diagnosis", "Secondary Diagnosis"]),
    ("diagnosis_codes", ["Diagnosis", "Diagnosis 2", "Diagnosis 3"]),
    ("diagnosis_codes", ["Primary Dx", "Tertiary Dx", "Quaternary Dx"]),
    ("diagnosis_codes", ["Principal Diagnosis", "Secondary Diagnosis 1", "Secondary Diagnosis 2"]),
    ("diagnosis_codes", ["Principal Dx", "Secondary Diagnoses"]),
    ("diagnosis_codes", ["Primary Dx", "Secondary Dx", "Other Dx 1", "Other Dx 24"]),
    ("diagnosis_codes", ["Dx1", "Dx2", "Other Diagnoses"]),
    ("diagnosis_codes", ["Diagnosis", "Additional Dx"]),
    ("diagnosis_codes", ["Line Dx 1", "Line Dx 2"]),
    ("diagnosis_codes", ["Principal Dx", "Dx1", "Dx2"]),
    ("diagnosis_codes", ["Primary ICD", "ICD 2"]),
    ("diagnosis_codes", ["Prim Dx", "Sec Dx"]),
    ("diagnosis_codes", ["PRINC_DIAG_CODE", "OTH_DIAG_CODE_1", "OTH_DIAG_CODE_2"]),
    ("diagnosis_codes", ["Dx 1 (ICD-10)", "Dx 2 (ICD-10)"]),
    ("diagnosis_codes", ["ICD Diagnosis Code 1", "ICD Diagnosis Code 2"]),
    ("modifiers", ["Modifier", "Other Modifiers"]),
    ("modifiers", ["Primary Modifier", "Additional Mod 1", "Additional Mod 2"]),
    ("modifiers", ["Charge Mod 1", "Charge Mod 2"]),
    ("diagnosis_pointers", ["Dx Pointer 1", "Dx Pointer 2"]),
    ("adjustment_codes", ["REV_CNTR_1ST_ANSI_CD", "REV_CNTR_2ND_ANSI_CD", "REV_CNTR_4TH_ANSI_CD"]),
    ("adjustment_codes", ["CARC 1", "CARC 2"]),
    ("remark_codes", ["RARC1", "RARC2"]),
]


@pytest.mark.parametrize(("column", "headers"), FAMILIES)
def test_numbered_headers_are_one_column_in_the_order_of_their_numbers(column, headers):
    values = [(header, [example(column), f"{place}"]) for place, header in enumerate(headers)]
    for order in (values, values[::-1]):
        given_table = table([*NEEDED.items(), *order])

        match = match_of(understand(given_table), column)

        assert match.headers == tuple(headers)
        assert [given_table.header[place] for place in match.positions] == headers


@pytest.mark.parametrize("parts", [(3,), (3, 4), (3, 4, 5, 6), (4, 5)])
@pytest.mark.parametrize("segment", ["SV101", "SV202"])
def test_the_parts_of_a_composite_element_are_told_apart(segment, parts):
    said = {f"{segment}-1": ["HC"] * 2, f"{segment}-2": ["75574"] * 2, f"{segment}-7": ["X"] * 2}
    said |= {f"{segment}-{part}": ["26"] * 2 for part in parts}
    kept = {name: values for name, values in NEEDED.items() if name != "Procedure Code"}

    found = headers_of(understand(table(kept | said)))

    assert found["procedure_code"] == (f"{segment}-2",)
    assert found["modifiers"] == tuple(f"{segment}-{part}" for part in parts)


@pytest.mark.parametrize(
    ("beside", "column"),
    [("SV102", "place_of_service"), ("SV203", "bill_type"), ("Charges", None)],
)
def test_what_clm05_1_is_depends_on_the_claim(beside, column):
    found = headers_of(understand(table(NEEDED | {"CLM05-1": ["22"] * 2, beside: ["350"] * 2})))

    assert [name for name, headers in found.items() if headers == ("CLM05-1",)] == [column][
        : column is not None
    ]


UNITS = [
    ("Unit #", ["M000123456", "M000123457"], "patient_id"),
    ("Unit Number", ["00123456", "00123457"], "patient_id"),
    ("Unit #", ["1", "2"], "units"),
    ("Unit No", ["1.000", "2.000"], "units"),
    ("Unit #", ["1", "M000123456"], None),
    ("Unit #", ["10540", "10541"], None),
]


@pytest.mark.parametrize(("header", "values", "column"), UNITS)
def test_a_unit_number_is_the_patient_s_only_where_it_can_be_no_count(header, values, column):
    found = suggest(with_column(header, values, without=["Patient ID"]))
    beside = suggest(with_column(header, values))

    taken = [name for name, headers in headers_of(found).items() if headers == (header,)]
    assert taken == [column][: column is not None]
    assert headers_of(beside)["patient_id"] == ("Patient ID",)
    assert headers_of(beside).get("units") == ((header,) if column == "units" else None)


def test_the_number_of_a_unit_of_the_house_is_no_patient_s():
    assert only_long_numbers([str(number) for number in range(105400, 105500)])
    assert not only_long_numbers(["105400", "105401"] * 50)


@pytest.mark.parametrize("header", ["26/TC", "TC/26", "PC/TC", "Component"])
def test_a_column_of_its_own_for_26_and_tc_comes_before_the_modifiers(header):
    apart = {"Modifier": ["59", ""], header: ["26", "TC"]}
    numbered = {"Mod1": ["59", ""], "Mod2": ["", ""], header: ["26", "TC"]}

    assert headers_of(understand(table(NEEDED | apart)))["modifiers"] == (header, "Modifier")
    found = headers_of(understand(table(NEEDED | numbered)))["modifiers"]
    assert found == (header, "Mod1", "Mod2")
    alone = understand(table(NEEDED | {header: ["26", ""]}))
    assert headers_of(alone)["modifiers"] == (header,)


@pytest.mark.parametrize(
    ("column", "header", "values", "taken"),
    [
        ("modifiers", "Modifiers", ["59", ""], True),
        ("modifiers", "Modifiers", ["XU", "26"], True),
        ("modifiers", "Modifiers", ["22", "11"], False),
        ("modifiers", "Modifiers", ["59", "1"], False),
        ("diagnosis_codes", "Dx", ["R07.9", "I10"], True),
        ("diagnosis_codes", "Dx", ["480", "0350"], False),
        ("revenue_code", "Rev Code", ["0480", "0350"], False),
    ],
)
def test_columns_right_of_a_header_without_one_are_taken_where_they_can_be_nothing_else(
    column, header, values, taken
):
    pairs = [*NEEDED.items(), (header, [example(column)] * 2), ("", values), ("", ["x", "y"])]

    mapping = understand(table(pairs))

    assert match_of(mapping, column).positions == ((4, 5) if taken else (4,))
    nameless = ("column 6 (no header)", "column 7 (no header)")
    assert mapping.unused == (nameless[1:] if taken else nameless)


@pytest.mark.parametrize("values", [["1", "1"], ["PC", "TC"], ["Professional", "26"], ["", ""]])
def test_other_components_are_no_modifiers(values):
    mapping = understand(table(NEEDED | {"PC/TC": values, "Component": values}))

    assert "modifiers" not in headers_of(mapping)


def test_of_a_table_and_its_column_the_column_counts():
    headers = {f"Claims[{name}]": values for name, values in NEEDED.items()}

    assert len(understand(table(headers)).matches) == 4
    assert not readings("Payer[Code]")


def test_a_repeated_header_keeps_its_order():
    given_table = table([*NEEDED.items(), *[("Modifier", [m, m]) for m in ("26", "59", "")]])

    assert match_of(understand(given_table), "modifiers").positions == (4, 5, 6)


def test_a_blank_first_modifier_is_kept():
    repeated = {"Modifier": ["", ""], "Modifier.1": ["", ""]}

    mapping = understand(table(NEEDED | repeated))

    assert headers_of(mapping)["modifiers"] == ("Modifier", "Modifier.1")


def test_a_list_beside_numbered_headers_is_left_out():
    lists = {"Diagnosis Codes": ["I25.10 R07.9"] * 2, "Dx1": ["I25.10"] * 2, "Dx2": ["R07.9"] * 2}

    mapping = understand(table(NEEDED | lists))

    assert headers_of(mapping)["diagnosis_codes"] == ("Dx1", "Dx2")
    assert mapping.unused == ("Diagnosis Codes",)


def test_a_second_family_is_left_out():
    families = {f"Dx{n}": ["I25.10"] * 2 for n in (1, 2, 3)} | {
        f"ICD{n}": ["R07.9"] * 2 for n in (1, 2)
    }

    mapping = understand(table(NEEDED | families))

    assert headers_of(mapping)["diagnosis_codes"] == ("Dx1", "Dx2", "Dx3")


def test_diagnosis_and_pointer_headers_are_told_apart():
    mapping = understand(
        table(NEEDED | {"Dx 1": ["I25.10"] * 2, "Dx 1 Pointer": ["1"] * 2, "Dx Pointer": ["1"] * 2})
    )

    assert headers_of(mapping)["diagnosis_codes"] == ("Dx 1",)
    assert headers_of(mapping)["diagnosis_pointers"] == ("Dx Pointer",)


# Several headers for one column


def test_the_line_s_date_beats_the_claim_s():
    given_table = table(
        {
            "CLM_FROM_DT": ["2025-03-01"] * 2,
            "CLM_LINE_FROM_DT": ["2025-03-10"] * 2,
            "CLM_ID": ["1"] * 2,
            "BENE_ID": ["2"] * 2,
            "HCPCS_CD": ["75574"] * 2,
        }
    )

    found = headers_of(understand(given_table))

    assert found["service_date"] == ("CLM_LINE_FROM_DT",)
    assert found["statement_from"] == ("CLM_FROM_DT",)


@pytest.mark.parametrize(
    "header", ["CLM_FROM_DT", "From Date", "claim_start_date", "Statement From"]
)
def test_without_a_line_date_the_claim_s_first_date_serves_for_both(header):
    given_table = with_column(header, ["2025-03-10"] * 2, without=["Service Date"])

    mapping = understand(given_table)

    assert headers_of(mapping)["service_date"] == (header,)
    assert headers_of(mapping)["statement_from"] == (header,)
    assert certainty(match_of(mapping, "service_date")) == "likely"
    assert "claim's first date" in match_of(mapping, "service_date").note


@pytest.mark.parametrize("header", ["Service Begin Date", "BEG_SVC_DT", "Start DOS"])
def test_another_name_of_the_line_s_date_beats_the_claim_s_first_date(header):
    days = {"Stmt From Date": ["2025-03-01"] * 2, header: ["2025-03-10"] * 2}
    given_table = table(
        {name: cells for name, cells in NEEDED.items() if name != "Service Date"} | days
    )

    mapping = understand(given_table)

    assert headers_of(mapping)["service_date"] == (header,)
    assert "claim's" not in match_of(mapping, "service_date").note


def test_an_admission_date_is_no_service_date():
    given_table = with_column("Admit Date", ["2025-03-10"] * 2, without=["Service Date"])

    assert "no service date" in refusal_of(given_table)


def test_the_payer_s_number_serves_as_claim_id_only_if_there_is_no_other():
    alone = with_column("ICN", ["77A"] * 2, without=["Claim ID"])
    beside = with_column("ICN", ["77A"] * 2)

    assert headers_of(understand(alone))["claim_id"] == ("ICN",)
    assert headers_of(understand(alone))["payer_claim_number"] == ("ICN",)
    assert headers_of(understand(beside))["claim_id"] == ("Claim ID",)
    assert headers_of(understand(beside))["payer_claim_number"] == ("ICN",)


def test_the_line_s_charge_beats_the_total():
    charges = {"Total Charge": ["1500.00", "900.00"], "Line Charge": ["1400.00", "800.00"]}

    mapping = understand(table(NEEDED | charges))

    assert headers_of(mapping)["charge_cents"] == ("Line Charge",)
    assert mapping.unused == ("Total Charge",)


@pytest.mark.parametrize(
    ("line", "expected"), [("I25.10", "LINE_ICD_DGNS_CD"), ("", "PRNCPAL_DGNS_CD")]
)
def test_the_line_s_diagnosis_beats_the_claim_s_unless_it_is_blank(line, expected):
    diagnoses = {"PRNCPAL_DGNS_CD": ["R079"] * 2, "LINE_ICD_DGNS_CD": [line] * 2}

    assert headers_of(understand(table(NEEDED | diagnoses)))["diagnosis_codes"] == (expected,)


def test_a_filled_header_beats_a_blank_one():
    providers = {"CARR_CLM_BLG_NPI_NUM": ["", ""], "ORG_NPI_NUM": ["1000000004"] * 2}

    assert headers_of(understand(table(NEEDED | providers)))["billing_npi"] == ("ORG_NPI_NUM",)


def test_values_decide_between_equal_names():
    codes = {"Procedure Code": ["CT44100077", "CT44100078"], "CPT Code": ["75574", "75580"]}

    assert headers_of(understand(table(NEEDED | codes)))["procedure_code"] == ("CPT Code",)


def test_the_type_of_bill_in_pieces_is_put_together():
    pieces = {
        "CLM_FREQ_CD": ["1", "7"],
        "CLM_FAC_TYPE_CD": ["1", "1"],
        "CLM_SRVC_CLSFCTN_TYPE_CD": ["3", "3"],
    }
    mapping = understand(table(NEEDED | pieces))

    assert headers_of(mapping)["bill_type"] == (
        "CLM_FAC_TYPE_CD",
        "CLM_SRVC_CLSFCTN_TYPE_CD",
        "CLM_FREQ_CD",
    )
    assert headers_of(mapping)["claim_frequency"] == ("CLM_FREQ_CD",)
    assert mapping.unused == ()


def test_a_whole_type_of_bill_beats_its_pieces():
    pieces = {
        "TOB": ["0131"] * 2,
        "CLM_FAC_TYPE_CD": ["1"] * 2,
        "CLM_SRVC_CLSFCTN_TYPE_CD": ["3"] * 2,
    }

    assert headers_of(understand(table(NEEDED | pieces)))["bill_type"] == ("TOB",)


def test_a_frequency_alone_is_no_type_of_bill():
    mapping = understand(with_column("CLM_FREQ_CD", ["1", "1"]))

    assert "bill_type" in mapping.missing


def test_a_financial_class_is_the_payer_type_where_the_payer_has_its_own_column():
    names = {"Payer Name": ["Sample Health"] * 2, "Financial Class": ["Commercial"] * 2}

    found = headers_of(understand(table(NEEDED | names)))

    assert (found["payer"], found["payer_type"]) == (("Payer Name",), ("Financial Class",))


def test_every_header_is_used_unused_or_identifying():
    extra = {"Charge Code": ["4", "4"], "DOB": ["", ""], "Units": ["1", "1"], "": ["", ""]}
    mapping = understand(table(NEEDED | extra))

    assert mapping.unused == ("Charge Code",)
    assert mapping.identifying == ("DOB",)
    assert {m.column for m in mapping.matches} | set(mapping.missing) == set(SYNONYMS)


# Confidence


@pytest.mark.parametrize(
    ("header", "values", "word"),
    [
        ("Units", ["1", "2"], "sure"),
        ("Units", ["", ""], "sure"),
        ("Units", ["one", "two"], "unsure"),
        ("Total Charge", ["1500", "900"], "likely"),
        ("Rev Code", ["0489", "0350"], "sure"),
        ("Revenue", ["0489", "0350"], "likely"),
        ("Amount", ["1500.00", "900.00"], "likely"),
    ],
)
def test_values_and_names_make_the_confidence(header, values, word):
    match = understand(with_column(header, values)).matches[-1]

    assert certainty(match) == word


def test_two_optional_candidates_take_the_first_and_say_so():
    both = {"Billing NPI": ["1000000004"] * 2, "Group NPI": ["2000000002"] * 2}

    match = match_of(understand(table(NEEDED | both)), "billing_npi")

    assert match.headers == ("Billing NPI",)
    assert "'Group NPI'" in match.note
    assert certainty(match) == "likely"


@pytest.mark.parametrize(
    ("column", "value", "expected"),
    [
        ("service_date", "3/10/2025", 1.0),
        ("charge_cents", "2.150,00", 1.0),
        ("charge_cents", "1.234.567,89 USD", 1.0),
        ("charge_cents", "1.2.3", 0.0),
        ("service_date", "10-Mar-2025", 1.0),
        ("service_date", "20250310", 1.0),
        ("service_date", "2025-03-10 00:00:00", 1.0),
        ("service_date", "45726", 1.0),
        ("service_date", "75574", 0.0),
        ("charge_cents", "$1,500.00", 1.0),
        ("charge_cents", "(12.50)", 1.0),
        ("charge_cents", "high", 0.0),
        ("procedure_code", "0501T", 1.0),
        ("procedure_code", "75574-26", 1.0),
        ("procedure_code", "A", 0.0),
        ("diagnosis_codes", "I25.10, R07.9", 1.0),
        ("patient_id", "DOE, JANE", 0.0),
        ("patient_id", "-1000006", 1.0),
        ("payer_type", "Part of town", 0.0),
        ("units", "NULL", 1.0),
    ],
)
def test_what_values_look_like(column, value, expected):
    assert fit(column, [value]) == expected


# By the values alone


@pytest.mark.parametrize("header", ["Field 7", "Column7", "F7", "", "Unnamed: 6", "value"])
def test_procedure_codes_are_found_by_their_values(header):
    given_table = with_column(header, ["75574", "0501T"], without=["Procedure Code"])

    match = match_of(understand(given_table), "procedure_code")

    assert (match.headers, match.how, certainty(match)) == ((header,), "shape", "unsure")


@pytest.mark.parametrize("header", ["Date", "Field 3"])
def test_service_dates_are_found_by_their_values(header):
    given_table = with_column(header, ["2025-03-10", "2024-12-30"], without=["Service Date"])

    assert match_of(understand(given_table), "service_date").how == "shape"


@pytest.mark.parametrize(
    ("header", "values"),
    [
        ("Zip of clinic", ["75001", "75002"]),  # the header says something else
        ("Field 7", ["75574", "heart"]),
        ("Field 7", ["45726", "45727"]),  # the day numbers of a spreadsheet
        ("Field 7", ["", ""]),
    ],
)
def test_other_values_are_not_taken_for_procedure_codes(header, values):
    given_table = with_column(header, values, without=["Procedure Code"])

    assert "no procedure code" in refusal_of(given_table)


def test_two_silent_headers_with_codes_are_not_guessed():
    kept = {name: values for name, values in NEEDED.items() if name != "Procedure Code"}
    given_table = table(kept | {"Field 7": ["75574"] * 2, "Field 8": ["75580"] * 2})

    message = refusal_of(given_table)

    assert "no procedure code" in message
    assert "'Field 7', 'Field 8'" in message


# Research files and IDR


RIF_OUTPATIENT = {
    "BENE_ID": "-1000006", "CLM_ID": "-100000480", "NCH_CLM_TYPE_CD": "40",
    "CLM_FROM_DT": "26-Nov-2015", "CLM_THRU_DT": "27-Nov-2015", "NCH_WKLY_PROC_DT": "27-Nov-2015",
    "FI_CLM_PROC_DT": "", "PRVDR_NUM": "220171", "CLM_FAC_TYPE_CD": "1",
    "CLM_SRVC_CLSFCTN_TYPE_CD": "3", "CLM_FREQ_CD": "1", "CLM_PMT_AMT": "85.55",
    "PRVDR_STATE_CD": "22", "ORG_NPI_NUM": "1000000004", "AT_PHYSN_NPI": "2000000002",
    "CLM_TOT_CHRG_AMT": "85.55", "PRNCPAL_DGNS_CD": "J029", "ICD_DGNS_CD1": "O039",
    "ICD_DGNS_VRSN_CD1": "0", "ICD_DGNS_CD2": "E034", "ICD_DGNS_E_CD1": "Y92",
    "ICD_PRCDR_CD1": "", "PRCDR_DT1": "", "RSN_VISIT_CD1": "", "FI_DOC_CLM_CNTL_NUM": "-161",
    "FI_ORIG_CLM_CNTL_NUM": "", "CLM_LINE_NUM": "1", "REV_CNTR": "0001",
    "REV_CNTR_DT": "26-Nov-2015", "REV_CNTR_1ST_ANSI_CD": "", "REV_CNTR_2ND_ANSI_CD": "",
    "HCPCS_CD": "99241", "HCPCS_1ST_MDFR_CD": "", "HCPCS_2ND_MDFR_CD": "",
    "REV_CNTR_UNIT_CNT": "1", "REV_CNTR_PMT_AMT_AMT": "85.55", "REV_CNTR_TOT_CHRG_AMT": "36.44",
    "REV_CNTR_PTNT_RSPNSBLTY_PMT": "9.11", "RNDRNG_PHYSN_NPI": "3000000000",
}  # fmt: skip


def test_the_outpatient_research_file_is_understood():
    mapping = understand(table({header: [value] for header, value in RIF_OUTPATIENT.items()}))

    assert headers_of(mapping) == {
        "claim_id": ("CLM_ID",),
        "line_number": ("CLM_LINE_NUM",),
        "claim_type": ("NCH_CLM_TYPE_CD",),
        "bill_type": ("CLM_FAC_TYPE_CD", "CLM_SRVC_CLSFCTN_TYPE_CD", "CLM_FREQ_CD"),
        "claim_frequency": ("CLM_FREQ_CD",),
        "original_claim_id": ("FI_ORIG_CLM_CNTL_NUM",),
        "payer_claim_number": ("FI_DOC_CLM_CNTL_NUM",),
        "patient_id": ("BENE_ID",),
        "service_date": ("REV_CNTR_DT",),
        "statement_from": ("CLM_FROM_DT",),
        "statement_through": ("CLM_THRU_DT",),
        "remit_date": ("NCH_WKLY_PROC_DT",),
        "procedure_code": ("HCPCS_CD",),
        "modifiers": ("HCPCS_1ST_MDFR_CD", "HCPCS_2ND_MDFR_CD"),
        "revenue_code": ("REV_CNTR",),
        "units": ("REV_CNTR_UNIT_CNT",),
        "charge_cents": ("REV_CNTR_TOT_CHRG_AMT",),
        "paid_cents": ("REV_CNTR_PMT_AMT_AMT",),
        "patient_responsibility_cents": ("REV_CNTR_PTNT_RSPNSBLTY_PMT",),
        "adjustment_codes": ("REV_CNTR_1ST_ANSI_CD", "REV_CNTR_2ND_ANSI_CD"),
        "diagnosis_codes": ("ICD_DGNS_CD1", "ICD_DGNS_CD2"),
        "rendering_npi": ("RNDRNG_PHYSN_NPI",),
        "billing_npi": ("ORG_NPI_NUM",),
    }


def test_claims_of_the_data_repository_take_their_own_claim_number():
    given_table = table(
        {
            "bene_sk": ["1"], "clm_line_num": ["1"], "splt_clm_id": ["7-1"], "clm_uniq_id": ["7"],
            "clm_type_cd": ["71"], "clm_ptnt_birth_dt": ["1920-01-01"], "clm_bene_sex_cd": ["2"],
            "clm_from_dt": ["2017-02-23"], "clm_line_from_dt": ["2017-02-23"],
            "clm_line_hcpcs_cd": ["75574"], "clm_cntl_num": ["A1"], "clm_orig_cntl_num": [""],
        }
    )  # fmt: skip

    found = headers_of(mapping := understand(given_table))

    assert found["claim_id"] == ("clm_uniq_id",)
    assert found["payer_claim_number"] == ("clm_cntl_num",)
    assert found["original_claim_id"] == ("clm_orig_cntl_num",)
    assert mapping.identifying == ("clm_ptnt_birth_dt", "clm_bene_sex_cd")


# Refusals


@pytest.mark.parametrize(
    ("without", "words"),
    [
        ("Claim ID", "no claim id"),
        ("Patient ID", "no patient id"),
        ("Service Date", "no service date"),
        ("Procedure Code", "no procedure code"),
    ],
)
def test_a_missing_column_is_named_with_the_way_out(without, words):
    column = header_key(without)
    given_table = table({name: values for name, values in NEEDED.items() if name != without})

    message = refusal_of(given_table)

    assert message.startswith(f"hospital.csv: {words}. Columns seen: ")
    assert "--columns PROFILE.toml" in message
    assert "`auditor columns hospital.csv --save PROFILE.toml`" in message
    named = [name for name in REQUIRED if header_key(name) == column]
    assert f'{named[0]} = "..."' in message


def test_without_a_patient_the_claim_id_may_stand_in():
    message = refusal_of(table({n: v for n, v in NEEDED.items() if n != "Patient ID"}))

    assert 'patient_id = "Claim ID"' in message
    assert "partners on other claims are then not found" in message


def test_the_stand_in_is_offered_only_if_the_patient_alone_is_missing():
    without = [("Claim ID", ["1"]), ("Service Date", ["2025-03-10"]), ("X-ray", ["1"])]

    assert "stand in" not in refusal_of(table(without))


def test_the_claim_number_is_not_offered_as_the_patient():
    given_table = table(
        {
            "Acct #": ["V01", "V02"],
            "Unit No.": ["M1", "M2"],
            "Svc Date": ["2025-03-10", "2025-03-11"],
            "CPT": ["75574", "75580"],
        }
    )

    message = refusal_of(given_table)

    assert "no patient id" in message
    assert "Closest to a patient id: 'Unit No.'. Give" in message


def test_long_headers_are_cut_short():
    extra = {f"Sort {number:02}": ["", ""] for number in range(1, 30)}
    given_table = table({n: v for n, v in (NEEDED | extra).items() if n != "Patient ID"})

    message = refusal_of(given_table)

    assert "Sort 12 and 17 more." in message
    assert "Sort 13" not in message


def test_the_nearest_header_is_offered():
    kept = {n: v for n, v in NEEDED.items() if n != "Patient ID"}

    assert "Closest to a patient id: 'Patent ID'" in refusal_of(
        table(kept | {"Patent ID": ["1", "1"]})
    )


@pytest.mark.parametrize(
    "headers",
    [
        ["Charge Code", "Description", "Dept", "Revenue Code", "Proc Code", "Modifier 1", "Rate"],
        ["CDM", "UB", "CPT", "Description", "Price"],
        ["Employee", "Hours"],
        [],
        ["", ""],
    ],
)
def test_what_is_plainly_no_claim_lines_is_refused_as_such(headers):
    message = refusal_of(table([(header, ["1"]) for header in headers]))

    assert "does not look like claim lines: no claim id, no patient id" in message


def test_a_first_line_of_data_is_not_quoted():
    headers = ["DOE, JANE", "1950-03-10", "75574", "1500.00"]

    message = refusal_of(table([(header, ["1"]) for header in headers]))

    assert "DOE" not in message
    assert "1950" not in message
    assert "AAA, AAAA" in message
    assert "looks like data" in message


def test_a_file_without_column_names_is_refused_by_shapes_whatever_a_profile_says(tmp_path):
    first = ["C1001", "P17", "03/10/2025", "75574", "26", "0480", "2,450.00", "I25.10"]
    lines = [[value, value] for value in ("C1002", "P18", "03/11/2025", "75580", "26", "", "", "")]
    given_table = table(list(zip(first, lines, strict=True)))
    profile = profile_from(tmp_path, '[columns]\nclaim_id = "#1"\npatient_id = "#2"\n')

    for said in (refusal_of(given_table), refusal_of(given_table, profile)):
        assert "Row 1 looks like data, not like column names; its shapes: A9999, A99, " in said
        assert "Write a row of column names above it" in said
        assert [value for value in first if value in said] == []
    with pytest.raises(AuditError, match="looks like data"):
        suggest(given_table)


def test_values_beside_column_names_are_shown_by_their_shapes():
    beside = {"C1001": ["C1001"] * 2, "03/10/2025": ["03/10/2025"] * 2, "DOE": ["DOE"] * 2}

    assert understand(table(NEEDED | beside)).unused == ("A9999", "99/99/9999", "AAA")
    said = refusal_of(table({"Claim ID": ["C1"] * 2, "CPT": ["75574"] * 2} | beside))
    assert [value for value in beside if value in said] == []


WIDE = [
    (["CPT", "Mod", "CPT2", "Mod2"], "'CPT2' would be left out"),
    (["CPT", "Modifier", "CPT 2", "Modifier"], "'CPT 2' would be left out"),
    (["CPT Code", "Mod", "Secondary CPT", "Mod2"], "'Secondary CPT' would be left out"),
    (
        ["Procedure Code 1", "Modifier 1", "Procedure Code 2", "Modifier 2"],
        "'Procedure Code 2' would be left out",
    ),
]


@pytest.mark.parametrize(("headers", "words"), WIDE)
def test_a_row_of_several_codes_is_refused_before_codes_and_modifiers_are_lost(
    headers, words, tmp_path
):
    code, modifier, second, other = headers
    kept = [(name, values) for name, values in NEEDED.items() if name != "Procedure Code"]
    lines = [(code, ["75574"]), (modifier, ["26"]), (second, ["75580"]), (other, ["59"])]
    given_table = table([(name, values[:1]) for name, values in [*kept, *lines]])
    said = f'[columns]\nprocedure_code = "{code}"\nmodifiers = "#5"\n'

    message = refusal_of(given_table)

    assert words in message
    assert "Export one row a service line" in message
    matched = understand(given_table, profile_from(tmp_path, said))
    assert match_of(matched, "procedure_code").positions == (3,)
    assert match_of(matched, "modifiers").positions == (4,)


def test_one_code_under_two_headers_is_no_row_of_several():
    same = {"CPT 1": ["75574", "75580"], "CPT 2": ["", ""]}

    assert headers_of(understand(table(NEEDED | same)))["procedure_code"] == ("Procedure Code",)


def test_a_row_a_measure_is_refused():
    measures = {"Measure Names": ["Charges", "Units"], "Measure Values": ["350", "1"]}

    message = refusal_of(table(NEEDED | measures))

    assert "has a row a measure" in message
    assert "Export it from Tableau as a crosstab" in message


def test_findings_of_this_program_are_no_export():
    for remedy, rule in (("remedy", "rule"), ("What to do", "Rule")):
        findings = {"Finding": ["0" * 12, "1" * 12], rule: ["filed_late", "line_billed_twice"]}
        findings |= {"severity": ["denial", "denial"], remedy: ["", ""]}

        message = refusal_of(table(NEEDED | findings))

        assert "is a list of findings that this program wrote" in message
        assert "taken back by `auditor ledger import`" in message


def test_lines_that_nothing_splits_are_refused_as_such():
    message = refusal_of(table({"Claim ID   Patient ID   CPT": ["C1         P1           75574"]}))

    assert "split by no comma" in message
    assert "Export it as CSV" in message


def test_a_row_that_names_hardly_a_column_is_shown_by_shapes():
    letter = table([("Patient:", ["Birth date:"]), ("DOE, JANE", ["1950-03-10"]), ("Ward", ["B"])])

    message = refusal_of(letter)

    assert "DOE" not in message
    assert "those not known by shape: Patient:, AAA, AAAA, AAAA." in message


def test_headers_in_messages_are_short_and_on_one_line():
    message = refusal_of(with_column("Sort\nkey " + "x" * 500, ["1", "1"], without=["Patient ID"]))

    assert "Sort key xxx" in message
    assert "x" * 100 not in message


def test_the_sheet_is_named():
    given_table = table({"Hours": ["1"]}, file="a.xlsx", sheet="Rates")

    assert refusal_of(given_table).startswith("a.xlsx sheet 'Rates': ")


def test_two_equal_candidates_with_other_values_are_refused():
    message = refusal_of(with_column("Claim Number", ["N1", "N2"]))

    assert (
        "'Claim ID' and 'Claim Number' could each be the claim id, and their values differ."
        in message
    )
    assert 'claim_id = "..."' in message


def test_two_equal_candidates_with_the_same_values_are_one():
    mapping = understand(with_column("Claim Number", [" C1", "C1"]))

    assert headers_of(mapping)["claim_id"] == ("Claim ID",)
    assert mapping.unused == ("Claim Number",)


def test_a_repeated_needed_header_is_told_apart_by_its_place(tmp_path):
    given_table = table([*NEEDED.items(), ("Claim ID", ["N1", "N2"])])
    profile = profile_from(tmp_path, '[columns]\nclaim_id = "#5"\n')

    assert "could each be the claim id" in refusal_of(given_table)
    assert match_of(understand(given_table, profile), "claim_id").positions == (4,)


def test_refusals_hold_no_values():
    given_table = table(
        {"Claim ID": ["SECRET1"], "Claim Number": ["SECRET2"], "Patient Name": ["SECRET3"]}
    )

    assert "SECRET" not in refusal_of(given_table)


def test_a_suggestion_is_made_where_understanding_refuses():
    mapping = suggest(with_column("Claim Number", ["N1", "N2"], without=["Patient ID"]))

    assert headers_of(mapping)["claim_id"] == ("Claim ID",)
    assert certainty(match_of(mapping, "claim_id")) == "likely"
    assert "patient_id" in mapping.missing


# Finding the header row


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["Claim ID", "MRN", "DOS", "CPT", "Mod1", "Mod2"], 5),
        (["Report run 2025-03-10", "", ""], 0),
        (["C1001", "P17", "2025-03-10", "75574", "26"], 0),
        (["Charge Code", "Description", "Rate"], 0),
        (["x" * 5000], 0),
        ([], 0),
    ],
)
def test_known_columns_are_counted(cells, expected):
    assert count_known(cells) == expected


# Profiles


def test_a_profile_overrides_what_it_names_and_leaves_the_rest(tmp_path):
    extra = {"Zuordnung": ["Z1", "Z2"], "Units": ["1", "1"], "A": ["26", ""], "B": ["59", ""]}
    profile = profile_from(
        tmp_path,
        'sheet = "Lines"\n[columns]\npatient_id = "zuordnung"\nmodifiers = ["B", "A"]\n'
        'service_state = { value = "TX" }\n',
    )

    mapping = understand(table(NEEDED | extra), profile)

    assert profile.sheet == "Lines"
    assert headers_of(mapping)["patient_id"] == ("Zuordnung",)
    assert match_of(mapping, "patient_id").how == "profile"
    assert match_of(mapping, "patient_id").confidence == 1.0
    assert headers_of(mapping)["modifiers"] == ("B", "A")
    assert headers_of(mapping)["units"] == ("Units",)
    assert mapping.unused == ("Patient ID",)
    state = match_of(mapping, "service_state")
    assert (state.positions, state.headers, state.constant) == ((), (), "TX")


def test_the_claim_id_stands_in_for_the_patient(tmp_path):
    profile = profile_from(tmp_path, '[columns]\npatient_id = "Claim ID"\n')
    given_table = table({n: v for n, v in NEEDED.items() if n != "Patient ID"})

    found = headers_of(understand(given_table, profile))

    assert found["claim_id"] == found["patient_id"] == ("Claim ID",)


def test_a_second_choice_is_not_taken_from_the_profile(tmp_path):
    profile = profile_from(tmp_path, '[columns]\npatient_id = "Account Number"\n')
    given_table = with_column("Account Number", ["7", "7"], without=["Claim ID", "Patient ID"])

    assert "no claim id" in refusal_of(given_table, profile)


@pytest.mark.parametrize(
    "text",
    [
        '[columns]\ncharge_cents = ""\n',
        '[columns]\ncharge = ""\n',
        "[columns]\ncharge = []\n",
        'ignore = ["charge_cents"]\n',
        'ignore = ["Total Charge"]\n',
        'ignore = ["total_charge"]\n',
    ],
)
def test_a_column_can_be_switched_off(tmp_path, text):
    mapping = understand(with_column("Total Charge", ["1", "2"]), profile_from(tmp_path, text))

    assert "charge_cents" in mapping.missing
    assert mapping.unused == ("Total Charge",)


def test_a_needed_column_that_is_switched_off_is_missing(tmp_path):
    profile = profile_from(tmp_path, '[columns]\npatient_id = ""\n')

    assert "no patient id" in refusal_of(table(NEEDED), profile)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[columns]\nunits = 5\n", "columns.units must be a header, a list of headers, or"),
        ("[columns]\nunits = { val = 'x' }\n", "columns.units must be"),
        (
            'colums = { units = "U" }\n',
            "'colums' is unknown; a profile has files, sheet,",
        ),
        ("sheet = 3\n", "sheet must be the name of a sheet"),
        ('ignore = "X"\n', "ignore must be a list of headers"),
        ("[columns]\nrevenue_code = 0450\n", "not valid TOML"),
        ("[columns\n", "not valid TOML"),
        ('[columns]\npatient = "MRN"\n', "columns.patient is no column of claim lines; nearest:"),
        ('[columns]\ncharge = "A"\ncharge_cents = "B"\n', "is given twice"),
        ('[columns]\npatient_id = { value = "1" }\n', "can't be one value for every line"),
    ],
)
def test_a_mistaken_profile_is_refused(tmp_path, text, words):
    with pytest.raises(AuditError) as caught:
        profile_from(tmp_path, text)

    assert str(caught.value).startswith("site.toml: ")
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[columns]\npatient_id = "Pateint ID"\n', "nearest: 'Patient ID'"),
        ('[columns]\npatient_id = "Pateint ID"\n', "site.toml: columns.patient_id names"),
        ('[columns]\npatient_id = "#9"\n', "has 5 columns"),
        ('[columns]\npatient_id = "DOB"\n', "is never read"),
        ('[columns]\nunits = ["Claim ID", "Patient ID"]\n', "units is read from one"),
        ('ignore = ["Pateint ID"]\n', "site.toml: ignore names 'Pateint ID'"),
    ],
)
def test_a_profile_that_does_not_fit_the_file_is_refused(tmp_path, text, words):
    message = refusal_of(with_column("DOB", ["", ""]), profile_from(tmp_path, text))

    assert words in message


def test_a_profile_names_a_repeated_header_by_place(tmp_path):
    given_table = table([*NEEDED.items(), ("X", ["1", "1"]), ("X", ["2", "2"])])

    message = refusal_of(given_table, profile_from(tmp_path, '[columns]\nunits = "X"\n'))

    assert 'has 2 times; give its place instead: "#5" or "#6"' in message


def test_a_profile_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(AuditError, match=r"^site\.toml: the profile can't be read"):
        read_profile(tmp_path / "site.toml")


def test_a_profile_may_begin_with_a_byte_order_mark_but_must_be_utf_8(tmp_path):
    path = tmp_path / "site.toml"
    path.write_bytes(b'\xef\xbb\xbf[columns]\nunits = "Qty"\n')

    assert read_profile(path).columns == {"units": ("Qty",)}

    path.write_bytes('[columns]\nunits = "Qty"\n'.encode("utf-16"))
    with pytest.raises(AuditError, match="save it as UTF-8"):
        read_profile(path)


@pytest.mark.parametrize(
    "columns",
    [
        [*NEEDED.items(), ("Mod1", ["26", ""]), ("Mod2", ["", ""])],
        [*NEEDED.items(), ("Modifier", ["26", ""]), ("Modifier", ["59", ""])],
        [*NEEDED.items(), ('Charge "net" \\ line', ["1", "1"]), ("DOB", ["", ""])],
        [*list(NEEDED.items())[:3], ("", ["75574", "75580"]), ("#4", ["", ""])],
        [*NEEDED.items(), ("Charge\nAmount", ["1", "1"]), ("Auth\x7f #", ["A1", "A1"])],
    ],
)
def test_a_saved_profile_reads_back_as_what_was_understood(tmp_path, columns):
    given_table = table(columns, sheet="Lines")
    mapping = understand(given_table)
    path = tmp_path / "saved.toml"

    write_profile(path, mapping, given_table)

    again = understand(given_table, read_profile(path))
    assert [(m.column, m.positions) for m in again.matches] == [
        (m.column, m.positions) for m in mapping.matches
    ]
    assert (again.missing, again.identifying) == (mapping.missing, mapping.identifying)
    assert read_profile(path).sheet == "Lines"


def test_a_saved_profile_says_how_sure_it_is_and_keeps_constants(tmp_path):
    given_table = with_column("Total Charge", ["1", "2"], without=["Patient ID"])
    profile = Profile("a.toml", constants={"service_state": "TX"})
    path = tmp_path / "saved.toml"

    write_profile(path, suggest(given_table, profile), given_table)

    text = path.read_text(encoding="utf-8")
    assert 'claim_id = "Claim ID"  # sure, by its name\n' in text
    assert 'charge_cents = "Total Charge"  # likely, by its name; a second choice' in text
    assert 'service_state = { value = "TX" }  # sure, by profile' in text
    assert '# patient_id = "..."  # needed\n' in text
    assert "C1" not in text


def test_a_saved_profile_does_not_overwrite(tmp_path):
    path = tmp_path / "saved.toml"
    path.write_text("mine", encoding="utf-8")

    with pytest.raises(AuditError, match="there is such a file already"):
        write_profile(path, understand(table(NEEDED)), table(NEEDED))

    assert path.read_text(encoding="utf-8") == "mine"


# What `auditor columns` shows


def test_columns_are_described_by_shape_never_by_value():
    given_table = with_column("Mod1", ["26", "TC"])

    rows = {row.column: row for row in describe(understand(given_table), given_table)}

    assert list(rows) == [column.name for column in CLAIM_LINES]
    assert rows["claim_id"].example == "A9"
    assert rows["patient_id"].example == "A9"
    assert rows["service_date"].example == "9999-99-99"
    assert (rows["modifiers"].headers, rows["modifiers"].certainty) == (("Mod1",), "sure")
    assert (rows["received_date"].how, rows["received_date"].headers) == ("missing", ())


def test_a_blank_header_and_a_constant_are_described():
    given_table = table([*list(NEEDED.items())[:3], ("", ["75574", "75580"])])
    profile = Profile("a.toml", constants={"payer": "Medicare"})

    rows = {row.column: row for row in describe(understand(given_table, profile), given_table)}

    assert rows["procedure_code"].headers == ("column 4 (no header)",)
    assert rows["payer"].note == "'Medicare' on every line"


# Case, punctuation and order


WIDE = {
    **NEEDED,
    "Line Number": ["1", "2"],
    "Bill Type": ["0131", "0131"],
    "Modifier 1": ["26", ""],
    "Modifier 2": ["59", ""],
    "Revenue Code": ["0489", "0489"],
    "Units": ["1", "1"],
    "Line Charge": ["1500.00", "900.00"],
    "Total Charge": ["2400.00", "2400.00"],
    "Statement From": ["2025-03-10"] * 2,
    "Dx 1": ["I25.10", "I25.10"],
    "Dx 2": ["R07.9", ""],
    "Patient Last Name": ["Sample", "Sample"],
    "Date of Birth": ["1950-01-01"] * 2,
    "Charge Code": ["4100", "4101"],
}


@given(st.data())
def test_case_punctuation_and_order_of_headers_do_not_matter(data):
    names = data.draw(st.permutations(list(WIDE)))
    marks = st.sampled_from(["", " ", "_", "-", ".", "/", "  ", " - "])
    cases = st.sampled_from([str.upper, str.lower, str.title, str.swapcase, str])
    written = {
        name: data.draw(cases)(re.sub(" ", lambda _: data.draw(marks), name)) for name in names
    }
    back = {as_written: name for name, as_written in written.items()}

    mapping = understand(table([(written[name], WIDE[name]) for name in names]))

    expected = headers_of(understand(table(WIDE)))
    assert {c: tuple(back[h] for h in hs) for c, hs in headers_of(mapping).items()} == expected
    assert {back[header] for header in mapping.unused} == {"Total Charge", "Charge Code"}
    assert {back[h] for h in mapping.identifying} == {"Patient Last Name", "Date of Birth"}


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=8)), max_size=12))
def test_any_table_is_understood_or_refused(columns):
    given_table = table([(header, [value]) for header, value in columns])

    mapping = suggest(given_table)

    assert {match.column for match in mapping.matches} | set(mapping.missing) == set(SYNONYMS)
    if set(REQUIRED) & set(mapping.missing):
        refusal_of(given_table)


def test_profiles_and_paths_stay_out_of_messages(tmp_path: Path):
    with pytest.raises(AuditError) as caught:
        read_profile(tmp_path / "gone.toml")

    assert str(tmp_path) not in str(caught.value)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("cell", ["1", "11,", "A1 ", "1.1", "I25.1 ", "CO-1 ", "26 "])
def test_a_long_cell_is_told_from_a_shape_at_once(column: str, cell: str) -> None:
    fit(column, [cell * 1000 + "!"])
    fit(column, ["-" + " " * 2000 + cell])
