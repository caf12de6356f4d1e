"""An order, an execution, and what a client asked for, as IB keeps them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from tests.vendors.ib_gateway.contracts import Share

REDUCES = 3  # the OCA type of a bracket's children: the others shrink by what was filled


class Status(StrEnum):
    PENDING_SUBMIT = "PendingSubmit"
    PRE_SUBMITTED = "PreSubmitted"
    SUBMITTED = "Submitted"
    PENDING_CANCEL = "PendingCancel"
    FILLED = "Filled"
    CANCELLED = "Cancelled"
    INACTIVE = "Inactive"


@dataclass(frozen=True)
class Terms:
    action: str
    quantity: Decimal
    order_type: str = "MKT"
    limit: Decimal | None = None
    stop: Decimal | None = None
    tif: str = "DAY"
    good_till: str = ""
    good_after: str = ""
    oca_group: str = ""
    oca_type: int = 0
    ref: str = ""
    parent_id: int = 0
    outside_rth: bool = False
    transmit: bool = True
    what_if: bool = False

    @classmethod
    def asked(cls, fields: Mapping[str, str]) -> "Terms":
        """Read the terms of a placeOrder."""
        return cls(
            action=fields["action"],
            quantity=Decimal(fields["quantity"]),
            order_type=fields["order_type"],
            limit=_price(fields["limit"]),
            stop=_price(fields["stop"]),
            tif=fields["tif"] or "DAY",
            good_till=fields["good_till"],
            good_after=fields["good_after"],
            oca_group=fields["oca_group"],
            oca_type=int(fields["oca_type"] or 0),
            ref=fields["ref"],
            parent_id=int(fields["parent_id"] or 0),
            outside_rth=fields["outside_rth"] == "1",
            transmit=fields["transmit"] == "1",
            what_if=fields["what_if"] == "1",
        )

    @property
    def sign(self) -> int:
        return 1 if self.action == "BUY" else -1

    @property
    def prices(self) -> list[Decimal]:
        return [price for price in (self.limit, self.stop) if price is not None]


def _price(text: str) -> Decimal | None:
    return Decimal(text) if text and Decimal(text) != 0 else None


@dataclass(eq=False)
class Order:
    """`reason`: why it ended. `working`: how many shares a child may fill while its parent fills."""

    order_id: int
    client_id: int
    perm_id: int
    share: Share
    terms: Terms
    parent: "Order | None" = None
    status: Status = Status.PENDING_SUBMIT
    is_transmitted: bool = False
    filled: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    last_price: Decimal = Decimal(0)
    why_held: str = ""
    reason: str = ""
    ended_at: datetime | None = None

    @property
    def is_alive(self) -> bool:
        return self.status not in (Status.FILLED, Status.CANCELLED, Status.INACTIVE)

    @property
    def is_open(self) -> bool:
        """Whether it is told among the open orders."""
        return self.is_alive and self.is_transmitted

    @property
    def remaining(self) -> Decimal:
        return max(self.terms.quantity - self.filled, Decimal(0))

    @property
    def average(self) -> Decimal:
        return self.spent / self.filled if self.filled else Decimal(0)

    @property
    def group(self) -> str:
        """The OCA group: its own, or that of its parent's children."""
        return self.terms.oca_group or (str(self.parent.perm_id) if self.parent else "")

    @property
    def oca_type(self) -> int:
        return self.terms.oca_type or (REDUCES if self.group else 0)


@dataclass(eq=False)
class Execution:
    exec_id: str
    order: Order
    quantity: Decimal
    price: Decimal
    at: datetime
    cumulative: Decimal
    average: Decimal
    commission: Decimal
    is_commission_known: bool = False
    commission_currency: str = ""

    @property
    def stem(self) -> str:
        """What an execution and its corrections have in common."""
        return self.exec_id.rpartition(".")[0]
