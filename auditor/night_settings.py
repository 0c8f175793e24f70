"""The ``[night]`` section of audit.toml: where exports arrive, where all goes, how long it stays.

Folders are text; one that is not absolute lies in the folder of the settings file.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator


class InboxSettings(BaseModel):
    """A folder in which one source's exports arrive.

    ``files``: patterns of file names, case does not matter. ``columns``: a column profile, ``""``
    for none. With ``done_marker`` a file counts as complete only when ``<file>.done`` lies beside
    it; without, a marker counts too, and so does a file that stays as it is for a while.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    folder: str = Field(min_length=1)
    files: list[str] = ["*.csv", "*.txt", "*.xlsx", "*.xls", "*.xlsb", "*.parquet", "*.zip", "*.gz"]
    columns: str = ""
    sheet: str = ""
    done_marker: bool = False


class NightSettings(BaseModel):
    """What an unattended night may be told. Days of keeping: 0 keeps for ever.

    ``stable_seconds``: how long size and time of a file must stay before it counts as complete;
    ``wait_seconds``: how long a night waits for files that still grow. ``file_mode``: of all files
    the night makes; folders get the same with the right to enter.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    inboxes: list[InboxSettings] = []
    archive: str = "archive"
    failed: str = "failed"
    work: str = "work"
    reports: str = "reports"
    history: str = "history"
    spool: str = "spool"
    log: str = "log"
    stable_seconds: int = Field(default=60, ge=0, le=86_400)
    wait_seconds: int = Field(default=900, ge=0, le=86_400)
    compress: bool = True
    file_mode: Literal["0600", "0640", "0660"] = "0600"
    free_megabytes: int = Field(default=500, ge=0)
    keep_archive_days: int = Field(default=400, ge=0)
    keep_reports_days: int = Field(default=400, ge=0)
    keep_failed_days: int = Field(default=90, ge=0)
    keep_log_days: int = Field(default=400, ge=0)
    keep_mail_days: int = Field(default=400, ge=0)

    @model_validator(mode="after")
    def _names_differ(self) -> "NightSettings":
        names = [inbox.name for inbox in self.inboxes]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two inboxes are named {twice[0]}")
        return self
