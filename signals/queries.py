"""Reads of the signals app that are SQL text, because one statement does what many QuerySets would."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db import connection

from core.queries import fetch_one
from market.prices import Timeframe

# As `SignalQuerySet.pending`: every page counts, and so does each look of an open one.
PENDING_COUNTS = """
    SELECT
        count(*) FILTER (WHERE signal_type = 'BUY') AS buys,
        coalesce(array_agg(symbol::text) FILTER (WHERE signal_type = 'SELL'), '{}') AS sells,
        max(created_at) AS newest_at
    FROM strategy_signals WHERE status = 'pending' AND expires_at > %(at)s
"""


class PendingCounts(NamedTuple):
    """How many signals can be decided on. `sells`: the symbol of each SELL, once for each of them."""

    buys: int
    sells: Sequence[str]
    newest_at: datetime | None


def pending_counts(at: datetime) -> PendingCounts:
    """Count the signals that can be decided on, by side. One query."""
    return fetch_one(PendingCounts, PENDING_COUNTS, {"at": at})


# Any bar that opened after the signal's own has closed counts, finished or not, and so does the newest quote.
# Of a bar in doubt every price counts for the stop, for the target only those within a tenth of the entry.
TRADED = """
    SELECT pending.id AS signal, bool_or(
        CASE signal_type WHEN 'BUY' THEN low <= stop_loss ELSE high >= stop_loss END
    ) AS at_stop
    FROM strategy_signals AS pending
    CROSS JOIN LATERAL (
        SELECT candles.low, candles.high,
            CASE WHEN suspect THEN sound.low ELSE candles.low END AS sound_low,
            CASE WHEN suspect THEN sound.high ELSE candles.high END AS sound_high
        FROM candles
        CROSS JOIN LATERAL (
            SELECT min(price) AS low, max(price) AS high
            FROM unnest(CASE WHEN suspect THEN ARRAY[open, candles.high, candles.low, close] END) AS price
            WHERE abs(ln(price / entry_price::float8)) < ln(1.1)
        ) AS sound
        WHERE candles.symbol = pending.symbol AND candles.timeframe = ANY (%(timeframes)s)
            AND opened_at >= generated_at AND session = 'regular'
        UNION ALL
        SELECT price, price, price, price FROM quotes
        JOIN instruments USING (symbol)
        JOIN trading_sessions USING (calendar)
        WHERE quotes.symbol = pending.symbol AND as_of > generated_at
            AND (doubt = '' OR doubtful_as_of IS DISTINCT FROM as_of)  -- else none was ever believed
            AND NOT closed AND as_of >= opens_at AND as_of < closes_at
            AND (break_starts_at IS NULL OR as_of < break_starts_at OR as_of >= break_ends_at)
    ) AS since
    WHERE status = 'pending' AND (
        CASE signal_type WHEN 'BUY' THEN low <= stop_loss OR sound_high >= take_profit
        ELSE high >= stop_loss OR sound_low <= take_profit END
    )
    GROUP BY pending.id
"""


class Traded(NamedTuple):
    """A pending signal whose stop or target has traded. `at_stop`: the stop has, perhaps both."""

    signal: UUID
    at_stop: bool


def traded() -> list[Traded]:
    """Return the pending signals whose stop or target has traded in the regular session since their bar."""
    with connection.cursor() as cursor:
        cursor.execute(TRADED, {"timeframes": [timeframe.value for timeframe in Timeframe]})
        return [Traded(*row) for row in cursor.fetchall()]


WATCHED = """
    SELECT symbol, calendar, split_pending_since IS NOT NULL,
        EXISTS (SELECT FROM unexplained_moves AS move WHERE move.symbol = instruments.symbol AND answer = ''),
        coalesce(candles.version, 0), progress.version, progress.evaluated_through, progress.closed_at,
        coalesce(progress.bars, 0)
    FROM instruments
    LEFT JOIN (SELECT * FROM candle_versions WHERE timeframe = %(timeframe)s) AS candles USING (symbol)
    LEFT JOIN (SELECT * FROM scan_progress WHERE timeframe = %(timeframe)s) AS progress USING (symbol)
    WHERE watched ORDER BY symbol
"""


class Watched(NamedTuple):
    """A watched instrument and how far its bars of one timeframe are evaluated.

    `version` is that of its candles, `evaluated` the one that was last evaluated (None: never). `through` is
    the opening of the newest bar evaluated; `closed_at` when that bar closed; `bars` how many closed ones
    there were.
    """

    symbol: str
    calendar: str
    is_split_pending: bool
    has_unexplained_move: bool
    version: int
    evaluated: int | None
    through: datetime | None
    closed_at: datetime | None
    bars: int

    @property
    def is_on_hold(self) -> bool:
        """Whether the share basis of its bars is in doubt: it is evaluated once that has ended."""
        return self.is_split_pending or self.has_unexplained_move

    @property
    def has_changed(self) -> bool:
        return self.version != (self.evaluated or 0)


def watched(timeframe: Timeframe) -> list[Watched]:
    """Return all watched instruments, by symbol."""
    with connection.cursor() as cursor:
        cursor.execute(WATCHED, {"timeframe": timeframe.value})
        return [Watched(*row) for row in cursor.fetchall()]
