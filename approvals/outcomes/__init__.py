"""Outcomes of every signal, and of every decision on one: two ledgers on stored bars.

Both are played by the function that plays backtests. An outcome is computed when its signal is new, once
after the signal ended, and until it is final whenever its candles have changed.
"""

import logging
from collections.abc import Sequence
from datetime import datetime

from approvals.models import Outcome
from approvals.outcomes import due
from approvals.outcomes.batch import compute
from approvals.outcomes.finest import Finest
from approvals.queries.outcomes import Due, due_outcomes
from core import locks
from market import faults
from market.models import Fault, Instrument
from signals.lifetimes import Calendars
from signals.strategies import StrategyBroke, StrategyFailed

__all__ = ["refresh"]

logger = logging.getLogger(__name__)

Ledger = Outcome.Ledger


def refresh(at: datetime) -> int:
    """Bring both ledgers up to date; how many outcomes were computed.

    One at a time over all clusters: another one does nothing.
    """
    with locks.held("approvals outcomes") as is_locked:
        due_now = due_outcomes(at) if is_locked else []
        if not due_now:
            return 0
        symbols = {item.symbol for item in due_now}
        instruments = Instrument.objects.filter(symbol__in=symbols)
        calendars = Calendars.load(dict(instruments.values_list("symbol", "calendar")))
        finest = Finest.load({item.symbol for item in due_now if item.ledger == Ledger.DECISION})
        work = Outcomes(at, calendars, finest)
        return sum(work.compute(batch) for batch in due.batches(due_now))


class Outcomes:
    """One look at what is due: a signal or a strategy that fails keeps the outcomes of no other."""

    def __init__(self, at: datetime, calendars: Calendars, finest: Finest) -> None:
        self.at, self.calendars, self.finest = at, calendars, finest
        self.isolation = faults.Isolation(Fault.Work.OUTCOME, at)

    def compute(self, batch: Sequence[Due]) -> int:
        """Compute a batch; how many it was of. A strategy that fails is left alone: all of its stay due."""
        strategy = f"{batch[0].strategy_id} {batch[0].timeframe}"
        if self.isolation.is_paused(strategy):
            return 0
        try:
            computed = self.isolation.together(
                batch, self._compute, lambda item: item.signal, _name, common=(StrategyBroke,)
            )
        except StrategyFailed as failure:
            logger.warning("no outcomes of %s: it failed: %s", strategy, failure)
            self.isolation.fail({strategy: str(failure)})
            return 0
        self.isolation.succeed([strategy])
        return sum(computed)

    def _compute(self, items: Sequence[Due]) -> int:
        return compute(items, self.calendars, self.finest, self.at)


def _name(item: Due) -> str:
    """Return what people call the signal."""
    return f"{item.side} {item.symbol} {item.strategy_id} {item.timeframe} of {item.bar:%Y-%m-%d %H:%M}"
