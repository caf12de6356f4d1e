"""What the paper broker writes down of cash that moved by itself, and by people."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Protocol

from approvals.brokers.base import Charge
from approvals.brokers.paper.carrying import Carried


class Kind(StrEnum):
    """RESET: to the cash that an account is to begin anew with."""

    DEPOSIT = "deposit"
    WITHDRAWAL = "withdrawal"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Transfer:
    """Cash that a person moved; negative when it was taken out. `by`: a user's key."""

    kind: Kind
    cash: Decimal
    by: int
    reason: str
    at: datetime


class CashBook(Protocol):
    """The rows of an account's statement beside its executions. `name`: of the account, as a broker."""

    @property
    def name(self) -> str: ...

    def carried(self) -> Sequence[Carried]:
        """Return all borrow fees and cash in lieu, in the order in which they were written down."""
        ...

    def carry(self, carried: Carried, at: datetime) -> None:
        """Write down a borrow fee or cash in lieu."""
        ...

    def borrow_rate(self, symbol: str) -> Decimal | None:
        """Return what borrowing a share costs a year, where somebody has said so."""
        ...

    def transferred(self, until: datetime) -> Decimal:
        """Return what people have paid in, less what they took out."""
        ...

    def transfer(self, transfer: Transfer) -> None:
        """Write down cash that a person moved."""
        ...

    def charges(self, since: datetime) -> Sequence[Charge]:
        """Return what was written down from then on that is no execution, dividends included."""
        ...
