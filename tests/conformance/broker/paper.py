"""Behind the counter of the paper account: the quotes and the halts that it fills orders on."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import Sum

from approvals.brokers.base import Leg, Side
from approvals.brokers.paper import SPEC
from approvals.models import PaperFill, PaperOrder
from approvals.models.fills import SIGNED_QUANTITY
from market.models import Quote, QuoteHistory
from market.prices import Feed
from tests import make
from tests.conformance.broker.counterpart import PRICE, SYMBOL, Counterpart, because

SECOND = timedelta(seconds=1)
TICK = Decimal("0.01")


class Paper(Counterpart):
    """The paper account over the tests' database: quotes fill its orders."""

    values: Mapping[str, Any] = {setting.name: setting.default for setting in SPEC.settings}
    cannot = because(
        {
            "it is in this database: nothing is lost on the way there": (
                "lose_request lose_answer garble is_away"
            ),
            "nobody but Jax trades in this account": (
                "trade_by_hand order_by_hand cancel_by_hand replace_by_hand transfer"
            ),
            "it decides at once and by its rules alone": (
                "refuse reject expire delay_cancels let_cancels_through block fill_late"
            ),
            "an execution has its price and commission for good": (
                "hold_back_commissions tell_commission correct disorder charge"
            ),
            "it keeps everything": "forget",
            "it has no clock beside ours": "skew",
            "it trades in its own currency only": "foreign_instrument",
        }
    )

    def __init__(self) -> None:
        self.now = make.T0

    def pass_time(self, at: datetime) -> None:
        self.now = at

    def fill(self, client_id: UUID, leg: Leg, price: Decimal) -> None:
        self._trade(client_id, leg, price, None)

    def fill_partly(self, client_id: UUID, leg: Leg, quantity: int, price: Decimal) -> None:
        self._trade(client_id, leg, price, quantity)

    def _trade(self, client_id: UUID, leg: Leg, price: Decimal, size: int | None) -> None:
        """Let the market trade at the price; for the exit at the session's close, just before it.

        That is the side of the book that the leg needs, which shows so many shares (None: any number).
        """
        order = PaperOrder.objects.get(client_id=client_id)
        as_of = ((order.flat_at if leg is Leg.FLAT else None) or self.now) - 2 * SECOND
        is_of_exits = order.limit_price is None or leg in (
            Leg.ENTRY,
            Leg.CLOSE,
        )  # its side is that of the leg
        is_purchase = (order.side == Side.BUY) == is_of_exits
        bid = price - TICK if is_purchase else price
        QuoteHistory.objects.create(
            symbol=SYMBOL,
            price=float(price),
            bid=float(bid),
            ask=float(bid + TICK),
            bid_size=size,
            ask_size=size,
            as_of=as_of,
            received_at=as_of + SECOND,
            provider="simulator",
            feed=Feed.SIMULATED,
        )

    def halt(self) -> None:
        self._quote("halted")

    def resume(self) -> None:
        self._quote("")

    def _quote(self, halt: str) -> None:
        times = {"as_of": self.now, "received_at": self.now}
        source = {"price": float(PRICE), "provider": "simulator", "feed": Feed.SIMULATED}
        Quote.objects.update_or_create(symbol=SYMBOL, defaults=source | times | {"halt": halt})

    def restart(self) -> None:
        """Do nothing: what it knows is in the database, and nothing of it lives in a session."""

    def orders_made(self, client_id: UUID) -> int:
        return PaperOrder.objects.filter(client_id=client_id).count()

    def held(self, symbol: str) -> Decimal:
        fills = PaperFill.objects.filter(symbol=symbol)
        return Decimal(fills.aggregate(shares=Sum(SIGNED_QUANTITY))["shares"] or 0)

    def stops(self, symbol: str) -> int:
        orders = PaperOrder.objects.filter(symbol=symbol, stop_loss__isnull=False)
        return int(orders.aggregate(covered=Sum("covered"))["covered"] or 0)


@contextmanager
def counterpart() -> Iterator[Paper]:
    make.july_2024()
    make.instrument(SYMBOL)
    yield Paper()
