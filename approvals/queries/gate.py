"""What tells whether anything may be approved or sent."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from core.queries import fetch_one

GATE_FACTS = """
SELECT
    gate.checked_at, gate.broker_good_since, coalesce(gate.broker_error, '') AS broker_error,
    halts.started_at AS halted_at, halts.until AS halted_until, coalesce(halts.reason, '') AS halt_reason,
    username AS halted_by,
    rounds.ended_at, rounds.stored
FROM (
    SELECT
        coalesce(array_agg(finished_at ORDER BY started_at DESC), '{}') AS ended_at,
        coalesce(array_agg(stored ORDER BY started_at DESC), '{}') AS stored
    FROM (
        SELECT finished_at, stored, started_at FROM ingestion_runs
        WHERE kind = 'quotes' AND outcome = 'finished' AND started_at <= %(at)s
        ORDER BY started_at DESC LIMIT %(rounds)s
    ) AS newest
) AS rounds
LEFT JOIN gate ON true
LEFT JOIN LATERAL (
    SELECT * FROM trading_halts WHERE ended_at IS NULL AND (until IS NULL OR until > %(at)s)
    ORDER BY until DESC NULLS FIRST, started_at LIMIT 1
) AS halts ON true
LEFT JOIN auth_user ON auth_user.id = halts.started_by_id
"""


class GateFacts(NamedTuple):
    """What the gate and the halt are told from. Times are None for what has not happened.

    `halted_at` and what follows: of the oldest open halt, of a pause when there are only these.
    `halted_until` is None for one that a person ends, `halted_by` when no person began it.
    `ended_at` and `stored`: of the newest rounds of quotes, when each ended and how many quotes it stored,
    the newest first.
    """

    checked_at: datetime | None
    broker_good_since: datetime | None
    broker_error: str
    halted_at: datetime | None
    halted_until: datetime | None
    halt_reason: str
    halted_by: str | None
    ended_at: Sequence[datetime]
    stored: Sequence[int]


def gate_facts(rounds: int, at: datetime) -> GateFacts:
    """Return what the gate and the halt are told from, with so many rounds of quotes up to `at`."""
    return fetch_one(GateFacts, GATE_FACTS, {"rounds": rounds, "at": at})
