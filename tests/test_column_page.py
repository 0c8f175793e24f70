"""What `auditor columns` says that a missing column would unlock, against the rules' own cases."""

from pathlib import Path

from auditor.cases import filled, read_cases
from auditor.column_page import column_page

CASES = Path(__file__).parent / "cases"


def said_of(lacking: frozenset[str], export: Path) -> dict[str, str]:
    """What the page says of each column that an export without the ``lacking`` ones has not."""
    cells = {name: cell for name, cell in filled({}).items() if name not in lacking}
    export.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n", encoding="utf-8")
    _, _, missing = column_page(export).partition("\nNot found\n")
    return {line.split()[0]: line for line in missing.splitlines() if line.startswith("  ")}


def test_each_rule_that_waits_for_a_column_is_named_beside_it(tmp_path: Path) -> None:
    asked = {
        (case.rule, case.without)
        for path in sorted(CASES.glob("*.csv"))
        for case in read_cases(path)
        if any(row["reason"] == "column_missing" for row in case.expected)
    }
    assert len(asked) > 60

    untold = []
    for rule, lacking in sorted(asked, key=str):
        said = said_of(lacking, tmp_path / "export.csv")
        if not any(rule in said.get(column, "") for column in lacking):
            untold.append((rule, sorted(lacking)))
    assert untold == []


def test_a_header_whose_values_are_of_another_kind_is_told_apart(tmp_path: Path) -> None:
    cells = filled({"modifiers": "Reading only"}) | {"Ward": "5 West"}
    export = tmp_path / "export.csv"
    export.write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n", encoding="utf-8")

    page = column_page(export)

    _, _, unused = page.partition("\nNot used: ")
    assert {"modifiers (its values are no modifiers)", "Ward"} <= set(unused.strip().split(", "))
    assert "  modifiers  " in page.partition("\nNot found\n")[2]
