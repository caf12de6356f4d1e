"""Candles into their table: what is new is inserted, and one statement decides what may replace what."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.conf import settings
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from market.models import Candle
from market.prices import COLUMNS, Bars, Feed, Instants, Timeframe, to_datetime
from market.share_basis.factor import VOLUME_DECIMALS
from market.store.batch import Batch
from market.store.reading import under
from market.store.staging import lock_instruments, stage, text_array

BY_HAND = "by hand"  # the provider of bars that a person has corrected: no other one revises them
CHUNK = 20_000  # rows: a temporary table of this size stays in memory

STAGED = """
    CREATE TEMPORARY TABLE IF NOT EXISTS staged_candles (
        instrument int, opened_at timestamptz, open float8, high float8, low float8, close float8,
        volume float8, vwap float8, regular boolean, is_final boolean, suspect boolean
    ) ON COMMIT DROP
"""

# Symbols travel as ordinals. An array of `name` has elements of one width, so looking one up costs no walk.
INSERT = """
    INSERT INTO candles AS stored (
        symbol, timeframe, opened_at, open, high, low, close, volume, vwap,
        provider, feed, session, is_final, suspect, import_id
    )
    SELECT (%(symbols)s::name[])[instrument], %(timeframe)s, opened_at, open, high, low, close,
        nullif(volume, 'NaN'), nullif(vwap, 'NaN'), %(provider)s, %(feed)s,
        CASE WHEN regular THEN 'regular' ELSE 'extended' END, is_final, suspect,
        %(import_id)s::bigint
    FROM staged_candles
"""

REVISE = (
    INSERT
    + """
    ON CONFLICT (symbol, timeframe, opened_at) DO UPDATE SET
        open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
        volume = excluded.volume, vwap = excluded.vwap, provider = excluded.provider,
        feed = excluded.feed, session = excluded.session, is_final = excluded.is_final,
        suspect = excluded.suspect, import_id = excluded.import_id,
        revisions = stored.revisions + (
            stored.is_final
            AND (stored.open, stored.high, stored.low, stored.close, stored.volume, stored.vwap)
            IS DISTINCT FROM
            (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume, excluded.vwap)
        )::int
    WHERE (
            stored.provider = excluded.provider
            OR (excluded.is_final AND NOT stored.is_final)
            OR (%(is_listed)s AND stored.provider <> ALL (%(earlier)s::varchar[]))
        )
        AND (excluded.is_final OR NOT stored.is_final)
        AND stored.provider <> %(by_hand)s
    """
)

RESTATE_VERDICTS = """
    UPDATE bar_verdicts SET
        open = open / %(factor)s, high = high / %(factor)s, low = low / %(factor)s,
        close = close / %(factor)s, vwap = vwap / %(factor)s,
        volume = round((volume * %(factor)s)::numeric, %(decimals)s)
    WHERE symbol = %(symbol)s AND opened_at < %(before)s
"""


@dataclass(frozen=True)
class Written:
    """How many bars were stored: `kept` are those already stored alike, or not allowed to replace what is."""

    new: int = 0
    changed: int = 0
    kept: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.new + other.new, self.changed + other.changed, self.kept + other.kept)


def write_candles(
    bars: Mapping[str, Bars],
    timeframe: Timeframe,
    *,
    provider: str,
    feed: Feed,
    import_id: int | None = None,
) -> Written:
    """Store fit bars, all or none. Raises UnknownSymbols before anything is written.

    Of two bars with one opening the last wins. A bar is revised only by the provider that wrote it or by one
    that stands earlier in PROVIDERS (who is not in that list stands last); never from final to unfinished. A
    bar that one left unfinished may be finished by any. A bar that was corrected by hand stays as it is.

    The instruments stay locked until the transaction ends, so that what was compared is what is revised. In
    one transaction write several batches in the order of their symbols, or two may wait for each other.
    """
    given = {symbol: bars[symbol] for symbol in sorted(bars) if len(bars[symbol])}
    if not given:
        return Written()
    batch = Batch.of(given)
    values = {
        "symbols": text_array(given),
        "timeframe": timeframe.value,
        "provider": provider,
        "feed": feed.value,
        "import_id": import_id,
        "is_listed": provider in settings.PROVIDERS,
        "earlier": _earlier(provider),
        "by_hand": BY_HAND,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        lock_instruments(cursor, given)
        is_new, is_other = batch.news(*under(given, timeframe, provider, feed))
        cursor.execute(STAGED)
        new = _merge(cursor, INSERT, batch[is_new], values)
        changed = _merge(cursor, REVISE, batch[is_other], values)
        touched = np.unique(batch.ordinals[(is_new | is_other) & batch.bars.final])
        names = list(given)
        _grow(cursor, [names[ordinal - 1] for ordinal in touched.tolist()], [timeframe])
    return Written(new, changed, len(batch) - new - changed)


def _merge(cursor: CursorWrapper, statement: str, batch: Batch, values: Mapping[str, Any]) -> int:
    """Run the statement over the batch, chunk by chunk; how many rows it wrote."""
    written = 0
    for start in range(0, len(batch), CHUNK):
        chunk = batch[start : start + CHUNK]
        stage(cursor, "staged_candles", [chunk.ordinals, *(getattr(chunk.bars, name) for name in COLUMNS)])
        cursor.execute(statement, values)
        written += cursor.rowcount
        cursor.execute("TRUNCATE staged_candles")
    return written


def _grow(cursor: CursorWrapper, symbols: Collection[str], timeframes: Collection[Timeframe]) -> None:
    """Give the candles of these symbols and timeframes another version."""
    cursor.execute(
        """
        INSERT INTO candle_versions AS stored (symbol, timeframe, version)
        SELECT symbol, timeframe, 1 FROM unnest(%s::varchar[]) AS symbol, unnest(%s::varchar[]) AS timeframe
        ON CONFLICT (symbol, timeframe) DO UPDATE SET version = stored.version + 1
        """,
        [sorted(symbols), [timeframe.value for timeframe in timeframes]],
    )


def _earlier(provider: str) -> list[str]:
    """Return the providers whose bars this one may not revise, among those in PROVIDERS."""
    names = list(settings.PROVIDERS)
    return names[: names.index(provider)] if provider in names else names


def set_suspect(
    timeframe: Timeframe, *, cleared: Mapping[str, Instants], flagged: Mapping[str, Instants]
) -> int:
    """Clear and set the `suspect` mark of stored bars, given by symbol and opening; how many changed."""
    keys = [
        (symbol, to_datetime(opened_at), suspect)
        for marks, suspect in ((cleared, False), (flagged, True))
        for symbol, openings in marks.items()
        for opened_at in openings
    ]
    if not keys:
        return 0
    keys.sort()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            """
            UPDATE candles SET suspect = marks.suspect
            FROM unnest(%s::varchar[], %s::timestamptz[], %s::boolean[]) AS marks (symbol, opened_at, suspect)
            WHERE candles.symbol = marks.symbol AND candles.timeframe = %s
                AND candles.opened_at = marks.opened_at AND candles.suspect <> marks.suspect
            """,
            [*(list(column) for column in zip(*keys, strict=True)), timeframe.value],
        )
        changed = int(cursor.rowcount)
        if changed:
            _grow(cursor, {symbol for symbol, _, _ in keys}, [timeframe])
        return changed


def rescale(symbol: str, factor: float, before: np.datetime64) -> int:
    """Restate every bar opened before an instant on a new split basis; how many there were.

    `factor` is new shares for one old: prices are divided by it, volume is multiplied. It is no revision. The
    values that people have decided on are restated, too.
    """
    values: dict[str, Any] = {
        "symbol": symbol,
        "factor": float(factor),
        "decimals": VOLUME_DECIMALS,
        "before": to_datetime(before),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        lock_instruments(cursor, [symbol])
        cursor.execute(
            """
            UPDATE candles SET
                open = open / %(factor)s, high = high / %(factor)s, low = low / %(factor)s,
                close = close / %(factor)s, vwap = vwap / %(factor)s,
                volume = round((volume * %(factor)s)::numeric, %(decimals)s)
            WHERE symbol = %(symbol)s AND opened_at < %(before)s
            """,
            values,
        )
        restated = int(cursor.rowcount)
        cursor.execute(RESTATE_VERDICTS, values)
        _grow(cursor, [symbol], list(Timeframe))
        return restated


def put(candle: Candle) -> None:
    """Store a bar in place of whatever is there, as a person decides. Its instrument is locked."""
    key = {"symbol": candle.symbol, "timeframe": candle.timeframe, "opened_at": candle.opened_at}
    names = [field.name for field in Candle._meta.concrete_fields if field.name not in key]
    with transaction.atomic(), connection.cursor() as cursor:
        if not Candle.objects.filter(**key).update(**{name: getattr(candle, name) for name in names}):
            candle.save(force_insert=True)
        _grow(cursor, [candle.symbol], [Timeframe(candle.timeframe)])


def delete(symbol: str, timeframes: Collection[Timeframe], first: datetime, until: datetime) -> int:
    """Delete the bars opened in [first, until) of these timeframes; how many there were."""
    with transaction.atomic(), connection.cursor() as cursor:
        lock_instruments(cursor, [symbol])
        cursor.execute(
            """
            DELETE FROM candles
            WHERE symbol = %s AND timeframe = ANY (%s::varchar[]) AND opened_at >= %s AND opened_at < %s
            """,
            [symbol, [timeframe.value for timeframe in timeframes], first, until],
        )
        deleted = int(cursor.rowcount)
        if deleted:
            _grow(cursor, [symbol], timeframes)
        return deleted
