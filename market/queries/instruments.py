"""Instruments with the questions about them that wait for a person, and their newest quotes.

Pages read both: as model queries these would take twice to four times the processor time.
"""

from collections.abc import Collection
from datetime import datetime

from market.models import CorporateAction, Instrument, Quote
from market.models.actions import LATELY

# `may_ask` looks at an action's own columns only: true for all of which `CorporateAction.objects.asking`
# finds one, and seldom for others.
WITH_QUESTIONS = """
SELECT instruments.*,
    EXISTS (
        SELECT FROM unexplained_moves AS move WHERE move.symbol = instruments.symbol AND answer = ''
    ) AS has_unexplained_move,
    EXISTS (
        SELECT FROM corporate_actions AS action
        WHERE action.symbol = instruments.symbol AND kind = ANY(%(kinds)s)
          AND ended_at IS NULL AND answered_at IS NULL
          AND ex_date BETWEEN (recorded_at AT TIME ZONE 'UTC')::date - %(lately)s AND %(today)s
    ) AS may_ask
FROM instruments WHERE symbol = ANY(%(symbols)s)
"""
QUOTES = "SELECT * FROM quotes WHERE symbol = ANY(%(symbols)s)"
KINDS = [kind.value for kind in (*CorporateAction.ASKS, CorporateAction.Kind.SPLIT)]


def with_questions(symbols: Collection[str], at: datetime) -> dict[str, Instrument]:
    """Return the instruments of the symbols with `has_unexplained_move` and `may_ask`. One query."""
    values = {"symbols": list(symbols), "kinds": KINDS, "lately": LATELY.days, "today": at.date()}
    return {instrument.pk: instrument for instrument in Instrument.objects.raw(WITH_QUESTIONS, values)}


def newest_quotes(symbols: Collection[str]) -> dict[str, Quote]:
    """Return the newest quotes of the symbols that have one. One query."""
    return {quote.pk: quote for quote in Quote.objects.raw(QUOTES, {"symbols": list(symbols)})}
