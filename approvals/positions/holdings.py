"""What is held of each symbol, by us and by others, read from where the symbol was last flat.

A round is what happens between two instants at which nothing is held. Fills are summed in the database in the
shares of today; the fills of the last round alone are folded here, so old ones cost next to nothing.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from approvals.models import Fill
from approvals.positions.account import day_began
from approvals.positions.accounting import Balance, Split, Trade, fold
from approvals.positions.conversion import rates_into
from approvals.queries import positions as queries
from approvals.queries.positions import HoldingRow

Splits = Mapping[str, Sequence[Split]]

ZERO = Decimal(0)
START_OF_TIME = datetime.min.replace(tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)
ENOUGH = 64  # fills: of more than that, few rounds are made


@dataclass(frozen=True)
class Position:
    """The sum of our fills of a symbol, restated for later splits. Negative quantities are short.

    `average_cost` per share, commissions not included. `realised`: what closed shares made since it was last
    flat (when it is flat: in the last round), less the commissions of all fills. `unrealised`: what the open
    ones make at `price`, the newest quote; None without one. `priced_at`: of when that is, later by what its
    feed is delayed. `foreign`: shares that the account holds and we did not cause; what they cost is the
    broker's average. `currency`: empty when the instrument is not known. `commissions_unknown`: of how many
    fills the commission is not yet known: it is not in `realised`.
    """

    symbol: str
    quantity: int
    average_cost: Decimal
    realised: Decimal
    price: Decimal | None
    unrealised: Decimal | None
    foreign: Decimal
    opened_at: datetime | None
    brokers_cost: Decimal
    currency: str
    priced_at: datetime | None = None
    commissions_unknown: int = 0

    @property
    def is_open(self) -> bool:
        return self.quantity != 0 or self.foreign != 0

    @property
    def side(self) -> int:
        """Return 1 when the account gains as the price rises, -1 when it loses, shares of others included."""
        return 1 if self.quantity + self.foreign > 0 else -1

    @property
    def sign(self) -> int:
        return 1 if self.quantity > 0 else -1

    def result_at(self, price: Decimal) -> Decimal:
        """Return what our open shares make at a price, before commissions."""
        return (price - self.average_cost) * self.quantity

    @property
    def newest_price(self) -> Decimal:
        """The newest quote, or what it cost where there is none."""
        return self.price or self.average_cost or self.brokers_cost

    @property
    def value(self) -> Decimal:
        """What all shares of the account are worth; at cost where there is no price."""
        return abs(self.quantity + self.foreign) * self.newest_price


@dataclass(frozen=True)
class Holding:
    """What is held of a symbol: our shares of today with what their round came to, and those of others.

    `shares`: parts of shares included. `price`, `priced_at`: the newest quote's. `currency`: empty when the
    instrument is not known. `splits`: those that came after one of our fills, the oldest first.
    """

    symbol: str
    shares: Decimal
    foreign: Decimal
    brokers_cost: Decimal
    price: float | None
    priced_at: datetime | None
    currency: str
    balance: Balance
    splits: Sequence[Split]
    commissions_unknown: int = 0


def of(symbol: str) -> Position:
    """Return our position in a symbol, flat when there is none."""
    return _position(holdings([symbol])[symbol])


def open_positions() -> list[Position]:
    """Return those that are not flat, or that the account holds without us, by symbol."""
    held = map(_position, holdings().values())
    return [position for position in held if position.is_open]


def _position(held: Holding) -> Position:
    price = None if held.price is None else Decimal(f"{held.price:.6f}")
    return Position(
        held.symbol,
        held.balance.quantity,
        held.balance.average_cost,
        held.balance.realised,
        price,
        None if price is None else held.balance.unrealised(price),
        held.foreign,
        held.balance.opened_at,
        held.brokers_cost,
        held.currency,
        held.priced_at,
        held.commissions_unknown,
    )


def realised_today(at: datetime, currency: str = "") -> Decimal:
    """Return what the exchange day has realised, commissions taken off.

    `currency`: of the account; empty where it was never seen, then of the first instrument. What was made in
    another one counts at the stored rate. Raises Unknown where there is none.
    """
    began = day_began(at)
    today: dict[str, list[Trade]] = defaultdict(list)
    for fill in Fill.objects.ours().filter(executed_at__gte=began):
        trade = Trade(int(fill.signed_quantity), fill.price, fill.commission, fill.executed_at)
        today[fill.symbol].append(trade)
    before = holdings(today, began) if today else {}
    currencies = {symbol: before[symbol].currency for symbol in today if before[symbol].currency}
    into = currency or next(iter(sorted(currencies.values())), "")
    rates = rates_into(into, currencies, at)
    results = (
        _realised(today[symbol], before[symbol].balance, before[symbol].splits, began) * rates.get(symbol, 1)
        for symbol in today
    )
    return sum(results, ZERO)


def _realised(trades: list[Trade], before: Balance, splits: Sequence[Split], began: datetime) -> Decimal:
    later = [split for split in splits if split.date > began.date()]
    return fold(trades, later, before).realised - before.realised


def held_for_analysts() -> list[dict[str, Any]]:
    """Return the open positions as an analyst is given them: no account, no money."""

    def plain(shares: Decimal) -> int | float:
        return float(shares) if shares % 1 else int(shares)

    return [
        {
            "symbol": position.symbol,
            "quantity": plain(position.quantity + position.foreign),
            "average_price": float(position.average_cost or position.brokers_cost),
        }
        for position in open_positions()
    ]


# --- the last round of each symbol ------------------------------------------------------------------------


def holdings(symbols: Collection[str] | None = None, before: datetime = END_OF_TIME) -> dict[str, Holding]:
    """Return what is held of these symbols, or of all of which anything is held.

    One query; one more when a share was split after one of our fills, and one where a round was long.
    """
    splits, held = _read({}, symbols, before, ENOUGH)
    if splits:
        _, held = _read(splits, symbols, before, ENOUGH)
    longer = [symbol for symbol, holding in held.items() if holding is None]
    if longer:
        held |= _read(splits, longer, before, None)[1]
    return {symbol: holding for symbol, holding in held.items() if holding is not None}


def _read(
    splits: Splits, symbols: Collection[str] | None, before: datetime, limit: int | None
) -> tuple[Splits, dict[str, Holding | None]]:
    """Return the splits that came after one of our fills, and what is held when `splits` are all there are.

    None for a symbol whose round has more fills than the limit.
    """
    rows = queries.holdings(_ratios(splits), symbols, before, limit)
    held: dict[str, Holding | None] = {}
    for symbol, group in groupby(rows, key=attrgetter("symbol")):
        if symbol is not None:
            of_symbol = list(group)
            held[symbol] = _holding(of_symbol, splits.get(symbol, ()), before, limit)
    return _splits(rows[0].splits), held


def _holding(
    rows: Sequence[HoldingRow], splits: Sequence[Split], before: datetime, limit: int | None
) -> Holding | None:
    first = rows[0]
    fills = [row for row in rows if row.quantity is not None]
    trades = _round(fills, first.held)
    if limit is not None and len(fills) >= limit and len(trades) >= len(fills):
        return None
    balance = fold(trades, [split for split in splits if split.date <= before.date()])
    return Holding(
        symbol=str(first.symbol),
        shares=first.held,
        foreign=first.foreign_shares,
        brokers_cost=first.brokers_cost,
        price=first.quote,
        priced_at=first.quoted_at,
        currency=first.currency,
        balance=balance,
        splits=splits,
        commissions_unknown=sum(bool(fill.commission_unknown) for fill in fills[: len(trades)]),
    )


def _splits(rows: Iterable[tuple[str, str, float]]) -> Splits:
    splits: dict[str, list[Split]] = defaultdict(list)
    for symbol, day, ratio in rows:
        splits[symbol].append(Split(date.fromisoformat(day), Decimal(str(ratio))))
    return splits


def _round(fills: Sequence[HoldingRow], left: Decimal) -> list[Trade]:
    """Return the trades since the symbol was last flat, the newest first; all when they do not say."""
    trades = []
    for fill in fills:
        trades.append(Trade(fill.quantity or 0, fill.price, fill.commission, fill.executed_at))
        left -= fill.shares
        if left == 0:
            break
    return trades


def _ratios(splits: Splits) -> dict[str, list[Any]]:
    rows = [row for symbol in splits for row in _ratios_of(symbol, splits[symbol])]
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    return dict(zip(("split", "since", "until", "ratio"), columns, strict=True))


def _ratios_of(symbol: str, splits: Sequence[Split]) -> Iterator[tuple[str, datetime, datetime, Decimal]]:
    """Yield from which instant to which an old share is how many of today, the newest first."""
    ratio = Decimal(1)
    dates = [START_OF_TIME, *(datetime.combine(split.date, time(), UTC) for split in splits)]
    for since, until, split in zip(dates[-2::-1], dates[:0:-1], reversed(splits), strict=True):
        ratio *= split.ratio
        yield symbol, since, until, ratio
