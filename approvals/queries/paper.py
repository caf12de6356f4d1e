"""The market of the paper broker."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from core.queries import fetch_one

# One row of arrays: ten thousand rows would cost far more. A quote from the future is of its arrival.
PAPER_QUOTES = """
    SELECT
        coalesce(array_agg(stamp ORDER BY received_at, as_of, provider), '{}') AS stamps,
        coalesce(array_agg(price ORDER BY received_at, as_of, provider), '{}') AS prices,
        coalesce(array_agg(half_spread ORDER BY received_at, as_of, provider), '{}') AS half_spreads
    FROM (
        SELECT received_at, as_of, provider, price,
            (extract(epoch FROM least(as_of, received_at)) * 1000000)::int8 AS stamp,
            CASE WHEN provider = ANY(%(consolidated)s) AND ask > bid THEN (ask - bid) / 2 ELSE 0 END
                AS half_spread
        FROM quote_history
        WHERE symbol = %(symbol)s AND as_of > %(since)s AND received_at > %(since)s AND received_at <= %(at)s
            AND doubt = ''
            AND received_at - as_of - delay_seconds * interval '1 second' <= %(stale)s
    ) AS fresh
"""


@dataclass(frozen=True)
class PaperQuotes:
    """Quotes in the order of their arrival: microseconds since 1970, prices, half of each spread."""

    stamps: Sequence[int]
    prices: Sequence[float]
    half_spreads: Sequence[float]


def paper_quotes(
    symbol: str, since: datetime, at: datetime, consolidated: Sequence[str], stale: timedelta
) -> PaperQuotes:
    """Return the quotes of a symbol that arrived in a time, were not stale then and are not doubtful.

    `consolidated`: the providers whose spread is the whole market's; that of others is taken for 0.
    """
    values = {"symbol": symbol, "since": since, "at": at, "consolidated": consolidated, "stale": stale}
    return fetch_one(PaperQuotes, PAPER_QUOTES, values)
