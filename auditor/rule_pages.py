"""The catalogue and each rule's page, as text for the terminal."""

import textwrap

from auditor.catalogue import CATALOGUE
from auditor.errors import AuditError
from auditor.reference import load_reference
from auditor.report.words import spoken
from auditor.rule import FAMILIES
from auditor.shipped import reference_dir

_WIDTH = 88


def catalogue_page() -> str:
    """One line a rule, by family."""
    lines: list[str] = []
    family = ""
    for rule in CATALOGUE:
        if rule.family != family:
            family = rule.family
            lines += ["", FAMILIES[family]]
        lines.append(f"  {rule.name:<40} {rule.severity:<7} {rule.title}")
    return "\n".join([f"{len(CATALOGUE)} rules", *lines, ""])


def rule_page(name: str) -> str:
    """One rule: why, what to do, what it needs, its sources. Unknown names are refused."""
    rule = next((one for one in CATALOGUE if one.name == name), None)
    if rule is None:
        near = [one.name for one in CATALOGUE if name.lower() in one.name]
        hint = f"; did you mean {', '.join(near[:5])}?" if near else "; see auditor rules"
        raise AuditError(f"there is no rule {name}{hint}", exit_code=2)
    sources = load_reference(reference_dir()).sources
    facts = [
        ("family", FAMILIES[rule.family]),
        ("severity", rule.severity),
        ("money", rule.money.replace("_", " ")),
        ("denial codes", ", ".join(rule.denial_codes) or "none"),
        ("needs columns", ", ".join(n.replace("|", " or ") for n in rule.needs) or "none"),
        ("settings", ", ".join(f"{k} = {v}" for k, v in rule.settings.items()) or "none"),
    ]
    cited = [
        ", ".join(
            part
            for part in (sources[one].title, sources[one].section, sources[one].edition)
            if part
        )
        for one in rule.sources
    ]
    return "\n".join(
        [
            f"{rule.name}",
            f"{rule.title}.",
            "",
            *textwrap.wrap(rule.rationale, _WIDTH),
            "",
            *textwrap.wrap(f"What to do: {spoken(rule.remedy)}", _WIDTH),
            "",
            *(f"  {label:<14} {text}" for label, text in facts),
            "",
            "Sources",
            *(f"  {line}" for line in cited),
            "",
        ]
    )
