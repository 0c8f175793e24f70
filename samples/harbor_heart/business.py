"""The ordinary business of the centre: eighteen months of claims without a mistake."""

from collections.abc import Iterator
from datetime import date, timedelta

from harbor_heart.claims import Chance, Claim, Episode, Line
from harbor_heart.places import (
    ANNEX,
    BEHIND,
    CARDIOLOGISTS,
    CARDIOLOGY,
    COVERED,
    EMERGENCY,
    FIRST_DAY,
    HOSPITAL,
    LAST_DAY,
    LIGHTHOUSE,
    LITTLE,
    LITTLE_HARBOR,
    MAIN,
    MEDICARE,
    OFFICE,
    PAYERS,
    PIER,
    RADIOLOGISTS,
    RADIOLOGY,
    REFERRING,
    TIDEWATER,
    Payer,
    Site,
)

PLAQUE_BY_CODE = date(2026, 1, 1)


class Centre:
    """What the days share: chance, patients so far, numbers given out."""

    def __init__(self, seed: int) -> None:
        self.chance = Chance(seed)
        self.patients: list[tuple[date, int, Payer]] = []
        self._last = {"patient": 700000, "authorization": 410000, "paperwork": 880000}

    def number(self, kind: str) -> int:
        """The next number of a kind, with gaps."""
        self._last[kind] += self.chance.between(1, 7)
        return self._last[kind]

    def patient(self, day: date) -> tuple[int, Payer, bool]:
        """A new patient, or one in twelve who was here half a year ago."""
        if self.chance.happens(0.08):
            former = [one for one in self.patients if (day - one[0]).days > 180]
            if former:
                _, number, payer = self.chance.among(former)
                self.patients = [one for one in self.patients if one[1] != number]
                return number, payer, True
        number, payer = self.number("patient"), self._payer()
        self.patients.append((day, number, payer))
        return number, payer, False

    def _payer(self) -> Payer:
        left = self.chance.share() * sum(payer.weight for payer in PAYERS)
        for payer in PAYERS:
            left -= payer.weight
            if left < 0:
                return payer
        return MEDICARE

    def diagnoses(self) -> list[str]:
        """One diagnosis that coverage lists hold, and up to two behind it."""
        first = self.chance.among(COVERED)
        behind = self.chance.some([code for code in BEHIND if code != first], 2)
        return [first, *behind[: self.chance.between(0, 2)]]

    def authorization(self, payer: Payer, site: Site) -> str:
        """An authorization number where the payer wants one; emergencies need none."""
        wanted = payer.payer_type in ("medicare_advantage", "commercial") and site != EMERGENCY
        return f"A{self.number('authorization')}" if wanted else ""

    def paperwork(self, payer: Payer) -> str:
        """A paperwork control number where Medicare decides case by case."""
        return f"PWK{self.number('paperwork')}" if payer.payer_type == "medicare" else ""


def weekdays(first: date, last: date) -> Iterator[date]:
    """Every day of the week but Saturday and Sunday."""
    day = first
    while day <= last:
        if day.weekday() < 5:
            yield day
        day += timedelta(1)


def ordinary_business(centre: Centre) -> list[Episode]:
    """All episodes, day by day."""
    chance, episodes = centre.chance, []
    for day in weekdays(FIRST_DAY, LAST_DAY):
        count = 1 + chance.happens(0.33) - chance.happens(0.10)
        episodes.extend(coronary_study(centre, day, _site(chance, day)) for _ in range(count))
        for code, rate in (("75571", 0.18), ("75572", 0.11), ("75573", 0.02)):
            if chance.happens(rate):
                episodes.append(other_study(centre, day, code))
        if chance.happens(0.62):
            episodes.append(visit(centre, day))
    episodes += [little_harbor(centre, day) for day in chance.some([*_days()], 6)]
    episodes += [read_elsewhere(centre, day, TIDEWATER) for day in chance.some([*_days()], 12)]
    episodes += [read_elsewhere(centre, day, RADIOLOGY) for day in chance.some([*_days()], 9)]
    return episodes


def _days() -> Iterator[date]:
    return weekdays(date(2025, 1, 20), date(2026, 6, 5))


def _site(chance: Chance, day: date) -> Site:
    share = chance.share()
    if day >= date(2026, 3, 2) and share > 0.95:
        return LIGHTHOUSE
    limits = ((0.60, MAIN), (0.74, ANNEX), (0.86, EMERGENCY))
    return next((site for limit, site in limits if share < limit), OFFICE)


def hospital_claim(
    centre: Centre, day: date, patient: int, payer: Payer, site: Site, lines: list[Line]
) -> Claim:
    """A hospital claim of an outpatient, with the contrast and blood tests that go with it."""
    chance = centre.chance
    for line in lines:
        if site.modifier:
            line.modifiers.append(site.modifier)
    if site == EMERGENCY:
        lines.append(Line(day, "99284", "0450"))
    if any(line.code in ("75572", "75573", "75574") for line in lines):
        lines.append(
            Line(day, "Q9967", "0636", units=chance.between(14, 20) * 5, outcome="packaged")
        )
        if chance.happens(0.45):
            lines.append(Line(day, "36415", "0300", outcome="packaged"))
            lines.append(Line(day, "82565", "0301", outcome="packaged"))
        if chance.happens(0.4):
            lines.append(Line(day, "", "0250", outcome="packaged"))
    return Claim(
        hospital=True,
        patient=patient,
        payer=payer,
        billing=HOSPITAL,
        site=site,
        lines=lines,
        diagnoses=centre.diagnoses(),
        bill_type="131",
        lag=chance.between(3, 9),
    )


def reading_claim(centre: Centre, like: Episode, lines: list[Line], *, by: str) -> Claim:
    """A physician's claim for readings."""
    chance = centre.chance
    readers = RADIOLOGISTS if by in (RADIOLOGY, TIDEWATER) else CARDIOLOGISTS
    known = like.hospital.diagnoses if like.hospital else centre.diagnoses()
    return Claim(
        hospital=False,
        patient=like.patient,
        payer=like.payer,
        billing=by,
        site=like.site,
        lines=lines,
        diagnoses=list(known),
        rendering=chance.among(readers),
        referring=chance.among(REFERRING),
        lag=chance.between(3, 10),
    )


def read_on(chance: Chance, day: date) -> date:
    """The day of a reading: that of the scan, or one of the next working days."""
    later = (0, 0, 0, 0, 0, 0, 0, 1, 1, 2)
    read = day + timedelta(chance.among(later))
    return read if read.weekday() < 5 or read == day else read + timedelta(7 - read.weekday())


def coronary_study(centre: Centre, day: date, site: Site) -> Episode:
    """A coronary CT angiography, in some patients with FFR-CT and plaque analysis."""
    patient, payer, returning = centre.patient(day)
    episode = Episode(day, patient, payer, site, "75574", returning=returning)
    if site == OFFICE:
        _office_study(centre, episode)
        return episode
    chance = centre.chance
    by_radiology = chance.happens(0.75 if site in (EMERGENCY, ANNEX) else 0.3)
    group = RADIOLOGY if by_radiology else CARDIOLOGY
    revenue = "0480" if site == EMERGENCY else "0489"
    scan = Line(day, "75574", revenue, authorization=centre.authorization(payer, site))
    lines, first = [scan], [Line(read_on(chance, day), "75574", modifiers=["26"])]
    second: list[Line] = first if group == CARDIOLOGY else []
    if chance.happens(0.30):
        episode.analysed = True
        _ffrct(centre, episode, lines, second)
    if chance.happens(0.08) and site != EMERGENCY:
        episode.plaque = True
        _plaque(chance, day, lines, second)
    episode.hospital = hospital_claim(centre, day, patient, payer, site, lines)
    episode.readings.append(reading_claim(centre, episode, first, by=group))
    if second and second is not first:
        episode.readings.append(reading_claim(centre, episode, second, by=CARDIOLOGY))
    return episode


def _ffrct(centre: Centre, episode: Episode, lines: list[Line], readings: list[Line]) -> None:
    analysed = episode.day + timedelta(centre.chance.among((0, 0, 0, 1, 1, 2)))
    paperwork = centre.paperwork(episode.payer)
    permit = centre.authorization(episode.payer, episode.site)
    lines.append(Line(analysed, "75580", "0489", authorization=permit, paperwork=paperwork))
    read = read_on(centre.chance, analysed)
    readings.append(Line(read, "75580", modifiers=["26"], paperwork=paperwork))


def _plaque(chance: Chance, day: date, lines: list[Line], readings: list[Line]) -> None:
    analysed = day + timedelta(chance.between(1, 2))
    if analysed >= PLAQUE_BY_CODE:
        lines.append(Line(analysed, "75577", "0489"))
        readings.append(Line(analysed, "75577", modifiers=["26"]))
    else:
        lines.append(Line(analysed, "0625T", "0489"))
        # On the day of the scan's reading an NCCI edit would join the two.
        taken = {line.day for line in readings if line.code == "75574"}
        readings.append(Line(analysed + timedelta(analysed in taken), "0626T"))


def _office_study(centre: Centre, episode: Episode) -> None:
    """Pier Street Imaging bills the whole, or the scan alone and the cardiologists the reading."""
    chance, day = centre.chance, episode.day
    permit = centre.authorization(episode.payer, episode.site)
    if chance.happens(0.3):
        scan = [Line(day, "75574", modifiers=["TC"], authorization=permit)]
        read = [Line(read_on(chance, day), "75574", modifiers=["26"])]
        episode.readings.append(reading_claim(centre, episode, scan, by=PIER))
        episode.readings.append(reading_claim(centre, episode, read, by=CARDIOLOGY))
        return
    lines = [Line(day, "75574", authorization=permit)]
    if chance.happens(0.25):
        episode.analysed = True
        permit = centre.authorization(episode.payer, episode.site)
        paperwork = centre.paperwork(episode.payer)
        lines.append(Line(day, "75580", authorization=permit, paperwork=paperwork))
    episode.readings.append(reading_claim(centre, episode, lines, by=PIER))


def other_study(centre: Centre, day: date, code: str) -> Episode:
    """A calcium score, a scan before a valve or ablation, or one of a congenital defect."""
    patient, payer, returning = centre.patient(day)
    site = ANNEX if code == "75571" and centre.chance.happens(0.3) else MAIN
    episode = Episode(day, patient, payer, site, code, returning=returning)
    lines = [Line(day, code, "0489", authorization=centre.authorization(payer, site))]
    episode.hospital = hospital_claim(centre, day, patient, payer, site, lines)
    group = RADIOLOGY if centre.chance.happens(0.35) else CARDIOLOGY
    read = [Line(read_on(centre.chance, day), code, modifiers=["26"])]
    episode.readings.append(reading_claim(centre, episode, read, by=group))
    return episode


def visit(centre: Centre, day: date) -> Episode:
    """A visit to a cardiologist, at the office or by video, now and then with an ECG."""
    patient, payer, returning = centre.patient(day)
    video = centre.chance.happens(0.15)
    site = Site("video", "", "02") if video else OFFICE
    episode = Episode(day, patient, payer, site, "99213", returning=returning, touched=True)
    ecg = not video and centre.chance.happens(0.45)
    code = centre.chance.among(("99213", "99214"))
    lines = [Line(day, code, modifiers=["95"] if video else ["25"] if ecg else [])]
    if ecg:
        lines.append(Line(day, "93000"))
    episode.readings.append(reading_claim(centre, episode, lines, by=CARDIOLOGY))
    return episode


def little_harbor(centre: Centre, day: date) -> Episode:
    """A critical access hospital bills scan and reading on its own claim (method II)."""
    episode = Episode(day, centre.number("patient"), MEDICARE, LITTLE, "75574", touched=True)
    lines = [Line(day, "75574", "0489"), Line(day, "75574", "0972", modifiers=["26"])]
    claim = hospital_claim(centre, day, episode.patient, MEDICARE, LITTLE, lines)
    claim.billing, claim.bill_type = LITTLE_HARBOR, "851"
    episode.hospital = claim
    return episode


def read_elsewhere(centre: Centre, day: date, group: str) -> Episode:
    """A reading whose scan is in nobody's export: another hospital's, or an inpatient's."""
    site = MAIN if group == TIDEWATER else Site("ward", "", "21")
    patient, payer = centre.number("patient"), centre.chance.among(PAYERS[:5])
    episode = Episode(day, patient, payer, site, "75574", touched=True)
    read = [Line(day, "75574", modifiers=["26"])]
    episode.readings.append(reading_claim(centre, episode, read, by=group))
    return episode
