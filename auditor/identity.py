"""Digests by which runs are told apart: of the code that judges, of settings, of a file."""

import hashlib
from pathlib import Path

from auditor.settings import AROUND, Settings

_RULE_CODE = ("rules/*.py", "claim_lines.py", "matching.py", "ncci.py", "studies.py", "amounts.py")


def rule_set_digest() -> str:
    """A digest of the code that decides what is flagged."""
    folder = Path(__file__).parent
    files = sorted(path for pattern in _RULE_CODE for path in folder.glob(pattern))
    content = b"\0".join(path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:12]


def digest_of(settings: Settings) -> str:
    """A digest of the settings that bear on an audit."""
    judging = settings.model_dump_json(exclude=set(AROUND))
    return hashlib.sha256(judging.encode()).hexdigest()[:12]


def digest_of_file(path: Path | None) -> str:
    """The SHA-256 of a file; blank for none."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else ""
