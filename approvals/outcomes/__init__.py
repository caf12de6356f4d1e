"""Outcomes of every signal, and of every decision on one: two ledgers on stored bars.

Both are played by the function that plays backtests. An outcome is computed when its signal is new, once
after the signal ended, and until it is final whenever its candles have changed.
"""

from datetime import datetime

from approvals import queries
from approvals.models import Outcome
from approvals.outcomes import due
from approvals.outcomes.batch import compute
from approvals.outcomes.finest import Finest
from core import locks
from market.models import Instrument
from signals.lifetimes import Calendars

__all__ = ["refresh"]

Ledger = Outcome.Ledger


def refresh(at: datetime) -> int:
    """Bring both ledgers up to date; how many outcomes were computed.

    One at a time over all clusters: another one does nothing.
    """
    with locks.held("approvals outcomes") as is_locked:
        due_now = queries.due_outcomes(at) if is_locked else []
        if not due_now:
            return 0
        symbols = {item.symbol for item in due_now}
        instruments = Instrument.objects.filter(symbol__in=symbols)
        calendars = Calendars.load(dict(instruments.values_list("symbol", "calendar")))
        finest = Finest.load({item.symbol for item in due_now if item.ledger == Ledger.DECISION})
        return sum(compute(batch, calendars, finest, at) for batch in due.batches(due_now))
