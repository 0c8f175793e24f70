"""Every kind of official file, with its oddities, imports to exactly the expected rows."""

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import xlsxwriter

from auditor.errors import AuditError
from auditor.library.shelf import open_shelf
from auditor.official.importing import Imported, Wanted, import_files
from auditor.official.kinds import KINDS, kind_named
from tests import official_files as made

WHEN = datetime(2026, 10, 2, 6, 0, tzinfo=UTC)


def imported(kind: str, files: list[Path], library: Path, **options) -> Imported:
    return import_files(Wanted(kind_named(kind), tuple(files), library, WHEN, **options))


def rows(library: Path, one: Imported, table: str) -> list[dict[str, str]]:
    found = pq.read_table(library / one.edition.folder / f"{table}.parquet").to_pylist()
    return [{k: "" if v is None else str(v) for k, v in row.items()} for row in found]


def quarantine(library: Path, one: Imported) -> list[dict[str, str]]:
    with (library / one.edition.folder / "quarantine.csv").open(newline="") as stream:
        return list(csv.DictReader(stream))


def saved(folder: Path, name: str, content: bytes | str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode("latin-1"))
    return path


def sheet(folder: Path, name: str, text: bytes, delimiter: str = ",") -> Path:
    """The same cells as a workbook; numbers as numbers, which loses leading zeros of no code."""
    path = folder / name
    book = xlsxwriter.Workbook(path)
    page = book.add_worksheet()
    for place, row in enumerate(
        csv.reader(text.decode("latin-1").splitlines(), delimiter=delimiter)
    ):
        for column, cell in enumerate(row):
            if cell.isdigit() and len(cell) == 8:
                page.write_number(place, column, int(cell))
            else:
                page.write_string(place, column, cell)
    book.close()
    return path


EXPECTED_EDITS = [
    {
        "column_one": one,
        "column_two": two,
        "effective_from": f"{start[:4]}-{start[4:6]}-{start[6:]}",
        "effective_to": "" if end == "*" else f"{end[:4]}-{end[4:6]}-{end[6:]}",
        "modifier_indicator": indicator,
        "rationale": made.WORD,
    }
    for one, two, start, end, indicator in sorted(made.EDITS)
]


def test_pairs_as_text_in_four_parts(tmp_path) -> None:
    one = imported("ncci-ptp", made.ptp_parts(tmp_path), tmp_path / "lib")

    assert rows(tmp_path / "lib", one, "ptp_edits") == EXPECTED_EDITS
    assert (one.edition.edition, one.edition.setting) == ("2026Q3", "professional")
    assert (one.edition.rows_read, one.edition.quarantined) == (8, 0)
    assert one.edition.first_date.isoformat() == "2026-07-01"
    assert one.edition.last_date.isoformat() == "2026-09-30"


def test_pairs_in_archives_with_their_workbook_beside_them(tmp_path) -> None:
    files = []
    for path in made.ptp_parts(tmp_path, stem="ccioph", version="323"):
        members = {path.name: path.read_bytes(), f"{path.stem}.xlsx": b"not looked at"}
        files.append(made.zipped(tmp_path / f"medicare-{path.stem}.zip", members))

    one = imported("ncci-ptp", files, tmp_path / "lib")

    assert rows(tmp_path / "lib", one, "ptp_edits") == EXPECTED_EDITS
    assert (one.edition.edition, one.edition.setting) == ("2026Q4", "institutional")


def test_pairs_as_workbooks(tmp_path) -> None:
    parts = made.ptp_parts(tmp_path)
    books = [sheet(tmp_path, f"{p.stem}.xlsx", p.read_bytes(), "\t") for p in parts]

    one = imported("ncci-ptp", books, tmp_path / "lib")

    assert rows(tmp_path / "lib", one, "ptp_edits") == EXPECTED_EDITS


def test_pairs_that_do_not_fit_are_set_aside_with_their_row(tmp_path) -> None:
    odd = [
        *made.ODD_PAIRS,
        ("75575", "36004", "20240101", "*", " 0 "),
    ]
    content = (
        made.ptp_text(odd)
        + b"75574\tonly two\r\n\r\n"
        + "Fu\xdfnote\t\t\t\t\t\t\r\n".encode("latin-1")
    )
    path = saved(tmp_path, "edits.txt", content)

    one = imported("ncci-ptp", [path], tmp_path / "lib", edition="2026Q3", setting="institutional")

    kept = rows(tmp_path / "lib", one, "ptp_edits")
    assert [(r["column_one"], r["column_two"], r["modifier_indicator"]) for r in kept] == [
        ("75574", "36004", "1"),
        ("75575", "36004", "0"),
    ]
    told = {row["row"]: row["reason"] for row in quarantine(tmp_path / "lib", one)}
    assert {"7", "8", "9", "10", "11", "15", "17"} <= set(told)
    assert "lost zero" in told["7"]
    assert "effective date" in told["8"]
    assert "deletion date" in told["9"]
    assert "indicator" in told["10"]
    assert "before" in told["11"]
    assert "2 cells, not 7" in told["15"]
    assert any("contradicts" in reason for reason in told.values())
    assert one.edition.rows_read == len(kept) + one.edition.quarantined == 10


def test_a_missing_part_is_refused(tmp_path) -> None:
    parts = made.ptp_parts(tmp_path)

    with pytest.raises(AuditError, match=r"f2 was not given"):
        imported("ncci-ptp", [parts[0], *parts[2:]], tmp_path / "lib")

    assert open_shelf(tmp_path / "lib").editions == ()


def test_parts_of_two_settings_or_editions_are_refused(tmp_path) -> None:
    parts = made.ptp_parts(tmp_path)
    other = made.ptp_parts(tmp_path, stem="ccioph")
    later = made.ptp_parts(tmp_path, version="323")

    with pytest.raises(AuditError, match="several settings"):
        imported("ncci-ptp", [*parts[:3], other[3]], tmp_path / "lib")
    with pytest.raises(AuditError, match="several editions"):
        imported("ncci-ptp", [*parts[:3], later[3]], tmp_path / "lib")


def test_a_header_that_is_not_recognised_names_both(tmp_path) -> None:
    path = saved(tmp_path, "ccipra.txt", "Code A\tCode B\tFrom\r\n75574\t36000\t20240101\r\n")

    with pytest.raises(AuditError) as caught:
        imported("ncci-ptp", [path], tmp_path / "lib", edition="2026Q3")

    assert "ccipra.txt" in str(caught.value)
    assert "column one" in str(caught.value)
    assert "Code A; Code B; From" in str(caught.value)


@pytest.mark.parametrize(
    ("who", "setting"),
    [
        ("PractitionerServices", "professional"),
        ("OutpatientHospitalServices", "institutional"),
    ],
)
def test_units_with_a_notice_of_many_lines(tmp_path, who, setting) -> None:
    one = imported("ncci-mue", [made.mue_file(tmp_path, who=who)], tmp_path / "lib")

    assert [tuple(row.values())[:4] for row in rows(tmp_path / "lib", one, "mue")] == [
        (setting, code, value, words[0]) for code, value, words in made.LIMITS
    ]
    assert (one.edition.edition, one.edition.setting) == ("2026Q3", setting)


def test_units_whose_setting_only_the_header_tells(tmp_path) -> None:
    path = made.mue_file(tmp_path, who="OutpatientHospitalServices")
    other = path.rename(tmp_path / "MUE.csv")

    one = imported("ncci-mue", [other], tmp_path / "lib", edition="2026Q3")

    assert one.edition.setting == "institutional"


@pytest.mark.parametrize("pricing", [False, True])
def test_fee_schedule_with_and_without_the_inserted_column(tmp_path, pricing) -> None:
    year = 2026 if pricing else 2025
    name = "PPRRVU2026_Oct_nonQPP.csv" if pricing else "PPRRVU2025_Oct.csv"
    path = saved(tmp_path, name, made.pfs_csv(year, "33.4009", pricing=pricing))

    one = imported("pfs", [path], tmp_path / "lib")

    units = {
        (r["procedure_code"], r["modifier"]): r for r in rows(tmp_path / "lib", one, "pfs_rates")
    }
    assert set(units) == {("75574", ""), ("75574", "26"), ("75574", "TC"), ("0001F", "")}
    assert units["75574", ""]["total_rvu_nonfacility"] == "9.90"
    assert units["75574", ""]["total_rvu_facility"] == ""
    assert units["75574", "26"]["total_rvu_facility"] == "3.34"
    assert units["75574", "TC"]["pctc_indicator"] == "1"
    assert "label" not in units["75574", ""]
    assert rows(tmp_path / "lib", one, "conversion_factors") == [
        {"system": "pfs", "variant": "standard", "conversion_factor": "33.4009"}
    ]
    assert one.edition.edition == f"{year}Q4"
    (footnote,) = quarantine(tmp_path / "lib", one)
    assert "footnote" in footnote["reason"]


def test_fee_schedule_twins_of_a_quarter(tmp_path) -> None:
    files = {
        "PPRRVU2026_Jul_nonQPP.csv": made.pfs_csv(2026, "33.4009", pricing=True, month="July"),
        "PPRRVU2026_Jul_QPP.csv": made.pfs_csv(2026, "33.5675", pricing=True, month="July"),
    }
    pack = made.zipped(tmp_path / "rvu26c.zip", files)

    one = imported("pfs", [pack], tmp_path / "lib")

    factors = rows(tmp_path / "lib", one, "conversion_factors")
    assert {row["variant"]: row["conversion_factor"] for row in factors} == {
        "standard": "33.4009",
        "qualifying_apm": "33.5675",
    }
    other = tuple(made.UNITS[:1]) + tuple(
        ("75574", "26", *made.UNITS[1][2:-2], "3.35", "1") for _ in [0]
    )
    files["PPRRVU2026_Jul_QPP.csv"] = made.pfs_csv(
        2026, "33.5675", other, pricing=True, month="July"
    )
    with pytest.raises(AuditError, match="disagree about units"):
        imported("pfs", [made.zipped(tmp_path / "other.zip", files)], tmp_path / "lib")


def test_descriptors_are_dropped_unless_a_licence_is_held(tmp_path) -> None:
    path = saved(tmp_path, "PPRRVU2025_Oct.csv", made.pfs_csv())

    bare = imported("pfs", [path], tmp_path / "bare")
    kept = imported("pfs", [path], tmp_path / "kept", licensed=True)

    assert all("invented" not in str(row) for row in rows(tmp_path / "bare", bare, "pfs_rates"))
    assert {r["label"] for r in rows(tmp_path / "kept", kept, "pfs_rates")} == {
        "An invented, label"
    }
    for path in (tmp_path / "bare").rglob("*"):
        assert path.is_dir() or b"invented, label" not in path.read_bytes()


def test_addendum_b(tmp_path) -> None:
    path = saved(tmp_path, "2026_January_Web_Addendum_B.123125.csv", made.ADDENDUM_B)

    one = imported("opps", [path], tmp_path / "lib")

    assert [tuple(row.values()) for row in rows(tmp_path / "lib", one, "opps_rates")] == [
        ("75574", "5572", "S", "3.8990", "35643"),
        ("75580", "5724", "S", "9.5973", "187734"),
        ("76376", "", "N", "", "0"),
        ("C9999", "1511", "S", "", "95050"),
    ]
    assert one.edition.edition == "2026Q1"
    assert one.edition.quarantined == 1


def test_caps_and_indices_with_lost_zeros(tmp_path) -> None:
    pack = made.zipped(
        tmp_path / "rvu25d.zip", {"OPPSCAP_Oct.csv": made.CAPS, "GPCI2025.csv": made.GPCIS}
    )

    caps = imported("oppscap", [pack], tmp_path / "lib")
    indices = imported("gpci", [pack], tmp_path / "lib")

    assert [tuple(row.values()) for row in rows(tmp_path / "lib", caps, "locality_caps")] == [
        ("75574", "TC", "12202", "01", "15069", "15069"),
        ("75574", "TC", "01112", "05", "16000", "16100"),
    ]
    assert caps.edition.edition == "2025Q4"
    assert [tuple(row.values()) for row in rows(tmp_path / "lib", indices, "gpci")] == [
        ("12202", "01", "DC", "1.047", "1.204", "1.202"),
        ("11302", "00", "VA", "1.000", "0.993", "0.906"),
        ("02102", "01", "AK", "1.500", "1.081", "0.592"),
    ]
    assert (indices.edition.edition, indices.edition.quarantined) == ("2025", 1)


def test_zip_codes_with_pseudo_states(tmp_path) -> None:
    one = imported("zip", [saved(tmp_path, "ZIP5_OCT2025.txt", made.ZIPS)], tmp_path / "lib")

    assert [tuple(row.values()) for row in rows(tmp_path / "lib", one, "zip_localities")] == [
        ("99501", "AK", "02102", "01", "no"),
        ("22030", "VA", "12202", "01", "no"),
        ("23219", "VA", "11302", "00", "no"),
        ("63101", "MO", "05302", "01", "no"),
    ]
    assert (one.edition.edition, one.edition.quarantined) == ("2025Q4", 1)


def test_diagnosis_codes(tmp_path) -> None:
    path = saved(tmp_path, "icd10cm_order_2026.txt", made.ORDER)

    one = imported("icd10cm", [path], tmp_path / "lib")

    assert [(r["icd10"], r["billable"]) for r in rows(tmp_path / "lib", one, "icd10cm")] == [
        ("I25", "no"),
        ("I25.10", "yes"),
        ("I20.8", "no"),
        ("I20.81", "yes"),
        ("R07.89", "yes"),
    ]
    assert one.edition.edition == "FY2026"
    assert one.edition.first_date.isoformat() == "2025-10-01"
    assert one.edition.quarantined == 1


@pytest.mark.parametrize("kind", ["opps", "pfs"])
def test_no_descriptor_stands_among_the_rows_set_aside(tmp_path, kind) -> None:
    addendum = made.ADDENDUM_B.replace("$356.43", "n/a")
    units = [(code, mod, st, "n/a", *rest) for code, mod, st, _, *rest in made.UNITS[:1]]
    path = {
        "opps": lambda: saved(tmp_path, "2026_January_Web_Addendum_B.csv", addendum),
        "pfs": lambda: saved(
            tmp_path, "PPRRVU2025_Oct.csv", made.pfs_csv(units=[*units, *made.UNITS[1:]])
        ),
    }[kind]()

    one = imported(kind, [path], tmp_path / "lib")

    text = (tmp_path / "lib" / one.edition.folder / "quarantine.csv").read_text()
    assert "'n/a' is no number,75574 | " in text
    assert "label" not in text


def test_coverage_lists_are_told_of_on_their_page(tmp_path) -> None:
    path = made.zipped(tmp_path / "current_article.zip", made.ARTICLES)

    page = imported("mcd", [path], tmp_path / "lib").page(tmp_path / "lib")

    assert page.startswith("mcd 2026-01-05: answers for 2026-01-05 to 2026-03-31\n")
    assert "not for" not in page


def test_the_factor_of_qualifying_participants_is_not_taken_alone(tmp_path) -> None:
    """It would replace the edition that holds the factor of all others."""
    path = saved(tmp_path, "PPRRVU2026_Jul_QPP.csv", made.pfs_csv(2026, "33.5675", pricing=True))

    with pytest.raises(AuditError, match=r"is the QPP file.*give the nonQPP file"):
        imported("pfs", [path], tmp_path / "lib")


@pytest.mark.parametrize(
    ("archive", "member"),
    [
        ("icd10cm-Code Descriptions-April-1-2026.zip", "icd10cm-order-April-1-2026.txt"),
        ("april-1-2026-code-descriptions-tabular-order.zip", "icd10cm_order_2026.txt"),
    ],
)
def test_the_update_of_april_begins_in_april(tmp_path, archive, member) -> None:
    """Codes that are new in April are none before."""
    pack = {member: made.ORDER, member.replace("order", "order-addenda"): "Delete: I25"}
    path = made.zipped(tmp_path / archive, pack)

    one = imported("icd10cm", [path], tmp_path / "lib")

    assert one.edition.first_date.isoformat() == "2026-04-01"
    assert one.edition.last_date.isoformat() == "2026-09-30"


def test_a_sites_own_tables(tmp_path) -> None:
    rates = (
        "payer,procedure_code,component,setting,effective_from,effective_to,amount,"
        "percent_of_medicare\nBCBS,75574,technical,institutional,2025-01-01,2025-12-31,612.40,\n"
        "BCBS,75574,professional,professional,1/1/2026,,,118\nBCBS,75574,all,professional,,,1,\n"
    )
    one = imported("contract-rates", [saved(tmp_path, "rates.csv", rates)], tmp_path / "lib")
    assert [tuple(row.values()) for row in rows(tmp_path / "lib", one, "contract_rates")] == [
        ("BCBS", "75574", "technical", "institutional", "2025-01-01", "2025-12-31", "612.40", ""),
        ("BCBS", "75574", "professional", "professional", "2026-01-01", "", "", "118"),
    ]
    assert (one.edition.edition, one.edition.quarantined) == ("2025-01-01", 1)
    names = saved(tmp_path, "payers.csv", "Payer,Payer Type\nBlue Heart,Commercial\nX,none\n")
    one = imported("payers", [names], tmp_path / "lib", edition="2026")
    assert rows(tmp_path / "lib", one, "payers") == [
        {"payer": "BLUE HEART", "payer_type": "commercial"}
    ]
    fit = saved(tmp_path, "fit.csv", "procedure_code,revenue_code,fit\n75574,480,preferred\n")
    one = imported("revenue-fit", [fit], tmp_path / "lib", edition="2026")
    assert [tuple(r.values()) for r in rows(tmp_path / "lib", one, "revenue_code_fit")] == [
        ("75574", "0480", "preferred", "048X")
    ]


def test_every_edition_has_a_manifest_that_adds_up(tmp_path) -> None:
    one = imported(
        "ncci-mue", [made.mue_file(tmp_path, [*made.LIMITS, ("Note", "", "")])], tmp_path
    )

    manifest = json.loads((tmp_path / one.edition.folder / "manifest.json").read_text())

    assert manifest["rows_read"] == 6
    assert manifest["rows"] == {"mue": 5}
    assert manifest["quarantined"] == 1
    assert manifest["edition"] == "2026Q3"
    assert manifest["imported_at"] == "2026-10-02T06:00:00+00:00"
    (file,) = manifest["files"]
    assert file["file"] == "MCR_MUE_PractitionerServices_Eff_07-01-2026.csv"
    assert len(file["sha256"]) == 64


def test_a_file_of_which_hardly_a_row_fits_is_refused(tmp_path) -> None:
    limits = [("7557", "1", "3 x")] * 30 + list(made.LIMITS)

    with pytest.raises(AuditError, match=r"30 of 35 rows.*row 3 of.*layout"):
        imported("ncci-mue", [made.mue_file(tmp_path, limits)], tmp_path / "lib")

    assert not (tmp_path / "lib").exists()


def test_what_is_no_official_file_is_refused_in_one_line(tmp_path) -> None:
    for name, content, says in (
        ("x.pdf", b"%PDF", "neither .txt"),
        ("x.zip", b"PK no", "damaged"),
        ("x.xlsx", b"PK no", "can't be read"),
        ("x.csv", b"", "found nothing"),
    ):
        with pytest.raises(AuditError) as caught:
            imported("opps", [saved(tmp_path, name, content)], tmp_path / "lib", edition="2026")
        assert says in str(caught.value)
        assert "\n" not in str(caught.value)
    empty = made.zipped(tmp_path / "y.zip", {"readme.txt": "x"})
    with pytest.raises(AuditError, match=r"no file of this kind; it holds readme\.txt"):
        imported("opps", [empty], tmp_path / "lib")
    with pytest.raises(AuditError, match=r"no kind of file; it is one of ncci-ptp"):
        kind_named("drg")


def test_an_edition_that_no_one_names_is_asked_for(tmp_path) -> None:
    path = saved(tmp_path, "addendum_b.csv", made.ADDENDUM_B.replace("CY 2026", "a year"))

    with pytest.raises(AuditError, match="--edition"):
        imported("opps", [path], tmp_path / "lib")
    with pytest.raises(AuditError, match=r"--edition soon"):
        imported("opps", [path], tmp_path / "lib", edition="soon")


def test_kinds_are_the_promised_ones() -> None:
    assert list(KINDS) == [
        "ncci-ptp",
        "ncci-mue",
        "pfs",
        "opps",
        "oppscap",
        "gpci",
        "zip",
        "icd10cm",
        "mcd",
        "contract-rates",
        "payers",
        "revenue-fit",
    ]


def test_addendum_b_as_the_archives_of_the_quarters_hold_it(tmp_path) -> None:
    """Two copies, a full stop where there is no figure, a notice among the names, Addendum A."""
    text = (
        '"CPT codes are copyright\r\n2025 AMA",,,,,,,,,\r\n'
        "Addendum B.-Final OPPS Payment by HCPCS Code for CY 2026,,,,,,,,,\r\n"
        "HCPCS Code,Short Descriptor,SI,APC,Relative Weight,Payment Rate,National Unadjusted "
        'Copayment,Minimum Unadjusted Copayment,"Note: Actual copayments would be lower due to the '
        'cap of $1,736.00",* Indicates a Change from the Previous Quarter\r\n'
        '75574,"Invented, a",S,5572,3.8990,"$356.43 ",.,"$71.29 ",,\r\n'
        '75580,Invented,S,1511,.,"$950.50 ",.,$190.10,,*\r\n'
        "76376,Invented,N,,.,.,.,.,,\r\n"
    )
    pack = made.zipped(
        tmp_path / "april-2026-opps-addendum-b.zip",
        {
            "508 Version April 2026/Addendum B 508.csv": text.encode("latin-1"),
            "Addendum B.csv": text.encode("latin-1"),
            "Addendum A.csv": b"APC,Group Title,SI\r\n",
        },
    )

    one = imported("opps", [pack], tmp_path / "lib")

    assert [tuple(row.values()) for row in rows(tmp_path / "lib", one, "opps_rates")] == [
        ("75574", "5572", "S", "3.8990", "35643"),
        ("75580", "1511", "S", "", "95050"),
        ("76376", "", "N", "", "0"),
    ]
    assert one.edition.edition == "2026Q2"
    assert one.edition.quarantined == 0
    assert one.edition.left_out == {"rows of a second file that says the same": 3}


def test_a_part_that_ends_with_its_header_is_refused_as_such(tmp_path) -> None:
    path = saved(tmp_path, "ccipra-v322.txt", made.PTP_HEAD)

    with pytest.raises(AuditError, match="holds no row that could be used"):
        imported("ncci-ptp", [path], tmp_path / "lib")


def test_the_archive_of_the_relative_values_as_published(tmp_path) -> None:
    """The text beside the table is of fixed width, its header of lines that begin with HDR."""
    fixed = "HDR2025 National Physician Fee Schedule Relative Value File\r\n75574  A  2.40\r\n"
    files = {
        "PPRRVU2025_Oct.csv": made.pfs_csv(),
        "PPRRVU2025_Oct.txt": fixed,
        "PPRRVU2025_Oct.xlsx": b"not looked at",
        "RVU25D.pdf": b"not looked at",
        "OPPSCAP_Oct.csv": made.CAPS,
        "OPPSCAP_Oct.txt": "HDR\r\n",
        "GPCI2025.csv": made.GPCIS,
        "GPCI2025.txt": "HDR\r\n",
        "25LOCCO.csv": "COUNTIES\r\n",
        "ANES2025.csv": "x\r\n",
    }
    pack = made.zipped(tmp_path / "rvu25d.zip", files)

    found = {
        kind: imported(kind, [pack], tmp_path / "lib").edition
        for kind in ("pfs", "oppscap", "gpci")
    }

    assert {kind: one.edition for kind, one in found.items()} == {
        "pfs": "2025Q4",
        "oppscap": "2025Q4",
        "gpci": "2025",
    }
    assert {file["file"] for one in found.values() for file in one.files} == {
        "rvu25d.zip/PPRRVU2025_Oct.csv",
        "rvu25d.zip/OPPSCAP_Oct.csv",
        "rvu25d.zip/GPCI2025.csv",
    }


def test_pairs_as_workbooks_with_the_third_column_in_one_cell(tmp_path) -> None:
    head = made.PTP_HEAD.replace("*=in existence\t", "*=in existence prior to 1996\t").replace(
        "\t\tprior to 1996\tDate", "\t\t\tDate"
    )
    content = made.ptp_text(made.EDITS, head)
    path = sheet(tmp_path, "ccipra-v322.xlsx", content, "\t")

    one = imported("ncci-ptp", [path], tmp_path / "lib")

    assert rows(tmp_path / "lib", one, "ptp_edits") == EXPECTED_EDITS


def test_what_stands_until_replaced_is_said_to(tmp_path) -> None:
    path = saved(tmp_path, "payers.csv", "payer,payer type\r\nHarbor Health Plan,commercial\r\n")
    one = imported("payers", [path], tmp_path / "lib", edition="2026")

    assert one.page(tmp_path / "lib").startswith(
        "payers 2026: answers for 2026-01-01 to its replacement\n"
    )
