"""What an audit does with imported rates, ZIP codes, diagnosis codes and coverage lists."""

from datetime import date
from pathlib import Path

import openpyxl
import pytest

from auditor.batch import run
from auditor.progress import Progress
from auditor.request import Request
from auditor.settings import Licences, Settings
from tests import official_files as made
from tests.test_library import audited, books, claims, found, put


def saved(folder: Path, name: str, text: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("latin-1"))
    return path


READING = {"claim_type": "professional", "charge": "900.00"}
LATE = READING | {"service_date": "2025-11-03"}


def priced(library: Path) -> Path:
    folder = library.parent
    put("pfs", [saved(folder, "PPRRVU2025_Oct.csv", made.pfs_csv())], library)
    return library


def localised(library: Path) -> Path:
    folder = library.parent
    priced(library)
    pack = {"OPPSCAP_Oct.csv": made.CAPS, "GPCI2025.csv": made.GPCIS, "ZIP5_OCT2025.txt": made.ZIPS}
    archive = made.zipped(folder / "rvu25d.zip", pack)
    for kind in ("oppscap", "gpci", "zip"):
        put(kind, [archive], library)
    return library


def test_the_fee_schedule_of_the_quarter_prices_a_reading(tmp_path) -> None:
    library = priced(tmp_path / "lib")
    # 3.34 units at 32.3465 are 108.04.
    lines = claims(
        LATE | {"allowed": "81.04", "paid": "64.82", "patient_id": "P1"},
        LATE | {"allowed": "81.02", "paid": "64.82", "patient_id": "P2"},
    )

    result = audited(library, lines)

    assert found(result, "allowed_below_expected") == [(1, "review")]
    (row,) = result.findings.query("rule == 'allowed_below_expected'").to_dict("records")
    assert "national rate gives $108.04" in row["message"]


def test_a_locality_has_its_own_rate_and_a_narrower_tolerance(tmp_path) -> None:
    library = localised(tmp_path / "lib")
    # 2.40 x 1.047 + 0.83 x 1.204 + 0.11 x 1.202 units at 32.3465 are 117.88.
    here = LATE | {"service_zip": "220301234", "service_state": "VA"}
    lines = claims(
        here | {"allowed": "117.88", "paid": "94.30", "patient_id": "P1"},
        here | {"allowed": "108.04", "paid": "86.43", "patient_id": "P2"},
        here | {"allowed": "112.00", "paid": "89.60", "patient_id": "P3"},
        LATE | {"service_zip": "99999", "allowed": "108.04", "paid": "86.43"},
    )

    result = audited(library, lines)

    assert found(result, "allowed_below_expected") == [(1, "review")]
    (row,) = result.findings.query("rule == 'allowed_below_expected'").to_dict("records")
    assert "locality rate gives $117.88" in row["message"]
    assert row["amount"] == 984


def test_a_locality_has_its_own_cap(tmp_path) -> None:
    library = localised(tmp_path / "lib")
    scan = LATE | {"modifiers": "TC", "place_of_service": "11", "service_zip": "22030"}
    # The cap of 150.69 lies below 0 x 1.047 + 6.52 x 1.204 + 0.04 x 1.202 units.
    lines = claims(scan | {"allowed": "160.00", "paid": "128.00"})

    result = audited(library, lines)

    (row,) = result.findings.query("rule == 'allowed_above_expected'").to_dict("records")
    assert "locality rate gives $150.69" in row["message"]


def test_a_cap_is_that_of_the_line_s_own_locality_without_cost_indices_too(tmp_path) -> None:
    library = priced(tmp_path / "lib")
    for kind, name, text in (
        ("oppscap", "OPPSCAP_Oct.csv", made.CAPS),
        ("zip", "ZIP5_OCT2025.txt", made.ZIPS),
    ):
        put(kind, [made.zipped(tmp_path / f"rvu25d_{kind}.zip", {name: text})], library)
    scan = LATE | {"modifiers": "TC", "place_of_service": "11"}
    paid = {"allowed": "212.19", "paid": "169.75"}
    lines = claims(
        scan | paid | {"service_zip": "99999", "patient_id": "P1"},
        scan | paid | {"service_zip": "22030", "patient_id": "P2"},
    )

    # 6.56 units at 32.3465, where no cap of the locality is known.
    assert found(audited(library, lines), "allowed_above_expected") == [(1, "review")]


def test_addendum_b_prices_hospital_lines_of_its_quarter(tmp_path) -> None:
    path = saved(tmp_path, "2026_January_Web_Addendum_B.csv", made.ADDENDUM_B)
    put("opps", [path], tmp_path / "lib")
    scan = {"procedure_code": "75580", "charge": "9000.00"}
    lines = claims(
        scan | {"service_date": "2026-02-03", "allowed": "877.34", "paid": "700.00"},
        scan | {"service_date": "2026-05-03", "allowed": "877.34", "paid": "700.00"},
    )

    result = audited(tmp_path / "lib", lines)

    # The invented rate of the first quarter, the shipped one after it.
    assert found(result, "allowed_below_expected") == [(0, "review")]


def test_a_zip_code_tells_the_contractor_of_northern_virginia(tmp_path) -> None:
    inner = made.zipped_bytes(made.ARTICLES)
    pack = made.zipped(tmp_path / "current_article.zip", {"current_article_csv.zip": inner})
    put("mcd", [pack], tmp_path / "lib", edition="2026")
    put("zip", [saved(tmp_path, "ZIP5_JAN2026.txt", made.ZIPS)], tmp_path / "lib", edition="2026")
    scan = {"service_date": "2026-03-10", "service_state": "VA"}
    unlisted, listed = {"diagnosis_codes": "R07.2"}, {"diagnosis_codes": "I20.81"}
    lines = claims(
        scan | unlisted | {"service_zip": "22030"},
        scan | listed | {"service_zip": "22030"},
        scan | unlisted | {"service_zip": "23219"},
        scan | unlisted,
    )

    result = audited(tmp_path / "lib", lines)

    # The complete list of its contractor decides; elsewhere the shipped list makes a note.
    assert found(result, "diagnosis_not_covered") == [(0, "review"), (2, "note"), (3, "note")]
    rows = result.findings.query("rule == 'diagnosis_not_covered'").set_index("source_row")
    assert rows.loc[2, "money"] == "at_risk"
    assert "the policy's list A57552" in rows.loc[2, "message"]
    assert rows.loc[4, "money"] == "none"


@pytest.mark.parametrize(
    ("code", "day", "severity"),
    [
        ("I25.10", "2025-11-03", ""),
        ("I20.8", "2025-11-03", "denial"),
        ("I25", "2025-11-03", "denial"),
        ("I99.99", "2025-11-03", "denial"),
        ("I99.99", "2025-09-30", ""),
        ("I20.8", "2026-10-01", "review"),
    ],
)
def test_the_order_file_decides_on_diagnoses(tmp_path, code, day, severity) -> None:
    path = saved(tmp_path, "icd10cm_order_2026.txt", made.ORDER)
    put("icd10cm", [path], tmp_path / "lib")

    result = audited(tmp_path / "lib", claims({"diagnosis_codes": code, "service_date": day}))

    said = [one for _, one in found(result, "diagnosis_not_valid_on_date")]
    assert said == ([severity] if severity else [])
    if code == "I20.8" and day == "2025-11-03":
        row = result.findings.query("rule == 'diagnosis_not_valid_on_date'").iloc[0]
        # The order file names no successors; the shipped table does.
        assert "I20.81" in row["message"]


def test_a_zip_code_tells_the_contractor_without_a_state(tmp_path) -> None:
    for day, edition in (("ZIP5_OCT2025.txt", "2025"), ("ZIP5_JAN2026.txt", "2026")):
        put("zip", [saved(tmp_path, day, made.ZIPS)], tmp_path / "lib", edition=edition)
    analysis = {"procedure_code": "75580", "service_date": "2025-12-10", "service_state": ""}
    lines = claims(
        analysis | {"service_zip": "22030"},
        analysis | {"service_zip": "63101"},
        analysis | {"service_zip": "63101", "service_date": "2026-01-10"},
        analysis | {"service_zip": "99999"},
        analysis,
    )

    result = audited(tmp_path / "lib", lines)

    assert found(result, "paperwork_missing") == [(0, "review")]
    reasons = result.not_evaluated.query("rule == 'paperwork_missing'").set_index("reason")
    assert reasons["lines"].to_dict() == {"reference_stale": 1, "value_missing": 2}
    assert books(result, "paperwork_missing")["clean"] == 1


def test_a_diagnosis_is_judged_on_each_of_its_dates(tmp_path) -> None:
    """Rows of several editions say that one code is not billable; none of them hides another."""
    put("icd10cm", [saved(tmp_path, "icd10cm_order_2026.txt", made.ORDER)], tmp_path / "lib")
    days = ["2023-09-30", "2023-10-01", "2025-09-30", "2025-10-01", "2026-09-30", "2026-10-01"]
    lines = claims(*({"diagnosis_codes": "I20.8", "service_date": day} for day in days))

    result = audited(tmp_path / "lib", lines)

    accused = [(place, "denial") for place in range(1, 5)]
    assert found(result, "diagnosis_not_valid_on_date") == [*accused, (5, "review")]
    rows = result.findings.query("rule == 'diagnosis_not_valid_on_date'")
    assert rows["message"].str.contains("(bill I20.81 or I20.89)", regex=False).all()


def test_a_misread_heading_has_no_successor_to_bill(tmp_path) -> None:
    put("icd10cm", [saved(tmp_path, "icd10cm_order_2026.txt", made.ORDER)], tmp_path / "lib")
    lines = claims({"diagnosis_codes": "125", "service_date": "2025-11-03"})

    (row,) = audited(tmp_path / "lib", lines).findings.query(
        "rule == 'diagnosis_not_valid_on_date'"
    )["message"]

    assert "(digit one for letter I: I25, not billable either)" in row


@pytest.mark.parametrize(("limit", "accused"), [("1", [(0, "review")]), ("2", [])])
def test_after_its_last_day_the_newest_limit_accuses_not_an_older_one(
    tmp_path, limit, accused
) -> None:
    """The shipped limit is 1; the publisher may have raised it since."""
    limits = [("75574", limit, "3 Date of Service Edit: Clinical")]
    file = made.mue_file(tmp_path, limits, "10-01-2026", "OutpatientHospitalServices")
    put("ncci-mue", [file], tmp_path / "lib")
    lines = claims({"service_date": "2027-01-12", "units": "2"})

    result = audited(tmp_path / "lib", lines)

    assert found(result, "units_exceed_mue") == accused
    assert books(result, "units_exceed_mue")["clean"] == 0


@pytest.mark.parametrize("day", ["2026-12-31", "2027-01-12"])
def test_a_pair_that_ended_accuses_nobody_after_the_last_edition(tmp_path, day) -> None:
    """The shipped pair has no end; the publisher has ended it since, on an edition's last day."""
    ended = [
        (*edit[:3], "20261231", edit[4]) if edit[:2] == ("75574", "76376") else edit
        for edit in made.EDITS
    ]
    parts = made.ptp_parts(tmp_path, ended, "323", "ccioph")
    put("ncci-ptp", parts, tmp_path / "lib")
    lines = claims({"service_date": day}, {"service_date": day, "procedure_code": "76376"})

    result = audited(tmp_path / "lib", lines)

    counts = books(result, "ptp_pair_without_modifier")
    assert (counts["flagged"], counts["clean"] == 0) == ((1, False) if "2026" in day else (0, True))


def test_own_contract_rates_and_payers(tmp_path) -> None:
    rates = (
        "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
        "percent_of_medicare\nBlue Heart,75574,technical,institutional,2026-01-01,,600.00,\n"
    )
    put("contract-rates", [saved(tmp_path, "rates.csv", rates)], tmp_path / "lib")
    names = "payer,payer_type\nBlue Heart,commercial\n"
    put("payers", [saved(tmp_path, "payers.csv", names)], tmp_path / "lib", edition="2025")
    scan = {"payer": "Blue Heart", "payer_type": "", "allowed": "300.00", "paid": "240.00"}
    lines = claims(scan | {"service_date": "2026-03-10"}, scan | {"service_date": "2025-03-10"})

    result = audited(tmp_path / "lib", lines)

    assert found(result, "allowed_below_expected") == [(0, "review")]
    assert set(result.lines["payer_type"]) == {"commercial"}
    assert books(result, "allowed_below_expected")["not_evaluated"] == 1


@pytest.mark.parametrize("name", ["BLUE HEART", "Blue  heart"])
def test_a_rate_is_its_payers_however_the_name_is_spelt(tmp_path, name) -> None:
    rates = (
        "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
        f"percent_of_medicare\n{name},75574,technical,institutional,2026-01-01,,600.00,\n"
    )
    put("contract-rates", [saved(tmp_path, "rates.csv", rates)], tmp_path / "lib")
    scan = {"payer_type": "commercial", "allowed": "300.00", "paid": "240.00"}
    scan |= {"service_date": "2026-03-10"}

    result = audited(
        tmp_path / "lib", claims(scan | {"payer": "Blue Heart"}, scan | {"payer": "BLUE HEART"})
    )

    assert len(found(result, "allowed_below_expected")) == 2


def test_own_fit_of_revenue_codes(tmp_path) -> None:
    fit = "procedure_code,revenue_code,fit\n75574,0761,unexpected\n"
    put("revenue-fit", [saved(tmp_path, "fit.csv", fit)], tmp_path / "lib", edition="2026")
    scan = {"service_date": "2026-03-10", "revenue_code": "0761"}

    assert found(audited(tmp_path / "lib", claims(scan)), "revenue_code_unexpected") == [
        (0, "review")
    ]


@pytest.mark.parametrize("licensed", [True, False])
def test_descriptors_stand_in_the_reports_under_a_licence_alone(tmp_path, licensed) -> None:
    path = saved(tmp_path, "PPRRVU2025_Oct.csv", made.pfs_csv())
    put("pfs", [path], tmp_path / "lib", licensed=True)
    export = tmp_path / "lines.csv"
    export.write_text(
        "claim_id,patient_id,claim_type,service_date,procedure_code,modifiers,units,"
        "place_of_service,billing_npi,diagnosis_codes\n"
        "C1,P1,professional,2025-11-03,75574,,1,22,2000000002,\n"
    )
    request = Request(
        files=(export,),
        out=tmp_path / "run",
        settings=Settings(licences=Licences(cpt_descriptors=licensed)),
        as_of=date(2026, 1, 1),
        formats=frozenset({"xlsx", "html"}),
        reference=tmp_path / "lib",
    )

    run(request, Progress(quiet=True))

    book = openpyxl.load_workbook(tmp_path / "run" / "report.xlsx", read_only=True)
    cells = {cell for row in book["Run"].iter_rows(values_only=True) for cell in row}
    assert ("An invented, label" in cells) is licensed
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert ("An invented, label" in page) is licensed
