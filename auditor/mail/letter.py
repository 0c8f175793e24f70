"""A message: text first, HTML beside it with its pictures, the workbook only where allowed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import localtime
from functools import cache
from typing import TYPE_CHECKING, Any

from auditor.errors import AuditError
from auditor.mail.charts import Picture, pictures
from auditor.mail.columns import beside, wrapped
from auditor.mail.view import View, view_of
from auditor.mail.words import one_line
from auditor.mail.workbook import workbook_for
from auditor.shipped import templates_dir

if TYPE_CHECKING:
    import jinja2

    from auditor.mail.summary import Summary
    from auditor.mail_settings import MailSettings, RecipientSettings
    from auditor.settings import Settings

WORKBOOK_TYPE = ("application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet")


@dataclass(frozen=True)
class Letter:
    """A message for one recipient. ``key`` is the same for the same run and recipient."""

    key: str
    address: str
    failed: bool
    changed: bool
    message: EmailMessage
    warning: str


def message(
    summary: Summary,
    recipient: RecipientSettings,
    settings: Settings,
    date: datetime | None = None,
) -> EmailMessage:
    """The message that tells ``recipient`` of a run; dated now unless told otherwise."""
    return letter(summary, recipient, settings, date).message


def letter(
    summary: Summary,
    recipient: RecipientSettings,
    settings: Settings,
    date: datetime | None = None,
) -> Letter:
    """The message, and what its sending needs to know."""
    mail = settings.mail
    workbook = workbook_for(summary.folder, recipient, mail)
    try:
        view = view_of(summary, recipient, mail, tuple(settings.payers), workbook.note)
    except (KeyError, TypeError) as fault:
        # A key that is not there: somebody wrote into report.json.
        raise AuditError(
            f"{summary.folder}: report.json has been changed; run the audit again"
        ) from fault
    drawn = pictures(view) if mail.charts else ()
    key = message_key(summary, recipient.address)
    # Sites may share a sender, a recipient and the names of their nights; servers drop the second
    # of two messages of one id.
    folder = str(summary.folder.absolute()) if summary.folder else ""
    identity = _digest(key, mail.site, mail.sender, folder)
    built = _headed(view.subject, identity, recipient.address, mail)
    built["Date"] = date or localtime()
    built.set_content(render_text(view, drawn), cte="quoted-printable")
    built.add_alternative(render_html(view, drawn), subtype="html", cte="quoted-printable")
    html = built.get_payload()[1]  # type: ignore[index]
    assert isinstance(html, EmailMessage)
    for one in drawn:
        words: dict[str, Any] = {
            "cid": f"<{one.cid}>",
            "disposition": "inline",
            "filename": f"{one.name}.png",
        }
        html.add_related(one.png, "image", "png", **words)
    if workbook.content is not None:
        main, sub = WORKBOOK_TYPE
        name = f"claim-audit-{summary.as_of.isoformat()}.xlsx"
        built.add_attachment(workbook.content, maintype=main, subtype=sub, filename=name)
    return Letter(
        key=key,
        address=recipient.address,
        failed=bool(summary.failed),
        changed=view.changed,
        message=built,
        warning=workbook.note if recipient.workbook and workbook.content is None else "",
    )


def _headed(subject: str, identity: str, address: str, mail: MailSettings) -> EmailMessage:
    """A message with its headers; the email package refuses line breaks in any of them."""
    domain = mail.sender.rpartition("@")[2]
    built = EmailMessage(policy=SMTP)
    built["From"] = Address("Claim audit", addr_spec=mail.sender)
    built["To"] = Address(addr_spec=address)
    built["Subject"] = one_line(subject)
    built["Message-ID"] = f"<{identity}@{domain}>"
    # All mails of a site to a person answer one that was never sent, so that nights thread.
    thread = _digest("thread", mail.site, mail.sender, address.lower())
    built["References"] = f"<{thread}@{domain}>"
    built["Auto-Submitted"] = "auto-generated"
    built["X-Auto-Response-Suppress"] = "All"
    return built


def message_key(summary: Summary, address: str) -> str:
    """The same for the same run and recipient, whenever it is asked; a failure has its own."""
    kind = "failed" if summary.failed else "report"
    return _digest(kind, summary.run, summary.as_of.isoformat(), address.lower())


def _digest(*words: str) -> str:
    return hashlib.sha256("\x1f".join(words).encode()).hexdigest()[:24]


def render_text(view: View, drawn: tuple[Picture, ...]) -> str:
    """The plain text twin: the same facts, no line over 74 characters but for paths."""
    return _templates(html=False).get_template("mail.txt.j2").render(view=view, pictures=drawn)


def render_html(view: View, drawn: tuple[Picture, ...]) -> str:
    """The HTML part: tables, styles in the tags, nothing fetched from anywhere."""
    import css_inline

    page = (
        _templates(html=True)
        .get_template("mail.html.j2")
        .render(view=view, pictures={picture.name: picture for picture in drawn})
    )
    inliner = css_inline.CSSInliner(keep_at_rules=True, load_remote_stylesheets=False)
    return inliner.inline(page)


@cache
def _templates(*, html: bool) -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(templates_dir()),
        autoescape=html,  # noqa: S701  text/plain is shown as it stands
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"wrapped": wrapped, "beside": beside}
    return environment
