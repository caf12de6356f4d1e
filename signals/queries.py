"""Reads of the signals app that are SQL text, because one statement does what many QuerySets would."""

from typing import NamedTuple
from uuid import UUID

from django.db import connection

from market.prices import Timeframe

# Any bar that opened after the signal's own has closed counts, finished or not, and so does the newest quote.
TRADED = """
    SELECT pending.id AS signal, bool_or(
        CASE signal_type WHEN 'BUY' THEN low <= stop_loss ELSE high >= stop_loss END
    ) AS at_stop
    FROM strategy_signals AS pending
    CROSS JOIN LATERAL (
        SELECT low, high FROM candles
        WHERE candles.symbol = pending.symbol AND candles.timeframe = ANY (%(timeframes)s)
            AND opened_at >= generated_at AND session = 'regular' AND NOT suspect
        UNION ALL
        SELECT price, price FROM quotes
        JOIN instruments USING (symbol)
        JOIN trading_sessions USING (calendar)
        WHERE quotes.symbol = pending.symbol AND as_of > generated_at
            AND NOT closed AND as_of >= opens_at AND as_of < closes_at
    ) AS since
    WHERE status = 'pending' AND (
        CASE signal_type WHEN 'BUY' THEN low <= stop_loss OR high >= take_profit
        ELSE high >= stop_loss OR low <= take_profit END
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
