"""What a night's exports were and what became of them, beside its reports."""

import json
from dataclasses import asdict

from auditor.exports_of_run import NIGHT
from auditor.night.journal import Input, Journal
from auditor.night.site import Site

_FORMAT = 1


def write_facts(site: Site, journal: Journal) -> None:
    """Writes night.json into the reports of a run."""
    content = {
        "format": _FORMAT,
        "run": journal.run,
        "as_of": journal.as_of.isoformat(),
        "inputs": [
            {
                **{key: value for key, value in asdict(one).items() if key != "path"},
                "file": one.file,
                **_how_read(site, one),
            }
            for one in journal.inputs
        ],
        "left": journal.left,
    }
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    (journal.reports / NIGHT).write_text(text, encoding="utf-8", newline="\n")


def _how_read(site: Site, one: Input) -> dict[str, str]:
    """Profile and sheet of an export's inbox: to read it again as it was read."""
    inbox = next((inbox for inbox in site.night.inboxes if inbox.name == one.source), None)
    profile = site.profile(inbox) if inbox else None
    return {"profile": str(profile or ""), "sheet": inbox.sheet if inbox else ""}
