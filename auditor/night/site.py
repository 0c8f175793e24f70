"""A site: the folders of its nights, found from its settings file."""

import os
from dataclasses import dataclass
from pathlib import Path

from auditor.errors import AuditError
from auditor.ingest.profiles import read_profile
from auditor.night.durable import make_folder
from auditor.night_settings import InboxSettings, NightSettings
from auditor.settings import Settings, beside, own_tables, read_settings


@dataclass(frozen=True)
class Site:
    """Settings, the file they stand in, and every folder as an absolute path."""

    settings: Settings
    file: Path

    @property
    def night(self) -> NightSettings:
        """The settings of the night."""
        return self.settings.night

    def place(self, text: str) -> Path:
        """A path of the settings, from the folder of their file."""
        return beside(self.file, text)

    @property
    def waivers(self) -> Path:
        """The file of waivers, found before the folder of the history is there, too."""
        path = self.history / self.settings.history.waivers
        # The system goes back (..) only from a folder that exists.
        return path if self.history.exists() else Path(os.path.normpath(path))

    @property
    def archive(self) -> Path:
        """Where audited exports go: a folder a run."""
        return self.place(self.night.archive)

    @property
    def failed(self) -> Path:
        """Where exports go that can't be read, each with its reason: a folder a run."""
        return self.place(self.night.failed)

    @property
    def work(self) -> Path:
        """Where a night works: journals, exports on their way, reports being written."""
        return self.place(self.night.work)

    @property
    def reports(self) -> Path:
        """Where finished reports lie: a folder a run."""
        return self.place(self.night.reports)

    @property
    def history(self) -> Path:
        """What earlier nights saw."""
        return self.place(self.night.history)

    @property
    def spool(self) -> Path:
        """Mail that waits to be sent."""
        return self.place(self.night.spool)

    @property
    def log(self) -> Path:
        """Logs, a file a month."""
        return self.place(self.night.log)

    @property
    def reference(self) -> Path | None:
        """The site's own reference tables, if it has some."""
        return own_tables(self.file, self.settings)

    def inbox(self, inbox: InboxSettings) -> Path:
        """The folder of an inbox."""
        return self.place(inbox.folder)

    def profile(self, inbox: InboxSettings) -> Path | None:
        """The column profile of an inbox, if it has one."""
        return self.place(inbox.columns) if inbox.columns else None

    def known_as(self, source: str, sha256: str) -> str:
        """What the history calls an export: its bytes, and the sheet that its inbox asks for.

        One workbook in two inboxes is two exports, if each reads a sheet of its own.
        """
        inbox = next((one for one in self.night.inboxes if one.name == source), None)
        if inbox is None:
            return sha256
        profile = self.profile(inbox)
        sheet = inbox.sheet or (read_profile(profile).sheet if profile else "")
        return f"{sha256}/{sheet}" if sheet else sha256

    def own_folders(self) -> dict[str, Path]:
        """The folders that the night makes, by the key that names them."""
        return {
            "work": self.work,
            "reports": self.reports,
            "archive": self.archive,
            "failed": self.failed,
            "history": self.history,
            "spool": self.spool,
            "log": self.log,
        }


def open_site(settings: Path) -> Site:
    """The site of a settings file. Raises AuditError when no inbox is named."""
    site = site_of(settings)
    if not site.night.inboxes:
        raise AuditError(
            f"{settings}: names no inbox; add [[night.inboxes]] as samples/site/audit.toml does",
            exit_code=2,
        )
    folders = [*site.own_folders().values(), *(site.inbox(one) for one in site.night.inboxes[:1])]
    twice = sorted({str(folder) for folder in folders if folders.count(folder) > 1})
    if twice:
        raise AuditError(f"{settings}: two folders of the night are {twice[0]}", exit_code=2)
    return site


def site_of(settings: Path) -> Site:
    """The site of a settings file, whether or not it names an inbox.

    The files of its mail settings are found from their folder, too: cron has none.
    """
    site = Site(read_settings(settings), settings.absolute())
    mail = site.settings.mail
    places = {
        key: str(site.place(text))
        for key, text in (("ca_file", mail.ca_file), ("password_file", mail.password_file))
        if text
    }
    own = site.settings.model_copy(update={"mail": mail.model_copy(update=places)})
    return Site(own, site.file)


def from_here(path: Path) -> Path:
    """A path as the person at this prompt would write it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def make_folders(site: Site) -> None:
    """Makes the site's own folders. Raises AuditError naming the one that can't be made."""
    for key, folder in site.own_folders().items():
        try:
            make_folder(folder)
        except OSError as fault:
            raise AuditError(
                f"{folder}: can't be made ({fault.strerror}); it is night.{key} in {site.file.name}"
            ) from fault
