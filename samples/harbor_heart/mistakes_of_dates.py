"""Seeded mistakes: dates of service, coverage, payment, and claims that were taken back."""

from copy import deepcopy
from datetime import date, timedelta

from harbor_heart.business import hospital_claim, reading_claim
from harbor_heart.claims import Episode, Line
from harbor_heart.places import CARDIOLOGY, EMERGENCY, EXPORT_DAY, OFFICE
from harbor_heart.seeding import (
    Seeding,
    hospital_line,
    needs_authorization,
    of_medicare,
    scan_only,
    with_ffrct,
)

SUMMER = date(2025, 6, 2)


def analyses_before_the_scan(seeding: Seeding) -> None:
    """The day an FFR-CT was ordered went onto the claim, not the day it was made."""
    for one in seeding.take(2, with_ffrct):
        claim, line = hospital_line(one, "75580")
        line.day = one.day - timedelta(2)
        seeding.note("ffrct_before_ccta", claim, line)


def analyses_without_scan(seeding: Seeding) -> None:
    """FFR-CT of scans done at another hospital; two more right after the export begins."""
    for one in seeding.take(3, lambda one: with_ffrct(one) and one.site != EMERGENCY, SUMMER):
        _without_scan(one)
        claim, line = hospital_line(one, "75580")
        seeding.note("ffrct_without_ccta", claim, line)
        seeding.note("ffrct_without_ccta", *one.reading("75580"))
    # The scan may stand in the export before this one: not to be judged.
    for one in seeding.take(2, with_ffrct, date(2025, 1, 2), date(2025, 2, 14)):
        _without_scan(one)
        seeding.note("", *hospital_line(one, "75580"))


def _without_scan(one: Episode) -> None:
    for claim in one.claims:
        claim.lines = [line for line in claim.lines if line.code == "75580"]


def analyses_long_after(seeding: Seeding) -> None:
    """FFR-CT made from a scan of four months ago, after symptoms came back."""
    for one in seeding.take(2, with_ffrct, SUMMER, date(2026, 1, 30)):
        _, line = hospital_line(one, "75580")
        _own_claim(seeding, one, line, one.day + timedelta(seeding.chance.between(105, 130)))
        reading, read = one.reading("75580")
        reading.lines.remove(read)
        read.day = line.day
        again = reading_claim(seeding.centre, one, [read], by=CARDIOLOGY)
        one.extra.append(again)
        seeding.note("ffrct_long_after_ccta", one.extra[-2], line)
        seeding.note("ffrct_long_after_ccta", again, read)


def _own_claim(seeding: Seeding, one: Episode, line: Line, day: date) -> None:
    claim, _ = hospital_line(one)
    claim.lines.remove(line)
    line.day = day
    own = hospital_claim(seeding.centre, day, one.patient, one.payer, one.site, [line])
    own.lines, own.diagnoses = [line], list(claim.diagnoses)
    one.extra.append(own)


def episodes_split(seeding: Seeding) -> None:
    """FFR-CT of the next day on a claim of its own."""
    for one in seeding.take(5, lambda one: with_ffrct(one) and one.site != EMERGENCY):
        _, line = hospital_line(one, "75580")
        _own_claim(seeding, one, line, one.day + timedelta(1))
        _, read = one.reading("75580")
        read.day = max(read.day, line.day)
        seeding.note("episode_split_across_claims", one.extra[-1], line)


def statement_too_short(seeding: Seeding) -> None:
    """FFR-CT two days later on the same claim, whose statement period ends with the scan."""
    for one in seeding.take(3, with_ffrct):
        claim, line = hospital_line(one, "75580")
        line.day = one.day + timedelta(2)
        _, read = one.reading("75580")
        read.day = max(read.day, line.day)
        claim.start = claim.end = one.day
        seeding.note("line_outside_statement_period", claim, line)


def old_codes(seeding: Seeding) -> None:
    """One old FFR-CT charge left active in 2025-01, the plaque codes of 2025 still used in 2026."""
    for one in seeding.take(2, with_ffrct, date(2025, 1, 2), date(2025, 2, 28)):
        claim, line = hospital_line(one, "75580")
        line.code, line.outcome, line.codes, line.remark = "0503T", "denied", "CO-181", "N56"
        for reading in one.readings:
            reading.lines = [read for read in reading.lines if read.code != "75580"]
        seeding.note("procedure_not_valid_on_date", claim, line)
    winter = (date(2026, 1, 2), date(2026, 3, 13))
    for one in seeding.take(3, lambda one: one.plaque, *winter):
        for (claim, line), code in (
            (hospital_line(one, "75577"), "0625T"),
            (one.reading("75577"), "0626T"),
        ):
            line.code, line.outcome, line.codes, line.remark = code, "denied", "CO-181", "N56"
            line.modifiers = [word for word in line.modifiers if word != "26"]
            seeding.note("procedure_not_valid_on_date", claim, line)


def readings_on_wrong_days(seeding: Seeding) -> None:
    """Readings dated before the scan, or on the day of an addendum weeks later."""
    for place, one in enumerate(seeding.take(7, scan_only)):
        reading, line = one.reading("75574")
        early = place < 3
        days = -seeding.chance.between(1, 3) if early else seeding.chance.between(11, 24)
        line.day = one.day + timedelta(days)
        if early:
            reading.received = one.day + timedelta(reading.lag)
        rule = "professional_component_before_technical" if early else "component_dates_far_apart"
        seeding.note(rule, reading, line)


def dates_mistyped(seeding: Seeding) -> None:
    """Last day before the first, a year typed too high."""
    for one in seeding.take(2, scan_only):
        reading, line = one.reading("75574")
        line.end = line.day - timedelta(seeding.chance.between(1, 9))
        seeding.note("service_dates_reversed", reading, line)
    for one in seeding.take(1, scan_only):
        claim, line = hospital_line(one)
        claim.start, claim.end = one.day, one.day - timedelta(1)
        seeding.note("service_dates_reversed", claim, line)
    for one in seeding.take(2, scan_only, date(2025, 2, 3), date(2025, 5, 30)):
        reading, line = one.reading("75574")
        reading.received = line.day + timedelta(reading.lag)
        line.day = line.day.replace(year=2026)
        seeding.note("service_date_in_future", reading, line)


def work_queue_forgotten(seeding: Seeding) -> None:
    """Claims of early 2025 lay in a work queue and reached Medicare more than a year later."""
    winter = (date(2025, 1, 2), date(2025, 3, 28))
    for one in seeding.take(4, lambda one: scan_only(one) and of_medicare(one), *winter):
        claim, line = hospital_line(one)
        claim.received = one.day.replace(year=2026) + timedelta(seeding.chance.between(9, 30))
        for denied in claim.lines:
            denied.outcome, denied.codes = "denied", "CO-29"
        seeding.note("filed_late", claim, line)


def paperwork_and_permits(seeding: Seeding) -> None:
    """FFR-CT without paperwork for Medicare; authorizations missing, or one for two codes."""
    of_2025 = (date(2025, 1, 20), date(2025, 12, 19))
    for one in seeding.take(3, lambda one: with_ffrct(one) and of_medicare(one), *of_2025):
        for claim, line in (hospital_line(one, "75580"), one.reading("75580")):
            line.paperwork = ""
            seeding.note("paperwork_missing", claim, line)
    for one in seeding.take(5, lambda one: scan_only(one) and needs_authorization(one)):
        claim, line = hospital_line(one)
        line.authorization = ""
        seeding.note("authorization_missing", claim, line)
    for one in seeding.take(3, lambda one: with_ffrct(one) and needs_authorization(one)):
        claim, line = hospital_line(one, "75580")
        line.authorization = claim.find("75574").authorization
        seeding.note("authorization_shared_with_ccta", claim, line)


def payments_wrong(seeding: Seeding) -> None:
    """Medicare allowed far too little or too much, paid nothing and said nothing, kept too much."""
    kinds = [(0.62, "allowed_below_expected", 4), (1.45, "allowed_above_expected", 2)]
    for factor, rule, count in kinds:
        for one in seeding.take(count, lambda one: scan_only(one) and of_medicare(one)):
            claim, line = hospital_line(one)
            line.factor = factor
            seeding.note(rule, claim, line)
    for one in seeding.take(3, lambda one: scan_only(one) and of_medicare(one)):
        claim, line = hospital_line(one)
        line.outcome = "silent"
        seeding.note("paid_zero_without_reason", claim, line)
    for one in seeding.take(3, lambda one: scan_only(one) and of_medicare(one)):
        claim, line = one.reading("75574")
        line.share = 0.55
        seeding.note("coinsurance_above_share", claim, line)
    for one in seeding.take(
        2, lambda one: one.site == OFFICE and one.analysed and of_medicare(one)
    ):
        claim, line = one.reading("75580")
        line.price = 59500
        seeding.note("charge_below_expected", claim, line)


def claims_taken_back(seeding: Seeding) -> None:
    """Originals that a later claim replaces or voids, and charges reversed line by line."""
    for place, one in enumerate(seeding.take(6, scan_only)):
        original, line = hospital_line(one)
        line.revenue = "0351"  # wrong, but no longer standing
        seeding.note("", original, line)
        original.payer_number = f"9{seeding.centre.number('authorization')}"
        later = deepcopy(original)
        later.version_of = original
        later.lag, later.replaces = original.lag + 30, original.payer_number
        later.payer_number = f"9{seeding.centre.number('authorization')}"
        void = place >= 4
        later.bill_type = "138" if void else "137"
        later.find("75574").revenue = "0489"
        one.extra.append(later)
        if void:
            for claim in one.readings:
                claim.lines = []
    for one in seeding.take(2, scan_only):
        reading, line = one.reading("75574")
        original = deepcopy(reading)
        original.lines[0].units = 2
        seeding.note("", original, original.lines[0])
        later = deepcopy(reading)
        later.version_of = original
        later.lag, later.frequency = reading.lag + 25, "7"
        one.readings.remove(reading)
        one.extra += [original, later]
    for one in seeding.take(2, scan_only):
        claim, line = hospital_line(one)
        wrong = Line(one.day, "93005", "0730", outcome="packaged")
        back = Line(one.day, "93005", "0730", outcome="packaged", negative=True)
        claim.lines += [wrong, back]
        seeding.note("", claim, wrong)


def readings_not_yet_billed(seeding: Seeding) -> None:
    """At the end of the export readings lag behind: too young to be called missing."""
    for one in seeding.take(9, scan_only, date(2026, 6, 26), EXPORT_DAY):
        seeding.note("", *hospital_line(one))
        for claim in one.readings:
            claim.lines = []
