"""The market of the paper broker."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from core.queries import fetch_one

# One row of arrays: ten thousand rows would cost far more. A quote from the future is of its arrival.
PAPER_QUOTES = """
    SELECT
        coalesce(array_agg(stamp ORDER BY received_at, as_of, provider), '{}') AS stamps,
        coalesce(array_agg(price ORDER BY received_at, as_of, provider), '{}') AS prices,
        coalesce(array_agg(bid ORDER BY received_at, as_of, provider), '{}') AS bids,
        coalesce(array_agg(ask ORDER BY received_at, as_of, provider), '{}') AS asks,
        coalesce(array_agg(bid_size ORDER BY received_at, as_of, provider), '{}') AS bid_sizes,
        coalesce(array_agg(ask_size ORDER BY received_at, as_of, provider), '{}') AS ask_sizes
    FROM (
        SELECT received_at, as_of, provider, price,
            (extract(epoch FROM least(as_of, received_at)) * 1000000)::int8 AS stamp,
            CASE WHEN is_book THEN bid END AS bid, CASE WHEN is_book THEN ask END AS ask,
            CASE WHEN is_book THEN bid_size END AS bid_size, CASE WHEN is_book THEN ask_size END AS ask_size
        FROM (
            SELECT *, coalesce(provider = ANY(%(consolidated)s) AND ask > bid, false) AS is_book
            FROM quote_history
            WHERE symbol = %(symbol)s AND as_of > %(since)s AND received_at > %(since)s
                AND received_at <= %(at)s AND doubt = ''
                AND received_at - as_of - delay_seconds * interval '1 second' <= %(stale)s
        ) AS arrived
    ) AS fresh
"""


class PaperQuotes(NamedTuple):
    """Quotes in the order of their arrival: microseconds since 1970, prices, the book where it is known."""

    stamps: Sequence[int]
    prices: Sequence[float]
    bids: Sequence[float | None]
    asks: Sequence[float | None]
    bid_sizes: Sequence[float | None]
    ask_sizes: Sequence[float | None]


def paper_quotes(
    symbol: str, since: datetime, at: datetime, consolidated: Sequence[str], stale: timedelta
) -> PaperQuotes:
    """Return the quotes of a symbol that arrived in a time, were not stale then and are not doubtful.

    `consolidated`: the providers whose book is the whole market's; that of others is left out.
    """
    values = {"symbol": symbol, "since": since, "at": at, "consolidated": consolidated, "stale": stale}
    return fetch_one(PaperQuotes, PAPER_QUOTES, values)
