"""The door: what is refused and why, the digest, and public samples of real exports."""

import gzip
import hashlib
import os
from pathlib import Path

import pytest
from exports import (
    HEADER,
    LINES,
    only_table,
    read,
    refusal,
    write,
)

SHARED = Path(__file__).parents[1].parent / "shared" / "inputs"


@pytest.mark.parametrize(
    ("contents", "says"),
    [
        (b"", "empty"),
        (b"\n\n , \n", "shows nothing"),
        (f"{HEADER}\n".encode(), "holds a header but no lines"),
        (HEADER.encode(), "holds a header but no lines"),
        (f"{HEADER}\n\n,,,\n".encode(), "holds a header but no lines"),
        (f'{HEADER}\nC1,1,a,1\nC2,2,"b,2\nC3,3,c,3\n'.encode(), "row 3: a quotation mark"),
        (f'{HEADER}\nC1,1,a,1\nC2,2,b,"2\nC3,3,c,3\n'.encode(), "row 3: a quotation mark"),
        (f'{HEADER}\nC1,1,a,1\nC2,2,b,"2'.encode(), "row 3: a quotation mark"),
        (f'"{HEADER}\nC1,1,a,1\n'.encode(), "row 1: a quotation mark"),
        (b"<html><body><table><tr><td>Claim</td></tr></table>", "web page"),
        (b"\xef\xbb\xbf\r\n<!DOCTYPE html><html>", "web page"),
        ("<table>".encode("utf-16"), "web page"),
        (b'<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>', "XML"),
        (b'[{"claim": "C1"}]', "JSON"),
        (b"%PDF-1.7 x", "PDF"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 20, "no text"),
        (bytes(1000), "no text"),
        (b"ISA*00*          *00*", "X12"),
        (f"{HEADER}\nC1".encode("utf-16") + b"\x00", "cut short"),
    ],
)
def test_refused_text(tmp_path: Path, contents: bytes, says: str) -> None:
    assert says in refusal(write(tmp_path / "claims.csv", contents))


def test_a_quote_left_open_in_a_large_file(tmp_path: Path) -> None:
    first = write(tmp_path / "first.csv", f'"{HEADER}\n' + "C1,1,a,1\n" * 90_000)
    later = f'{HEADER}\nC1,1,a,1\nC2,2,"b,2\n' + "C3,3,c,3\n" * 2_500_000

    assert "row 1: a quotation mark" in refusal(first)
    assert "row 3: a quotation mark" in refusal(write(tmp_path / "later.csv", later))


def test_refusals_quote_no_cells(tmp_path: Path) -> None:
    text = f'{HEADER}\nDOE JANE,1,a,1\nC2,"ROE RICHARD,b,2\n'

    assert "ROE" not in refusal(write(tmp_path / "a.csv", text))


def test_missing_file_and_folder(tmp_path: Path) -> None:
    assert "doesn't exist" in refusal(tmp_path / "none.csv")
    assert "is a folder" in refusal(tmp_path)


def test_file_without_permission(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a.csv", f"{HEADER}\n{LINES}")

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)

    assert "permission denied" in refusal(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_a_named_pipe_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")

    assert "not a regular file" in refusal(tmp_path / "pipe.csv")


def test_the_digest_is_of_the_file_as_it_came(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv.gz", gzip.compress(f"{HEADER}\n{LINES}".encode()))

    assert only_table(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.skipif(not SHARED.exists(), reason="public sample exports are not at hand")
@pytest.mark.parametrize(
    ("name", "header_row", "rows", "columns"),
    [
        ("cms_synthetic_claim_lines.csv", 1, 1039, 39),
        ("rif_carrier.csv", 1, 221, 100),
        ("rif_outpatient.csv", 1, 19, 234),
        ("qpp_two_claims.csv", 1, 4, 52),
        ("price_list_106121031.xls", 1, 1955, 9),
    ],
)
def test_public_samples(name: str, header_row: int, rows: int, columns: int) -> None:
    table = only_table(SHARED / name)
    lines = read(table)

    assert table.header_row == header_row
    assert len(table.header) == columns
    assert lines.rows.to_pylist() == list(range(header_row + 1, header_row + 1 + rows))
    assert lines.misfits == ()
