"""Whether the bars behind pending signals still support them."""

from collections import Counter
from datetime import datetime

import numpy as np

from market.prices import Timeframe, to_datetime
from signals import lifecycle
from signals.lifecycle import Cause
from signals.lifetimes import Calendars
from signals.models import Signal, StrategyConfig
from signals.panel import Panel
from signals.scan import raise_
from signals.strategies import BUY, Ideas


def revalidate(
    config: StrategyConfig, panel: Panel, ideas: Ideas, calendars: Calendars, at: datetime
) -> Counter[str]:
    """Compare a configuration's pending signals with all ideas of the panel; count the ended ones by reason.

    A signal whose bars or configuration have changed is cancelled when no idea supports it any more, and
    rewritten in place when one does: its levels follow its bars.
    """
    ended: Counter[str] = Counter()
    pending = Signal.objects.pending(at).filter(
        strategy_id=config.strategy_id, timeframe=config.timeframe, symbol__in=panel.symbols
    )
    signals = list(pending)
    idea_of_row = {row: i for i, row in enumerate(ideas.row.tolist())} if signals else {}
    for signal in signals:
        row = panel.find(signal.symbol, signal.bar_opened_at)
        is_same = row is not None and panel.digest(row) == signal.bars_digest
        if is_same and not config.is_fresh:
            continue
        i = None if row is None else idea_of_row.get(row)
        if row is not None and i is not None and _supports(config, signal, ideas, i):
            columns = raise_.fields(panel, ideas, i) | {"parameters": config.parameters}
            if config.is_fresh:
                columns["expires_at"] = _expires_at(config, panel, calendars, row)
            pending.filter(pk=signal.pk).update(**columns)
            continue
        cause = Cause.RECONFIGURED if is_same else Cause.REVISED
        ended[cause.value] += lifecycle.end(pending.filter(pk=signal.pk), cause, at)
    return ended


def _supports(config: StrategyConfig, signal: Signal, ideas: Ideas, i: int) -> bool:
    side = Signal.Type.BUY if ideas.side[i] == BUY else Signal.Type.SELL
    is_confident = ideas.reaching(float(config.minimum_confidence))[i]
    return bool(side == signal.signal_type and is_confident and not ideas.late[i])


def _expires_at(config: StrategyConfig, panel: Panel, calendars: Calendars, row: int) -> datetime:
    timeframe, rows = Timeframe(config.timeframe), np.array([row])
    return to_datetime(calendars.times(timeframe, panel, rows, config.lifetime_bars)[1][0])
