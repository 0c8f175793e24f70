"""Digests by which runs are told apart: of the code that judges."""

import hashlib
from pathlib import Path

_RULE_CODE = ("rules/*.py", "claim_lines.py", "matching.py", "ncci.py", "studies.py", "amounts.py")


def rule_set_digest() -> str:
    """A digest of the code that decides what is flagged."""
    folder = Path(__file__).parent
    files = sorted(path for pattern in _RULE_CODE for path in folder.glob(pattern))
    content = b"\0".join(path.read_bytes() for path in files)
    return hashlib.sha256(content).hexdigest()[:12]
