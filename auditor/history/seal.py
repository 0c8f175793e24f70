"""The keys of an encrypted history.

The key of the site comes from the environment and opens one thing: the key of the history, which
stands wrapped in the ledger. From it come a key for the lines' files, one for values of the
ledger, and those of the digests that stand for findings and patients. All with AES-256-GCM and
HMAC-SHA-256. A history that is not encrypted has ``PLAIN``, which changes nothing.
"""

import base64
import binascii
import hmac
import json
import os
import secrets
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from auditor.errors import AuditError

_KEY_BYTES = 32
_NONCE_BYTES = 12
_NAME_DIGITS = 24
_WRAPPED = "key of the history"


@dataclass(frozen=True)
class Seal:
    """How a history is closed: its own key, and the variable with the site's; neither is shown."""

    root: bytes = field(default=b"", repr=False)
    key_env: str = ""

    @property
    def on(self) -> bool:
        """Whether the history is encrypted."""
        return bool(self.root)

    @cached_property
    def patients(self) -> bytes:
        """The key of the digests that stand for patients; blank in a history that is plain."""
        return self._key("patients") if self.on else b""

    def name(self, finding: str) -> str:
        """What stands for a finding's number: without the key nobody can try out claims."""
        if not self.on:
            return finding
        return hmac.digest(self._names, finding.encode(), "sha256").hex()[:_NAME_DIGITS]

    def close(self, content: bytes, about: str) -> bytes:
        """Encrypts; ``about`` says what it is, and must be said again to open it."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + bytes(self._cipher.encrypt(nonce, content, about.encode()))

    def open(self, content: bytes, about: str) -> bytes:
        """Decrypts. Raises AuditError for what was changed, or is about something else."""
        opened = _opened(self._cipher, content, about)
        if opened is None:
            raise AuditError(
                "the history holds something that was changed after it was encrypted; put the "
                "folder back from your backup"
            )
        return opened

    def closed_text(self, text: str) -> str | bytes:
        """A text of the ledger as it is kept; a blank stays one."""
        return self.close(text.encode(), "text") if self.on and text else text

    def opened_text(self, kept: str | bytes) -> str:
        """The text again; one that was kept as it is stays."""
        return self.open(kept, "text").decode() if isinstance(kept, bytes) else kept

    @cached_property
    def _names(self) -> bytes:
        return self._key("names")

    @cached_property
    def _cipher(self) -> Any:
        return _cipher(self._key("values"))

    def _key(self, purpose: str) -> bytes:
        return hmac.digest(self.root, purpose.encode(), "sha256")


PLAIN = Seal()


def new_seal(key_env: str) -> Seal:
    """A seal with a key of its own. Raises AuditError where the site's key is not there."""
    site_key(key_env)
    return Seal(secrets.token_bytes(_KEY_BYTES), key_env)


def wrapped(seal: Seal) -> str:
    """The key of the history, encrypted with that of the site, as the ledger keeps it."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    cipher = _cipher(site_key(seal.key_env))
    content = nonce + cipher.encrypt(nonce, seal.root, _WRAPPED.encode())
    return json.dumps({"key_env": seal.key_env, "key": base64.b64encode(content).decode()})


def unwrapped(kept: str | None, key_env: str, folder: Path) -> Seal:
    """The seal of a ledger, ``kept`` as ``wrapped`` gave it, or None where it is plain.

    ``key_env`` names the variable, ``""`` the one it was encrypted with. Raises AuditError without
    the key, or with another than the history was encrypted with.
    """
    if kept is None:
        return PLAIN
    facts = json.loads(kept)
    name = key_env or facts["key_env"]
    root = _opened(_cipher(site_key(name)), base64.b64decode(facts["key"]), _WRAPPED)
    if root is None:
        raise AuditError(
            f"{folder}: the key in {name} is not the one that this history is encrypted with; "
            "nothing was read or changed: set the right key (auditor history rekey changes it)",
            exit_code=2,
        )
    return Seal(root, name)


def site_key(key_env: str) -> bytes:
    """The key of the site. Raises AuditError where the variable holds none."""
    text = os.environ.get(key_env, "").strip()
    for read in (bytes.fromhex, lambda one: base64.b64decode(one, validate=True)):
        try:
            key = read(text)
        except (ValueError, binascii.Error):
            continue
        if len(key) == _KEY_BYTES:
            return bytes(key)
    what = "holds no key" if text else "is not set"
    raise AuditError(
        f"the environment variable {key_env} {what}: the history is encrypted with it, and nothing "
        "was read or changed; set it to 32 random bytes in base64 (openssl rand -base64 32)",
        exit_code=2,
    )


def _cipher(key: bytes) -> Any:
    # A tenth of a second that a plain history need not spend.
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(key)


def _opened(cipher: Any, content: bytes, about: str) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        nonce, closed = content[:_NONCE_BYTES], content[_NONCE_BYTES:]
        return bytes(cipher.decrypt(nonce, closed, about.encode()))
    except (InvalidTag, ValueError):
        return None
