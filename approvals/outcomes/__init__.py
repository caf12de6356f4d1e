"""Outcomes of every signal, and of every decision on one: two ledgers on stored bars.

Both are played by the function that plays backtests. An outcome is computed when its signal is new, once
after the signal ended, and until it is final whenever its candles have changed.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from approvals import queries
from approvals.models import Outcome
from approvals.outcomes import due
from approvals.outcomes.batch import compute
from approvals.outcomes.finest import Finest
from approvals.queries import Due
from core import locks
from market.models import Instrument
from signals.lifetimes import Calendars
from signals.strategies import StrategyFailed

__all__ = ["refresh"]

logger = logging.getLogger(__name__)

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
        return sum(_compute(batch, calendars, finest, at) for batch in due.batches(due_now))


def _compute(batch: Sequence[Due], calendars: Calendars, finest: Finest, at: datetime) -> int:
    """Compute a batch; how many it was of. Those of a strategy that fails stay due."""
    try:
        return compute(batch, calendars, finest, at)
    except StrategyFailed as failure:
        about = batch[0]
        logger.warning("no outcomes of %s on %s: it failed: %s", about.strategy_id, about.timeframe, failure)
        return 0
