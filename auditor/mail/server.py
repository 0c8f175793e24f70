"""The mail server: one session, and what its answers mean.

A fault is unreachable or deferred (may pass: wait and try again), refused (this message never) or
unusable (no message, until somebody mends settings, password or certificate).
"""

from __future__ import annotations

import contextlib
import os
import smtplib
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from auditor.mail_settings import MailSettings

_TOO_LARGE = 552
_LONGEST_ANSWER = 160


class MailError(Exception):
    """Something went wrong with the server; the text is one line for people."""


class TemporaryError(MailError):
    """May pass by itself."""


class UnreachableError(TemporaryError):
    """No server, or it went away: concerns every message."""


class DeferredError(TemporaryError):
    """The server wants this message later."""


class RefusedError(MailError):
    """The server will never take this message."""


class UnusableError(MailError):
    """The server takes nothing from us as we are set up."""


class SenderError(UnusableError):
    """The server takes nothing from this sender."""


class Server:
    """A session that opens when it is needed. Certificates are always checked."""

    def __init__(self, mail: MailSettings) -> None:
        self._mail = mail
        self._session: smtplib.SMTP | None = None

    def send(self, sender: str, recipient: str, content: bytes) -> None:
        """Hands one message over; returns only when the server has taken it.

        A connection that drops before the answer counts as not taken: the message may then arrive
        twice, under one Message-ID, but it is not lost. Raises a MailError.
        """
        with self._told():
            session = self._session = self._session or self._opened()
            session.sendmail(sender, [recipient], content)

    def greet(self) -> None:
        """Opens a session as a message would need it, login and all, and sends none.

        Raises a MailError.
        """
        with self._told():
            self._session = self._session or self._opened()
            self._session.noop()

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """Turns faults of a session into a MailError, and ends the session."""
        try:
            yield
        except MailError:
            self.close()
            raise
        except UnicodeError:
            # Not told on: the text of this fault quotes the password.
            self.close()
            raise UnusableError("mail.user or its password has letters beyond ASCII") from None
        except (OSError, smtplib.SMTPException) as fault:
            self.close()
            raise self._meaning(fault) from fault

    @property
    def is_open(self) -> bool:
        """Whether a session is open that took a message before."""
        return self._session is not None

    def close(self) -> None:
        """Ends the session. What the server says to that changes nothing."""
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(OSError, smtplib.SMTPException):
                session.quit()
            session.close()

    def _opened(self) -> smtplib.SMTP:
        mail = self._mail
        seconds = mail.timeout_seconds
        session: smtplib.SMTP
        if mail.security == "tls":
            session = smtplib.SMTP_SSL(
                mail.host, mail.server_port, timeout=seconds, context=self._trust()
            )
        else:
            session = smtplib.SMTP(mail.host, mail.server_port, timeout=seconds)
        self._session = session
        if mail.security == "starttls":
            # A server that does not offer it raises: nothing goes on in the open.
            session.starttls(context=self._trust())
        if mail.user:
            self._log_in(session)
        return session

    def _trust(self) -> ssl.SSLContext:
        try:
            return ssl.create_default_context(cafile=self._mail.ca_file or None)
        except (OSError, ssl.SSLError) as fault:
            raise UnusableError(f"mail.ca_file {self._mail.ca_file}: can't be read") from fault

    def _log_in(self, session: smtplib.SMTP) -> None:
        secret = _secret(self._mail)
        session.ehlo_or_helo_if_needed()
        if self._mail.auth == "password":
            session.login(self._mail.user, secret)
            return
        said = f"user={self._mail.user}\x01auth=Bearer {secret}\x01\x01"
        # To the server's account of a failure one answers nothing, and it ends the exchange.
        session.auth("XOAUTH2", lambda challenge=None: "" if challenge else said)

    def _meaning(self, fault: OSError | smtplib.SMTPException) -> MailError:
        place = f"{self._mail.host}:{self._mail.server_port}"
        if isinstance(fault, smtplib.SMTPRecipientsRefused):
            code, answer = next(iter(fault.recipients.values()))
            return (RefusedError if code >= 500 else DeferredError)(_words(code, answer))
        if isinstance(fault, smtplib.SMTPResponseException):
            return _meaning_of_answer(fault, place)
        if isinstance(fault, smtplib.SMTPNotSupportedError):
            return UnusableError(
                f"{place}: the server does not offer what the settings ask for ({fault})"
            )
        if isinstance(fault, ssl.SSLCertVerificationError):
            return UnusableError(
                f"{place}: its certificate is not trusted ({fault.verify_message})"
            )
        if isinstance(fault, ssl.SSLError) and not isinstance(
            fault, ssl.SSLEOFError | ssl.SSLZeroReturnError
        ):
            return UnusableError(
                f"{place}: no TLS with it ({fault.reason}); is mail.security right?"
            )
        return UnreachableError(f"{place}: {_system_words(fault)}")


def _meaning_of_answer(fault: smtplib.SMTPResponseException, place: str) -> MailError:
    code, words = fault.smtp_code, _words(fault.smtp_code, fault.smtp_error)
    if isinstance(fault, smtplib.SMTPAuthenticationError):
        kind: type[MailError] = UnreachableError if code < 500 else UnusableError
        return kind(f"{place}: the login was refused ({words})")
    if isinstance(fault, smtplib.SMTPConnectError | smtplib.SMTPHeloError):
        # -1: what answered spoke no SMTP, or stopped in the middle.
        return (UnusableError if code >= 500 else UnreachableError)(f"{place}: {words}")
    if code < 500:
        return UnreachableError(f"{place}: {words}") if code == 421 else DeferredError(words)
    if isinstance(fault, smtplib.SMTPSenderRefused) and code != _TOO_LARGE:
        return SenderError(f"{place}: the sender was refused ({words})")
    return RefusedError(words)


def _words(code: int, answer: bytes | str) -> str:
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return f"{code} {line[:_LONGEST_ANSWER]}".strip()


def _system_words(fault: OSError | smtplib.SMTPException) -> str:
    if isinstance(fault, TimeoutError):
        return "no answer in time"
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return "the connection was lost"


def _secret(mail: MailSettings) -> str:
    """The password or token. Raises UnusableError, never quoting it."""
    if mail.password_env:
        if secret := os.environ.get(mail.password_env, ""):
            return secret
        raise UnusableError(f"the environment variable {mail.password_env} is not set")
    try:
        secret = Path(mail.password_file).read_text(encoding="utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise UnusableError(f"mail.password_file {mail.password_file}: can't be read") from fault
    if not secret:
        raise UnusableError(f"mail.password_file {mail.password_file}: is empty")
    return secret
