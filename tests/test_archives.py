"""Packed exports, and packed tricks."""

import gzip
import stat
import zipfile
from pathlib import Path

import pytest
from exports import (
    HEADER,
    LINES,
    TWO_LINES,
    cells_in,
    cells_of,
    known,
    only_table,
    read,
    refusal,
    workbook,
    write,
    zipped,
)

from auditor.ingest import archives
from auditor.ingest.tables import open_tables


def test_gzip(tmp_path: Path) -> None:
    table = only_table(write(tmp_path / "a.csv.gz", gzip.compress(f"{HEADER}\n{LINES}".encode())))

    assert table.file == "a.csv.gz"
    assert cells_of(read(table)) == TWO_LINES


def test_gzip_of_a_workbook(tmp_path: Path) -> None:
    book = workbook(tmp_path / "a.xlsx", {"A": [["Claim", "Rev"], ["C1", "0480"]]})
    packed = write(tmp_path / "a.xlsx.gz", gzip.compress(book.read_bytes()))

    assert cells_in(packed) == [("C1", "0480")]


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (b"", "empty"),
        (gzip.compress(b"", mtime=0), "holds nothing"),
        (gzip.compress(f"{HEADER}\n{LINES}".encode(), mtime=0)[:-9], "cut short"),
        (gzip.compress(f"{HEADER}\n{LINES}".encode(), mtime=0)[:15], "cut short"),
        (gzip.compress(gzip.compress(LINES.encode(), mtime=0), mtime=0), "packed twice"),
        (gzip.compress(f"{HEADER}\n".encode(), mtime=0), "no lines"),
    ],
)
def test_refused_gzip(tmp_path: Path, contents: bytes, says: str) -> None:
    assert says in refusal(write(tmp_path / "claims.csv.gz", contents))


def test_zip_with_one_export(tmp_path: Path) -> None:
    path = zipped(tmp_path / "night.zip", {"out/hospital.csv": f"{HEADER}\n{LINES}"})
    table = only_table(path)

    assert table.file == "night.zip/out/hospital.csv"
    assert table.path == path
    assert table.notes == ()
    assert cells_of(read(table)) == TWO_LINES


def test_zip_with_several_exports_and_other_files(tmp_path: Path) -> None:
    book = workbook(tmp_path / "b.xlsx", {"A": [["Claim", "Rev", "Units"], ["C9", "0480", 1]]})
    path = zipped(
        tmp_path / "night.zip",
        {
            "hospital.csv": f"{HEADER}\n{LINES}",
            "office.xlsx": book.read_bytes(),
            "readme.txt": "These are the claims\nof last night\n",
            "manual.pdf": "%PDF-1.7",
            "__MACOSX/._hospital.csv": "x",
            ".DS_Store": "x",
        },
    )
    tables = open_tables(path, looks_like_claim_lines=known)

    assert [table.file for table in tables] == ["night.zip/hospital.csv", "night.zip/office.xlsx"]
    assert tables[0].notes == ("also in the zip, not read: readme.txt, manual.pdf",)
    assert [cells_of(read(table))[0][0] for table in tables] == ["C1", "C9"]


def test_zip_without_claim_lines_gives_the_best_guess(tmp_path: Path) -> None:
    table = only_table(zipped(tmp_path / "a.zip", {"x.csv": "foo,bar\n1,2\n", "m.pdf": "%PDF"}))

    assert table.header == ("foo", "bar")


@pytest.mark.parametrize(
    ("members", "says"),
    [
        ({}, "holds no files"),
        ({"../evil.csv": LINES}, "leads out"),
        ({"/etc/evil.csv": LINES}, "leads out"),
        ({"C:\\evil.csv": LINES}, "leads out"),
        ({"a\\..\\..\\evil.csv": LINES}, "leads out"),
        ({"two\nlines.csv": LINES}, "can't be shown"),
        ({"a.pdf": b"%PDF-1.7"}, "PDF"),
        ({"a.csv": f"{HEADER}\n{LINES}", "b.csv": ""}, "b.csv is empty"),
        ({"inner.zip": b"PK\x05\x06" + bytes(18)}, "packed twice"),
    ],
)
def test_refused_zip(tmp_path: Path, members: dict[str, str | bytes], says: str) -> None:
    assert says in refusal(zipped(tmp_path / "night.zip", members))


def test_zip_with_a_file_without_a_name(tmp_path: Path) -> None:
    sound = zipped(tmp_path / "a.zip", {"lines.csv": "Claim\nC1\n"}).read_bytes()

    path = write(tmp_path / "a.zip", sound.replace(b"lines.csv", b"\0ines.csv"))

    assert "a.zip holds a file whose name leads out of the zip or can't be shown" in refusal(path)


def test_zip_with_a_symbolic_link(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("claims.csv")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")

    assert "leads out" in refusal(tmp_path / "a.zip")


def test_zip_cut_short_or_damaged(tmp_path: Path) -> None:
    whole = zipped(tmp_path / "a.zip", {"a.csv": f"{HEADER}\n{LINES * 50}"}).read_bytes()
    middle = bytearray(whole)
    middle[45:60] = bytes(15)

    assert "cut short" in refusal(write(tmp_path / "cut.zip", whole[:-30]))
    assert "damaged" in refusal(write(tmp_path / "damaged.zip", bytes(middle)))


def test_zip_with_a_password(tmp_path: Path) -> None:
    whole = bytearray(zipped(tmp_path / "a.zip", {"a.csv": LINES}).read_bytes())
    whole[6] |= 1
    whole[whole.index(b"PK\x01\x02") + 8] |= 1

    assert "password" in refusal(write(tmp_path / "locked.zip", bytes(whole)))


def test_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contents = b"C1,0480,75574,1500.00\n" * 100_000
    gz = write(tmp_path / "a.csv.gz", gzip.compress(contents))
    packed = zipped(tmp_path / "a.zip", {"a.csv": contents})
    monkeypatch.setattr(archives, "RATIO_COUNTS_FROM", 10**6)
    monkeypatch.setattr(archives, "LARGEST_RATIO", 100)

    assert "times its size" in refusal(gz)
    assert "times its size" in refusal(packed)

    monkeypatch.setattr(archives, "LARGEST_RATIO", 10**6)
    monkeypatch.setattr(archives, "LARGEST_UNPACKED", 10**6)

    assert "unpacks to more than" in refusal(gz)
    assert "unpacks to more than" in refusal(packed)
