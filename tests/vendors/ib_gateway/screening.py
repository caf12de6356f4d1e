"""What IB refuses, holds or remarks when an order arrives or is changed."""

from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from tests.vendors.ib_gateway.orders import Order, Status, Terms


class Notice(NamedTuple):
    code: int
    text: str


@dataclass
class Screening:
    """`refusals`: for the next orders, one each, those with a parent excepted; so for changes and cancels.

    `opens_at`: the text that says when, while the market is closed. `preset_tif`: what a preset makes of the
    time in force. `not_borrowable`: symbols of which no shares are found to sell short.
    """

    refusals: list[Notice] = field(default_factory=list)
    change_refusals: list[Notice] = field(default_factory=list)
    cancel_refusals: list[Notice] = field(default_factory=list)
    opens_at: str = ""
    preset_tif: str = ""
    not_borrowable: set[str] = field(default_factory=set)

    def refusal(self, order: Order) -> Notice | None:
        if self.refusals and order.parent is None:
            return self.refusals.pop(0)
        return self._off_tick(order, order.terms)

    def _off_tick(self, order: Order, terms: Terms) -> Notice | None:
        if all(map(order.share.fits_tick, terms.prices)):
            return None
        return Notice(110, "The price does not conform to the minimum price variation for this contract.")

    def with_preset(self, terms: Terms) -> Terms:
        return replace(terms, tif=self.preset_tif) if self.preset_tif else terms

    def why_held(self, order: Order) -> str:
        if order.terms.good_after:
            return "time"
        if order.terms.order_type in ("STP", "STP LMT"):
            return "trigger"
        if self._waits_for_shares(order):
            return "locate"
        return "" if self._is_open_for(order) else "market closed"

    def notices(self, order: Order) -> list[Notice]:
        """Return the remarks on an order that lives, which ib_async takes for its end."""
        notices = []
        if self.preset_tif:
            notices.append(Notice(10349, f"Order TIF was set to {self.preset_tif} based on order preset."))
        if self._waits_for_shares(order):
            notices.append(Notice(404, "Order held while securities are located."))
        if not self._is_open_for(order):
            terms = order.terms
            what = f"{terms.action} {terms.quantity} {order.share.symbol} {order.share.primary_exchange}"
            until = f"Your order will not be placed at the exchange until {self.opens_at}"
            notices.append(Notice(399, f"Order Message:\n{what}\nWarning: {until}"))
        return notices

    def _is_open_for(self, order: Order) -> bool:
        return not self.opens_at or order.parent is not None

    def _waits_for_shares(self, order: Order) -> bool:
        is_entry = order.parent is None and not order.group
        return is_entry and order.terms.sign < 0 and order.share.symbol in self.not_borrowable

    def change_error(self, order: Order, terms: Terms) -> Notice | None:
        """Return why an order stays as it is."""
        parent = order.parent
        if self.change_refusals:
            return self.change_refusals.pop(0)
        if terms.parent_id and (parent is None or parent.status in (Status.FILLED, Status.CANCELLED)):
            return Notice(135, f"Can't find order with id = {terms.parent_id}")
        if terms.action != order.terms.action:
            return Notice(105, "Order being modified does not match original order.")
        if terms.quantity < order.filled + Decimal(1):
            return Notice(201, "Order rejected - reason:The quantity is not above what has filled.")
        return self._off_tick(order, terms)
