"""A claim line as plain values, and what the text of the rules says of one line alone."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from tests.oracle.tables import code_facts

Component = Literal["professional", "technical", "global", "both", ""]

CCTA = {"75574"}
FFRCT = {"75580", "0501T", "0502T", "0503T", "0504T"}
PLAQUE = {"75577", "0623T", "0624T", "0625T", "0626T"}
CARDIAC_CT = {"75571", "75572", "75573", "75574"}
SEPARATE = {"76", "77", "59", "XE", "XP", "XS", "XU"}

# They leave a line paid, not denied: deductible, coinsurance, copay, contract, the reduction for
# modifier CT, sequestration.
NO_DENIAL = {"1", "2", "3", "45", "237", "253"}


@dataclass
class Line:
    """One claim line. Money is in cents; ``given`` are the columns that its export had.

    ``place`` is among all lines of the run, ``row`` within its file: what ties otherwise stands in
    the order of the rows.
    """

    place: int
    row: int
    cells: dict[str, str]
    given: frozenset[str]
    claim_type: str = ""
    payer_type: str = ""
    claim_frequency: str = ""
    superseded: bool = False
    partner: "Line | None" = field(default=None, repr=False)

    def text(self, name: str) -> str:
        return self.cells.get(name, "") if name in self.given else ""

    def day(self, name: str) -> date | None:
        cell = self.text(name)
        return date.fromisoformat(cell) if cell else None

    def cents(self, name: str) -> int | None:
        cell = self.text(f"{name}_cents")
        return int(Decimal(cell) * 100) if cell else None

    def words(self, name: str) -> list[str]:
        return list(dict.fromkeys(self.text(name).split()))

    @property
    def patient(self) -> str:
        return self.text("patient_id")

    @property
    def claim(self) -> str:
        return self.text("claim_id")

    @property
    def code(self) -> str:
        return self.text("procedure_code")

    @property
    def service_date(self) -> date:
        found = self.day("service_date")
        assert found
        return found

    @property
    def modifiers(self) -> list[str]:
        return self.words("modifiers")

    @property
    def units(self) -> Decimal | None:
        cell = self.text("units")
        return Decimal(cell) if cell else None

    @property
    def npi(self) -> str:
        return self.text("billing_npi")

    @property
    def place_of_service(self) -> str:
        return self.text("place_of_service")

    @property
    def revenue_code(self) -> str:
        """As billed, with the zero that a spreadsheet drops."""
        cell = self.text("revenue_code")
        return f"0{cell}" if len(cell) == 3 and cell.isdigit() else cell

    @property
    def bill_type(self) -> str:
        """Two digits after the leading zero, and the frequency where there is one."""
        cell = self.text("bill_type")
        return cell[1:] if len(cell) in (3, 4) and cell.startswith("0") else cell

    @property
    def hospital(self) -> bool:
        return self.claim_type == "institutional"

    @property
    def physician(self) -> bool:
        return self.claim_type == "professional"

    @property
    def critical_access(self) -> bool:
        return self.bill_type.startswith("85")

    @property
    def role(self) -> str:
        return code_facts(self.code)["role"]

    @property
    def in_family(self) -> bool:
        return self.role == "family"

    @property
    def imaging(self) -> bool:
        return self.role in ("family", "three_d")

    @property
    def two_components(self) -> bool:
        return self.imaging and code_facts(self.code)["pctc_indicator"] == "1"

    @property
    def component(self) -> Component:
        reading, technical = "26" in self.modifiers, "TC" in self.modifiers
        if reading and technical:
            return "both"
        if self.hospital:
            fee = self.revenue_code[:3] in ("096", "097", "098") and len(self.revenue_code) == 4
            return "professional" if self.critical_access and (fee or reading) else "technical"
        if self.physician and "modifiers" in self.given:
            return "professional" if reading else "technical" if technical else "global"
        return ""

    @property
    def denied(self) -> bool:
        """Paid zero with a denial code."""
        return self.cents("paid") == 0 and any(
            is_denial(code) for code in self.words("adjustment_codes")
        )

    @property
    def later(self) -> tuple[object, ...]:
        """The order that "later" means: received date, claim id as text, line number."""
        received = self.day("received_date") or date.min
        number = self.text("line_number")
        return (received, self.claim, int(number) if number else -1, self.row, self.place)

    @property
    def by_claim(self) -> tuple[object, ...]:
        number = self.text("line_number")
        return (self.claim, int(number) if number else -1, self.row, self.place)


def is_denial(code: str) -> bool:
    return code.rpartition("-")[2] not in NO_DENIAL


def days_between(first: Line, second: Line) -> int:
    """Days from the first line to the second; negative if the second is earlier."""
    return (second.service_date - first.service_date).days
