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

# Back from the newest fill until the shares held now are explained: the round began there. The order is that
# of `accounting.in_order`.
ROUNDS = (
    SHARES
    + """
SELECT wanted.symbol, signed, price, commission, executed_at
FROM unnest(%(symbols)s::text[], %(held)s::numeric[]) AS wanted(symbol, held)
CROSS JOIN LATERAL (
    SELECT number FROM (
        SELECT executed_at, signed, price, commission, id,
            row_number() OVER newest_first AS number,
            sum(signed * coalesce(ratio, 1)) OVER newest_first AS since
        FROM mine WHERE mine.symbol = wanted.symbol
        WINDOW newest_first AS (
            ORDER BY executed_at DESC, signed DESC, price DESC, commission DESC, id DESC
            ROWS UNBOUNDED PRECEDING
        )
    ) AS back
    WHERE since = held
    ORDER BY executed_at DESC, signed DESC, price DESC, commission DESC, id DESC
    LIMIT 1
) AS beginning
CROSS JOIN LATERAL (
    SELECT * FROM mine WHERE mine.symbol = wanted.symbol
    ORDER BY executed_at DESC, signed DESC, price DESC, commission DESC, id DESC
    LIMIT number
) AS round
"""
)


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
    wanted: dict[str, Any] = {"symbols": list(sums), "held": list(sums.values()), "before": before}
    trades: dict[str, list[Trade]] = defaultdict(list)
    if not sums:
        return defaultdict(lambda: FLAT)
    with connection.cursor() as cursor:
        cursor.execute(ROUNDS, _ratios(splits) | wanted)
        for symbol, *trade in cursor:
            trades[symbol].append(Trade(*trade))
    day = before.date()
    known = {
        symbol: fold(row, [split for split in splits.get(symbol, ()) if split.date <= day])
        for symbol, row in trades.items()
    }
    return defaultdict(lambda: FLAT, known)


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
