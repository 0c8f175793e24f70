"""audit.toml: what a site may set. Every key has a default; a run needs no settings file."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from auditor.errors import AuditError
from auditor.mail_settings import MailSettings
from auditor.night_settings import NightSettings
from auditor.regular_files import regular

PayerType = Literal["medicare", "medicare_advantage", "medicaid", "commercial", "other"]
Format = Literal["html", "xlsx", "csv", "parquet", "json", "pdf"]

AROUND = frozenset({"night", "history", "mail", "mask"})
"""Sections about what happens around an audit: they change no finding, and no run's identity."""


class Limits(BaseModel):
    """Limits of the rules, in days and percent."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    pairing_days: int = Field(default=7, ge=0, le=60)
    search_days: int = Field(default=30, ge=0, le=365)
    lookback_days: int = Field(default=90, ge=0, le=730)
    waiting_days: int = Field(default=14, ge=0, le=365)
    tolerance_percent: int = Field(default=25, ge=0, le=100)
    local_tolerance_percent: int = Field(default=5, ge=0, le=100)
    share_percent: int = Field(default=20, ge=0, le=100)


class HistorySettings(BaseModel):
    """What a site remembers: for how many days claim lines stay, and where its waivers stand.

    ``keep_open_days``: how long a finding that nobody closed stands open after its line was last
    looked at. ``waivers`` is a file; one that is not absolute lies in the folder of the history.
    ``encryption_key_env`` names the environment variable with the key of an encrypted history; it
    is blank for one that is plain, or that was encrypted before.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    keep_days: int = Field(default=400, ge=30, le=3650)
    keep_open_days: int = Field(default=2200, ge=30, le=7300)
    waivers: str = "waivers.csv"
    encryption_key_env: str = ""

    @model_validator(mode="after")
    def _findings_outlive_their_lines(self) -> "HistorySettings":
        if self.keep_open_days < self.keep_days:
            raise ValueError("keep_open_days is less than keep_days")
        return self


class MaskSettings(BaseModel):
    """Masked reports: the environment variable with the key of their digests, if there is one."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    key_env: str = ""


class Licences(BaseModel):
    """Licences that the site holds; what they cover may be kept and shown."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    cpt_descriptors: bool = False


class Settings(BaseModel):
    """The settings of a run.

    ``payers`` maps payer names as exported to payer types. ``patient_id_substitute`` names the
    column that stands in for the patient where an export has none. ``authorizes_by_code`` names
    payers or payer types that authorize each procedure code by itself.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    limits: Limits = Limits()
    licences: Licences = Licences()
    payers: dict[str, PayerType] = {}
    patient_id_substitute: Literal["", "claim_id"] = ""
    authorizes_by_code: list[str] = []
    reference: str = ""
    formats: list[Format] = ["html", "xlsx", "csv", "parquet", "json"]
    night: NightSettings = NightSettings()
    history: HistorySettings = HistorySettings()
    mail: MailSettings = MailSettings()
    mask: MaskSettings = MaskSettings()

    @model_validator(mode="after")
    def _mail_has_its_files(self) -> "Settings":
        needed = {"json", "parquet"} if self.mail.recipients else set()
        if any(one.workbook for one in self.mail.recipients):
            needed.add("xlsx")
        if lacking := sorted(needed - set(self.formats)):
            raise ValueError(f"the mail needs {' and '.join(lacking)} among the formats")
        return self

    def options(self) -> dict[str, Any]:
        """What the rules take as keyword arguments, by their names."""
        return {
            **self.limits.model_dump(),
            "authorizes_by_code": tuple(self.authorizes_by_code),
        }

    def changed(self) -> dict[str, str]:
        """Settings of the audit that differ from the defaults, as text, by their key."""
        around = set(AROUND)
        found = _differences(self.model_dump(exclude=around), Settings().model_dump(exclude=around))
        if self.payers:
            found["payers"] = f"{len(self.payers)} names"
        return found


def _differences(
    given: Mapping[str, Any], default: Mapping[str, Any], above: str = ""
) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in given.items():
        if isinstance(value, dict) and name != "payers":
            found |= _differences(value, default[name], f"{above}{name}.")
        elif value != default[name]:
            found[above + name] = str(value)
    return found


def beside(file: Path, text: str) -> Path:
    """A path of a settings file: one that is not absolute lies in the folder of the file."""
    return file.absolute().parent / Path(text).expanduser()


def own_tables(file: Path | None, settings: Settings) -> Path | None:
    """The folder of reference tables that a settings file names; None where it names none."""
    return beside(file, settings.reference) if file and settings.reference else None


def read_settings(path: Path) -> Settings:
    """Reads audit.toml. Raises AuditError that lists every key that is wrong."""
    try:
        content = tomllib.loads(regular(path, 2).read_text(encoding="utf-8-sig"))
    except FileNotFoundError as fault:
        raise AuditError(f"{path}: there is no such settings file", exit_code=2) from fault
    except OSError as fault:
        raise AuditError(f"{path}: can't be read ({fault.strerror})", exit_code=2) from fault
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
        raise AuditError(f"{path}: is not valid TOML: {fault}", exit_code=2) from fault
    try:
        return Settings.model_validate(content)
    except ValidationError as fault:
        faults = "; ".join(
            ".".join(str(part) for part in one["loc"]) + ": " + one["msg"].lower()
            for one in fault.errors()
        )
        raise AuditError(f"{path}: {faults}; see samples/audit.toml", exit_code=2) from fault
