"""Candles out of their table: bars as columns, and the few single values that ingestion asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from django.db import connection
from numpy.typing import NDArray
from psycopg import ClientCursor

from market.prices import Bars, Feed, Flags, Timeframe, to_datetime, to_instant
from market.quality import CONTEXT_BARS
from market.store import binary
from market.store.batch import Batch

REGULAR, FINAL, SUSPECT, ALIKE = 1, 2, 4, 8
KINDS = ["datetime64[us]", "float64", "float64", "float64", "float64", "float64", "float64", "int16"]
SOURCED_KINDS = [*KINDS[:-1], "int32", "int16"]

# `wanted` numbers the symbols, `picked` finds one symbol's bars by the primary key, newest first.
COPY_OUT = """
    COPY (
        SELECT wanted.ordinal::int4, columns.*
        FROM unnest({keys}) WITH ORDINALITY AS wanted ({names}, ordinal)
        CROSS JOIN LATERAL (
            SELECT array_agg(opened_at), array_agg(open), array_agg(high), array_agg(low), array_agg(close),
                array_agg(coalesce(volume, 'NaN')), array_agg(coalesce(vwap, 'NaN')),{source}
                array_agg(((session = 'regular')::int + 2 * is_final::int + 4 * suspect::int{flags})::int2)
            FROM ({picked}) AS picked
            HAVING count(*) > 0
        ) AS columns
    ) TO STDOUT (FORMAT BINARY)
"""

PICKED = """
    SELECT * FROM candles
    WHERE candles.symbol = wanted.symbol AND timeframe = %(timeframe)s
        AND opened_at >= %(since)s AND opened_at < %(until)s
        AND (NOT %(closed)s OR (is_final AND session = 'regular' AND (%(doubted)s OR NOT suspect)))
    ORDER BY opened_at DESC LIMIT %(last)s
"""

NEWEST = COPY_OUT.format(flags="", source="", keys="%(symbols)s::varchar[]", names="symbol", picked=PICKED)

# A number for each provider and feed: two bars are of one source when theirs are alike.
SOURCED = COPY_OUT.format(
    flags="",
    source="array_agg(hashtext(provider) # hashtext(feed)),",
    keys="%(symbols)s::varchar[]",
    names="symbol",
    picked=PICKED,
)

AROUND = COPY_OUT.format(
    flags="",
    source="",
    keys="%(symbols)s::varchar[], %(first)s::timestamptz[], %(last)s::timestamptz[]",
    names="symbol, first, last",
    picked="""
        SELECT * FROM (
            (SELECT * FROM candles
            WHERE candles.symbol = wanted.symbol AND timeframe = %(timeframe)s AND opened_at < wanted.first
            ORDER BY opened_at DESC LIMIT %(before)s)
            UNION ALL
            (SELECT * FROM candles
            WHERE candles.symbol = wanted.symbol AND timeframe = %(timeframe)s AND opened_at > wanted.last
            ORDER BY opened_at LIMIT 1)
        ) AS neighbours
        ORDER BY opened_at DESC
    """,
)

UNDER = COPY_OUT.format(
    flags=" + 8 * (provider = %(provider)s AND feed = %(feed)s)::int",
    source="",
    keys="%(symbols)s::varchar[], %(first)s::timestamptz[], %(last)s::timestamptz[]",
    names="symbol, first, last",
    picked="""
        SELECT * FROM candles
        WHERE candles.symbol = wanted.symbol AND timeframe = %(timeframe)s
            AND opened_at BETWEEN wanted.first AND wanted.last
        ORDER BY opened_at DESC
    """,
)


def read_bars(
    symbols: Sequence[str],
    timeframe: Timeframe,
    *,
    last: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    closed: bool = False,
) -> dict[str, Bars]:
    """Return the bars of each symbol, oldest first: the newest `last` of those opened in [since, until).

    `closed`: only final bars of the regular session that are not suspect. Every symbol is in the answer. The
    arrays of all symbols are views of the same few large ones.
    """
    wanted = list(dict.fromkeys(symbols))
    span = {"since": since or "-infinity", "until": until or "infinity", "last": last}
    return _by_symbol(
        NEWEST, wanted, {"timeframe": timeframe.value, "closed": closed, "doubted": False, **span}
    )


def read_doubted(symbol: str, timeframe: Timeframe) -> Bars:
    """Return the stored bars of a symbol that are suspect."""
    bars = read_bars([symbol], timeframe)[symbol]
    return bars[bars.suspect]


@dataclass(frozen=True)
class ClosedBars:
    """Bars of several symbols end to end, each one's oldest first. `ordinals` says whose (1 is the first
    symbol asked for), `sources` is alike where provider and feed are."""

    ordinals: NDArray[np.int32]
    bars: Bars
    sources: NDArray[np.int32]


def read_closed(
    symbols: Sequence[str],
    timeframe: Timeframe,
    *,
    last: int | None = None,
    since: datetime | None = None,
    until: datetime | None = None,
    doubted: bool = False,
) -> ClosedBars:
    """Return the closed bars as one table: thousands of symbols without a step for each.

    `doubted`: also those that are suspect.
    """
    values = {"timeframe": timeframe.value, "symbols": list(symbols), "last": last}
    which = {"closed": True, "doubted": doubted}
    span = {"since": since or "-infinity", "until": until or "infinity"}
    ordinals, columns = binary.unpack(_copied(SOURCED, values | which | span), SOURCED_KINDS)
    flags, sources = columns.pop(), columns.pop()
    return ClosedBars(ordinals, Bars(*columns, *_marks(flags)), sources)


def _marks(flags: NDArray[np.int16]) -> list[Flags]:
    return [(flags & bit) > 0 for bit in (REGULAR, FINAL, SUSPECT)]


def context(bars: Mapping[str, Bars], timeframe: Timeframe, before: int = CONTEXT_BARS) -> dict[str, Bars]:
    """Return what is stored around each symbol's bars.

    Up to `before` bars before its first, one after its last.
    """
    wanted = [symbol for symbol, given in bars.items() if len(given)]
    first = [to_datetime(bars[symbol].opened_at.min()) for symbol in wanted]
    last = [to_datetime(bars[symbol].opened_at.max()) for symbol in wanted]
    stored_bars = _by_symbol(
        AROUND, wanted, {"timeframe": timeframe.value, "first": first, "last": last, "before": before}
    )
    return dict.fromkeys(bars, Bars.empty()) | stored_bars


def under(bars: Mapping[str, Bars], timeframe: Timeframe, provider: str, feed: Feed) -> tuple[Batch, Flags]:
    """Return the stored bars from each symbol's first to its last, and which are of this source."""
    span = {
        "symbols": list(bars),
        "first": [to_datetime(given.opened_at.min()) for given in bars.values()],
        "last": [to_datetime(given.opened_at.max()) for given in bars.values()],
        "timeframe": timeframe.value,
        "provider": provider,
        "feed": feed.value,
    }
    stored, flags = _copy_out(UNDER, span)
    return stored, (flags & ALIKE) > 0


def _by_symbol(statement: str, symbols: list[str], values: Mapping[str, Any]) -> dict[str, Bars]:
    bars_by_symbol = dict.fromkeys(symbols, Bars.empty())
    if not symbols:
        return bars_by_symbol
    everything, _ = _copy_out(statement, {"symbols": symbols, **values})
    starts = np.flatnonzero(np.diff(everything.ordinals, prepend=0))
    for start, stop in pairwise([*starts, len(everything)]):
        bars_by_symbol[symbols[everything.ordinals[start] - 1]] = everything.bars[start:stop]
    return bars_by_symbol


def _copy_out(statement: str, values: Mapping[str, Any]) -> tuple[Batch, NDArray[np.int16]]:
    """Return the bars of all symbols, and their flags."""
    ordinals, columns = binary.unpack(_copied(statement, values), KINDS)
    flags = columns.pop()
    return Batch(ordinals, Bars(*columns, *_marks(flags))), flags


def _copied(statement: str, values: Mapping[str, Any]) -> bytes:
    # COPY takes no parameters, and it is no cursor method whose errors Django would translate.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        composed = ClientCursor(cursor.connection).mogrify(statement, values)
        with cursor.copy(composed) as copy:
            return b"".join(copy)


def newest(symbols: Sequence[str], timeframe: Timeframe) -> dict[str, np.datetime64 | None]:
    """Return the opening of the newest final bar of each symbol, None where there is none."""
    return _opening(symbols, timeframe, "AND is_final ORDER BY opened_at DESC")


def oldest(symbols: Sequence[str], timeframe: Timeframe) -> dict[str, np.datetime64 | None]:
    """Return the opening of the oldest bar of each symbol, None where there is none."""
    return _opening(symbols, timeframe, "ORDER BY opened_at")


def _opening(symbols: Sequence[str], timeframe: Timeframe, which: str) -> dict[str, np.datetime64 | None]:
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            SELECT wanted.symbol, (
                SELECT opened_at FROM candles
                WHERE candles.symbol = wanted.symbol AND timeframe = %s {which} LIMIT 1
            )
            FROM unnest(%s::varchar[]) AS wanted (symbol)
            """,
            [timeframe.value, list(symbols)],
        )
        return {symbol: opened_at and to_instant(opened_at) for symbol, opened_at in cursor.fetchall()}
