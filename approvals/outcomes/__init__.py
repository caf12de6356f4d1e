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
from signals.strategies import StrategyFailed

__all__ = ["refresh"]

logger = logging.getLogger(__name__)

Ledger = Outcome.Ledger


def refresh(at: datetime) -> int:
    """Bring both ledgers up to date; how many outcomes were computed.

    One at a time over all clusters: another one does nothing.
    """
    with locks.held("approvals outcomes") as is_locked:
        due_now = _askable(due_outcomes(at), at) if is_locked else []
        if not due_now:
            return 0
        symbols = {item.symbol for item in due_now}
        instruments = Instrument.objects.filter(symbol__in=symbols)
        calendars = Calendars.load(dict(instruments.values_list("symbol", "calendar")))
        finest = Finest.load({item.symbol for item in due_now if item.ledger == Ledger.DECISION})
        return sum(_compute(batch, calendars, finest, at) for batch in due.batches(due_now))


def _askable(items: Sequence[Due], at: datetime) -> list[Due]:
    """Return what is due but for signals whose outcome could not be computed just now."""
    paused = faults.paused(Fault.Work.OUTCOME, at)
    return [item for item in items if str(item.signal) not in paused]


def _compute(batch: Sequence[Due], calendars: Calendars, finest: Finest, at: datetime) -> int:
    """Compute a batch; how many it was of. Those of a strategy that fails stay due.

    When one signal breaks it, the halves are computed by themselves, down to that signal.
    """
    about = batch[0]
    keys = {faults.key(Fault.Work.OUTCOME, str(item.signal)) for item in batch}
    try:
        computed = compute(batch, calendars, finest, at)
    except StrategyFailed as failure:
        logger.warning("no outcomes of %s on %s: it failed: %s", about.strategy_id, about.timeframe, failure)
        return 0
    except faults.CONTENT as error:
        if len(keys) == 1:
            logger.exception("no outcome of signal %s", about.signal)
            faults.record(dict.fromkeys(keys, faults.describe(error)), at)
            return 0
        return sum(_compute(half, calendars, finest, at) for half in _halves(batch))
    faults.clear(keys & faults.read(Fault.Work.OUTCOME).keys())
    return computed


def _halves(batch: Sequence[Due]) -> tuple[list[Due], list[Due]]:
    """Return two batches, the items of each signal in one of them."""
    signals = list(dict.fromkeys(item.signal for item in batch))
    first = set(signals[: len(signals) // 2])
    return [item for item in batch if item.signal in first], [
        item for item in batch if item.signal not in first
    ]
