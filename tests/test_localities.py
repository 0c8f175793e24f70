"""Prices of a locality: what they rest on, what they cite, and what an explanation shows."""

from datetime import date
from pathlib import Path

import pytest

from auditor.amounts import expected_payment
from auditor.audit import prepare
from auditor.batch import run
from auditor.explain import explain_page
from auditor.progress import Progress
from auditor.reference import load_reference
from auditor.request import Request
from auditor.settings import Settings
from auditor.shipped import reference_dir
from tests import official_files as made
from tests.test_library import audited, claims, found, put
from tests.test_library_uses import READING, saved


def in_2024(folder: Path, *, capped: bool = False) -> Path:
    """Cost indices and ZIP codes of 2024, when scans were paid no more than a national cap."""
    indices = saved(folder, "GPCI2024.csv", made.GPCIS.replace("2025", "2024"))
    codes = saved(folder, "ZIP5_APR2024.txt", made.ZIPS.replace("20254", "20242"))
    put("gpci", [indices], folder / "lib")
    put("zip", [codes], folder / "lib")
    if capped:
        caps = saved(folder, "OPPSCAP_Apr.csv", made.CAPS.replace("150.69,150.69", "205.00,205.00"))
        put("oppscap", [caps], folder / "lib", edition="2024Q2")
    return folder / "lib"


SCAN_2024 = READING | {"modifiers": "TC", "place_of_service": "11", "service_date": "2024-05-01"}
# Medicare pays a scan there more than the national cap of 177.76, by the cap of the locality.
PAID_2024 = {"allowed": "205.00", "paid": "164.00", "service_zip": "22030"}


def test_where_the_cap_of_a_locality_is_not_known_scans_have_the_national_price(tmp_path) -> None:
    """Else a national cap would stand for a local one, within the narrow tolerance."""
    low = {"allowed": "130.00", "paid": "104.00", "service_zip": "22030"}
    lines = claims(
        SCAN_2024 | PAID_2024 | {"patient_id": "P1"},
        SCAN_2024 | PAID_2024 | {"patient_id": "P2", "modifiers": "", "allowed": "335.00"},
        SCAN_2024 | low | {"patient_id": "P3"},
        SCAN_2024 | low | {"patient_id": "P4", "modifiers": "26", "allowed": "110.00"},
        SCAN_2024 | low | {"patient_id": "P5", "procedure_code": "75572", "allowed": "165.00"},
    )

    result = audited(in_2024(tmp_path), lines)

    assert found(result, "allowed_above_expected") == []
    rows = result.findings.query("rule == 'allowed_below_expected'").sort_values("source_row")
    # A reading has no cap; 75572 is under none in 2024.
    said = [message.rpartition("; the ")[2] for message in rows["message"]]
    assert said == [
        "national rate gives $177.76.",
        "locality rate gives $121.31.",
        "locality rate gives $183.16.",
    ]


def test_with_the_cap_of_a_locality_scans_have_its_price(tmp_path) -> None:
    lines = claims(
        SCAN_2024 | PAID_2024 | {"patient_id": "P1"},
        SCAN_2024 | PAID_2024 | {"patient_id": "P2", "allowed": "190.00"},
    )

    result = audited(in_2024(tmp_path, capped=True), lines)

    assert found(result, "allowed_below_expected") == [(1, "review")]
    (row,) = result.findings.query("rule == 'allowed_below_expected'").to_dict("records")
    assert "locality rate gives $205.00" in row["message"]


def explained(folder: Path, library: Path, line: dict[str, str], rule: str) -> tuple[str, str]:
    """A finding's sources, and what its explanation shows under Reference, of a run of one line."""
    export = folder / "lines.csv"
    cells = {"claim_id": "C1", "line_number": "1", "patient_id": "P1", "units": "1"}
    cells |= {"procedure_code": "75574", "payer": "Medicare", "payer_type": "medicare"}
    cells |= {"diagnosis_codes": "I25.10", "billing_npi": "2000000002"} | line
    export.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    request = Request(
        files=(export,),
        out=folder / "out",
        settings=Settings(),
        as_of=date(2026, 6, 30),
        formats=frozenset({"csv", "parquet"}),
        reference=library,
    )
    rows = run(request, Progress(quiet=True)).report.run.audit.findings
    (row,) = rows[rows["rule"] == rule].to_dict("records")
    page = explain_page(folder / "out", row["finding"])
    shown = page.partition("\nReference\n")[2].partition("\n  - ")[0]
    return row["sources"], " ".join(shown.split())


def test_a_price_of_a_locality_cites_and_shows_its_rows(tmp_path) -> None:
    library = in_2024(tmp_path, capped=True)
    scan = SCAN_2024 | PAID_2024 | {"allowed": "190.00"}

    sources, shown = explained(tmp_path, library, scan, "allowed_below_expected")

    assert {"zip-2024q2", "gpci-2024", "oppscap-2024q2"} <= set(sources.split())
    assert "opps-cap-2024" not in sources.split()
    assert "zip_localities: zip 22030" in shown
    assert "gpci: carrier 12202, locality 01" in shown
    assert "locality_caps: procedure_code 75574, modifier TC, carrier 12202" in shown
    assert "imaging_caps" not in shown


def test_a_reading_of_a_locality_shows_no_cap(tmp_path) -> None:
    reading = SCAN_2024 | PAID_2024 | {"modifiers": "26", "allowed": "100.00"}

    sources, shown = explained(
        tmp_path, in_2024(tmp_path, capped=True), reading, "allowed_below_expected"
    )

    assert {"zip-2024q2", "gpci-2024"} <= set(sources.split())
    assert "oppscap" not in sources
    assert "_caps" not in shown


def test_a_national_price_shows_no_locality(tmp_path) -> None:
    scan = SCAN_2024 | PAID_2024 | {"allowed": "100.00"}

    sources, shown = explained(tmp_path, in_2024(tmp_path), scan, "allowed_below_expected")

    assert "gpci" not in sources
    assert "opps-cap-2024" in sources.split()
    assert "imaging_caps: procedure_code 75574" in shown
    assert "gpci" not in shown


@pytest.mark.parametrize("rate", ["612.40,", ",150"])
def test_a_contracts_rate_shows_medicares_where_it_is_a_share_of_it(tmp_path, rate) -> None:
    rates = (
        "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
        f"percent_of_medicare\nBLUE HEART,75574,technical,institutional,2025-01-01,,{rate}\n"
    )
    put("contract-rates", [saved(tmp_path, "rates.csv", rates)], tmp_path / "lib")
    scan = {"payer": "Blue Heart", "payer_type": "commercial", "claim_type": "institutional"}
    scan |= {"service_date": "2025-03-10", "charge": "900.00", "allowed": "300.00"}
    scan |= {"paid": "240.00", "bill_type": "0131", "revenue_code": "0489"}

    sources, shown = explained(tmp_path, tmp_path / "lib", scan, "allowed_below_expected")

    assert "contract_rates: payer BLUE HEART, procedure_code 75574" in shown
    assert ("opps_rates: procedure_code 75574" in shown) == (rate == ",150")
    assert ("acc-2025-01-07" in sources) == (rate == ",150")


def test_a_price_changes_on_the_day_on_which_no_table_of_caps_answers(tmp_path) -> None:
    """Lines of one price are priced once: those of both sides of that day apart."""
    tables = {
        "zip_localities": "zip,effective_from,effective_to,state,carrier,locality,plus_four,"
        "source\n22030,,,VA,12202,01,no,own\n",
        "gpci": "carrier,locality,effective_from,effective_to,state,work_gpci,pe_gpci,mp_gpci,"
        "source\n12202,01,,,DC,1.047,1.204,1.202,own\n",
        "editions": "table,setting,edition,first_date,last_date,source,note\n"
        "imaging_caps,,2025,2024-01-01,2025-06-30,own,\n",
        "sources": "id,title,publisher,section,url,edition,published_on,checked_on\n"
        "own,Ours,,,,,,\n",
    }
    for name, text in tables.items():
        saved(tmp_path, f"{name}.csv", text)
    scan = SCAN_2024 | {"service_zip": "22030"}
    lines = claims(scan | {"service_date": "2025-06-30"}, scan | {"service_date": "2025-07-01"})
    reference = load_reference(reference_dir(), tmp_path)
    prepared = prepare(lines, reference, as_of=date(2026, 6, 30)).lines.sort_values("source_row")

    expected = expected_payment(prepared, reference)

    # 6.43 x 1.204 + 0.04 x 1.202 units at 32.3465; then the national rate.
    assert expected.cents.tolist() == [25_197, 20_928]
    assert expected.local.tolist() == [True, False]


@pytest.mark.parametrize("table", ["gpci", "locality_caps"])
def test_lines_alike_but_for_their_zip_code_have_each_its_own_price(tmp_path, table) -> None:
    """With cost indices alone, or caps alone, too: lines of one price are priced once."""
    tables = {
        "zip_localities": "zip,effective_from,effective_to,state,carrier,locality,plus_four,"
        "source\n22030,,,VA,12202,01,no,own\n23219,,,VA,11302,00,no,own\n",
        "gpci": "carrier,locality,effective_from,effective_to,state,work_gpci,pe_gpci,mp_gpci,"
        "source\n12202,01,,,DC,1.047,1.204,1.202,own\n11302,00,,,VA,1.000,1.000,1.000,own\n",
        "locality_caps": "procedure_code,modifier,carrier,locality,effective_from,effective_to,"
        "facility_cents,nonfacility_cents,source\n75574,TC,12202,01,,,15000,15000,own\n"
        "75574,TC,11302,00,,,14000,14000,own\n",
        "sources": "id,title,publisher,section,url,edition,published_on,checked_on\n"
        "own,Ours,,,,,,\n",
    }
    for name in ("zip_localities", "sources", table):
        saved(tmp_path, f"{name}.csv", tables[name])
    scan = SCAN_2024 | {"service_date": "2025-07-01"}
    lines = claims(scan | {"service_zip": "22030"}, scan | {"service_zip": "23219"})
    reference = load_reference(reference_dir(), tmp_path)
    prepared = prepare(lines, reference, as_of=date(2026, 6, 30)).lines.sort_values("source_row")

    cents = expected_payment(prepared, reference).cents.tolist()

    # 6.43 and 0.04 units at 32.3465, by the costs of the place; or what the caps say.
    assert cents == ([25_197, 20_928] if table == "gpci" else [15_000, 14_000])
