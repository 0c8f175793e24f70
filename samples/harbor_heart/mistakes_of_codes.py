"""Seeded mistakes: codes billed together, halves of a study, revenue codes, units, diagnoses."""

from copy import deepcopy
from datetime import date, timedelta

from harbor_heart.business import reading_claim
from harbor_heart.claims import Claim, Episode, Line
from harbor_heart.places import (
    ANNEX,
    CARDIOLOGISTS,
    CARDIOLOGY,
    EMERGENCY,
    GANGWAY,
    LOCUM,
    MAIN,
    OFFICE,
    RADIOLOGY,
)
from harbor_heart.seeding import (
    Seeding,
    hospital_line,
    in_hospital,
    of_medicare,
    scan_only,
    with_ffrct,
)


def annex_charges_under_ct(seeding: Seeding) -> None:
    """CT Annex charged cardiac CT under 0352 until its chargemaster was mended on 2025-03-31."""
    annex = seeding.take(
        99, lambda one: one.site == ANNEX and in_hospital(one), date(2025, 1, 1), date(2025, 3, 31)
    )
    for one in annex:
        claim, line = hospital_line(one)
        line.revenue = "0352"
        seeding.note("revenue_code_not_preferred", claim, line)
        if one.analysed:
            seeding.note("episode_cost_centers_differ", claim, claim.find("75580"))


def group_forgets_26(seeding: Seeding) -> None:
    """A new biller at Harbor Imaging Associates left 26 off for the two weeks from 2025-09-08."""
    fortnight = (date(2025, 9, 8), date(2025, 9, 19))
    for one in seeding.take(99, lambda one: one.hospital is not None, *fortnight):
        for claim in one.readings:
            for line in claim.lines if claim.billing == RADIOLOGY else []:
                line.modifiers.remove("26")
                seeding.note("global_billed_in_facility", claim, line)


def nursing_charges_added(seeding: Seeding) -> None:
    """From 2025-11 a new nursing template charged the IV start and the push beside the scan."""
    winter = (date(2025, 11, 3), date(2026, 2, 27))
    charges = [("36000", "0761", "packaged"), ("96374", "0940", "paid")]
    for place, one in enumerate(seeding.take(8, scan_only, *winter)):
        claim, scan = hospital_line(one)
        code, revenue, outcome = charges[place % 2]
        bypass = ["59"] if place >= 5 else []
        line = Line(scan.day, code, revenue, modifiers=bypass, outcome=outcome)
        claim.lines.append(line)
        rule = "ptp_pair_bypassed" if bypass else "ptp_pair_without_modifier"
        seeding.note(rule, claim, line)


def parts_of_the_scan_billed(seeding: Seeding) -> None:
    """ECG tracing, 3D rendering, calcium score or chest CT charged beside the scan."""
    beside = [
        *(("93005", "0730", []), ("93005", "0730", ["XU"]), ("93005", "0730", [])),
        *(("76376", "0350", []), ("76376", "0350", []), ("75571", "0489", [])),
        *(("75571", "0489", []), ("75571", "0489", ["59"]), ("71260", "0352", [])),
    ]
    found = seeding.take(len(beside), lambda one: scan_only(one) and one.site == MAIN)
    for one, (code, revenue, bypass) in zip(found, beside, strict=True):
        claim, scan = hospital_line(one)
        outcome = "paid" if code == "71260" else "packaged"
        line = Line(scan.day, code, revenue, modifiers=list(bypass), outcome=outcome)
        claim.lines.insert(1, line)
        rule = "ptp_pair_bypassed" if bypass else "ptp_pair_without_modifier"
        seeding.note(rule, claim, line)
        if code == "75571":
            reading, first = one.reading("75574")
            reading.lines.append(Line(first.day, "75571", modifiers=["26", *bypass]))
            seeding.note(rule, reading, reading.lines[-1])


def never_together(seeding: Seeding) -> None:
    """A congenital scan, or an arterial plaque analysis, billed on the day of the angiography."""
    for one, code in zip(seeding.take(3, scan_only), ("75573", "75573", "0710T"), strict=True):
        claim, scan = hospital_line(one)
        claim.lines.insert(1, Line(scan.day, code, "0489"))
        two = claim.lines[1] if code == "0710T" else scan
        seeding.note("ptp_pair_never_payable", claim, two)
        if code == "75573":
            reading, first = one.reading("75574")
            reading.lines.append(Line(first.day, code, modifiers=["26"]))
            seeding.note("ptp_pair_never_payable", reading, first)


def one_acquisition_two_studies(seeding: Seeding) -> None:
    """Triple rule-out in the emergency department billed as two angiographies."""
    for one in seeding.take(3, lambda one: scan_only(one) and one.site == EMERGENCY):
        claim, scan = hospital_line(one)
        claim.lines.insert(1, Line(scan.day, "71275", "0352"))
        seeding.note("one_acquisition_billed_twice", claim, claim.lines[1])


def analysis_denied_as_bundled(seeding: Seeding) -> None:
    """Payers denied FFR-CT as included in the CCTA; nobody appealed."""
    payers = ("medicare_advantage", "commercial")
    some = seeding.take(5, lambda one: with_ffrct(one) and one.payer.payer_type in payers)
    some += seeding.take(3, lambda one: with_ffrct(one) and of_medicare(one))
    for place, one in enumerate(some):
        claim, line = one.reading("75580") if place in (3, 4) else hospital_line(one, "75580")
        line.outcome, line.codes = "denied", "CO-236" if place == 7 else "CO-97"
        line.remark = "M15" if place % 2 else ""
        seeding.note("ffrct_denied_as_bundled", claim, line)


def readings_not_billed(seeding: Seeding) -> None:
    """Reports signed by a reader on leave never reached billing."""
    for one in seeding.take(8, scan_only, date(2025, 3, 3)):
        for claim in one.readings:
            claim.lines = []
        seeding.note("professional_component_missing", *hospital_line(one))


def scans_not_billed(seeding: Seeding) -> None:
    """Scans charged to an account that was closed the same day and never billed."""
    for one in seeding.take(3, lambda one: scan_only(one) and one.site != EMERGENCY):
        one.hospital = None
        seeding.note("technical_component_missing", *one.reading("75574"))


def truck_bills_the_scan(seeding: Seeding) -> None:
    """Gangway Mobile CT billed the technical part inside the hospital, beside the hospital."""
    for one in seeding.take(2, lambda one: scan_only(one) and of_medicare(one)):
        lines = [Line(one.day, "75574", modifiers=["TC"])]
        claim = reading_claim(seeding.centre, one, lines, by=GANGWAY)
        one.extra.append(claim)
        seeding.note("technical_component_billed_in_facility", claim, lines[0])


def component_modifiers_misplaced(seeding: Seeding) -> None:
    """TC or 26 on hospital lines, both on one line, 26 on a code that does not split."""
    july = seeding.take(4, lambda one: scan_only(one) and one.site == MAIN, date(2025, 7, 1))
    for place, one in enumerate(july):
        claim, line = hospital_line(one)
        line.modifiers.insert(0, "26" if place == 3 else "TC")
        seeding.note("component_modifier_on_hospital_line", claim, line)
    for one in seeding.take(2, scan_only):
        reading, line = one.reading("75574")
        line.modifiers.append("TC")
        seeding.note("both_components_on_one_line", reading, line)
    for one in seeding.take(2, lambda one: one.plaque, last=date(2025, 12, 12)):
        reading, line = one.reading("0626T")
        line.modifiers.append("26")
        seeding.note("component_modifier_not_applicable", reading, line)


def read_by_two_groups(seeding: Seeding) -> None:
    """Cardiologist and radiologist both billed the reading of one scan."""
    by_radiology = seeding.take(
        4, lambda one: scan_only(one) and one.readings[0].billing == RADIOLOGY
    )
    for one in by_radiology:
        lines = [Line(one.readings[0].lines[0].day, "75574", modifiers=["26"])]
        claim = reading_claim(seeding.centre, one, lines, by=CARDIOLOGY)
        claim.lag = one.readings[0].lag + 6
        one.extra.append(claim)
        seeding.note("component_billed_twice", claim, lines[0])


def locum_modifier_first(seeding: Seeding) -> None:
    """The biller of a locum put Q6 before 26."""
    spring = (date(2026, 2, 2), date(2026, 5, 8))
    for one in seeding.take(5, lambda one: scan_only(one) and one.site == MAIN, *spring):
        reading, line = one.reading("75574")
        reading.billing, reading.rendering = CARDIOLOGY, LOCUM
        line.modifiers.insert(0, "Q6")
        seeding.note("component_modifier_not_first", reading, line)


def whole_and_part_billed(seeding: Seeding) -> None:
    """Pier Street Imaging billed the whole study, a cardiologist the reading of it again."""
    office = seeding.take(3, lambda one: one.site == OFFICE and len(one.readings) == 1)
    for place, one in enumerate(office):
        lines = [Line(one.day + timedelta(place == 2), "75574", modifiers=["26"])]
        one.extra.append(reading_claim(seeding.centre, one, lines, by=CARDIOLOGY))
        seeding.note("global_billed_with_component", one.readings[0], one.readings[0].lines[0])


def revenue_codes_wrong(seeding: Seeding) -> None:
    """Blank, a family instead of a code, head CT in 2025-06, cath lab, FFR-CT under CT."""
    june = (date(2025, 5, 19), date(2025, 7, 11))
    kinds = [("", "revenue_code_missing", 3), ("048X", "revenue_code_malformed", 3)]
    kinds += [("0351", "revenue_code_unexpected", 4), ("0481", "revenue_code_unexpected", 3)]
    for revenue, rule, count in kinds:
        dates = june if revenue == "0351" else ()
        for one in seeding.take(count, lambda one: scan_only(one) and one.site == MAIN, *dates):
            claim, line = hospital_line(one)
            line.revenue = revenue
            seeding.note(rule, claim, line)
    for one in seeding.take(3, with_ffrct):
        claim, line = hospital_line(one, "75580")
        line.revenue = "0352"
        seeding.note("revenue_code_unexpected", claim, line)
        seeding.note("episode_cost_centers_differ", claim, line)


def revenue_code_slips_over(seeding: Seeding) -> None:
    """The interface carried the hospital's revenue code onto physicians' lines for some days."""
    for one in seeding.take(4, scan_only, date(2026, 1, 12), date(2026, 2, 6)):
        reading, line = one.reading("75574")
        line.revenue = "0489"
        seeding.note("revenue_code_on_professional_line", reading, line)


def units_and_copies(seeding: Seeding) -> None:
    """Two units of one scan, claims sent again instead of replaced, modifiers of other trades."""
    for place, one in enumerate(seeding.take(3, with_ffrct)):
        claim, line = one.reading("75580") if place == 2 else hospital_line(one)
        line.units = 2
        seeding.note("units_exceed_mue", claim, line)
    in_hours = seeding.take(5, lambda one: scan_only(one) and one.site != EMERGENCY)
    for place, one in enumerate(in_hours):
        claim, line = hospital_line(one) if place < 3 else one.reading("75574")
        copy = deepcopy(claim)
        copy.lines, copy.lag = [deepcopy(line)], claim.lag + 21
        one.extra.append(copy)
        if place == 2:
            copy.lines[0].outcome, copy.lines[0].codes = "denied", "OA-18"
        seeding.note("" if place == 2 else "line_billed_twice", copy, copy.lines[0])
    for one, modifier in zip(seeding.take(3, with_ffrct), ("FX", "CT", "91"), strict=True):
        claim, line = hospital_line(one, "75580" if modifier == "CT" else "75574")
        line.modifiers.append(modifier)
        seeding.note("modifier_does_not_fit", claim, line)


def diagnoses_wrong(seeding: Seeding) -> None:
    """No diagnosis, a parent code split up in 2023, digit one for letter I, reasons not covered."""
    kinds = [([], "diagnosis_missing", 3), (["I20.8"], "diagnosis_not_valid_on_date", 3)]
    kinds += [(["125.10"], "diagnosis_not_valid_on_date", 1)]
    kinds += [(["Z01.810"], "diagnosis_not_covered", 2), (["R55"], "diagnosis_not_covered", 2)]
    senior = ("medicare", "medicare_advantage")
    for diagnoses, rule, count in kinds:
        some = seeding.take(count, lambda one: scan_only(one) and one.payer.payer_type in senior)
        for one in some:
            for claim in _of_study(one):
                claim.diagnoses = list(diagnoses)
                seeding.note(rule, claim, claim.lines[0])


def _of_study(one: Episode) -> list[Claim]:
    return [claim for claim in one.claims if claim.has("75574")]


def cells_left_blank(seeding: Seeding) -> None:
    """The payer or the billing NPI left blank: some rules can't judge the line."""
    for place, one in enumerate(seeding.take(4, scan_only)):
        reading, line = one.reading("75574")
        seeding.note("", reading, line)
        if place < 2:
            reading.payer = None
        else:
            reading.billing, reading.rendering = "", CARDIOLOGISTS[place]
