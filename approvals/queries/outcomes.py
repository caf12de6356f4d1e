"""Which outcomes are due."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from core.queries import fetch_all

# A decision may be played on any timeframe of its symbol, so it depends on all of them.
DUE = """
    WITH versions AS (
        SELECT symbol, timeframe, version, sum(version) OVER (PARTITION BY symbol)::bigint AS every
        FROM candle_versions
    ), wanted AS (
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
    SELECT wanted.id AS signal, wanted.ledger, wanted.version, wanted.strategy_id, wanted.timeframe,
        parameters::text AS parameters, wanted.symbol, wanted.signal_type AS side, wanted.bar_opened_at AS bar
    FROM wanted
    JOIN instruments ON instruments.symbol = wanted.symbol AND split_pending_since IS NULL
    LEFT JOIN outcomes ON outcomes.signal_id = wanted.id AND outcomes.ledger = wanted.ledger
    WHERE outcomes.id IS NULL
        OR outcomes.computed_at <= wanted.ended_at
        OR (NOT (is_final AND is_race_final) AND candles_version <> wanted.version)
    ORDER BY wanted.strategy_id, wanted.timeframe, wanted.parameters::text, wanted.symbol
"""


class Due(NamedTuple):
    """A signal whose outcome in one ledger is to be computed. `version`: that of the candles now."""

    signal: UUID
    ledger: str
    version: int
    strategy_id: str
    timeframe: str
    parameters: str
    symbol: str
    side: str
    bar: datetime


def due_outcomes(at: datetime) -> list[Due]:
    """Return all that are due, those of one strategy, timeframe and parameters together, by symbol.

    A symbol whose history waits to be restated after a split is left for later.
    """
    return fetch_all(Due, DUE, {"at": at})
