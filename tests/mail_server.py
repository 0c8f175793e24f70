"""A real SMTP server for the tests of the mail: TLS, login, and every way to fail."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from pathlib import Path
from typing import Any

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult

USER, PASSWORD = "auditor", "correct horse battery"
AUTHORITY = trustme.CA()


@dataclass
class Mailbox:
    """The server's memory and its moods.

    ``refuse``: answers to RCPT by address. ``answers``: answers to the next messages, one each, ""
    takes it. ``drop``: for the next messages: "mid" hangs up in the middle of DATA, "after" takes
    the message and hangs up before it answers, "" behaves. ``slow``: seconds before an answer.
    ``most``: messages that one session may bring, 0 for any number. ``hates``: the recipient at
    whose message it always hangs up. ``refuse_sender``: the sender it takes nothing from.
    """

    refuse: dict[str, str] = field(default_factory=dict)
    answers: list[str] = field(default_factory=list)
    drop: list[str] = field(default_factory=list)
    slow: list[float] = field(default_factory=list)
    taken: list[tuple[str, list[str], bytes]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    attempts: int = 0
    most: int = 0
    hates: str = ""
    refuse_sender: str = ""

    async def handle_MAIL(  # noqa: N802  aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        session.brought = getattr(session, "brought", 0) + 1
        if self.most and session.brought > self.most:
            return "421 4.7.0 too many messages in one session"
        if address == self.refuse_sender:
            return "550 5.7.1 no such sender here"
        envelope.mail_from = address
        return "250 OK"

    async def handle_RCPT(  # noqa: N802  aiosmtpd's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        if answer := self.refuse.get(address):
            return answer
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.attempts += 1
        if self.slow and (seconds := self.slow.pop(0)):
            await asyncio.sleep(seconds)
        if self.answers and (answer := self.answers.pop(0)):
            return answer
        self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), envelope.content))
        self.encrypted.append(session.ssl is not None)
        if self.drop and self.drop.pop(0) == "after":
            server.transport.abort()
        return "250 taken"

    def __call__(self, server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> Any:
        """Judges a login; without ``handled=False`` the client would wait for ever."""
        if mechanism == "XOAUTH2":
            self.logins.append(("XOAUTH2", data))
            return AuthResult(success=data.endswith(f"auth=Bearer {PASSWORD}\x01\x01"))
        given = (data.login.decode(), data.password.decode())
        self.logins.append(given)
        good = given == (USER, PASSWORD)
        return AuthResult(success=good, handled=False)

    def messages(self) -> list[EmailMessage]:
        return [
            message_from_bytes(content, policy=SMTP_POLICY)  # type: ignore[misc]
            for _, _, content in self.taken
        ]

    def recipients(self) -> list[str]:
        return [address for _, addresses, _ in self.taken for address in addresses]


class Moody(SMTP):
    """A server that may hang up in the middle of DATA."""

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        hated = self.event_handler.hates in self.envelope.rcpt_tos
        if hated or (self.event_handler.drop and self.event_handler.drop[0] == "mid"):
            if not hated:
                self.event_handler.drop.pop(0)
            self.event_handler.attempts += 1
            await self.push("354 go on")
            await self._reader.readexactly(200)
            self.transport.abort()
            return
        await super().smtp_DATA(arg)

    async def auth_XOAUTH2(self, server: Any, args: list[str]) -> Any:  # noqa: N802
        import base64

        result = self._authenticator(
            self, self.session, self.envelope, "XOAUTH2", base64.b64decode(args[1]).decode()
        )
        if result.success:
            return AuthResult(success=True)
        await self.challenge_auth('{"status":"401"}')
        return AuthResult(success=False, handled=False)


class Ports(Controller):
    """Starts ``Moody`` on a free port."""

    def factory(self) -> SMTP:
        return Moody(self.handler, **self.SMTP_kwargs)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def server_context(authority: trustme.CA = AUTHORITY, name: str = "127.0.0.1") -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(context)
    return context


def trusted(folder: Path, authority: trustme.CA = AUTHORITY) -> Path:
    path = folder / "authority.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


@contextlib.contextmanager
def serving(
    box: Mailbox,
    security: str = "starttls",
    *,
    login: bool = False,
    size: int = 33_554_432,
    context: ssl.SSLContext | None = None,
) -> Iterator[int]:
    """The server's port while it runs."""
    words: dict[str, Any] = {"data_size_limit": size}
    if login:
        words |= {"authenticator": box, "auth_required": True}
        words["auth_require_tls"] = security == "starttls"
    if security == "starttls":
        words |= {"tls_context": context or server_context(), "require_starttls": True}
    port = free_port()
    controller = Ports(
        box,
        hostname="127.0.0.1",
        port=port,
        ssl_context=(context or server_context()) if security == "tls" else None,
        **words,
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
