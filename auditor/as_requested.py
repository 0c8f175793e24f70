"""What a request asks, done: its exports read, claim lines prepared and audited by its settings."""

import pandas as pd

from auditor.audit import Audit, Prepared, audit, prepare
from auditor.intake import Claims, read_files
from auditor.reference import Reference
from auditor.request import Request


def claims_of(request: Request) -> Claims:
    """The claim lines of the request's files. Raises AuditError for one that can't be read."""
    return read_files(
        request.files,
        profiles=request.profiles,
        sheet=request.sheet,
        patient_id_substitute=request.settings.patient_id_substitute,
    )


def prepared_for(lines: pd.DataFrame, reference: Reference, request: Request) -> Prepared:
    """Claim lines prepared by the request's settings and as-of date."""
    return prepare(
        lines,
        reference,
        as_of=request.as_of,
        payers=dict(request.settings.payers),
        options=request.settings.options(),
    )


def audited_for(lines: pd.DataFrame, reference: Reference, request: Request) -> Audit:
    """Claim lines audited by the request's settings and as-of date."""
    prepared = prepared_for(lines, reference, request)
    return audit(prepared, reference, options=request.settings.options())
