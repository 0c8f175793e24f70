"""Writes the exports of the sample site: three nights of an invented heart centre.

Everything is invented: centre, patients, claims, payers' decisions. The same program writes the
same bytes on every machine:

    python samples/make_site.py           samples/site/nights/
"""

import csv
import gzip
import io
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

HERE = Path(__file__).resolve().parent
NIGHTS = (date(2026, 6, 1), date(2026, 6, 2), date(2026, 6, 16))
HOSPITAL_NPI, GROUP_NPI, READER_NPI = "1000000004", "1000000012", "1000000020"
HOSPITAL = (
    *("HAR", "Line", "MRN", "TOB", "Service Date", "Rev Code", "CPT/HCPCS", "Mod 1", "Qty"),
    *("Total Charge", "Payor", "Auth No", "Dx 1", "Billing NPI", "Received Date", "Original HAR"),
)
PHYSICIANS = (
    *("Claim No", "Line No", "MRN", "DOS", "POS", "CPT Code", "Mod 1", "Units", "Charge"),
    *("Payer Name", "Prior Auth No", "Dx1", "Rendering NPI", "Billing NPI", "Date Received"),
)
FIRST_DAY = date(2026, 5, 18)
Row = tuple[str, ...]


def _payer(patient: int) -> tuple[str, str]:
    """A payer's name, and an authorization where it asks for one."""
    return ("MEDICARE PART B", "") if patient % 3 else ("BCBS", f"A{70_000 + patient}")


def scan(
    patient: int,
    day: date,
    *,
    claim: str = "",
    revenue: str = "0489",
    bill_type: str = "0131",
    received: date | None = None,
    original: str = "",
) -> Row:
    """The hospital's line of a coronary CT angiography."""
    payer, authorization = _payer(patient)
    number = claim or f"40{patient:04}"
    return (
        *(number, "1", f"8{patient:05}", bill_type, f"{day:%m/%d/%Y}", revenue, "75574", "", "1"),
        *("$1,850.00", payer, authorization, "I25.10", HOSPITAL_NPI),
        *(f"{received or day + timedelta(days=3):%m/%d/%Y}", original),
    )


def reading(
    patient: int, day: date, *, claim: str = "", modifier: str = "26", received: date | None = None
) -> Row:
    """The physician's line of reading it."""
    payer, authorization = _payer(patient)
    number = claim or f"PB7{patient:04}"
    charge = "310.00" if modifier else "2160.00"
    return (
        *(number, "1", f"8{patient:05}", f"{day:%m/%d/%Y}", "22", "75574", modifier, "1", charge),
        *(payer, authorization, "I25.10", READER_NPI, GROUP_NPI),
        f"{received or day + timedelta(days=4):%m/%d/%Y}",
    )


def _day(patient: int) -> date:
    return FIRST_DAY + timedelta(days=patient % 11)


def first_night() -> tuple[list[Row], list[Row]]:
    """Two weeks of scans, most of them read. What goes wrong stands in the README."""
    scans = [scan(patient, _day(patient)) for patient in range(1, 25)]
    scans[4] = scan(5, _day(5), revenue="0351")
    scans[5] = scan(6, _day(6), revenue="0351")
    scans[8] = scan(9, _day(9), revenue="0352")
    read = [patient for patient in range(1, 25) if patient not in (2, 3)]
    readings = [reading(patient, _day(patient)) for patient in read]
    readings[4] = reading(7, _day(7), modifier="")
    return scans, readings


def second_night() -> tuple[list[Row], list[Row], list[Row]]:
    """A day's scans; two replacements, a copy under a new number, a reading that was late."""
    yesterday = NIGHTS[0]
    day = yesterday - timedelta(days=3)
    scans = [scan(patient, day, received=yesterday) for patient in (25, 26)]
    scans.append(
        scan(5, _day(5), claim="400905", bill_type="0137", received=yesterday, original="400005")
    )
    scans.append(scan(6, _day(6), bill_type="0137", received=yesterday))
    scans.append(scan(11, _day(11), claim="400911", received=yesterday))
    readings = [reading(3, _day(3), received=yesterday)]
    late = [reading(patient, day, received=yesterday) for patient in (25, 26)]
    return scans, readings, late


def third_night() -> tuple[list[Row], list[Row]]:
    """Two weeks later: a replacement is replaced, and wrong again."""
    day = NIGHTS[2] - timedelta(days=1)
    scans = [scan(27, day - timedelta(days=4), received=day)]
    scans.append(scan(6, _day(6), revenue="0351", bill_type="0137", received=day))
    return scans, [reading(27, day - timedelta(days=4), received=day)]


def _csv(header: Row, rows: Sequence[Row]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _packed(content: bytes) -> bytes:
    # gzip.compress names the system in the head with some Pythons and not with others.
    packed = io.BytesIO()
    with gzip.GzipFile("", "wb", fileobj=packed, mtime=0) as file:
        file.write(content)
    return packed.getvalue()


def files() -> dict[str, bytes]:
    """The exports of all nights, by their path below ``nights/``."""
    first, second, third = (f"{day:%Y-%m-%d}" for day in NIGHTS)
    scans, readings = first_night()
    again, replaced, late = second_night()
    last_scans, last_readings = third_night()
    packed = _packed(_csv(PHYSICIANS, late))
    return {
        f"{first}/hospital/scans_0531.csv": _csv(HOSPITAL, scans),
        f"{first}/physicians/readings_0531.csv": _csv(PHYSICIANS, readings),
        f"{second}/hospital/scans_0601.csv": _csv(HOSPITAL, again),
        f"{second}/physicians/readings_0601.csv": _csv(PHYSICIANS, replaced),
        # Cut short on its way, and sent again for the third night.
        f"{second}/physicians/locum_0601.csv.gz": packed[: len(packed) // 2],
        f"{third}/physicians/locum_0601.csv.gz": packed,
        f"{third}/hospital/scans_0615.csv": _csv(HOSPITAL, last_scans),
        f"{third}/physicians/readings_0615.csv": _csv(PHYSICIANS, last_readings),
        # Sent a second time, byte for byte.
        f"{third}/physicians/readings_0531.csv": _csv(PHYSICIANS, readings),
    }


def write_all(folder: Path) -> None:
    """Writes all exports below a folder."""
    for name, content in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


if __name__ == "__main__":
    write_all(HERE / "site" / "nights")
