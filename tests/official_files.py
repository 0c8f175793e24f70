"""Made-up files in the layouts of the publishers, with every oddity that was seen in them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

NOTICE = "CPT only copyright 2025 American Medical Association.  All rights reserved."
PTP_HEAD = (
    f"{NOTICE}\t\t\t\t\t\t\r\n"
    "Column1/Column2 Edits\t\t\t\t\t\t\r\n"
    "Column 1\tColumn 2\t*=in existence\tEffective\tDeletion\tModifier\tPTP Edit Rationale\r\n"
    "\t\tprior to 1996\tDate\tDate\t0=not allowed\t\r\n"
    "\t\t\t\t*=no data\t1=allowed\t\r\n"
    "\t\t\t\t\t9=not applicable\t\r\n"
)
WORD = "Misuse of Column Two code with Column One code"
Edit = tuple[str, str, str, str, str]
# column one, column two, effective, deletion, indicator
EDITS: tuple[Edit, ...] = (
    ("36000", "36410", "20020101", "*", "1"),
    ("71275", "36000", "20021001", "*", "1"),
    ("75573", "75574", "20100101", "*", "0"),
    ("75574", "36000", "20100101", "*", "1"),
    ("75574", "76376", "20100101", "*", "1"),
    ("75574", "93000", "20150101", "20231231", "1"),
    ("75580", "36005", "20240101", "20240101", "9"),
    ("93000", "93005", "19960101", "*", "0"),
)

# Edits of which each but the last two lacks something; those two say it of one pair.
ODD_PAIRS = [
    ("75574", "3600", "20240101", "*", "1"),
    ("75574", "36000", "20241301", "*", "1"),
    ("75574", "36001", "20240101", "soon", "1"),
    ("75574", "36002", "20240101", "*", "2"),
    ("75574", "36003", "20240101", "20230101", "1"),
    ("75574", "36004", "20240101", "*", "1"),
    ("75574", "36004", "20240101", "*", "0"),
]


def ptp_text(edits: Sequence[Edit], head: str = PTP_HEAD, word: str = WORD) -> bytes:
    rows = (f"{a}\t{b}\t\t{start}\t{end}\t{ind}\t{word}\r\n" for a, b, start, end, ind in edits)
    return (head + "".join(rows)).encode("latin-1")


def ptp_parts(
    folder: Path,
    edits: Sequence[Edit] = EDITS,
    version: str = "322",
    stem: str = "ccipra",
    suffix: str = "TXT",
) -> list[Path]:
    """Four parts, split by column one as the publisher does."""
    folder.mkdir(parents=True, exist_ok=True)
    size = -(-len(edits) // 4)
    paths = []
    for part in range(4):
        path = folder / f"{stem}-v{version}r0-f{part + 1}.{suffix}"
        path.write_bytes(ptp_text(edits[part * size : (part + 1) * size]))
        paths.append(path)
    return paths


MUE_NOTICE = (
    '"Current Procedural Terminology (CPT) codes, descriptions and other data only are copyright '
    "2025 American Medical Association. All rights reserved. \r\n\r\nCPT(R) is a registered "
    "trademark of the American Medical Association.\r\n\r\nFee schedules, relative value units are "
    'not contained herein.",,,\r\n'
)
# code, value, indicator
LIMITS = (
    ("36000", "4", "3 Date of Service Edit: Clinical"),
    ("75574", "1", "3 Date of Service Edit: Clinical"),
    ("75580", "1", "2 Date of Service Edit: Policy"),
    ("93000", "3", "1 Line Edit"),
    ("0001U", "1", "2 Date of Service Edit: Policy"),
)


def mue_file(
    folder: Path,
    limits: Sequence[tuple[str, str, str]] = LIMITS,
    day: str = "07-01-2026",
    who: str = "PractitionerServices",
) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    title = "Practitioner Services" if "Pract" in who else "Outpatient Hospital Services"
    head = f'{MUE_NOTICE}"HCPCS/\r\nCPT Code",{title} MUE Values,MUE Adjudication Indicator,'
    rows = "".join(f"{a},{b},{c},Nature of Analyte\r\n" for a, b, c in limits)
    path = folder / f"MCR_MUE_{who}_Eff_{day}.csv"
    path.write_bytes((head + "MUE Rationale\r\n" + rows).encode())
    return path


PFS_WORDS = (
    "WORK,NON-FAC,NA,FACILITY,NA,MP,NON-FACILITY,FACILITY,PCTC,GLOB,PRE,INTRA,POST,MULT,BILAT,"
    "ASST,CO-,TEAM"
)
PFS_LAST = "RVU,PE RVU,INDICATOR,PE RVU,INDICATOR,RVU,TOTAL,TOTAL,IND,DAYS,OP,OP,OP,PROC,SURG,SURG"
PFS_LAST += ",SURG,SURG"
# code, modifier, status, work, pe nonfac, na, pe fac, na, mp, total nonfac, total fac, pctc
UNITS = (
    ("75574", "", "A", "2.40", "7.35", "", "7.35", "NA", "0.15", "9.90", "9.90", "1"),
    ("75574", "26", "A", "2.40", "0.83", "", "0.83", "", "0.11", "3.34", "3.34", "1"),
    ("75574", "TC", "A", "0.00", "6.52", "", "6.52", "NA", "0.04", "6.56", "6.56", "1"),
    ("0001F", "", "I", "0.00", "0.00", "", "0.00", "", "0.00", "0.00", "0.00", "9"),
)
FOOTNOTE = "# Values are not valid for Medicare purposes."


def pfs_csv(
    year: int = 2025,
    factor: str = "32.3465",
    units: Sequence[Sequence[str]] = UNITS,
    pricing: bool = False,
    month: str = "October",
) -> bytes:
    """The file of a quarter: 31 columns, from 2026 on 32, with PRIC IND (``pricing``)."""
    extra, gap = (("PRIC,", "IND,") if pricing else ("", "")), ("," if pricing else "")
    tail = ",,"
    lines = [
        f",,{year} National Physician Fee Schedule Relative Value File {month} Release{',' * 28}",
        f",,CPT codes and descriptions only are copyright {year - 1} AMA.{',' * 28}",
        f",, ,{',' * 27}",
        f",,RELEASED 09/11/{year}{',' * 28}",
        f",, ,,,,,,,,,,,,,,,,,,,,,,{gap},,,,NON-FACILITY,FACILITY,",
        f",,,,NOT USED,,,,,,,,,,,,,,,,,,,{gap},,PHYSICIAN,,DIAGNOSTIC,PE USED,PE USED,MP USED",
        f",,,,FOR,,,NON-FAC,,FACILITY ,,,,,,,,,,,,,,{gap},,SUPERVISION OF,,IMAGING"
        ",FOR OPPS,FOR OPPS,FOR OPPS",
        f",,,STATUS,MEDICARE ,{PFS_WORDS},{extra[0]}ENDO,CONV,DIAGNOSTIC,CALCULATION,FAMILY,"
        "PAYMENT,PAYMENT,PAYMENT",
        f"HCPCS,MOD,DESCRIPTION,CODE,PAYMENT,{PFS_LAST},{extra[1]}BASE,FACTOR,PROCEDURES,FLAG,"
        "INDICATOR,AMOUNT,AMOUNT,AMOUNT",
    ]
    for code, modifier, status, work, pe, na, pe_fac, na_fac, mp, total, total_fac, pctc in units:
        lines.append(
            f'{code},{modifier},"An invented, label",{status},,{work},{pe},{na},{pe_fac},{na_fac},'
            f"{mp},{total},{total_fac},{pctc},000,0.00,0.00,0.00,0,0,0,0,0,{gap},{factor},09,0,99,"
            "0.00,0.00,0.00"
        )
    lines.append(FOOTNOTE + tail)
    return ("\r\n".join(lines) + "\r\n").encode("latin-1")


ADDENDUM_B = (
    "Addendum B.-Final OPPS Payment by HCPCS Code for CY 2026,,,,,,,\r\n"
    '"CPT codes are copyright\r\n2025 AMA",,,,,,,\r\n'
    ",,,,,,,\r\n"
    "HCPCS Code,Short Descriptor,SI,APC ,Relative Weight,Payment Rate,National Unadjusted "
    "Copayment,Minimum Unadjusted Copayment\r\n"
    "75574,An invented label,S,5572,3.8990,$356.43,,$71.29\r\n"
    '75580,An invented label,S*,5724,"9.5973","$1,877.34",,$75.00\r\n'
    "76376,An invented label,N,,,,,\r\n"
    "C9999,An invented label,S,1511,,950.50,,\r\n"
    "* Changes since January,,,,,,,\r\n"
)
CAPS = (
    "HCPCS,MOD,PROCSTAT,CARRIER,LOCALITY,FACILITY PRICE,NON-FACILTY PRICE\r\n"
    "75574,TC,C,12202,01,150.69,150.69\r\n"
    "75574,TC,C,1112,5,160.00,161.00\r\n"
)
GPCIS = (
    "ADDENDUM E. FINAL CY 2025 GEOGRAPHIC PRACTICE COST INDICES,,,,,,\r\n"
    ",,,,,,\r\n"
    "Medicare Administrative Contractor (MAC),State,Locality Number,Locality Name,"
    "2025 PW GPCI (with 1.0 Floor),2025 PE GPCI,2025 MP GPCI\r\n"
    "12202,DC,01,DC + MD/VA SUBURBS,1.047,1.204,1.202\r\n"
    "11302,VA,00,VIRGINIA,1.000,0.993,0.906\r\n"
    "2102,AK,1,ALASKA*,1.500,1.081,0.592\r\n"
    "* Alaska's work index has a floor of 1.5.,,,,,,\r\n"
)


def zip_line(state: str, code: str, carrier: str, locality: str, quarter: str = "20254") -> str:
    return f"{state}{code}{carrier}{locality} Z9   0 A".ljust(75) + quarter


ZIPS = "\r\n".join(
    [
        zip_line("AK", "99501", "02102", "01"),
        zip_line("VA", "22030", "12202", "01"),
        zip_line("VA", "23219", "11302", "00"),
        zip_line("EM", "63101", "05302", "01"),
        "not a line of the table",
        "",
    ]
)
ORDER = (
    "00001 I25     0 Chronic ischemic heart disease".ljust(77)
    + "Chronic ischemic heart disease\r\n00002 I2510   1 A short title".ljust(79)
    + "A long title\r\n00003 I208    0 A short title".ljust(79)
    + "A long title\r\n00004 I2081   1 A short title".ljust(79)
    + "A long title\r\n00005 R0789   1 A short title".ljust(79)
    + "A long title\r\n"
    "a line that is none\r\n"
)
ARTICLES: Mapping[str, str] = {
    "article_x_icd10_covered.csv": (
        "article_id,article_version,icd10_code_id,icd10_code_version,icd10_covered_group,range,"
        "last_updated\r\n"
        "57552,11,I25.10,2026,1,,2026-01-05 00:00:00\r\n"
        "57552,11,I20.81,2026,1,,2026-01-05 00:00:00\r\n"
        "57552,10,I20.8,2025,1,,2025-01-05 00:00:00\r\n"
        "50000,1,M17.0,2026,1,,2026-01-05 00:00:00\r\n"
        "58000,2,I25.10,2026,1,,2026-01-05 00:00:00\r\n"
        "58000,2,I20,2026,1,Y,2026-01-05 00:00:00\r\n"
    ),
    "article_x_hcpc_code.csv": (
        "article_id,article_version,hcpc_code_id,hcpc_code_version,hcpc_code_group,range,"
        "last_updated\r\n"
        "57552,11,75574,2026,1,,2026-01-05\r\n"
        "57552,10,75574,2025,1,,2025-01-05\r\n"
        "50000,1,27447,2026,1,,2026-01-05\r\n"
        "58000,2,75580,2026,1,,2026-01-05\r\n"
    ),
    "article_x_contractor.csv": (
        "article_id,article_version,contractor_id,contractor_type_id,contractor_version\r\n"
        "57552,11,10,9,1\r\n57552,11,11,8,1\r\n50000,1,10,9,1\r\n58000,2,12,9,1\r\n"
    ),
    "contractor.csv": (
        "contractor_id,contractor_type_id,contractor_version,contractor_bus_name,contractor_number\r\n"
        "10,9,1,An invented contractor,12502\r\n11,8,1,An invented contractor,12501\r\n"
        "12,9,1,Nobody,99999\r\n"
    ),
}


def zipped(path: Path, files: Mapping[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as pack:
        for name, content in files.items():
            pack.writestr(name, content)
    return path


def zipped_bytes(files: Mapping[str, bytes | str]) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as pack:
        for name, content in files.items():
            pack.writestr(name, content)
    return stream.getvalue()
