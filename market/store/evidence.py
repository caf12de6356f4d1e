"""What else is stored about bars in doubt: the bars inside them, and another source's account."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from market.prices import Bars, Timeframe, to_datetime
from market.store.candles import BY_HAND

# The finer bars of a daily one are those of its session. The shares are those of a price.
SUPPORTED = """
    SELECT wanted.symbol, wanted.opened_at, coalesce(other.provider, '')
    FROM unnest(
        %(symbols)s::varchar[], %(opened_at)s::timestamptz[], %(lows)s::float8[], %(highs)s::float8[],
        %(closes)s::float8[]
    ) AS wanted (symbol, opened_at, low, high, close)
    JOIN instruments USING (symbol)
    LEFT JOIN candles AS other ON other.symbol = wanted.symbol AND other.timeframe = %(timeframe)s
        AND other.opened_at = wanted.opened_at AND other.provider <> %(provider)s
        AND other.provider <> %(by_hand)s
        AND abs(other.low / wanted.low - 1) < %(near)s
        AND abs(other.high / wanted.high - 1) < %(near)s
        AND abs(other.close / wanted.close - 1) < %(near)s
    WHERE other.symbol IS NOT NULL OR EXISTS (
        SELECT FROM candles AS inside
        LEFT JOIN trading_sessions AS day ON day.calendar = instruments.calendar
            AND day.date = (wanted.opened_at AT TIME ZONE 'UTC')::date
        WHERE inside.symbol = wanted.symbol AND inside.timeframe = ANY (%(finer)s)
            AND inside.opened_at >= CASE WHEN %(is_daily)s THEN day.opens_at ELSE wanted.opened_at END
            AND inside.opened_at < CASE WHEN %(is_daily)s THEN day.closes_at
                ELSE wanted.opened_at + %(length)s END
            AND session = 'regular' AND NOT suspect
        GROUP BY inside.timeframe
        HAVING min(inside.low) / wanted.low - 1 < %(near)s AND max(inside.high) / wanted.high - 1 > -%(near)s
    )
"""
NEAR = 0.005


def supported(
    doubted: Mapping[str, Bars], timeframe: Timeframe, *, provider: str | None = None
) -> dict[str, dict[datetime, str]]:
    """Return the openings of the bars in doubt that something else stored supports, by symbol.

    Believed bars of a finer timeframe inside reach the low and the high; or the stored bar is of another
    provider than `provider` and has the same low, high and close: that one's name, empty otherwise. Without
    `provider` the bars are the stored ones, which do not support themselves. One query, none without bars.
    """
    rows = [(symbol, bars, row) for symbol, bars in doubted.items() for row in range(len(bars))]
    if not rows:
        return {}
    values: dict[str, Any] = {
        "symbols": [symbol for symbol, _, _ in rows],
        "opened_at": [to_datetime(bars.opened_at[row]) for _, bars, row in rows],
        "lows": [float(bars.low[row]) for _, bars, row in rows],
        "highs": [float(bars.high[row]) for _, bars, row in rows],
        "closes": [float(bars.close[row]) for _, bars, row in rows],
        "timeframe": timeframe.value,
        "finer": [finer.value for finer in Timeframe if finer.length < timeframe.length],
        "is_daily": not timeframe.is_intraday,
        "length": timeframe.length,
        "provider": provider,  # nothing differs from NULL
        "by_hand": BY_HAND,
        "near": NEAR,
    }
    sources: dict[str, dict[datetime, str]] = {symbol: {} for symbol in doubted}
    with connection.cursor() as cursor:
        cursor.execute(SUPPORTED, values)
        for symbol, opened_at, other in cursor.fetchall():
            sources[symbol][opened_at] = other
    return sources
