"""What is held, what it cost and what it made: sums of fills. And what the account is exposed to."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.db import connection
from django.db.models import Count

from approvals.accounting import Balance, Split, Trade, fold
from approvals.models import AccountSnapshot, BrokerPosition, Order
from approvals.risk import Exposure
from market.models import Instrument, Quote, TradingSession
from market.models import Split as ShareSplit

SEEN_WITHIN = timedelta(minutes=3)
ZERO = Decimal(0)

# A raw sum that is not zero, or a split that may make one of it.
CANDIDATES = """
SELECT symbol FROM fills WHERE order_id IS NOT NULL
GROUP BY symbol
HAVING sum(CASE side WHEN 'BUY' THEN quantity ELSE -quantity END) <> 0
UNION SELECT symbol FROM splits
UNION SELECT symbol FROM broker_positions
"""

# The fills since a symbol was last flat: of the open round, or of the last one. Of split symbols all.
ROUNDS = """
SELECT symbol, signed, price, commission, executed_at FROM (
    SELECT *, max(number) FILTER (WHERE held = 0 AND number < count) OVER (PARTITION BY symbol) AS flat FROM (
        SELECT symbol, signed, price, commission, executed_at,
            sum(signed) OVER (PARTITION BY symbol ORDER BY executed_at, id) AS held,
            row_number() OVER (PARTITION BY symbol ORDER BY executed_at, id) AS number,
            count(*) OVER (PARTITION BY symbol) AS count
        FROM (
            SELECT *, CASE side WHEN 'BUY' THEN quantity ELSE -quantity END AS signed
            FROM fills WHERE order_id IS NOT NULL AND symbol = ANY(%(symbols)s)
        ) AS mine
    ) AS running
) AS rounds
WHERE flat IS NULL OR number > flat OR symbol = ANY(%(split)s)
ORDER BY symbol, number
"""


class Unknown(Exception):
    """What the account holds or is worth is not known: nothing may be sized on it."""


@dataclass(frozen=True)
class Position:
    """The sum of our fills of a symbol, restated for later splits. Negative quantities are short.

    `average_cost` per share, commissions not included. `realised`: what closed shares made since it was last
    flat (when it is flat: in the last round), less the commissions of all fills. `unrealised`: what the open
    ones make at `price`, the newest quote; None without one. `foreign`: shares that the account holds and we
    did not cause.
    """

    symbol: str
    quantity: int
    average_cost: Decimal
    realised: Decimal
    price: Decimal | None
    unrealised: Decimal | None
    foreign: int
    opened_at: datetime | None

    @property
    def is_open(self) -> bool:
        return self.quantity != 0 or self.foreign != 0

    @property
    def value(self) -> Decimal:
        """What all shares of the account are worth; at cost where there is no price."""
        return abs(self.quantity + self.foreign) * (self.price or self.average_cost)


def of(symbol: str) -> Position:
    """Our position in a symbol, flat when there is none."""
    return _positions([symbol])[0]


def open_positions() -> list[Position]:
    """Those that are not flat, or that the account holds without us, by symbol: always five queries."""
    with connection.cursor() as cursor:
        cursor.execute(CANDIDATES)
        symbols = sorted(symbol for (symbol,) in cursor)
    return [position for position in _positions(symbols) if position.is_open]


def _positions(symbols: Collection[str]) -> list[Position]:
    balances = _balances(symbols)
    quotes = dict(Quote.objects.filter(symbol__in=symbols).values_list("symbol", "price"))
    foreign = {row.symbol: row.foreign for row in BrokerPosition.objects.filter(symbol__in=symbols)}
    return [
        _position(symbol, balances[symbol], quotes.get(symbol), foreign.get(symbol, 0)) for symbol in symbols
    ]


def _position(symbol: str, balance: Balance, quote: float | None, foreign: int) -> Position:
    price = None if quote is None else Decimal(f"{quote:.6f}")
    return Position(
        symbol,
        balance.quantity,
        balance.average_cost,
        balance.realised,
        price,
        None if price is None else balance.unrealised(price),
        foreign,
        balance.opened_at,
    )


def _balances(symbols: Collection[str]) -> Mapping[str, Balance]:
    splits: dict[str, list[Split]] = defaultdict(list)
    for split in ShareSplit.objects.filter(symbol__in=symbols):
        splits[split.symbol].append(Split(split.date, Decimal(str(split.ratio))))
    trades: dict[str, list[Trade]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(ROUNDS, {"symbols": list(symbols), "split": list(splits)})
        for symbol, *trade in cursor:
            trades[symbol].append(Trade(*trade))
    return {symbol: fold(trades[symbol], splits[symbol]) for symbol in symbols}


def exposure(at: datetime) -> Exposure:
    """What the account is exposed to, positions of others and working entries included.

    Raises Unknown when the account has not been seen for three minutes. Shares of others count in the values
    and as positions; what their stops would lose nobody knows, so they are not in the open risk.
    """
    account = _account(at)
    held, entries = open_positions(), _entries()
    symbols = {position.symbol for position in held} | {order.symbol for order in entries}
    _refuse_other_currencies(symbols, account.currency)
    return Exposure(
        capital=settings.TRADING_CAPITAL or account.equity,
        buying_power=account.buying_power,
        gross=sum((position.value for position in held), ZERO) + sum(map(_asked, entries), ZERO),
        open_risk=_open_risk(held) + sum(map(_risked, entries), ZERO),
        positions=len(symbols),
        day_result=day_result(account, at),
    )


def _account(at: datetime) -> AccountSnapshot:
    newest = AccountSnapshot.objects.order_by("-at").first()
    if newest is None or at - newest.at > SEEN_WITHIN:
        raise Unknown("What the account is worth was not seen for three minutes. Check that the worker runs.")
    return newest


def _refuse_other_currencies(symbols: Iterable[str], currency: str) -> None:
    others = Instrument.objects.filter(symbol__in=symbols).exclude(currency=currency).order_by("symbol")
    if other := others.first():
        raise Unknown(
            f"{other.symbol} is held in {other.currency}, the account is in {currency}, and no rate is known."
        )


def _entries() -> list[Order]:
    """The entries that may still fill. One that is held waits for a decision of its own."""
    return list(Order.objects.entries().working().exclude(status=Order.Status.HELD))


def _left(order: Order) -> int:
    return order.quantity - order.filled_quantity


def _asked(order: Order) -> Decimal:
    return _left(order) * (order.limit_price or ZERO)


def _risked(order: Order) -> Decimal:
    return order.risk * _left(order) / order.quantity


def _open_risk(held: Collection[Position]) -> Decimal:
    """What our positions lose when every stop is hit; what has no stop counts in full."""
    symbols = [position.symbol for position in held]
    stops: dict[str, list[Order]] = defaultdict(list)
    for order in Order.objects.entries().filter(exits_working=True, symbol__in=symbols):
        stops[order.symbol].append(order)
    return sum((_risk(position, stops[position.symbol]) for position in held), ZERO)


def _risk(position: Position, stops: Iterable[Order]) -> Decimal:
    price, left, risk = position.price or position.average_cost, abs(position.quantity), ZERO
    sign = 1 if position.quantity > 0 else -1
    for order in stops:
        covered = min(order.filled_quantity, left)
        risk += covered * max(sign * (price - (order.stop_loss or ZERO)), ZERO)
        left -= covered
    return risk + left * price


def day_result(account: AccountSnapshot, at: datetime) -> Decimal:
    """What the exchange day has made so far, open positions included; a loss is negative."""
    seen = AccountSnapshot.objects.filter(broker=account.broker)
    before = seen.filter(at__lte=day_began(at)).order_by("-at").first() or seen.order_by("at").first()
    return account.equity - (before or account).equity


def day_began(at: datetime) -> datetime:
    """When the exchange day began: at the last close before, so that what opens lower counts as its loss.

    Of the calendar that most of the watched instruments trade by; midnight UTC when its sessions are unknown.
    """
    calendars = Instrument.objects.watched().values("calendar").annotate(count=Count("pk"))
    most = calendars.order_by("-count", "calendar").first()
    closes = TradingSession.objects.filter(
        calendar=most["calendar"] if most else "", closed=False, closes_at__lte=at
    )
    closed_at = closes.order_by("-date").values_list("closes_at", flat=True).first()
    return closed_at or at.replace(hour=0, minute=0, second=0, microsecond=0)
