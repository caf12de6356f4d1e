"""What a quote means: its change against the previous close, its age, and whether it is stale.

A quote belongs to the session it lies in; between two sessions, to the nearer one. So a price before the open
is compared with yesterday's close, and a price after the close with the close before that session.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connection

from market.models import ALWAYS_OPEN, Quote

# Ten days reach over the longest holidays; without a bound each row would look at every session since 1990.
PREVIOUS_CLOSE = """
    SELECT close, opened_at::date AS date, ARRAY(
        SELECT ratio FROM splits WHERE splits.symbol = quote.symbol AND splits.date > session.date
    ) AS later_splits
    FROM (
        SELECT date FROM trading_sessions
        WHERE calendar = instrument.calendar AND NOT closed
          AND date BETWEEN quote.as_of::date - 10 AND quote.as_of::date + 10
        ORDER BY greatest(opens_at - quote.as_of, quote.as_of - closes_at, interval '0'), date DESC
        LIMIT 1
    ) AS session
    JOIN candles ON candles.symbol = quote.symbol AND timeframe = '1d' AND is_final
     AND opened_at < session.date::timestamptz
    WHERE instrument.split_pending_since IS NULL
    ORDER BY opened_at DESC
    LIMIT 1
"""

# Counted from the open: nothing trades overnight, so the first minutes of a session are not stale by a night.
IS_STALE = """
    EXISTS (
        SELECT FROM trading_sessions AS session
        WHERE session.calendar = instrument.calendar
          AND session.date BETWEEN %(at)s::date - 2 AND %(at)s::date + 2
          AND NOT session.closed AND session.opens_at <= %(at)s AND session.closes_at > %(at)s
          AND (quote.symbol IS NULL
               OR quote.as_of < %(at)s - %(limit)s - quote.delay_seconds * interval '1 second')
          AND (session.calendar = %(always_open)s
               OR session.opens_at
                  < %(at)s - %(limit)s - coalesce(quote.delay_seconds, 0) * interval '1 second')
    )
"""

OF_QUOTES = [str(field.column) for field in Quote._meta.concrete_fields]
LOOKED_AT = f"""
SELECT
    {", ".join(f"quote.{column}" for column in OF_QUOTES)},
    previous.close, previous.date, previous.later_splits, {IS_STALE}
FROM quotes AS quote
JOIN instruments AS instrument USING (symbol)
LEFT JOIN LATERAL ({PREVIOUS_CLOSE}) AS previous ON true
WHERE quote.symbol = ANY(%(symbols)s)
"""

STALE = f"""
SELECT instrument.symbol FROM instruments AS instrument LEFT JOIN quotes AS quote USING (symbol)
WHERE (%(symbols)s::text[] IS NULL AND watched OR symbol = ANY(%(symbols)s)) AND {IS_STALE}
ORDER BY symbol
"""


@dataclass(frozen=True)
class QuoteView:
    """A quote as people look at it. Its previous close is None when none is known on the quote's basis."""

    quote: Quote
    previous_close: float | None
    previous_close_on: date | None
    age: timedelta
    stale: bool

    @property
    def age_seconds(self) -> float:
        return self.age.total_seconds()

    @property
    def change(self) -> float | None:
        if self.previous_close is None:
            return None
        return round(self.quote.price - self.previous_close, 6)

    @property
    def change_percent(self) -> float | None:
        if self.previous_close is None:
            return None
        return round((self.quote.price / self.previous_close - 1) * 100, 4)


def quotes_with_change(symbols: Collection[str], at: datetime) -> dict[str, QuoteView]:
    """The newest quote of each symbol that has one, as it looks at `at`. One query."""
    with connection.cursor() as cursor:
        cursor.execute(LOOKED_AT, stale_values(at, list(symbols)))
        views = [_view(row, at) for row in cursor]
    return {view.quote.symbol: view for view in views}


def _view(row: Sequence[Any], at: datetime) -> QuoteView:
    """What LOOKED_AT says of a quote.

    The history stands on the basis of today; a quote from before a split is still on the old one, so the
    splits after its session are taken back. While a split is pending no close is known.
    """
    *columns, close, day, later_splits, stale = row
    quote = Quote.from_db(DEFAULT_DB_ALIAS, OF_QUOTES, columns)
    previous = None if close is None else close * math.prod(later_splits)
    return QuoteView(quote, previous, day, max(quote.age(at), timedelta(0)), stale)


def stale_symbols(at: datetime, symbols: Sequence[str] | None = None) -> list[str]:
    """Those (of all watched ones, when none are named) whose quote is missing or too old while they trade.

    Too old: older than STALE_QUOTE_SECONDS beyond what the feed's own delay explains.
    """
    with connection.cursor() as cursor:
        cursor.execute(STALE, stale_values(at, symbols))
        return [symbol for (symbol,) in cursor]


def stale_values(at: datetime, symbols: Sequence[str] | None = None) -> dict[str, Any]:
    """What STALE has to be given."""
    return {
        "symbols": None if symbols is None else list(symbols),
        "at": at,
        "limit": timedelta(seconds=settings.STALE_QUOTE_SECONDS),
        "always_open": ALWAYS_OPEN,
    }
