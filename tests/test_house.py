"""Rules of the house, as tests over the source."""

import ast
import csv
import re
import string
from collections.abc import Iterator
from graphlib import TopologicalSorter
from importlib import import_module
from pathlib import Path

import pytest

from auditor import studies
from auditor.catalogue import CATALOGUE
from auditor.identity import rule_code
from auditor.reference import Reference, load_reference
from auditor.rule import FAMILIES, MILDER, REASONS, SEVERITIES, Rule
from auditor.schema import COLUMNS, FINDINGS
from auditor.settings import Limits, Settings
from auditor.shipped import reference_dir

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "auditor"
MODULES = sorted(path for path in PACKAGE.rglob("*.py") if "_shipped" not in path.parts)
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
FAMILY_MODULES = [path for path in MODULES if path.parent.name == "rules"]

# Joins and facts that rules share. A new one goes here.
SHARED = {"claim_lines", "matching", "extract", "amounts", "studies", "ncci", "rule"}
SHARED |= {
    "fee_schedule",
    "localities",
    "contractors",
    "diagnosis_codes",
    "calendar_days",
    "partners",
}
BEFORE_RULES = {"claim_types", "superseding"}

# A module imports from its own layer or from those above it; whole packages count as one.
LAYERS: tuple[set[str], ...] = (
    {
        "errors",
        "faults",
        "schema",
        "shipped",
        "progress",
        "changes",
        "caching",
        "allocation",
        "shown_names",
        "disk",
        "erasing",
        "regular_files",
    },
    {
        "reference_cells",
        "reference_check",
        "documents",
        "editions",
        "reference",
        "library",
        "night_settings",
        "mail_settings",
        "settings",
        "request",
        "identity",
    },
    {"ingest", "official", *SHARED, *BEFORE_RULES},
    {"rules"},
    {"catalogue"},
    {"judging", "findings", "wording", "stories", "contradictions", "intake", "asides", "cases"},
    {"audit"},
    {"self_test", "as_requested", "exports_of_run"},
    {"report", "mail", "history", "masking"},
    {
        "target",
        "batch",
        "scale",
        "corrections",
        "conditions",
        "rows_in_force",
        "judged_again",
        "explain",
        "explain_line",
        "column_page",
        "rule_pages",
        "library_check",
        "reference_diff",
        "reference_pages",
    },
    {"night"},
    {"commands"},
    {"cli"},
    {"__init__", "__main__"},
)
LAYER = {name: place for place, names in enumerate(LAYERS) for name in names}

AT_THE_EDGE = {"cli", "commands", "batch", "night"}

# Rules, and all they are judged by, are given their data: nothing here fetches.
PURE = {
    *SHARED,
    *BEFORE_RULES,
    "conditions",
    "rules",
    "catalogue",
    "judging",
    "findings",
    "wording",
    "stories",
    "audit",
}
OUTSIDE = {"os", "pathlib", "time", "socket", "urllib", "http", "requests", "random", "sqlite3"}


def short(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".")


def top(path: Path) -> str:
    return short(path).split(".")[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """Every module that a tree imports, at the top or inside a function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports hide the layer"
            for alias in node.names:
                inner = PACKAGE.parent / (node.module or "").replace(".", "/") / f"{alias.name}.py"
                yield f"{node.module}.{alias.name}" if inner.is_file() else node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def own_imports(path: Path) -> set[str]:
    found = {name.removeprefix("auditor.") for name in imports(TREES[path]) if "auditor" in name}
    return {name for name in found if name != "auditor"}


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_imports_point_one_way(path: Path) -> None:
    assert top(path) in LAYER, f"say in LAYERS where {top(path)} belongs"
    for name in own_imports(path):
        assert LAYER[name.split(".")[0]] <= LAYER[top(path)], f"{short(path)} imports {name}"


def test_no_module_imports_itself_by_a_detour() -> None:
    TopologicalSorter({short(path): own_imports(path) for path in MODULES}).prepare()


@pytest.mark.parametrize("path", FAMILY_MODULES, ids=short)
def test_families_never_import_each_other_nor_what_fetches(path: Path) -> None:
    assert own_imports(path) <= {"caching", "reference", *SHARED}


@pytest.mark.parametrize("path", [p for p in MODULES if top(p) in PURE], ids=short)
def test_judging_knows_no_file_clock_or_network(path: Path) -> None:
    assert not {name.split(".")[0] for name in imports(TREES[path])} & OUTSIDE
    assert not {"open", "print", "input"} & {
        node.func.id
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
    }


def attributes(tree: ast.AST) -> set[str]:
    return {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}


@pytest.mark.parametrize("path", [p for p in MODULES if top(p) in PURE], ids=short)
def test_no_row_loops_over_claim_lines(path: Path) -> None:
    assert not attributes(TREES[path]) & {"iterrows", "itertuples"}
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            by_row = any(word.arg == "axis" for word in node.keywords)
            assert not (node.func.attr == "apply" and by_row), f"line {node.lineno}"


@pytest.mark.parametrize("path", [p for p in MODULES if top(p) not in AT_THE_EDGE], ids=short)
def test_only_the_edge_knows_the_day(path: Path) -> None:
    assert not attributes(TREES[path]) & {"today", "now", "utcnow", "fromtimestamp"}


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_no_date_is_worded_as_the_locale_has_it(path: Path) -> None:
    words = [
        node.value
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if re.search(r"%-?[aAbBcxXp](?![\w%])", node.value)
    ]

    assert words == []


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_files_and_functions_stay_short(path: Path) -> None:
    long = [
        f"{node.name}: {length} lines"
        for node in ast.walk(TREES[path])
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := (node.end_lineno or node.lineno) - node.lineno + 1) > 50
    ]
    lines = len(path.read_text(encoding="utf-8").splitlines())

    assert long == []
    assert lines <= 400


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_every_module_says_what_it_is_for(path: Path) -> None:
    assert path.stem not in {"utils", "util", "helpers", "common", "base", "models", "misc"}
    assert ast.get_docstring(TREES[path])
    assert "import *" not in path.read_text(encoding="utf-8")


WRITTEN = [
    path
    for folder in ("auditor", "tests", "reference", "reports", "samples")
    for path in sorted((ROOT / folder).rglob("*"))
    if path.suffix in {".py", ".csv", ".md", ".toml", ".j2", ".css", ".js", ".txt"}
    and not {"_shipped", "__pycache__"} & set(path.parts)
]
WRITTEN += [ROOT / "pyproject.toml", ROOT / "README.md"]


def test_nothing_written_names_this_machine_or_puts_off_work() -> None:
    machine = re.compile(r"(?<![\w.:/])/(?:work|home|root|tmp|Users|mnt|opt)/\w|[A-Z]:\\\\?Users")
    later = re.compile(r"\b(?:TO[D]O|FIX[M]E|X[X]X|HA[C]K)\b")
    for path in WRITTEN:
        text = path.read_text(encoding="utf-8")
        assert not machine.search(text), path
        assert not later.search(text), path


# The catalogue.


@pytest.fixture(scope="module")
def reference() -> Reference:
    return load_reference(reference_dir())


def test_every_rule_of_a_family_is_in_the_catalogue_once() -> None:
    written = [
        rule
        for path in FAMILY_MODULES
        for rule in vars(import_module(f"auditor.{short(path)}".removesuffix(".__init__"))).values()
        if isinstance(rule, Rule)
    ]

    unlisted = {rule.name for rule in written} ^ {rule.name for rule in CATALOGUE}
    assert not unlisted, f"not in both auditor/catalogue.py and auditor/rules/: {unlisted}"
    assert len({rule.name for rule in CATALOGUE}) == len(CATALOGUE) == len(written)


def test_every_rule_says_its_conditions_and_nothing_else_does() -> None:
    own = {
        name
        for family in FAMILIES
        for name, function in vars(import_module(f"auditor.conditions.{family}")).items()
        if getattr(function, "__module__", "") == f"auditor.conditions.{family}"
        and not name.startswith("_")
    }

    apart = own ^ {rule.name for rule in CATALOGUE}
    assert not apart, f"not in both auditor/conditions/ and the catalogue: {apart}"


def test_the_catalogue_stands_in_the_order_of_the_families() -> None:
    families = list(dict.fromkeys(rule.family for rule in CATALOGUE))

    assert families == [name for name in FAMILIES if name in families]
    assert [rule.family for rule in CATALOGUE] == sorted(
        (rule.family for rule in CATALOGUE), key=families.index
    )


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_a_rule_names_columns_settings_and_sources_that_exist(
    rule: Rule, reference: Reference
) -> None:
    assert {word for need in rule.needs for word in need.split("|")} <= set(COLUMNS)
    assert rule.sources
    assert set(rule.sources) <= set(reference.sources)
    options = Settings().options()
    assert {name: options.get(name) for name in rule.settings} == dict(rule.settings)
    assert rule.severity in SEVERITIES
    assert rule.money in ("at_risk", "missed", "none")


DERIVED = {"role", "service", "pctc_indicator", "component", "denied"}


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_a_message_speaks_of_columns_settings_and_evidence(rule: Rule) -> None:
    tree = TREES[PACKAGE / "rules" / f"{rule.family}.py"]
    evidence = {
        word.arg
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "assign"
        for word in node.keywords
    }
    known = set(COLUMNS) | DERIVED | set(rule.settings) | evidence
    for text in (rule.message, rule.remedy):
        assert {name for _, name, _, _ in string.Formatter().parse(text) if name} <= known
        assert text[-1] in ".:"
        assert "properly" not in text


@pytest.mark.parametrize("rule", CATALOGUE, ids=lambda rule: rule.name)
def test_denial_codes_are_listed(rule: Rule) -> None:
    with (reference_dir() / "denial_codes.csv").open(encoding="utf-8", newline="") as stream:
        listed = {(row["code_kind"], row["denial_code"]) for row in csv.DictReader(stream)}

    for code in rule.denial_codes:
        group, _, reason = code.rpartition("-")
        assert (("carc" if group else "rarc"), reason) in listed, code
        assert group in ("", "CO", "OA", "PI", "PR")
    assert bool(rule.denial_codes) or rule.severity != "denial"


# Which row of a table answers, and what is said where sources disagree.
ANSWERING = {"reference", "editions", "library", "contradictions"}


def test_a_history_judges_again_when_any_code_that_judges_has_changed() -> None:
    judging = {path for path in MODULES if top(path) in (PURE - {"conditions"}) | ANSWERING}

    assert set(rule_code()) == judging


def test_limits_shared_by_rules_have_one_default() -> None:
    limits = Limits()

    assert limits.pairing_days == studies.PAIRING_DAYS
    assert limits.search_days == studies.SEARCH_DAYS
    used = {name for rule in CATALOGUE for name in rule.settings}
    assert set(Settings().options()) == used


def test_words_of_severity_and_reason_are_closed() -> None:
    assert set(MILDER) == set(SEVERITIES) == set(MILDER.values()) | {"denial"}
    assert len(set(FINDINGS)) == len(FINDINGS)
    text = "\n".join(path.read_text(encoding="utf-8") for path in FAMILY_MODULES)
    for reason in REASONS:
        assert reason in text or reason in (PACKAGE / "judging.py").read_text(encoding="utf-8")


def test_everything_in_the_reference_folder_cites_a_listed_source(reference: Reference) -> None:
    for name in ("editions.csv", "contradictions.csv"):
        with (reference_dir() / name).open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                cited = " ".join(cell for key, cell in row.items() if key.startswith("source"))
                assert cited, row
                assert set(cited.split()) <= set(reference.sources), row
                assert row["table"] in {"", *reference.tables}


def test_every_table_says_for_which_dates_it_answers(reference: Reference) -> None:
    assert [name for name, table in reference.tables.items() if not table.editions] == []
    for table in reference.tables.values():
        for edition in table.editions:
            assert edition.edition
            if edition.first_date and edition.last_date:
                assert edition.first_date <= edition.last_date
