"""What became of every signal, and of every decision on one: two ledgers on stored bars.

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
    with locks.held("approvals outcomes") as mine:
        found = queries.due_outcomes(at) if mine else []
        if not found:
            return 0
        symbols = {one.symbol for one in found}
        instruments = Instrument.objects.filter(symbol__in=symbols)
        calendars = Calendars.load(dict(instruments.values_list("symbol", "calendar")))
        finest = Finest.load({one.symbol for one in found if one.ledger == Ledger.DECISION})
        return sum(compute(batch, calendars, finest, at) for batch in due.batches(found))
