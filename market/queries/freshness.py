"""Which quotes are stale."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from core.queries import fetch_all
from market.models import ALWAYS_OPEN
from market.queries.hours import OPEN_SESSIONS

# As `market.quotes.is_stale`, of many instruments.
STALE_SYMBOLS = f"""
SELECT symbol
FROM instruments
JOIN ({OPEN_SESSIONS}) AS open_sessions USING (calendar)
LEFT JOIN quotes USING (symbol)
WHERE CASE WHEN %(symbols)s::text[] IS NULL THEN watched ELSE symbol = ANY(%(symbols)s) END
  AND (watched OR NOT delisting_followed)
  AND (quotes.as_of IS NULL OR quotes.as_of > %(ahead)s
       OR quotes.as_of < %(before)s - delay_seconds * interval '1 second')
  AND (calendar = %(always_open)s
       OR opens_at < %(before)s - coalesce(delay_seconds, 0) * interval '1 second')
ORDER BY symbol
"""


@dataclass(frozen=True)
class Symbol:
    """An instrument by its key."""

    symbol: str


def stale_symbols(at: datetime, symbols: Collection[str] | None = None) -> list[str]:
    """Return those of the symbols, else of the watched ones, whose quote is missing or stale. One query."""
    values = {
        "at": at,
        "before": at - timedelta(seconds=settings.STALE_QUOTE_SECONDS),
        "ahead": at + timedelta(seconds=settings.STALE_QUOTE_SECONDS),
        "symbols": None if symbols is None else list(symbols),
        "always_open": ALWAYS_OPEN,
    }
    return [row.symbol for row in fetch_all(Symbol, STALE_SYMBOLS, values)]
