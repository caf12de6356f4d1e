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
from operator import itemgetter
from typing import Any

from django.db import connection

from approvals.accounting import Balance, Split, Trade, fold

Splits = Mapping[str, Sequence[Split]]

START_OF_TIME = datetime.min.replace(tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)

# How many shares of today one share of an old fill is: for fills before splits alone, 1 for all others.
SHARES = """
WITH ratios AS (
    SELECT * FROM unnest(
        %(split)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(ratio)s::numeric[]
    ) AS ratios(symbol, since, until, ratio)
), mine AS NOT MATERIALIZED (
    SELECT fills.*, CASE side WHEN 'BUY' THEN quantity ELSE -quantity END AS signed, ratio FROM fills
    LEFT JOIN ratios ON ratios.symbol = fills.symbol AND executed_at >= since AND executed_at < until
    WHERE order_id IS NOT NULL AND executed_at < %(before)s
)
"""

HELD = """
    SELECT symbol, sum(held) AS held FROM (
        SELECT symbol, sum(signed) * coalesce(ratio, 1) AS held FROM mine
        WHERE %(symbols)s::text[] IS NULL OR symbol = ANY(%(symbols)s)
        GROUP BY symbol, ratio
    ) AS parts
    GROUP BY symbol
"""

# Each symbol with what is known of it; its fills in the opposite order of `accounting.in_order`.
HOLDINGS = (
    SHARES
    + f"""
, held AS ({HELD}), wanted AS (
    SELECT
        symbol, coalesce(held, 0) AS held,
        coalesce(told.quantity - told.ours, 0) AS foreign_shares,
        coalesce(told.average_cost, 0) AS brokers_cost
    FROM held
    FULL JOIN broker_positions AS told USING (symbol)
    FULL JOIN unnest(%(symbols)s::text[]) AS named(symbol) USING (symbol)
    WHERE CASE
        WHEN %(symbols)s::text[] IS NULL THEN held <> 0 OR told.quantity <> told.ours
        ELSE symbol = ANY(%(symbols)s)
    END
), later AS (
    SELECT coalesce(json_agg(json_build_array(symbol, date, ratio) ORDER BY symbol, date), '[]') AS splits
    FROM splits
    WHERE (%(symbols)s::text[] IS NULL OR symbol = ANY(%(symbols)s)) AND EXISTS (
        SELECT FROM fills
        WHERE fills.symbol = splits.symbol AND order_id IS NOT NULL AND executed_at < splits.date
    )
)
SELECT
    later.splits, wanted.*, quotes.price, coalesce(currency, '') AS currency,
    newest.signed, newest.price, newest.commission, newest.executed_at, newest.shares
FROM later
LEFT JOIN wanted ON true
LEFT JOIN quotes USING (symbol)
LEFT JOIN instruments USING (symbol)
LEFT JOIN LATERAL (
    SELECT id, signed, price, commission, executed_at, signed * coalesce(ratio, 1) AS shares
    FROM mine WHERE mine.symbol = wanted.symbol
    ORDER BY executed_at DESC, signed DESC, price DESC, commission DESC, id DESC
    LIMIT %(limit)s
) AS newest ON true
ORDER BY symbol, executed_at DESC, signed DESC, newest.price DESC, commission DESC, id DESC
"""
)
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
    splits, found = _read({}, symbols, before, ENOUGH)
    if splits:
        _, found = _read(splits, symbols, before, ENOUGH)
    longer = [symbol for symbol, one in found.items() if one is None]
    if longer:
        found |= _read(splits, longer, before, None)[1]
    return {symbol: one for symbol, one in found.items() if one is not None}


def _read(
    splits: Splits, symbols: Collection[str] | None, before: datetime, limit: int | None
) -> tuple[Splits, dict[str, Holding | None]]:
    """The splits that came after one of our fills, and what is held when `splits` are all there are.

    None for a symbol whose round has more fills than the limit.
    """
    wanted = None if symbols is None else list(symbols)
    with connection.cursor() as cursor:
        cursor.execute(HOLDINGS, {**_ratios(splits), "symbols": wanted, "before": before, "limit": limit})
        rows = cursor.fetchall()
    found: dict[str, Holding | None] = {}
    for known, group in groupby(rows, key=itemgetter(slice(1, 7))):
        symbol, shares, foreign, cost, price, currency = known
        if symbol is None:
            continue
        fills = [row[7:] for row in group if row[7] is not None]
        trades, mine = _round(fills, shares), splits.get(symbol, ())
        is_whole = limit is None or len(fills) < limit or len(trades) < len(fills)
        balance = fold(trades, [split for split in mine if split.date <= before.date()])
        made = Holding(symbol, shares, foreign, cost, price, currency, balance, mine)
        found[symbol] = made if is_whole else None
    return _splits(rows[0][0]), found


def _splits(rows: Iterable[tuple[str, str, float]]) -> Splits:
    splits: dict[str, list[Split]] = defaultdict(list)
    for symbol, day, ratio in rows:
        splits[symbol].append(Split(date.fromisoformat(day), Decimal(str(ratio))))
    return splits


def _round(fills: Sequence[Sequence[Any]], left: Decimal) -> list[Trade]:
    """The trades since the symbol was last flat, the newest first; all of them when they do not say."""
    trades = []
    for *trade, shares in fills:
        trades.append(Trade(*trade))
        left -= shares
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
