"""The mail: a run's summary, counts and dollars only, to those who should know.

No patient, no claim and no free text of an export stands in a mail. A message is written into a
spool folder before it is sent and marked there when the server has taken it, so that none is lost.

``deliver(folder, settings, spool)`` mails a finished run; ``failure`` with ``deliver_summary``
mails that a run failed; ``send_waiting`` sends what is left.
"""

from auditor.mail.delivery import Delivery, deliver, deliver_summary, send_waiting
from auditor.mail.letter import message
from auditor.mail.summary import Summary, failure, summary_of

__all__ = [
    "Delivery",
    "Summary",
    "deliver",
    "deliver_summary",
    "failure",
    "message",
    "send_waiting",
    "summary_of",
]
