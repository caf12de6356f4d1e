"""Refused rows into their table: equal ones are counted on one row, and the table stays small."""

import json
import math
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core import sanitize
from market.models import RefusedRow
from market.quality import Refused

MOST = 10_000

# What was seen and comes with other values has not been seen.
COUNT = """
    INSERT INTO refused_rows AS stored (
        source, symbol, timeframe, stamp, reason, given, feed, times, first_at, last_at, run_id, why
    )
    SELECT source, symbol, timeframe, stamp, reason, given, feed, times, %(at)s, %(at)s, %(run)s, ''
    FROM jsonb_to_recordset(%(rows)s::jsonb) AS came (
        source varchar, symbol varchar, timeframe varchar, stamp varchar, reason varchar, given jsonb,
        feed varchar, times bigint
    )
    ON CONFLICT (source, symbol, timeframe, stamp, reason) DO UPDATE SET
        times = stored.times + excluded.times, given = excluded.given, feed = excluded.feed,
        last_at = excluded.last_at, run_id = excluded.run_id,
        reviewed_at = CASE WHEN stored.given - 'as_of' = excluded.given - 'as_of'
            THEN stored.reviewed_at END,
        reviewed_by_id = CASE WHEN stored.given - 'as_of' = excluded.given - 'as_of'
            THEN stored.reviewed_by_id END,
        why = CASE WHEN stored.given - 'as_of' = excluded.given - 'as_of'
            THEN stored.why ELSE '' END
"""

DELETE_OLDEST = """
    DELETE FROM refused_rows
    WHERE id IN (SELECT id FROM refused_rows ORDER BY last_at DESC, id DESC OFFSET %(most)s)
"""


def keep_refused(
    rows: Mapping[Refused, tuple[int, str, Mapping[str, object]]],
    run: int | None,
    at: datetime,
    most: int = MOST,
) -> None:
    """Store the refused rows of a run, or of a stream (None). Of more than `most` the oldest go."""
    if not rows:
        return
    values: dict[tuple[str, ...], dict[str, Any]] = {}
    for row, (times, feed, given) in sorted(rows.items()):
        columns = _columns(row)
        counted = values.setdefault(tuple(columns.values()), columns | {"times": 0})
        counted |= {"times": counted["times"] + times, "feed": feed, "given": _plain(given)}
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(COUNT, {"rows": json.dumps(list(values.values())), "run": run, "at": at})
        cursor.execute(DELETE_OLDEST, {"most": most})


def _columns(row: Refused) -> dict[str, str]:
    longest = {"symbol": RefusedRow.LONGEST_SYMBOL, "reason": RefusedRow.LONGEST_REASON}
    return row._asdict() | {name: sanitize.plain(getattr(row, name), longest[name]) for name in longest}


def _plain(given: Mapping[str, object]) -> dict[str, object]:
    """Return the values as JSON can hold them: what is no number becomes its name."""
    return {
        name: str(value) if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in given.items()
    }
