"""Quotes into their two tables: the newest of each instrument, and what was received over time."""

from collections.abc import Mapping, Sequence
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

# Made once for each connection: one that was dropped with every write would churn the catalogue each second.
STAGED = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_quotes (
        instrument int, price float8, bid float8, ask float8, bid_size float8, ask_size float8,
        volume float8, exchange int, as_of timestamptz, halt int, doubt int, tells_halts boolean
    ) ON COMMIT DELETE ROWS
"""

COLUMNS = [
    *("symbol", "price", "bid", "ask", "bid_size", "ask_size", "volume", "exchange"),
    *("as_of", "received_at", "provider", "feed", "delay_seconds"),
]
CURRENT = [*COLUMNS, "halt", "doubt", "doubtful_price", "doubtful_as_of"]
DOUBT = ["halt", "doubt", "doubtful_price", "doubtful_as_of"]

KNOWN_HALT = """CASE WHEN tells_halts OR halt <> '' THEN halt ELSE coalesce((
            SELECT known.halt FROM quotes AS known
            WHERE known.symbol = received.symbol AND known.as_of >= received.as_of
        ), '') END"""

# Texts travel as ordinals, what was not given as NaN: COPY then needs no NULLs. A doubtful price stands
# beside the believed one; in the history it is marked. Where a tick does not tell of halts, one that is known
# ends by a later trade.
MERGE = """
    WITH received AS (
        SELECT (%(symbols)s::name[])[instrument] AS symbol,
            price, nullif(bid, 'NaN') AS bid, nullif(ask, 'NaN') AS ask,
            nullif(bid_size, 'NaN') AS bid_size, nullif(ask_size, 'NaN') AS ask_size,
            nullif(volume, 'NaN') AS volume,
            (%(texts)s::varchar(64)[])[exchange]::varchar(16) AS exchange, as_of, %(at)s AS received_at,
            %(provider)s AS provider, %(feed)s AS feed, %(delay)s AS delay_seconds,
            (%(texts)s::varchar(64)[])[halt] AS halt, (%(texts)s::varchar(64)[])[doubt] AS doubt, tells_halts
        FROM staged_quotes
    ), current AS (
        INSERT INTO quotes AS stored ({current})
        SELECT {columns}, {halt}, '', NULL::float8, NULL::timestamptz FROM received WHERE doubt = ''
        ON CONFLICT (symbol) DO UPDATE SET ({current}) = ({excluded})
        WHERE {replaces} AND ({stored}) IS DISTINCT FROM ({excluded})
    ), doubted AS (
        INSERT INTO quotes AS stored ({current})
        SELECT {columns}, {halt}, doubt, price, as_of FROM received WHERE doubt <> ''
        ON CONFLICT (symbol) DO UPDATE SET ({doubt}) = ({excluded_doubt})
        WHERE {replaces}
    ), past AS (
        INSERT INTO quote_history ({columns}, doubt)
        SELECT {columns}, doubt FROM received
        WHERE %(apart)s::interval IS NULL OR NOT EXISTS (
            SELECT FROM quote_history AS kept
            WHERE kept.symbol = received.symbol AND kept.provider = received.provider
                AND kept.as_of > received.as_of - %(apart)s::interval AND kept.as_of <= received.as_of
        )
        ON CONFLICT (symbol, as_of, provider) DO NOTHING
        RETURNING 1
    )
    SELECT count(*) FROM past
""".format(
    columns=", ".join(COLUMNS),
    current=", ".join(CURRENT),
    doubt=", ".join(DOUBT),
    halt=KNOWN_HALT,
    excluded=", ".join(f"excluded.{name}" for name in CURRENT),
    excluded_doubt=", ".join(f"excluded.{name}" for name in DOUBT),
    stored=", ".join(f"stored.{name}" for name in CURRENT),
    replaces="""CASE
                WHEN stored.as_of - %(at)s > %(stale)s THEN true  -- from while the clock was ahead
                WHEN stored.provider = excluded.provider THEN excluded.as_of >= stored.as_of
                ELSE %(at)s - stored.as_of - stored.delay_seconds * interval '1 second' > %(stale)s
            END""",
)


BELIEVE = """
    UPDATE quote_history AS stored SET doubt = '', received_at = %s
    FROM unnest(%s::varchar[], %s::timestamptz[]) AS believed (symbol, as_of)
    WHERE stored.symbol = believed.symbol AND stored.as_of = believed.as_of AND stored.provider = %s
        AND stored.doubt <> ''
"""


def write_quotes(
    ticks: Sequence[QuoteTick],
    *,
    provider: str,
    feed: Feed,
    delay: timedelta,
    at: datetime,
    apart: timedelta | None = None,
) -> int:
    """Store fit quotes, all or none; how many were new to the history.

    `apart`: the history takes a quote only when none of the symbol and provider is so shortly before it.

    From one provider a quote never replaces a newer one (the same one again says that it still stands);
    another provider's only replaces a stale one. Of two quotes of one symbol the newer wins. Raises
    UnknownSymbols before anything is written. A doubtful price never replaces one that is believed.
    """
    chosen = _newest(ticks)
    if not chosen:
        return 0
    symbols = text_array(tick.symbol for tick in chosen)
    texts = sorted({text for tick in chosen for text in _texts(tick)})
    merge: dict[str, Any] = {
        "symbols": symbols,
        "texts": text_array(texts),
        "provider": provider,
        "feed": feed.value,
        "delay": int(delay.total_seconds()),
        "at": at,
        "apart": apart,
        "stale": timedelta(seconds=settings.STALE_QUOTE_SECONDS),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        refuse_unknown(cursor, symbols)
        cursor.execute(STAGED)
        stage(cursor, "staged_quotes", _columns(chosen, texts))
        cursor.execute(MERGE, merge)
        (stored,) = cursor.fetchone()
        cursor.execute("DELETE FROM staged_quotes")
    return int(stored)


def believe_quotes(as_of: Mapping[str, datetime], *, provider: str, at: datetime) -> None:
    """Clear the doubt of these rows of the history: from `at` on they count, as if they had come then."""
    with connection.cursor() as cursor:
        cursor.execute(BELIEVE, [at, list(as_of), list(as_of.values()), provider])


def _newest(ticks: Sequence[QuoteTick]) -> list[QuoteTick]:
    """Return the newest tick of each symbol, by symbol: in this order every writer locks its rows."""
    newest: dict[str, QuoteTick] = {}
    for tick in ticks:
        other = newest.get(tick.symbol)
        if other is None or tick.as_of >= other.as_of:
            newest[tick.symbol] = tick
    return [newest[symbol] for symbol in sorted(newest)]


def _texts(tick: QuoteTick) -> tuple[str, str, str]:
    return tick.exchange, tick.halt, tick.doubt.value if tick.doubt else ""


def _columns(ticks: Sequence[QuoteTick], texts: Sequence[str]) -> list[NDArray[np.generic]]:
    ordinal = {text: n for n, text in enumerate(texts, start=1)}
    ordinals = np.array([[ordinal[text] for text in _texts(tick)] for tick in ticks], dtype=np.int32)
    stamps = np.array([(tick.as_of - UNIX) // MICROSECOND for tick in ticks], dtype=np.int64)
    return [
        np.arange(1, len(ticks) + 1, dtype=np.int32),
        _floats([tick.price for tick in ticks]),
        _floats([tick.bid for tick in ticks]),
        _floats([tick.ask for tick in ticks]),
        _floats([tick.bid_size for tick in ticks]),
        _floats([tick.ask_size for tick in ticks]),
        _floats([tick.volume for tick in ticks]),
        ordinals[:, 0],
        stamps.view(INSTANT),
        ordinals[:, 1],
        ordinals[:, 2],
        np.array([tick.tells_halts for tick in ticks], dtype=np.bool_),
    ]


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array(values, dtype=np.float64)  # None becomes NaN
