"""What several files of one import must agree on: setting and edition."""

import re
from collections.abc import Sequence

from auditor.errors import AuditError


def hospital_or_practitioner(name: str, title: str) -> str:
    """The claim type an NCCI file is for, from its name, else from its title rows and header.

    Raises AuditError where neither tells.
    """
    for text in (name, title):
        hospital = re.search(r"ccioph|outpatient|hospital", text, re.IGNORECASE)
        practitioner = re.search(r"ccipra|practitioner", text, re.IGNORECASE)
        if bool(hospital) != bool(practitioner):
            return "institutional" if hospital else "professional"
    raise AuditError(
        f"{name}: neither its name nor its content says whether it is for practitioners or for "
        "hospitals; give --setting professional or --setting institutional"
    )


def agreed(values: Sequence[str], what: str, way_out: str) -> str:
    """The one value that all files state, blank where none does."""
    stated = sorted(set(values) - {""})
    if len(stated) > 1:
        raise AuditError(f"the files are of several {what} ({', '.join(stated)}); {way_out}")
    return stated[0] if stated else ""
