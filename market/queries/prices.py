"""Quotes with their previous close, and the recent prices of many symbols, for pages."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime

from core.queries import fetch_all
from market.models import Quote
from market.models.quotes import BELIEVED
from market.queries.hours import OPEN_SESSIONS

# Ten days reach over the longest holidays; without a bound each row would look at every session since 1990.
WITH_PREVIOUS_CLOSE = f"""
SELECT quotes.*, calendar, open_sessions.opens_at AS session_opened_at, previous.close, previous.date,
    ARRAY(
        SELECT ratio FROM splits WHERE splits.symbol = quotes.symbol AND splits.date > previous.session
    ) AS later_splits
FROM quotes
JOIN instruments USING (symbol)
LEFT JOIN ({OPEN_SESSIONS}) AS open_sessions USING (calendar)
LEFT JOIN LATERAL (
    SELECT close, opened_at::date AS date, nearest.date AS session
    FROM (
        SELECT date FROM trading_sessions
        WHERE trading_sessions.calendar = instruments.calendar AND NOT closed
          AND date BETWEEN quotes.as_of::date - 10 AND quotes.as_of::date + 10
        ORDER BY greatest(opens_at - quotes.as_of, quotes.as_of - closes_at, interval '0'), date DESC
        LIMIT 1
    ) AS nearest
    JOIN candles ON candles.symbol = quotes.symbol AND timeframe = '1d' AND is_final
     AND opened_at < nearest.date::timestamptz
    WHERE instruments.split_pending_since IS NULL
    ORDER BY opened_at DESC
    LIMIT 1
) AS previous ON true
WHERE quotes.symbol = ANY(%(symbols)s)
"""

# The range is that of the newest session: since it opened.
PRICE_LINES = """
SELECT symbol, coalesce(line.closes, '{}') AS closes, day.low, day.high
FROM unnest(%(symbols)s::text[]) AS wanted (symbol)
JOIN instruments USING (symbol)
CROSS JOIN LATERAL (
    SELECT array_agg(close ORDER BY opened_at) AS closes FROM (
        SELECT close, opened_at FROM candles
        WHERE candles.symbol = wanted.symbol AND timeframe = '15m' ORDER BY opened_at DESC LIMIT %(points)s
    ) AS newest
) AS line
CROSS JOIN LATERAL (
    SELECT min(low) AS low, max(high) AS high FROM candles
    WHERE candles.symbol = wanted.symbol AND timeframe = '15m' AND opened_at >= (
        SELECT opens_at FROM trading_sessions
        WHERE trading_sessions.calendar = instruments.calendar AND NOT closed
          AND date BETWEEN %(at)s::date - 15 AND %(at)s::date + 2 AND opens_at <= %(at)s
        ORDER BY opens_at DESC LIMIT 1
    )
) AS day
"""

STORED_TIMEFRAMES = """
SELECT timeframe FROM unnest(%(timeframes)s::text[]) AS asked (timeframe)
WHERE EXISTS (
    SELECT FROM candles WHERE candles.symbol = %(symbol)s AND candles.timeframe = asked.timeframe
)
"""

PRICE_RANGES = f"""
SELECT wanted.symbol,
    least(min(low), min(quotes.price)) AS low, greatest(max(high), max(quotes.price)) AS high
FROM unnest(%(symbols)s::text[], %(since)s::timestamptz[]) AS wanted (symbol, since)
LEFT JOIN quotes ON quotes.symbol = wanted.symbol AND {BELIEVED}
LEFT JOIN candles ON candles.symbol = wanted.symbol AND timeframe = '15m' AND opened_at >= since
GROUP BY wanted.symbol
"""


@dataclass(frozen=True)
class PreviousClose:
    """The daily close before the session of a quote, on the share basis of today.

    `session_opened_at`: when the session that is open on its calendar began; None when none is.
    `later_splits`: the ratios of the splits since the quote's session. `close` is None where none is stored,
    and while a split is pending.
    """

    calendar: str
    session_opened_at: datetime | None
    close: float | None
    date: date | None
    later_splits: Sequence[float]


def with_previous_close(symbols: Collection[str], at: datetime) -> list[tuple[Quote, PreviousClose]]:
    """Return the newest quote of each symbol that has one, with its previous close. One query."""
    columns = [field.name for field in fields(PreviousClose)]
    return [
        (quote, PreviousClose(**{column: getattr(quote, column) for column in columns}))
        for quote in Quote.objects.raw(WITH_PREVIOUS_CLOSE, {"symbols": list(symbols), "at": at})
    ]


@dataclass(frozen=True)
class PriceLine:
    """A symbol's newest 15-minute closes, oldest first, and the range of its newest session."""

    symbol: str
    closes: Sequence[float] = ()
    low: float | None = None
    high: float | None = None


def price_lines(symbols: Collection[str], points: int, at: datetime) -> dict[str, PriceLine]:
    """Return the last `points` closes of each symbol, and the day's range; None where nothing is stored."""
    values = {"symbols": list(symbols), "points": points, "at": at}
    return {line.symbol: line for line in fetch_all(PriceLine, PRICE_LINES, values)}


@dataclass(frozen=True)
class PriceRange:
    """The lowest and the highest price of a symbol, by bars and the newest quote; None where neither is."""

    symbol: str
    low: float | None
    high: float | None


def price_ranges(since: Mapping[str, datetime]) -> dict[str, PriceRange]:
    """Return the price range of each symbol since its instant. One query, none without symbols."""
    if not since:
        return {}
    values = {"symbols": list(since), "since": list(since.values())}
    return {prices.symbol: prices for prices in fetch_all(PriceRange, PRICE_RANGES, values)}


@dataclass(frozen=True)
class StoredTimeframe:
    """A timeframe of which a symbol has a bar."""

    timeframe: str


def stored_timeframes(symbol: str, timeframes: Collection[str]) -> set[str]:
    """Return those of which the symbol has a bar: one look-up in an index for each, in one query."""
    values = {"symbol": symbol, "timeframes": list(timeframes)}
    return {row.timeframe for row in fetch_all(StoredTimeframe, STORED_TIMEFRAMES, values)}
