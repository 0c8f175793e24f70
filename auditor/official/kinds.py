"""Every kind of file that can be imported, by its name on the command line."""

from auditor.errors import AuditError
from auditor.official import (
    contract_rates,
    gpci,
    icd10cm,
    mcd,
    ncci_mue,
    ncci_ptp,
    opps,
    oppscap,
    payers,
    pfs,
    revenue_fit,
    zip_codes,
)
from auditor.official.kind import Kind

KINDS: dict[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        ncci_ptp,
        ncci_mue,
        pfs,
        opps,
        oppscap,
        gpci,
        zip_codes,
        icd10cm,
        mcd,
        contract_rates,
        payers,
        revenue_fit,
    )
}


def kind_named(name: str) -> Kind:
    """A kind by name. Raises AuditError that lists the names."""
    if name not in KINDS:
        raise AuditError(
            f"{name}: is no kind of file; it is one of {', '.join(KINDS)}", exit_code=2
        )
    return KINDS[name]
