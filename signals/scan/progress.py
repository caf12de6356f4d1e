"""How far the scans got: which candles have changed since, and what was there to look at."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from market.prices import Timeframe


class Watched(NamedTuple):
    """A watched instrument and how far its bars of one timeframe are evaluated.

    `version` is that of its candles, `evaluated` the one that was last looked at (None: never). `through` is
    the opening of the newest bar evaluated; `closed_at` when the newest bar seen closed; `bars` how many
    closed ones there were.
    """

    symbol: str
    calendar: str
    is_split_pending: bool
    version: int
    evaluated: int | None
    through: datetime | None
    closed_at: datetime | None
    bars: int

    @property
    def has_changed(self) -> bool:
        return self.version != (self.evaluated or 0)


def watched(timeframe: Timeframe) -> list[Watched]:
    """All watched instruments, by symbol."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT symbol, calendar, split_pending_since IS NOT NULL, coalesce(candles.version, 0),
                progress.version, progress.evaluated_through, progress.closed_at, coalesce(progress.bars, 0)
            FROM instruments
            LEFT JOIN (SELECT * FROM candle_versions WHERE timeframe = %(timeframe)s) candles USING (symbol)
            LEFT JOIN (SELECT * FROM scan_progress WHERE timeframe = %(timeframe)s) progress USING (symbol)
            WHERE watched ORDER BY symbol
            """,
            {"timeframe": timeframe.value},
        )
        return [Watched(*row) for row in cursor.fetchall()]


def advance(timeframe: Timeframe, reached: Sequence[Watched]) -> None:
    """Write down that these versions are evaluated."""
    if not reached:
        return
    rows = [(row.symbol, row.version, row.through, row.closed_at, row.bars) for row in reached]
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO scan_progress (timeframe, symbol, version, evaluated_through, closed_at, bars)
            SELECT %s, * FROM unnest(
                %s::varchar[], %s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::int[]
            )
            ON CONFLICT (symbol, timeframe) DO UPDATE SET version = excluded.version,
                evaluated_through = excluded.evaluated_through, closed_at = excluded.closed_at,
                bars = excluded.bars
            """,
            [timeframe.value, *map(list, zip(*rows, strict=True))],
        )


def behind(symbols: Sequence[str], timeframe: Timeframe) -> list[str]:
    """Those of the symbols whose candles have changed since they were evaluated."""
    asked = set(symbols)
    return [row.symbol for row in watched(timeframe) if row.symbol in asked and row.has_changed]
