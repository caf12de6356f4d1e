"""Quotes into their two tables: the newest of each instrument, and what was received over time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from numpy.typing import NDArray

from market.prices import INSTANT, Feed, QuoteTick
from market.store.staging import refuse_unknown, stage, text_array

UNIX = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
NOT_GIVEN = -1

STAGED = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_quotes (
        instrument int, price float8, bid float8, ask float8, bid_size bigint, ask_size bigint,
        volume bigint, exchange int, as_of timestamptz
    ) ON COMMIT DROP
"""

COLUMNS = [
    *("symbol", "price", "bid", "ask", "bid_size", "ask_size", "volume", "exchange"),
    *("as_of", "received_at", "provider", "feed", "delay_seconds"),
]

# Symbols and exchanges travel as ordinals, what was not given as NaN or -1: COPY then needs no NULLs.
MERGE = """
    WITH received AS (
        SELECT (%(symbols)s::name[])[instrument] AS symbol,
            price, nullif(bid, 'NaN') AS bid, nullif(ask, 'NaN') AS ask,
            nullif(bid_size, -1) AS bid_size, nullif(ask_size, -1) AS ask_size, nullif(volume, -1) AS volume,
            (%(exchanges)s::varchar(16)[])[exchange] AS exchange, as_of, %(at)s AS received_at,
            %(provider)s AS provider, %(feed)s AS feed, %(delay)s AS delay_seconds
        FROM staged_quotes
    ), current AS (
        INSERT INTO quotes AS stored ({columns})
        SELECT {columns} FROM received
        ON CONFLICT (symbol) DO UPDATE SET ({columns}) = ({excluded})
        WHERE CASE
                WHEN stored.as_of - %(at)s > %(stale)s THEN true  -- from while the clock was ahead
                WHEN stored.provider = excluded.provider THEN excluded.as_of >= stored.as_of
                ELSE %(at)s - stored.as_of - stored.delay_seconds * interval '1 second' > %(stale)s
            END
            AND ({stored}) IS DISTINCT FROM ({excluded})
    ), past AS (
        INSERT INTO quote_history ({columns})
        SELECT {columns} FROM received
        ON CONFLICT (symbol, as_of, provider) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM past
""".format(
    columns=", ".join(COLUMNS),
    excluded=", ".join(f"excluded.{name}" for name in COLUMNS),
    stored=", ".join(f"stored.{name}" for name in COLUMNS),
)


def write_quotes(
    ticks: Sequence[QuoteTick], *, provider: str, feed: Feed, delay: timedelta, at: datetime
) -> int:
    """Store fit quotes, all or none; how many were new to the history.

    From one provider a quote never replaces a newer one (the same one again says that it still stands);
    another provider's only replaces a stale one. Of two quotes of one symbol the newer wins. Raises
    UnknownSymbols before anything is written.
    """
    chosen = _newest(ticks)
    if not chosen:
        return 0
    symbols = text_array(tick.symbol for tick in chosen)
    exchanges = sorted({tick.exchange for tick in chosen})
    merge: dict[str, Any] = {
        "symbols": symbols,
        "exchanges": text_array(exchanges),
        "provider": provider,
        "feed": feed.value,
        "delay": int(delay.total_seconds()),
        "at": at,
        "stale": timedelta(seconds=settings.STALE_QUOTE_SECONDS),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        refuse_unknown(cursor, symbols)
        cursor.execute(STAGED)
        stage(cursor, "staged_quotes", _columns(chosen, exchanges))
        cursor.execute(MERGE, merge)
        (stored,) = cursor.fetchone()
        cursor.execute("TRUNCATE staged_quotes")
    return int(stored)


def _newest(ticks: Sequence[QuoteTick]) -> list[QuoteTick]:
    """Return the newest tick of each symbol, by symbol: in this order every writer locks its rows."""
    newest: dict[str, QuoteTick] = {}
    for tick in ticks:
        other = newest.get(tick.symbol)
        if other is None or tick.as_of >= other.as_of:
            newest[tick.symbol] = tick
    return [newest[symbol] for symbol in sorted(newest)]


def _columns(ticks: Sequence[QuoteTick], exchanges: Sequence[str]) -> list[NDArray[np.generic]]:
    ordinal = {exchange: n for n, exchange in enumerate(exchanges, start=1)}
    stamps = np.array([(tick.as_of - UNIX) // MICROSECOND for tick in ticks], dtype=np.int64)
    return [
        np.arange(1, len(ticks) + 1, dtype=np.int32),
        _floats([tick.price for tick in ticks]),
        _floats([tick.bid for tick in ticks]),
        _floats([tick.ask for tick in ticks]),
        _integers([tick.bid_size for tick in ticks]),
        _integers([tick.ask_size for tick in ticks]),
        _integers([tick.volume for tick in ticks]),
        np.array([ordinal[tick.exchange] for tick in ticks], dtype=np.int32),
        stamps.view(INSTANT),
    ]


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN


def _integers(values: Sequence[int | None]) -> NDArray[np.int64]:
    return np.array([NOT_GIVEN if value is None else value for value in values], dtype=np.int64)
