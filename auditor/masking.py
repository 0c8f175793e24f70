"""Reports without direct identifiers: patient, claim and line are told by keyed digests.

The digest of a value is its HMAC under a key, so that nobody without the key can try out numbers.
With the site's own key the same patient has the same digest in every run; without one the key is
drawn anew for each run and forgotten, and no two runs can be laid side by side. What is masked is
the audit's result: which lines are flagged, and for what, is the same as without.
"""

import hashlib
import hmac
import os
import secrets
from collections.abc import Callable
from dataclasses import replace
from functools import cache

import pandas as pd

from auditor.audit import Audit
from auditor.errors import AuditError
from auditor.request import Request

_DIGITS = 16
_ID_DIGITS = 12  # as findings and episodes have anywhere else
_FEWEST_KEY_CHARACTERS = 16
_IDENTIFIERS = (
    "claim_id",
    "original_claim_id",
    "payer_claim_number",
    "patient_id",
    "authorization_number",
    "attachment_control_number",
)
# Columns of findings with an identifier, and ids that are digests of one without a key.
_IN_FINDINGS = ("claim_id", "patient_id", "partner_claim_id", "finding", "story")

Digest = Callable[[str], str]


def check_mask(request: Request) -> None:
    """Raises AuditError where masked reports can't be had, before anything is read."""
    if not request.mask:
        return
    for option, given in (
        ("--history", request.history),
        ("--with-corrections", request.corrections),
    ):
        if given:
            raise AuditError(
                f"--mask takes out what {option} knows lines by; leave one of them away",
                exit_code=2,
            )
    _key(request.settings.mask.key_env)


def masked(result: Audit, request: Request) -> Audit:
    """The result with digests for identifiers if the request asks for it, else as it is."""
    if not request.mask:
        return result
    digest = _digest(_key(request.settings.mask.key_env))
    return replace(
        result,
        lines=_lines(result.lines, digest),
        findings=_findings(result.findings, digest),
    )


def _key(name: str) -> bytes:
    if not name:
        return secrets.token_bytes(32)
    key = os.environ.get(name, "")
    if len(key) < _FEWEST_KEY_CHARACTERS:
        raise AuditError(
            f"the environment variable {name} holds no key of {_FEWEST_KEY_CHARACTERS} characters "
            "or more; set it, or leave mask.key_env empty for a key that is drawn for each run",
            exit_code=2,
        )
    return key.encode()


def _digest(key: bytes) -> Digest:
    @cache
    def digest(value: str) -> str:
        if not value:
            return ""
        return hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:_DIGITS]

    return digest


def _lines(lines: pd.DataFrame, digest: Digest) -> pd.DataFrame:
    # Lines that were audited in buckets stay there, and nothing stands for them here.
    names = [name for name in _IDENTIFIERS if len(lines) and name in lines.columns]
    return lines.assign(**{name: lines[name].cat.rename_categories(digest) for name in names})


def _findings(findings: pd.DataFrame, digest: Digest) -> pd.DataFrame:
    masks = {name: findings[name].map(digest).astype("str") for name in _IN_FINDINGS}
    for name in ("finding", "story"):
        masks[name] = masks[name].str[:_ID_DIGITS]
    others = findings["other_partners"].map(_counted).astype("str")
    said = _said(findings, digest)
    return findings.assign(**masks, other_partners=others, message=said)


def _counted(others: str) -> str:
    """How many further partners; their claims stand in no masked report."""
    return f"{others.count(';') + 1} more" if others else ""


def _said(findings: pd.DataFrame, digest: Digest) -> "pd.Series[str]":
    """Messages, with digests for identifiers of the line and its partner that they name."""
    cells = zip(
        *(findings[name] for name in ("message", "claim_id", "patient_id", "partner_claim_id")),
        strict=True,
    )
    told = []
    for message, *identifiers in cells:
        for value in sorted(filter(None, identifiers), key=len, reverse=True):
            message = message.replace(value, digest(value))
        told.append(message)
    return pd.Series(told, index=findings.index, dtype="str")
