"""What each table of the library is keyed by, and how it meets the shipped one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Specification:
    """One table: its keys and values, and which shipped rows it leaves standing.

    ``over``: shipped rows stand only on dates that no edition answers for (``dates``), of keys
    that the library lacks (``keys``), all of them (``nothing``) or none (``everything``).
    ``of_lines`` names the column of claim lines whose words choose the rows to read, blank where
    all are read, and ``chosen_by`` the table's column that is compared with them. ``own_dates``:
    the rows of an edition have dates of their own within it. ``dated_by`` names the column of
    lists that stand since a day of their own, be it before the edition that states them.
    ``accuses_on``: on days after the last edition its rows accuse yet, and none that are older.
    """

    table: str
    keys: tuple[str, ...]
    values: tuple[str, ...]
    over: Literal["dates", "keys", "nothing", "everything"] = "dates"
    of_lines: str = ""
    chosen_by: str = ""
    own_dates: bool = False
    dated_by: str = ""
    accuses_on: bool = False


_LIST = (
    Specification(
        "ptp_edits",
        ("setting", "column_one", "column_two"),
        ("modifier_indicator", "rationale"),
        of_lines="procedure_code",
        chosen_by="column_one",
        accuses_on=True,
    ),
    Specification(
        "mue",
        ("setting", "procedure_code"),
        ("mue_value", "mai", "rationale"),
        of_lines="procedure_code",
        chosen_by="procedure_code",
        accuses_on=True,
    ),
    Specification(
        "pfs_rates",
        ("procedure_code", "modifier"),
        (
            "work_rvu",
            "pe_rvu_nonfacility",
            "pe_rvu_facility",
            "mp_rvu",
            "total_rvu_nonfacility",
            "total_rvu_facility",
            "status_code",
            "pctc_indicator",
        ),
        of_lines="procedure_code",
        chosen_by="procedure_code",
    ),
    Specification("conversion_factors", ("system", "variant"), ("conversion_factor",), over="keys"),
    Specification(
        "opps_rates",
        ("procedure_code",),
        ("apc", "status_indicator", "relative_weight", "rate_cents"),
        of_lines="procedure_code",
        chosen_by="procedure_code",
    ),
    Specification(
        "locality_caps",
        ("procedure_code", "modifier", "carrier", "locality"),
        ("facility_cents", "nonfacility_cents"),
        of_lines="procedure_code",
        chosen_by="procedure_code",
    ),
    Specification(
        "gpci",
        ("carrier", "locality"),
        ("state", "work_gpci", "pe_gpci", "mp_gpci"),
    ),
    Specification(
        "zip_localities",
        ("zip",),
        ("state", "carrier", "locality", "plus_four"),
        of_lines="service_zip",
        chosen_by="zip",
    ),
    Specification(
        "icd10cm",
        ("icd10",),
        ("label", "billable", "successors"),
        of_lines="diagnosis_codes",
        chosen_by="icd10",
    ),
    Specification(
        "coverage_diagnoses",
        ("list_id", "icd10"),
        ("service", "complete"),
        over="nothing",
        own_dates=True,
        dated_by="list_id",
    ),
    Specification(
        "coverage_policies",
        ("policy_id", "jurisdiction"),
        ("service", "contractor", "stance", "diagnosis_list", "revised_on"),
        over="nothing",
        own_dates=True,
        dated_by="policy_id",
    ),
    Specification(
        "contract_rates",
        ("payer", "procedure_code", "component", "setting"),
        ("amount", "percent_of_medicare"),
        over="everything",
        own_dates=True,
    ),
    Specification("payers", ("payer",), ("payer_type",), over="everything"),
    Specification(
        "revenue_code_fit",
        ("procedure_code", "revenue_code"),
        ("fit", "revenue_group"),
        over="keys",
    ),
)
SPECIFICATIONS: dict[str, Specification] = {one.table: one for one in _LIST}


def payer_key(name: str) -> str:
    """What is alike of two spellings of a payer's name."""
    return " ".join(name.split()).upper()


def compared(keys: Sequence[str], cells: Sequence[str]) -> tuple[str, ...]:
    """The cells of a row's keys as they are looked up and told apart: a payer's in any case."""
    if "payer" not in keys:
        return tuple(cells)
    named = zip(keys, cells, strict=True)
    return tuple(payer_key(cell) if name == "payer" else cell for name, cell in named)
