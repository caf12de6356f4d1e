"""An order at Alpaca, and how it is written."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4, uuid5

ASSETS = UUID("5a1c8f3e-0000-4000-8000-000000000000")
GTC_LIVES = timedelta(days=90)
OPEN = (
    "new",
    "accepted",
    "pending_new",
    "partially_filled",
    "done_for_day",
    "pending_cancel",
    "pending_replace",
    "stopped",
    "suspended",
)
ALIVE = (*OPEN, "held")  # its list of open orders leaves out what is held


@dataclass(eq=False)
class Order:
    client_order_id: str
    symbol: str
    qty: Decimal
    side: str
    type: str
    time_in_force: str
    submitted_at: datetime
    status: str
    order_class: str = ""
    limit_price: Decimal | None = None
    stop_price: Decimal | None = None
    id: str = field(default_factory=lambda: str(uuid4()))
    legs: list["Order"] = field(default_factory=list)
    parent: "Order | None" = None
    replaces: str | None = None
    replaced_by: str | None = None
    filled_qty: Decimal = Decimal(0)
    paid: Decimal = Decimal(0)
    updated_at: datetime | None = None
    ended: dict[str, datetime] = field(default_factory=dict)

    @property
    def remaining(self) -> Decimal:
        return self.qty - self.filled_qty

    @property
    def is_alive(self) -> bool:
        return self.status in ALIVE

    @property
    def sign(self) -> int:
        return 1 if self.side == "buy" else -1

    @property
    def is_entry_alive(self) -> bool:
        """Whether it is an entry that has not ended: its exits wait."""
        return self.order_class != "oco" and self.is_alive

    @property
    def is_exit(self) -> bool:
        """Whether it is one of a pair of exits: a leg of a bracket, or either part of an oco."""
        return self.parent is not None or self.order_class == "oco"

    def siblings(self) -> list["Order"]:
        """The living others of its pair of exits."""
        family = self.parent or self
        members = [*family.legs, *([family] if family.order_class == "oco" else [])]
        return [other for other in members if other is not self and other.is_alive]

    def end(self, status: str, at: datetime) -> None:
        self.status, self.updated_at = status, at
        names = {"canceled": "canceled_at", "filled": "filled_at", "expired": "expired_at"}
        self.ended[names.get(status, "failed_at" if status == "rejected" else "replaced_at")] = at

    def as_json(self, *, nested: bool) -> dict[str, Any]:
        moment = {name: stamp(self.ended[name]) if name in self.ended else None for name in MOMENTS}
        average = (
            None if not self.filled_qty else plain((self.paid / self.filled_qty).quantize(Decimal("0.0001")))
        )
        return {
            "id": self.id,
            "client_order_id": self.client_order_id,
            "created_at": stamp(self.submitted_at),
            "updated_at": stamp(self.updated_at or self.submitted_at),
            "submitted_at": stamp(self.submitted_at),
            **moment,
            "expires_at": stamp(self.submitted_at + GTC_LIVES) if self.time_in_force == "gtc" else None,
            "replaced_by": self.replaced_by,
            "replaces": self.replaces,
            "asset_id": asset_id(self.symbol),
            "symbol": self.symbol,
            "asset_class": "us_equity",
            "notional": None,
            "qty": plain(self.qty),
            "filled_qty": plain(self.filled_qty),
            "filled_avg_price": average,
            "order_class": self.order_class or ("bracket" if self.parent else "simple"),
            "order_type": self.type,
            "type": self.type,
            "side": self.side,
            "time_in_force": self.time_in_force,
            "limit_price": None if self.limit_price is None else plain(self.limit_price),
            "stop_price": None if self.stop_price is None else plain(self.stop_price),
            "status": self.status,
            "extended_hours": False,
            "legs": [leg.as_json(nested=False) for leg in self.legs] if nested and self.legs else None,
            "trail_percent": None,
            "trail_price": None,
            "hwm": None,
        }


MOMENTS = ("filled_at", "expired_at", "canceled_at", "failed_at", "replaced_at")


def asset_id(symbol: str) -> str:
    return str(uuid5(ASSETS, symbol))


def stamp(at: datetime) -> str:
    """A moment with nanoseconds, as Alpaca writes it."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f000Z")


def plain(value: Decimal) -> str:
    return f"{value.normalize():f}" if value else "0"
