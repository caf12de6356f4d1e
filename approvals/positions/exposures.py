"""What the account is exposed to already: the figures that new orders are sized on."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.conf import settings

from approvals.models import AccountSnapshot, Order
from approvals.positions.account import UNSEEN, Unknown
from approvals.positions.book import Book
from approvals.positions.conversion import rates_into
from approvals.positions.protection import live_entries
from approvals.queries import orders as queries
from approvals.risk import Exposure
from signals.models import Signal

ZERO = Decimal(0)


@dataclass(frozen=True)
class Entering:
    """What of an entry may still be filled, or was filled and is not among the fills yet."""

    order: Order
    left: int

    @classmethod
    def of(cls, order: Order) -> "Entering":
        most = order.quantity if order.status in Order.WORKING else order.filled_quantity
        return cls(order, most - order.recorded)  # type: ignore[attr-defined]  # annotated

    @property
    def worth(self) -> tuple[str, Decimal]:
        return self.order.symbol, self.value

    @property
    def value(self) -> Decimal:
        return self.left * (self.order.limit_price or ZERO)

    @property
    def side(self) -> int:
        return 1 if self.order.side == Signal.Type.BUY else -1

    @property
    def risk(self) -> Decimal:
        return self.order.risk * self.left / self.order.quantity

    def is_new(self, account: AccountSnapshot) -> bool:
        """Return whether the broker did not have it yet when it said what the account can buy."""
        return self.order.submitted_at is None or self.order.submitted_at >= account.at


def exposure(at: datetime, book: Book | None = None) -> Exposure:
    """Return what the account is exposed to, shares of others and working entries included.

    `book`: where it has been read already.
    All in the account's currency: what is held in another one counts at the stored rate.
    Raises Unknown when the account has not been seen for three minutes, or holds what cannot be valued.
    Shares of others count in the values and as positions; what they may lose is not known here, so they are
    not in the open risk.
    """
    book = book or Book.load(at)
    account, held = book.account, book.held
    if account is None:
        raise Unknown(UNSEEN)
    account.require_fresh(at)
    entering = [item for item in map(Entering.of, live_entries(book.orders)) if item.left > 0]
    currencies = {item.order.symbol: item.order.currency for item in entering}
    currencies |= {item.symbol: item.currency for item in held}
    rates = rates_into(account.snapshot.currency, currencies, at)
    values: dict[str, Decimal] = defaultdict(Decimal)
    for symbol, value in [(item.symbol, item.value) for item in held] + [item.worth for item in entering]:
        values[symbol] += value * rates[symbol]
    stopped = sum((item.at_risk * rates[item.position.symbol] for item in book.protected()), ZERO)
    new = (item for item in entering if item.is_new(account.snapshot))
    taken = sum((item.value * rates[item.order.symbol] for item in new), account.bought)
    return Exposure(
        capital=settings.TRADING_CAPITAL or account.snapshot.equity,
        buying_power=account.snapshot.buying_power - taken,
        gross=sum(values.values(), ZERO),
        open_risk=stopped + sum((item.risk * rates[item.order.symbol] for item in entering), ZERO),
        positions=len(values),
        day_result=account.day_result,
        values=values,
        week_result=account.week_result,
        sides={item.symbol: item.side for item in held} | {item.order.symbol: item.side for item in entering},
        strategies=_strategies(book),
    )


def _strategies(book: Book) -> dict[str, set[str]]:
    """Return whose signals our shares came of, and those that may be bought. One query for bare shares."""
    found: dict[str, set[str]] = defaultdict(set)
    for order in book.orders:
        if order.kind == Order.Kind.ENTRY:
            found[order.symbol].add(order.strategy_id)  # type: ignore[attr-defined]  # annotated
    bare = [item.symbol for item in book.held if item.quantity and item.symbol not in found]
    for row in queries.strategies(bare):
        found[row.symbol].add(row.strategy_id)
    return found
