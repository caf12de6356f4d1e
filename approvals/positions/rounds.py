"""What fills come to, read from where a symbol was last flat: old ones cost next to nothing.

A round is what happens between two instants at which nothing is held. Fills are summed in the database in the
shares of today; the fills of the last round alone are folded here.
"""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, time
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Exists, OuterRef

from approvals.accounting import FLAT, Balance, Split, Trade, fold
from approvals.models import Fill
from market.models import Split as ShareSplit

Splits = Mapping[str, Sequence[Split]]

START_OF_TIME = datetime.min.replace(tzinfo=UTC)
END_OF_TIME = datetime.max.replace(tzinfo=UTC)

# How many shares of today one share of an old fill is: for fills before splits alone, 1 for all others.
SHARES = """
WITH ratios AS (
    SELECT * FROM unnest(
        %(split)s::text[], %(since)s::timestamptz[], %(until)s::timestamptz[], %(ratio)s::numeric[]
    ) AS ratios(symbol, since, until, ratio)
), mine AS (
    SELECT fills.*, CASE side WHEN 'BUY' THEN quantity ELSE -quantity END AS signed, ratio FROM fills
    LEFT JOIN ratios ON ratios.symbol = fills.symbol AND executed_at >= since AND executed_at < until
    WHERE order_id IS NOT NULL AND executed_at < %(before)s
)
"""

HELD = (
    SHARES
    + """
SELECT symbol, sum(held) FROM (
    SELECT symbol, sum(signed) * coalesce(ratio, 1) AS held FROM mine
    WHERE %(symbols)s::text[] IS NULL OR symbol = ANY(%(symbols)s)
    GROUP BY symbol, ratio
) AS parts
GROUP BY symbol
"""
)

# The newest first, in the opposite order of `accounting.in_order`.
NEWEST = (
    SHARES
    + """
SELECT wanted.symbol, signed, price, commission, executed_at, signed * coalesce(ratio, 1)
FROM unnest(%(symbols)s::text[]) AS wanted(symbol)
CROSS JOIN LATERAL (
    SELECT * FROM mine WHERE mine.symbol = wanted.symbol
    ORDER BY executed_at DESC, signed DESC, price DESC, commission DESC, id DESC
    LIMIT %(limit)s
) AS newest
"""
)
ENOUGH = 64  # fills: of more than that, few rounds are made


def splits_of(symbols: Collection[str] | None = None) -> Splits:
    """The splits that came after one of our fills, by symbol."""
    older = Fill.objects.ours().filter(symbol=OuterRef("symbol"), executed_at__lt=OuterRef("date"))
    rows = ShareSplit.objects.filter(Exists(older)).order_by("symbol", "date")
    if symbols is not None:
        rows = rows.filter(symbol__in=symbols)
    splits: dict[str, list[Split]] = defaultdict(list)
    for row in rows:
        splits[row.symbol].append(Split(row.date, Decimal(str(row.ratio))))
    return splits


def held(
    splits: Splits, symbols: Collection[str] | None = None, before: datetime = END_OF_TIME
) -> dict[str, Decimal]:
    """The sums of our fills, in shares of today; of the symbols that have any. Parts of shares included."""
    wanted = None if symbols is None else list(symbols)
    with connection.cursor() as cursor:
        cursor.execute(HELD, {**_ratios(splits), "symbols": wanted, "before": before})
        return dict(cursor)


def balances(
    sums: Mapping[str, Decimal], splits: Splits, before: datetime = END_OF_TIME
) -> Mapping[str, Balance]:
    """What the last rounds of these symbols left, given what is held of each; flat for all others."""
    found = _rounds(sums, splits, before, ENOUGH)
    if longer := {symbol: sums[symbol] for symbol in sums if symbol not in found}:
        found |= _rounds(longer, splits, before, None)
    past = {
        symbol: [split for split in splits.get(symbol, ()) if split.date <= before.date()] for symbol in found
    }
    known = {symbol: fold(trades, past[symbol]) for symbol, trades in found.items()}
    return defaultdict(lambda: FLAT, known)


def _rounds(
    sums: Mapping[str, Decimal], splits: Splits, before: datetime, limit: int | None
) -> dict[str, list[Trade]]:
    """The trades since each symbol was last flat; no row for one that has more of them than the limit."""
    if not sums:
        return {}
    wanted: dict[str, Any] = {"symbols": list(sums), "before": before, "limit": limit}
    left, trades = dict(sums), defaultdict(list)
    found: dict[str, list[Trade]] = {}
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, {**_ratios(splits), **wanted})
        for symbol, signed, price, commission, executed_at, shares in cursor:
            if symbol in found:
                continue
            trades[symbol].append(Trade(signed, price, commission, executed_at))
            left[symbol] -= shares
            if left[symbol] == 0:
                found[symbol] = trades[symbol]
    return found


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
