"""The ``[mail]`` section of audit.toml: who gets a run's summary, how it is sent, what it may hold.

No password stands in a settings file: it comes from an environment variable or a file named there.
"""

import re
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

Family = Literal[
    "unbundling",
    "components",
    "revenue_codes",
    "dates_of_service",
    "units",
    "diagnoses",
    "coverage",
    "payment",
]

# One address, in ASCII, without a display name: nothing that could open a second header.
_ADDRESS = (
    r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?$"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")
_USUAL_PORT = {"starttls": 587, "tls": 465, "none": 25}


class RecipientSettings(BaseModel):
    """One person or list, and the part of the findings that concerns them; empty means all.

    ``payers`` are names as exported, or payer types; ``providers`` billing or rendering NPIs.
    ``workbook`` sends the workbook along.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    address: str = Field(pattern=_ADDRESS)
    families: list[Family] = []
    payers: list[str] = []
    providers: list[str] = []
    severities: list[Literal["denial", "review", "note"]] = []
    workbook: bool = False

    @property
    def filtered(self) -> bool:
        """Whether only a part of the findings concerns this recipient."""
        return bool(self.families or self.payers or self.providers or self.severities)

    @field_validator("payers", "providers")
    @classmethod
    def _one_line_each(cls, names: list[str]) -> list[str]:
        return [_one_line(name) for name in names]

    @field_validator("providers")
    @classmethod
    def _ten_digits(cls, names: list[str]) -> list[str]:
        if not all(re.fullmatch(r"\d{10}", name) for name in names):
            raise ValueError("a provider is an NPI of ten digits")
        return names

    @model_validator(mode="after")
    def _no_workbook_past_a_filter(self) -> "RecipientSettings":
        if self.workbook and self.filtered:
            raise ValueError("the workbook holds all findings: no workbook with a filter")
        return self


class MailSettings(BaseModel):
    """How a run's summary is mailed. Without recipients nothing is.

    ``port`` 0 is the usual one of ``security``. The user's password, or with ``auth = "xoauth2"``
    the access token, comes from the environment variable or the file named. ``attempts`` within a
    run, the first pause between them ``retry_seconds``, doubled each time. Counts of 1 to
    ``smallest_count`` - 1 are not told.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    site: str = Field(default="", max_length=60)
    sender: str = Field(default="", pattern=rf"^$|{_ADDRESS}")
    host: str = ""
    port: int = Field(default=0, ge=0, le=65_535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    ca_file: str = ""
    user: str = ""
    auth: Literal["password", "xoauth2"] = "password"
    password_env: str = ""
    password_file: str = ""
    timeout_seconds: float = Field(default=30.0, gt=0, le=600)
    attempts: int = Field(default=4, ge=1, le=20)
    retry_seconds: float = Field(default=5.0, ge=0, le=600)
    link: str = ""
    only_on_change: bool = False
    smallest_count: int = Field(default=0, ge=0, le=1_000)
    charts: bool = True
    workbook_password_env: str = ""
    channel_is_encrypted: bool = False
    attachment_megabytes: int = Field(default=10, ge=1, le=100)
    recipients: list[RecipientSettings] = []

    @property
    def server_port(self) -> int:
        """The port to call."""
        return self.port or _USUAL_PORT[self.security]

    @field_validator("site", "host", "user", "link", "ca_file", "password_env", "password_file")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return _one_line(text)

    @field_validator("link")
    @classmethod
    def _known_places(cls, link: str) -> str:
        if re.search(r"[{}]", re.sub(r"\{(?:run|folder)\}", "", link)):
            raise ValueError("only {run} and {folder} are filled in")
        return link

    @model_validator(mode="after")
    def _can_be_sent(self) -> "MailSettings":
        if self.recipients and not (self.host and self.sender):
            raise ValueError("recipients need a host and a sender")
        if self.user and self.security == "none":
            raise ValueError("a user needs starttls or tls: no password goes over an open line")
        if self.user and bool(self.password_env) == bool(self.password_file):
            raise ValueError("a user needs either password_env or password_file")
        addresses = [one.address.lower() for one in self.recipients]
        if twice := sorted({one for one in addresses if addresses.count(one) > 1}):
            raise ValueError(f"{twice[0]} is a recipient twice")
        return self

    @model_validator(mode="after")
    def _workbook_is_protected(self) -> "MailSettings":
        if self.channel_is_encrypted and self.security == "none":
            raise ValueError("channel_is_encrypted contradicts security none")
        if any(one.workbook for one in self.recipients) and not (
            self.workbook_password_env or self.channel_is_encrypted
        ):
            raise ValueError(
                "a workbook needs workbook_password_env, or channel_is_encrypted if it is so"
            )
        return self


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("holds a line break or another control character")
    return text
