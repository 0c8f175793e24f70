"""What decides what is said of a line, as a digest: when it changes, all is judged again."""

import hashlib
import json

from auditor.identity import rule_set_digest
from auditor.reference import Reference
from auditor.request import Request


def judged_by_of(reference: Reference, request: Request) -> str:
    """A digest of all that decides what is said of a line: rules, tables, settings."""
    settings = request.settings
    parts = [
        rule_set_digest(),
        reference.digest(),
        {name: str(value) for name, value in settings.options().items()},
        dict(settings.payers),
        settings.patient_id_substitute,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:12]
