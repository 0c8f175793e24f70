"""The mail of one night: what its runs send, and what is left, counted and said once."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from auditor.mail import Delivery, Summary
    from auditor.night.log import Logger
    from auditor.night.site import Site

_MOST_NAMED = 3
_UNSENT = {
    "waiting": ("waits in the spool", "wait in the spool"),
    "refused": ("was refused", "were refused"),
}


@dataclass
class Post:
    """What a night's runs learn of the mail server.

    Once it was away through all attempts, later mails of this night ask it once, without pauses.
    """

    away: bool = False
    unsent: dict[str, Delivery] = field(default_factory=dict)

    def send(self, summary: Summary, site: Site, log: Logger, event: str = "mail") -> None:
        """Mails a summary, and what waits in the spool, and logs what became of how many."""
        from auditor.mail import deliver_summary

        told = deliver_summary(summary, site.settings, site.spool, patient=not self.away)
        self.away = any(one.away for one in told)
        for one in told:
            self.unsent.pop(one.key, None)
            if not one.done:
                self.unsent[one.key] = one
        for (done, state, reason), count in Counter(
            (one.done, one.state, one.reason) for one in told
        ).items():
            (log.info if done else log.error)(event, count=count, sent=state, reason=reason)

    def problems(self) -> list[str]:
        """A line for each reason why mails were not sent, with how many and to whom."""
        kinds: dict[tuple[str, str], list[str]] = {}
        for one in self.unsent.values():
            kinds.setdefault((one.state, one.reason), []).append(one.address)
        return [
            f"{_to(addresses)} {_UNSENT[state][len(addresses) > 1]}: {reason}"
            for (state, reason), addresses in kinds.items()
        ]


def _to(addresses: list[str]) -> str:
    """How many mails, and to whom; of many recipients the first are named."""
    count = f"{len(addresses)} mails" if len(addresses) > 1 else "mail"
    names = sorted(set(addresses))
    if len(names) > _MOST_NAMED + 1:
        names = [*names[:_MOST_NAMED], f"{len(names) - _MOST_NAMED} more"]
    listed = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
    return f"{count} to {listed}"
