"""The steps of a run: each may be done again after a kill and ends with the same result."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from auditor import disk, erasing
from auditor.errors import AuditError
from auditor.exports_of_run import came
from auditor.faults import place_of
from auditor.night import durable
from auditor.night.archive import archived_paths, file_away
from auditor.night.facts import write_facts
from auditor.night.journal import Input, Journal
from auditor.night.log import Logger
from auditor.night.post import Post
from auditor.night.retention import tidy
from auditor.night.site import Site, from_here
from auditor.night.taking import take

if TYPE_CHECKING:
    from auditor.history.memory import Memory
    from auditor.history.remembered import Remembered
    from auditor.intake import Claims
    from auditor.request import Request

_MOST_DEATHS = 3
_MOST_NAMED = 5
_PATIENCE_SECONDS = 600  # that a person's import or run may take who uses the history as well
_DIED = "the program died"


@dataclass(frozen=True)
class Night:
    """A run on its way: its site and journal, the night before it, what is said, its mail."""

    site: Site
    journal: Journal
    last: date | None
    log: Logger
    said: list[str]
    problems: list[str]
    post: Post


def run_all(night: Night) -> None:
    """All steps that are not behind yet, in their order, each with the folder it writes to."""
    journal, site = night.journal, night.site
    for step, do, folder in (
        ("taken", _take, journal.folder),
        ("remembered", _audit, site.history),
        ("published", _publish, site.reports),
        ("mailed", _mail, site.spool),
        ("filed", _file, site.archive),
        ("tidied", _tidy, site.file.parent),
    ):
        if not journal.is_done(step):
            with durable.named(folder):
                do(night)
            journal.mark(step)


def _take(night: Night) -> None:
    """Moves the exports from their inboxes into the run."""
    take(night.journal, night.log)


def _audit(night: Night) -> None:
    """Reads, audits with what earlier nights saw, writes the reports aside, and remembers.

    The history's commit is the one point from which the run counts. Killed before, all is done
    again from the exports; killed after, nothing of it.
    """
    from auditor.history.memory import Memory

    site, journal = night.site, night.journal
    history = Memory.open(site.history, site.settings.history, patience=_PATIENCE_SECONDS)
    with history as memory:
        for note in memory.notes:
            night.log.warning("history put right", reason=note)
            night.problems.append(note)
        if memory.committed(journal.run):
            _tell_of_unlinked(night, memory.settle(journal.as_of))
            return
        journal.done = [step for step in journal.done if step == "taken"]
        _give_up_on_deadly(night)
        with _counted(journal):
            erasing.erase_tree(journal.reports)
            claims = _read(night, memory)
            _judge(night, memory, claims)


def _give_up_on_deadly(night: Night) -> None:
    """Sets exports aside that killed the program again and again, so that later nights run."""
    journal = night.journal
    if journal.starts < _MOST_DEATHS:
        return
    for place, one in enumerate(journal.inputs):
        if one.place.as_posix() == journal.reading:
            words = "reading it"
        elif not journal.reading:
            words = "auditing the exports of this run"
        else:
            continue
        journal.set_fate(place, "failed", f"{_DIED} {journal.starts} times {words}")
    journal.starts, journal.reading = 0, ""
    journal.save()


@contextmanager
def _counted(journal: Journal) -> Iterator[None]:
    """Counts audits that end in no order: by a kill, by too little memory, by our own fault."""
    journal.starts += 1
    journal.save()
    try:
        yield
    except (AuditError, OSError, KeyboardInterrupt):
        journal.starts -= 1
        with suppress(OSError):
            journal.save()
        raise


def _read(night: Night, memory: "Memory") -> "Claims":
    """The claim lines of all exports that can be read; says of each what becomes of it."""
    from auditor.intake import Claims, together

    journal = night.journal
    parts: list[Claims] = []
    taken: set[str] = set()
    for place, one in enumerate(journal.inputs):
        if one.fate == "gone" or one.reason.startswith(_DIED):
            continue
        known = night.site.known_as(one.source, one.sha256)
        if known in taken or memory.seen(one.sha256) or memory.seen(known):
            journal.set_fate(place, "repeat", "holds the same bytes as an export audited before")
            night.log.info("is a repeat: not audited again", source=one.source, file=one.file)
            continue
        journal.reading = one.place.as_posix()
        journal.save()
        part = _read_one(night, place, one)
        if part is not None:
            taken.add(known)
            parts.append(part)
    journal.reading = ""
    journal.save()
    return together(parts)


def _read_one(night: Night, place: int, one: Input) -> "Claims | None":
    """One export's lines; None, with its fate in the journal, when they can't be had."""
    here = night.journal.input_at(one)
    fate, reason, part = _tried(night.site, one, here, night.journal.names()[place])
    # One export must not keep the others from being read, whatever is wrong with it.
    if not here.exists():
        fate, reason, part = "gone", "was deleted while it was being read", None
    elif durable.sha256_of(here) != one.sha256:
        fate, reason, part = "changed", "changed while it was read: back to its inbox", None
    night.journal.set_fate(place, fate, reason)
    if fate == "empty":
        night.log.warning("is empty: a header and no lines", source=one.source, file=one.file)
    elif part is None:
        night.log.error("can't be read", source=one.source, file=one.file, reason=reason)
    else:
        night.log.info(
            "read",
            source=one.source,
            file=one.file,
            lines=part.lines_read,
            rejected=len(part.rejected),
        )
    return part


def _tried(site: Site, one: Input, here: Path, name: str) -> tuple[str, str, "Claims | None"]:
    """Fate, reason and lines of an export, if it stays there and as it is."""
    from auditor.intake import is_empty_export, read_files

    inbox = next((inbox for inbox in site.night.inboxes if inbox.name == one.source), None)
    if inbox is None:
        return "failed", "its inbox is no longer in the settings; put it into one that is", None
    profile = site.profile(inbox)
    profiles = (profile,) if profile else ()
    substitute = site.settings.patient_id_substitute
    try:
        part = read_files(
            [here],
            profiles=profiles,
            sheet=inbox.sheet or None,
            patient_id_substitute=substitute,
            names=[name],
        )
    except AuditError as fault:
        if is_empty_export(fault, here.name, profiles=profiles, patient_id_substitute=substitute):
            return "empty", "", None
        return "failed", str(fault).replace(f"{here.parent}/", ""), None
    except MemoryError:
        return "failed", "needs more memory than there is", None
    except OSError:
        if here.exists():
            raise
        return "gone", "", None
    except Exception as fault:
        return "failed", f"can't be read, by a fault of the program ({place_of(fault)})", None
    return "audited", "", part


def _judge(night: Night, memory: "Memory", claims: "Claims") -> None:
    """Audits, writes the reports aside, brings them to the disk, and commits."""
    from auditor import batch
    from auditor.progress import Progress
    from auditor.reference import load_reference
    from auditor.report.content import build
    from auditor.shipped import reference_dir

    journal = night.journal
    started_at, begun = datetime.now().astimezone(), time.monotonic()
    request = _request(night)
    reference = load_reference(reference_dir(), request.reference)
    remembered = memory.audit(claims, reference, request, run=journal.run)
    progress = Progress(quiet=True)
    described = batch.describe(
        request, claims, remembered.audit, reference, started_at, progress, remembered
    )
    report = build(replace(described, asides=(*_asides(journal), *described.asides, *memory.notes)))
    with durable.named(journal.reports):
        durable.make_folder(journal.reports)
        finished = batch.Finished(report, None, tonight=remembered.tonight)
        batch.write_files(finished, request, reference, journal.reports)
        write_facts(night.site, journal)
        disk.settle(journal.reports)
    journal.mark("written")
    audited = journal.of_fate("audited")
    inputs = [night.site.known_as(one.source, one.sha256) for one in audited]
    _tell_of_unlinked(night, memory.commit(remembered, journal.run, inputs))
    totals = report.run.audit.totals
    night.log.info(
        "audited",
        lines=report.run.audited,
        denial=totals.denial,
        review=totals.review,
        note=totals.note,
        at_risk_cents=totals.at_risk_cents,
        missed_cents=totals.missed_cents,
        seconds=round(time.monotonic() - begun, 1),
    )
    _say(night, remembered, f"{report.verdict.headline} {report.verdict.action}".strip())
    _tell_of_waivers(night, remembered)
    for rule, why in report.failed:
        night.log.error("a rule failed", rule=rule, reason=why)
        night.problems.append(f"{rule} failed and judged nothing: {why}")


def _say(night: Night, remembered: "Remembered", words: str) -> None:
    """Says the verdict, what came, and what changed since the last run."""
    journal = night.journal
    if arrived := came([one.fate for one in journal.inputs]):
        words = f"{arrived[0].lower()}{arrived[1:]} {words}"
    night.said.append(f"{journal.run}: {words}")
    one, since = remembered.changes.tonight, remembered.changes.since
    night.said.append(
        (f"Since {since}" if since else "The first night")
        + f": {one.new} new, {one.reopened} reopened, {one.resolved} resolved; "
        f"{one.persisting} persist, {one.waived} waived"
    )


def _tell_of_waivers(night: Night, remembered: "Remembered") -> None:
    """Logs notes on waivers; that a file of them can't be read is for a person to know."""
    for note in remembered.changes.waiver_notes:
        night.log.warning("waiver", reason=note)
    if remembered.waivers_unread:
        night.problems.append(f"{remembered.waivers_unread}; none of its waivers holds")


def _asides(journal: Journal) -> tuple[str, ...]:
    """What of the night's exports is not in the report, by file."""
    words = {
        "failed": "could not be read and is not in this report",
        "changed": "is not in this report: it changed while it was read, the next night takes it",
        "gone": "is not in this report",
        "empty": "holds a header and no lines: nothing to audit",
    }
    said = [
        f"{one.source}/{one.file} {words[one.fate]}"
        + (f" ({one.reason})" if one.fate in ("failed", "gone") else "")
        for one in journal.of_fate(*words)
    ]
    left = [
        f"{one['source']}/{one['file']} stays in its inbox: {one['reason']}" for one in journal.left
    ]
    return (
        *([] if journal.inputs else ["No export came for this night."]),
        *said,
        *_repeats(journal),
        *left,
    )


def _repeats(journal: Journal) -> tuple[str, ...]:
    """A sentence on exports that were audited before, if there were any."""
    names = [f"{one.source}/{one.file}" for one in journal.of_fate("repeat")]
    if not names:
        return ()
    more = len(names) - _MOST_NAMED
    named = ", ".join(names[:_MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
    holds = "holds" if len(names) == 1 else "hold"
    return (f"{named} {holds} the same bytes as an export audited before: not audited again",)


def _request(night: Night) -> "Request":
    """What the run is asked, as if the exports lay in the archive already."""
    from auditor.request import Request

    site, journal = night.site, night.journal
    placed = zip(journal.inputs, archived_paths(site, journal), strict=True)
    return Request(
        files=tuple(there for one, there in placed if one.fate == "audited"),
        out=site.reports / journal.run,
        settings=site.settings,
        as_of=journal.as_of,
        formats=_formats(site),
        reference=site.reference,
        history=site.history,
        command=f"auditor night --settings {site.file.name}",
    )


def _formats(site: Site) -> frozenset[str]:
    """The formats of the settings, and those that a mail is made from."""
    needed = ("json", "parquet") if site.settings.mail.recipients else ()
    return frozenset((*site.settings.formats, *needed))


def _publish(night: Night) -> None:
    """Puts the finished reports in their place."""
    target = night.site.reports / night.journal.run
    durable.move_folder(night.journal.reports, target)
    if target.is_dir():
        night.said.append(f"Reports: {from_here(target)}")
    elif night.journal.is_done("written"):
        _tell_of_gone(night)
    else:
        raise AuditError(f"{target}: the finished reports of the run are gone from the work folder")


def _tell_of_gone(night: Night) -> None:
    """Of a run that a kill cut short somebody has deleted the reports: no reason to stop again."""
    words = (
        f"{night.journal.run}: its reports are gone; what it found is remembered, and later "
        "reports hold what is open"
    )
    if words not in night.problems:
        night.log.error("the reports are gone")
        night.problems.append(words)


def _mail(night: Night) -> None:
    """Mails the summary, if the settings name somebody; who has it already gets it no more."""
    site, journal = night.site, night.journal
    if not site.settings.mail.recipients:
        return
    from auditor.mail import summary_of

    folder, aside = site.reports / journal.run, ""
    if not folder.is_dir():
        _tell_of_gone(night)
        return
    if failed := len(journal.of_fate("failed")):
        where = site.failed / journal.run
        aside = f"{failed} of {len(journal.inputs)} exports could not be read; see {where}."
    summary = replace(summary_of(folder), aside=aside)
    night.post.send(summary, site, night.log)


def _file(night: Night) -> None:
    """Files the exports away and says which could not be audited."""
    file_away(night.site, night.journal, night.log)
    for one in night.journal.of_fate("failed"):
        night.problems.append(f"{one.source}/{one.file}: {one.reason}")


def _tidy(night: Night) -> None:
    """Deletes what is old enough."""
    done = tidy(night.site, night.journal.as_of, night.last)
    if done.held_back:
        night.log.warning("long pause, or a clock set wrong: nothing is deleted tonight")
    elif done.gone:
        night.log.info("deleted by age", count=len(done.gone))
    _tell_of_unlinked(night, done.unlinked)


def _tell_of_unlinked(night: Night, count: int) -> None:
    """Logs that files are gone by name, but that their bytes were not overwritten."""
    if count:
        night.log.warning("deleted, but could not be overwritten", count=count)
