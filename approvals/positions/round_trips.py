"""What fills come to, read from where a symbol was last flat: old ones cost next to nothing.

A round is what happens between two instants at which nothing is held. Fills are summed in the database in the
shares of today; the fills of the last round alone are folded here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import Any

from approvals import queries
from approvals.positions.accounting import Balance, Split, Trade, fold
from approvals.queries import HoldingRow

Splits = Mapping[str, Sequence[Split]]

START_OF_TIME = datetime.min.replace(tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)

ENOUGH = 64  # fills: of more than that, few rounds are made


@dataclass(frozen=True)
class Holding:
    """What is held of a symbol: our shares of today with what their round came to, and those of others.

    `shares`: parts of shares included. `price`: the newest quote's. `currency`: empty when the instrument is
    not known. `splits`: those that came after one of our fills, the oldest first.
    """

    symbol: str
    shares: Decimal
    foreign: int
    brokers_cost: Decimal
    price: float | None
    currency: str
    balance: Balance
    splits: Sequence[Split]


def holdings(symbols: Collection[str] | None = None, before: datetime = END_OF_TIME) -> dict[str, Holding]:
    """Of these symbols, or of all of which anything is held.

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
    holdings: dict[str, Holding | None] = {}
    for symbol, group in groupby(rows, key=attrgetter("symbol")):
        if symbol is not None:
            of_symbol = list(group)
            holdings[symbol] = _holding(of_symbol, splits.get(symbol, ()), before, limit)
    return _splits(rows[0].splits), holdings


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
        currency=first.currency,
        balance=balance,
        splits=splits,
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
    """From which instant to which an old share is how many of today, the newest first."""
    ratio = Decimal(1)
    dates = [START_OF_TIME, *(datetime.combine(split.date, time(), UTC) for split in splits)]
    for since, until, split in zip(dates[-2::-1], dates[:0:-1], reversed(splits), strict=True):
        ratio *= split.ratio
        yield symbol, since, until, ratio
