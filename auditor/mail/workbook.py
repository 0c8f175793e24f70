"""The workbook as an attachment: only as settings allow, and then with Office's own encryption."""

from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.mail_settings import MailSettings, RecipientSettings

_SHORTEST_PASSWORD = 12


@dataclass(frozen=True)
class Attachment:
    """The workbook's bytes, or none. ``note`` is protected, plain, "" or why it is not attached."""

    content: bytes | None
    note: str


NOTHING = Attachment(None, "")


def password_fault(mail: MailSettings) -> str:
    """Why the password that the settings want for workbooks does not serve, "" if it does."""
    name = mail.workbook_password_env
    if not name or len(os.environ.get(name, "")) >= _SHORTEST_PASSWORD:
        return ""
    return (
        f"the environment variable {name} holds no password of {_SHORTEST_PASSWORD} "
        "characters or more"
    )


def workbook_for(
    folder: Path | None, recipient: RecipientSettings, mail: MailSettings
) -> Attachment:
    """The workbook for a recipient who may have it; why not, where something is amiss."""
    path = folder / "report.xlsx" if folder else None
    if not recipient.workbook or path is None:
        return NOTHING
    if not path.is_file():
        return Attachment(None, "The workbook is not attached: the run wrote none.")
    if mail.workbook_password_env:
        if fault := password_fault(mail):
            return Attachment(None, f"The workbook is not attached: {fault}.")
        content = encrypted(path.read_bytes(), os.environ[mail.workbook_password_env])
        if content is None:
            return Attachment(None, "The workbook is not attached: encrypting it failed.")
        note = "protected"
    else:
        # The settings refuse a workbook without a password unless the channel is encrypted.
        assert mail.channel_is_encrypted
        content, note = path.read_bytes(), "plain"
    if len(content) > mail.attachment_megabytes * 1_000_000:
        return Attachment(
            None,
            f"The workbook is not attached: it is larger than {mail.attachment_megabytes} MB.",
        )
    return Attachment(content, note)


def encrypted(workbook: bytes, password: str) -> bytes | None:
    """The workbook under a password, opened again to see that it holds; None if it does not."""
    from msoffcrypto.exceptions import DecryptionError, EncryptionError, InvalidKeyError
    from msoffcrypto.format.ooxml import OOXMLFile

    locked, opened = io.BytesIO(), io.BytesIO()
    try:
        OOXMLFile(io.BytesIO(workbook)).encrypt(password, locked)
        content = locked.getvalue()
        if zipfile.is_zipfile(io.BytesIO(content)):
            return None
        again = OOXMLFile(io.BytesIO(content))
        again.load_key(password=password, verify_password=True)
        again.decrypt(opened, verify_integrity=True)
    except (DecryptionError, EncryptionError, InvalidKeyError, ValueError, OSError):
        return None
    return content if opened.getvalue() == workbook else None
