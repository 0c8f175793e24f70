"""From a run's folder to everybody's inbox, by way of the spool."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from tenacity import Retrying, retry_if_result, stop_after_attempt, wait_exponential

from auditor.mail.letter import Letter, letter, message_key
from auditor.mail.server import (
    MailError,
    RefusedError,
    SenderError,
    Server,
    TemporaryError,
    UnreachableError,
    UnusableError,
)
from auditor.mail.spool import Spool
from auditor.mail.summary import Summary, summary_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from auditor.mail_settings import MailSettings, RecipientSettings
    from auditor.settings import Settings

State = Literal["sent", "sent before", "waiting", "refused", "unchanged"]
_LONGEST_PAUSE = 60.0
_ALL = ""  # senders


@dataclass(frozen=True)
class Delivery:
    """What became of one message. ``key`` names its file in the spool; ``reason``: why not sent.

    ``unchanged``: nothing new for the recipient, and the settings want mail on change only.
    ``away``: it waits because the server was not there, not for a fault of its own.
    """

    address: str
    state: State
    key: str = ""
    reason: str = ""
    away: bool = False

    @property
    def done(self) -> bool:
        """Whether nothing is left to do or to mend."""
        return self.state not in ("waiting", "refused")


def deliver(
    folder: Path,
    settings: Settings,
    spool: Path,
    *,
    recipients: Sequence[RecipientSettings] | None = None,
    again: bool = False,
) -> tuple[Delivery, ...]:
    """Mails a finished run's summary, and whatever waits in the spool.

    Safe to call again after a kill: who has the mail does not get it twice, unless ``again``.
    Raises AuditError if the folder is no run's, or the spool can't be used; a server's faults are
    told in the result, and the messages stay in the spool.
    """
    return deliver_summary(summary_of(folder), settings, spool, recipients=recipients, again=again)


def deliver_summary(
    summary: Summary,
    settings: Settings,
    spool: Path,
    *,
    recipients: Sequence[RecipientSettings] | None = None,
    again: bool = False,
    patient: bool = True,
) -> tuple[Delivery, ...]:
    """The same for a summary at hand, such as that of a run that failed.

    Not ``patient``: the server is asked once, because it was away a moment ago.
    """
    chosen = settings.mail.recipients if recipients is None else recipients
    if not chosen:
        return ()
    with Spool(spool).locked() as box:
        kept = [_keep(summary, one, settings, box, again=again) for one in chosen]
        attempts = settings.mail.attempts if patient else 1
        sent = {one.key: one for one in _send_waiting(box, settings.mail, attempts)}
    settled = [_settled(one, sent.pop(one.key, None)) for one in kept]
    return (*settled, *sent.values())


def _settled(kept: Delivery, sent: Delivery | None) -> Delivery:
    """What became of a message, with the warning of its making where it went well."""
    if sent is None:
        return kept
    return replace(sent, reason=sent.reason or kept.reason)


def send_waiting(settings: Settings, spool: Path) -> tuple[Delivery, ...]:
    """Sends what waits in the spool, oldest first."""
    with Spool(spool).locked() as box:
        return _send_waiting(box, settings.mail, settings.mail.attempts)


def _keep(
    summary: Summary,
    recipient: RecipientSettings,
    settings: Settings,
    box: Spool,
    *,
    again: bool,
) -> Delivery:
    """Puts a recipient's message into the spool, if there is one to send."""
    key = message_key(summary, recipient.address)
    if box.was_sent(key) and not again:
        return Delivery(recipient.address, "sent before", key)
    written = letter(summary, recipient, settings)
    if not again and not _wanted(written, settings.mail, box):
        return Delivery(recipient.address, "unchanged", key)
    box.forget_sent(key)
    box.add(written)
    return Delivery(recipient.address, "waiting", key, written.warning)


def _wanted(written: Letter, mail: MailSettings, box: Spool) -> bool:
    """After a failure the next mail is news, whatever stands in it."""
    return (
        not mail.only_on_change
        or written.failed
        or written.changed
        or box.failed_last(written.address)
    )


def _send_waiting(box: Spool, mail: MailSettings, attempts: int) -> tuple[Delivery, ...]:
    """Tries every message, then after a pause again those whose fault may pass."""
    told: dict[str, Delivery] = {}
    server = Server(mail)
    try:
        Retrying(
            retry=retry_if_result(bool),
            stop=stop_after_attempt(attempts),
            wait=wait_exponential(multiplier=mail.retry_seconds, max=_LONGEST_PAUSE),
            retry_error_callback=lambda _: None,
        )(_round, box, server, told)
    finally:
        server.close()
    return tuple(told.values())


def _round(box: Spool, server: Server, told: dict[str, Delivery]) -> bool:
    """Tries every waiting message once; whether another round may help.

    A server that is away, or that we can't use, is not asked again for the messages that follow,
    nor one that refuses a sender for others of that sender. The message over which it went away
    comes last in the next round: were it that message's fault, it would hold up all others.
    """
    stopped: dict[str, MailError] = {}
    may_help = False
    for path in box.waiting():
        if box.was_sent(path.stem):
            box.drop(path)
            continue
        try:
            sender, address = box.addresses(path)
        except ValueError:
            box.mark_refused(path)
            told[path.stem] = Delivery("?", "refused", path.stem, "is no message of ours")
            continue
        try:
            if fault := stopped.get(_ALL) or stopped.get(sender):
                raise fault
            box.prepare_mark(path, address)
            _hand_over(server, sender, address, path.read_bytes())
        except RefusedError as fault:
            box.mark_refused(path)
            told[path.stem] = Delivery(address, "refused", path.stem, str(fault))
        except MailError as fault:
            away = isinstance(fault, UnreachableError)
            told[path.stem] = Delivery(address, "waiting", path.stem, str(fault), away)
            if away and _ALL not in stopped:
                box.put_off(path)
            if isinstance(fault, UnreachableError | UnusableError):
                stopped[sender if isinstance(fault, SenderError) else _ALL] = fault
            may_help |= isinstance(fault, TemporaryError)
        else:
            box.mark_sent(path)
            told[path.stem] = Delivery(address, "sent", path.stem)
    return may_help


def _hand_over(server: Server, sender: str, address: str, content: bytes) -> None:
    """Sends a message; anew if the session broke that the messages before it used.

    Many servers end a session after so many messages, or when it was idle.
    """
    used = server.is_open
    try:
        server.send(sender, address, content)
    except UnreachableError:
        if not used:
            raise
        server.send(sender, address, content)
