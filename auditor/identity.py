"""Digests by which runs are told apart: of the code that judges, of settings, of a file."""

import hashlib
from pathlib import Path

from auditor.settings import AROUND, Settings

_RULE_CODE = (
    *("rules/*.py", "library/*.py"),
    *("amounts.py", "audit.py", "calendar_days.py", "catalogue.py", "claim_lines.py"),
    *("claim_types.py", "contractors.py", "contradictions.py", "diagnosis_codes.py", "editions.py"),
    *("extract.py", "fee_schedule.py", "findings.py", "judging.py", "localities.py"),
    *("matching.py", "ncci.py", "partners.py", "reference.py", "rule.py", "stories.py"),
    *("studies.py", "superseding.py", "wording.py"),
)


def rule_code() -> list[Path]:
    """The modules that decide what is said of a claim line that was read."""
    folder = Path(__file__).parent
    return sorted(path for pattern in _RULE_CODE for path in folder.glob(pattern))


def rule_set_digest() -> str:
    """A digest of the code that decides what is said of a claim line that was read."""
    content = b"\0".join(path.read_bytes() for path in rule_code())
    return hashlib.sha256(content).hexdigest()[:12]


def digest_of(settings: Settings) -> str:
    """A digest of the settings that bear on an audit."""
    judging = settings.model_dump_json(exclude=set(AROUND))
    return hashlib.sha256(judging.encode()).hexdigest()[:12]


def digest_of_file(path: Path | None) -> str:
    """The SHA-256 of a file; blank for none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
