"""The two exports: hospital lines as CSV, physicians' lines as a workbook, with their rough edges.

Bytes depend on nothing but the claims: no clock, no name of a user, fixed times inside the zip.
"""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path

from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

from harbor_heart.claims import Claim, Line
from harbor_heart.places import EMERGENCY, EXPORT_DAY, STATE

Cell = str | int | float | date | None

HOSPITAL_HEADER = (
    *("HAR", "Line #", "MRN", "TOB", "Stmt From", "Stmt Thru", "Service Date", "Rev Code"),
    *("CPT/HCPCS", "Mod 1", "Mod 2", "Mod 3", "Qty", "Total Charge", "Allowed Amt", "Paid Amt"),
    *("Pt Resp", "CARC", "RARC", "Dx 1", "Dx 2", "Dx 3", "Payor", "Auth No", "PWK No"),
    *("Billing NPI", "Facility State", "Dept", "Received Date", "Remit Date", "ICN"),
    *("Original ICN", "Charge Router"),
)
PHYSICIAN_HEADER = (
    *(
        "Claim No",
        "Line No",
        "PB/HB",
        "MRN",
        "DOS From",
        "DOS To",
        "POS",
        "CPT Code",
        "Mod 1",
        "Mod 2",
    ),
    *("Mod 3", "Mod 4", "Rev Cd", "Units", "Charge", "Allowed", "Insurance Paid", "Pt Resp"),
    *("Denial Codes", "Remark Codes", "Dx1", "Dx2", "Dx3", "Dx4", "Rendering NPI", "Billing NPI"),
    *("Referring NPI", "Payer Name", "Prior Auth No", "PWK Number", "Location State"),
    *("Resubmission Code", "Original Claim No", "Date Received", "Remit Date"),
)
_FIXED_TIME = datetime(2026, 7, 13, 6, 0, 0)  # noqa: DTZ001  the clock of a workbook has no zone


def _dollars(cents: int | None) -> str:
    if cents is None:
        return ""
    text = f"${abs(cents) / 100:,.2f}"
    return f"({text})" if cents < 0 else text


def _american(day: date | None) -> str:
    return f"{day:%m/%d/%Y}" if day else ""


def _padded(words: Iterable[str], width: int) -> list[str]:
    return ([*words] + [""] * width)[:width]


def _hospital_row(claim: Claim, line: Line) -> list[str]:
    # A spreadsheet in between took the leading zero, except from the emergency department's lines.
    revenue = line.revenue if claim.site == EMERGENCY else line.revenue.lstrip("0")
    return [
        claim.number,
        str(line.number),
        str(claim.patient),
        claim.bill_type,
        _american(claim.start),
        _american(claim.end),
        _american(line.day),
        revenue,
        line.code,
        *_padded(line.modifiers, 3),
        str(-line.units if line.negative else line.units),
        _dollars(line.charge),
        *(_dollars(cents) for cents in (line.allowed, line.paid, line.patient)),
        line.codes.replace("-", "").replace(" ", ";") if claim.remitted else "",
        line.remark,
        *_padded(claim.diagnoses, 3),
        claim.payer.name if claim.payer else "",
        line.authorization,
        line.paperwork,
        claim.billing,
        STATE,
        claim.site.department,
        _american(claim.received),
        _american(claim.remitted),
        claim.payer_number,
        claim.replaces,
        "AUTO",
    ]


def _lines(claims: Iterable[Claim]) -> Iterator[tuple[Claim, Line]]:
    for claim in claims:
        for line in claim.lines:
            yield claim, line


def _spoilt(row: list[str], **cells: str) -> list[str]:
    changed = list(row)
    for name, value in cells.items():
        changed[HOSPITAL_HEADER.index(name.replace("_", " "))] = value
    return changed


_LAST = _american(EXPORT_DAY)


def write_hospital(claims: list[Claim], path: Path) -> None:
    """Hospital lines: a title row, mixed headers, dollar amounts, a totals row, CRLF."""
    rows = [_hospital_row(claim, line) for claim, line in _lines(claims)]
    total = sum(line.charge for _, line in _lines(claims))
    # Lines that can't be read: a day that never was, no patient, no date, a cell too many.
    rows.insert(300, _spoilt(rows[300], HAR="30999001", Service_Date="02/30/2025"))
    rows.insert(700, _spoilt(rows[700], HAR="30999002", MRN=""))
    rows.insert(1100, _spoilt(rows[1100], HAR="30999003", Service_Date="see note"))
    rows.insert(1400, [*_spoilt(rows[1400], HAR="30999004"), "REWORK"])
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([f"HARBOR HEART CENTER (INVENTED) - CARDIAC CT CLAIM LINES TO {_LAST}"])
    writer.writerow(HOSPITAL_HEADER)
    writer.writerows(rows)
    totals = [""] * len(HOSPITAL_HEADER)
    totals[0], totals[HOSPITAL_HEADER.index("Total Charge")] = "TOTAL", _dollars(total)
    writer.writerow(totals)
    path.write_bytes(text.getvalue().encode())


def _number(text: str) -> Cell:
    """What a spreadsheet makes of text: digits become a number and lose their zeros."""
    return int(text) if text.isdecimal() else text or None


def _amount(cents: int | None) -> float | None:
    return None if cents is None else cents / 100


def _physician_row(claim: Claim, line: Line) -> list[Cell]:
    return [
        claim.number,
        line.number,
        "PB",
        claim.patient,
        line.day,
        line.end or line.day,
        _number(claim.site.place),
        _number(line.code),
        *(_number(word) for word in _padded(line.modifiers, 4)),
        _number(line.revenue),
        line.units,
        *(_amount(cents) for cents in (line.charge, line.allowed, line.paid, line.patient)),
        (line.codes.replace(" ", ", ") if claim.remitted else "") or None,
        line.remark or None,
        *(_number(word) for word in _padded(claim.diagnoses, 4)),
        _number(claim.rendering),
        _number(claim.billing),
        _number(claim.referring),
        _payer(claim),
        line.authorization or None,
        line.paperwork or None,
        STATE,
        _number(claim.frequency),
        claim.replaces or None,
        claim.received,
        claim.remitted,
    ]


def _payer(claim: Claim) -> str | None:
    name = claim.payer.name if claim.payer else None
    return "MEDICARE PART B" if name == "MEDICARE" else name


def write_physicians(claims: list[Claim], path: Path) -> None:
    """Physicians' lines: three rows of titles, real dates, numbers where codes should be text."""
    rows = [_physician_row(claim, line) for claim, line in _lines(claims)]
    # A code that is none, and a line without a claim number.
    rows.insert(200, [*rows[200][:7], "CT HEART", *rows[200][8:]])
    rows.insert(500, [None, *rows[500][1:]])
    book = Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("a new workbook has a worksheet")
    sheet.title = "PB lines"
    sheet.append(["Harbor Heart Physicians and partners (invented)"])
    sheet.append([f"Cardiac CT professional lines, exported {_LAST}"])
    sheet.append([])
    sheet.append(list(PHYSICIAN_HEADER))
    for cell in sheet[4]:
        cell.font = Font(bold=True)
    for row in rows:
        sheet.append(row)
    _format(sheet)
    book.properties.creator = "Harbor Heart Center (invented)"
    book.properties.created = book.properties.modified = _FIXED_TIME
    filled = io.BytesIO()
    book.save(filled)
    path.write_bytes(_without_clock(filled.getvalue()))


def _format(sheet: Worksheet) -> None:
    dates = [PHYSICIAN_HEADER.index(name) for name in ("DOS From", "DOS To")]
    dates += [PHYSICIAN_HEADER.index(name) for name in ("Date Received", "Remit Date")]
    amounts = range(PHYSICIAN_HEADER.index("Charge"), PHYSICIAN_HEADER.index("Denial Codes"))
    for row in sheet.iter_rows(min_row=5):
        for place in dates:
            row[place].number_format = "mm/dd/yyyy"
        for place in amounts:
            row[place].number_format = "#,##0.00"
    for place in dates:
        sheet.column_dimensions[sheet.cell(4, place + 1).column_letter].width = 12
    sheet.freeze_panes = "A5"


def _without_clock(content: bytes) -> bytes:
    """The workbook with fixed times: openpyxl writes the present one."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as before, zipfile.ZipFile(result, "w") as after:
        for name in sorted(
            before.namelist(), key=lambda name: (name != "[Content_Types].xml", name)
        ):
            data = before.read(name)
            if name == "docProps/core.xml":
                stamp = f"{_FIXED_TIME:%Y-%m-%dT%H:%M:%SZ}".encode()
                data = re.sub(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", stamp, data)
            entry = zipfile.ZipInfo(name, (2026, 7, 13, 6, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            after.writestr(entry, data, compresslevel=9)
    return result.getvalue()


def write_key(seeded: Iterable[tuple[str, str, Claim, Line]], path: Path) -> None:
    """The answer key: one row a seeded mistake and the rule that should flag its line.

    The rule is blank where no rule should be misled.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["rule", "claim_id", "line_number", "patient_id", "mistake"])
    for mistake, rule, claim, line in seeded:
        writer.writerow([rule, claim.number, line.number, claim.patient, mistake])
    path.write_bytes(text.getvalue().encode())
