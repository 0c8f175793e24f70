"""Descriptors of procedure codes, kept where the site holds a licence for them."""

import pandas as pd

from auditor.reference import Reference
from auditor.settings import Licences

_LABELLED = ("pfs_rates", "opps_rates")


def descriptors_of(
    reference: Reference, findings: pd.DataFrame, licences: Licences
) -> dict[str, str]:
    """The descriptor of each code of the findings that an imported edition describes.

    None where the settings name no licence, even if the library was filled under one.
    """
    wanted = set(findings["procedure_code"]) if licences.cpt_descriptors else set()
    found: dict[str, str] = {}
    for name in reversed(_LABELLED):
        rows = reference.table(name).rows
        if "label" not in rows.columns:
            continue
        rows = rows[rows["procedure_code"].isin(wanted) & (rows["label"] != "")]
        found |= dict(zip(rows["procedure_code"], rows["label"], strict=True))
    return dict(sorted(found.items()))
