"""Which outcomes are to be computed."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import NamedTuple
from uuid import UUID

from django.db import connection

# A decision may be played on any timeframe of its symbol, so it stands on all of them.
DUE = """
    WITH versions AS (
        SELECT symbol, timeframe, version, sum(version) OVER (PARTITION BY symbol)::bigint AS every
        FROM candle_versions
    ), asked AS (
        SELECT signals.*, ledger.name AS ledger, coalesce(
            CASE ledger.name
                WHEN 'signal' THEN (
                    SELECT version FROM versions
                    WHERE versions.symbol = signals.symbol AND versions.timeframe = signals.timeframe
                )
                ELSE (SELECT every FROM versions WHERE versions.symbol = signals.symbol LIMIT 1)
            END, 0
        ) AS version
        FROM strategy_signals AS signals
        CROSS JOIN (VALUES ('signal'), ('decision')) AS ledger (name)
        WHERE ledger.name = 'signal' OR status IN ('approved', 'rejected', 'expired')
            OR (status = 'pending' AND expires_at <= %(at)s)
    )
    SELECT asked.id, asked.ledger, asked.version, asked.strategy_id, asked.timeframe, parameters::text,
        asked.symbol
    FROM asked
    JOIN instruments ON instruments.symbol = asked.symbol AND split_pending_since IS NULL
    LEFT JOIN outcomes ON outcomes.signal_id = asked.id AND outcomes.ledger = asked.ledger
    WHERE outcomes.id IS NULL
        OR outcomes.computed_at <= asked.ended_at
        OR (NOT (is_final AND is_race_final) AND candles_version <> asked.version)
    ORDER BY asked.strategy_id, asked.timeframe, parameters::text, asked.symbol
"""


class Due(NamedTuple):
    """A signal that is due in one ledger. `version`: that of the candles now."""

    signal: UUID
    ledger: str
    version: int
    strategy_id: str
    timeframe: str
    parameters: str
    symbol: str


def due(at: datetime) -> list[Due]:
    """All that are due, those of one strategy, timeframe and parameters together, by symbol.

    A symbol whose history waits to be restated after a split is left for later.
    """
    with connection.cursor() as cursor:
        cursor.execute(DUE, {"at": at})
        return [Due(*row) for row in cursor.fetchall()]


def batches(found: Sequence[Due]) -> Iterator[list[Due]]:
    """Those that the same strategy has raised with the same parameters, so that its events are theirs."""
    for _, same in groupby(found, lambda one: (one.strategy_id, one.timeframe, one.parameters)):
        yield list(same)
