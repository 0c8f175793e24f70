"""Where the seeded mistakes are noted, so that the audit can be held against them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date

from harbor_heart.business import Centre
from harbor_heart.claims import Claim, Episode, Line


@dataclass(frozen=True)
class Seeded:
    """One line that a seeded mistake spoilt, and the rule that should say so."""

    mistake: str
    rule: str
    claim: Claim
    line: Line


class Seeding:
    """Picks episodes for mistakes, each for one mistake only, and notes what was spoilt."""

    def __init__(self, centre: Centre, episodes: list[Episode]) -> None:
        self.centre = centre
        self.chance = centre.chance
        self.episodes = episodes
        self.seeded: list[Seeded] = []
        self.mistake = ""

    def run(self, mistakes: Iterable[Callable[["Seeding"], None]]) -> None:
        """Makes every mistake, in order."""
        for mistake in mistakes:
            self.mistake = mistake.__name__
            mistake(self)

    def note(self, rule: str, claim: Claim, line: Line) -> None:
        """Notes that a rule should flag a line."""
        self.seeded.append(Seeded(self.mistake, rule, claim, line))

    def take(
        self,
        count: int,
        where: Callable[[Episode], bool],
        first: date = date(2025, 1, 20),
        last: date = date(2026, 5, 29),
    ) -> list[Episode]:
        """Some untouched episodes of a kind and time."""
        fit = [
            one
            for one in self.episodes
            if not one.touched and first <= one.day <= last and where(one)
        ]
        taken = self.chance.some(fit, count)
        for one in taken:
            one.touched = True
        return taken


def in_hospital(episode: Episode) -> bool:
    """A coronary CT angiography with a hospital claim, seen for the first time."""
    return episode.hospital is not None and episode.code == "75574" and not episode.returning


def scan_only(episode: Episode) -> bool:
    """The same without FFR-CT and plaque analysis."""
    return in_hospital(episode) and not episode.analysed and not episode.plaque


def with_ffrct(episode: Episode) -> bool:
    """The same with FFR-CT, without plaque analysis."""
    return in_hospital(episode) and episode.analysed and not episode.plaque


def of_medicare(episode: Episode) -> bool:
    """Traditional Medicare pays."""
    return episode.payer.payer_type == "medicare"


def needs_authorization(episode: Episode) -> bool:
    """A payer that wants an authorization, not in an emergency."""
    return bool(episode.hospital and episode.hospital.find("75574").authorization)


def hospital_line(episode: Episode, code: str = "75574") -> tuple[Claim, Line]:
    """The hospital's line of a code, with its claim."""
    if episode.hospital is None:
        raise LookupError(code)
    return episode.hospital, episode.hospital.find(code)
