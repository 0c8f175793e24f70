"""Where a run is audited: in this process's memory, in buckets on disk, or on Spark."""

from collections.abc import Callable
from functools import partial

from auditor.errors import AuditError
from auditor.progress import Progress
from auditor.reference import Reference
from auditor.request import Request
from auditor.scale import memory
from auditor.scale.parts import Elsewhere


def elsewhere(request: Request, progress: Progress) -> Callable[[Reference], Elsewhere] | None:
    """How to audit what is not audited in this process's memory; None for what is.

    Raises AuditError where a request asks for what needs all lines at hand.
    """
    for option, given in (
        ("--history", request.history),
        ("--with-corrections", request.corrections),
    ):
        for other, asked in (("--memory", request.memory), ("--engine spark", request.engine)):
            if given and asked:
                raise AuditError(
                    f"{option} needs all lines in memory; leave {other} away", exit_code=2
                )
        if given:
            return None
    if request.engine == "spark":
        from auditor.scale.spark_input import audit_on_spark

        return partial(audit_on_spark, request, request.master, progress)
    chosen = memory.plan(request.files, request.memory)
    if chosen is None:
        return None
    from auditor.scale.local import audit_in_buckets

    return partial(audit_in_buckets, request, chosen, progress)
