"""Whether the bars behind pending signals still support them."""

from collections import Counter
from datetime import datetime

from signals import lifecycle, raising
from signals.models import Signal, StrategyConfig
from signals.panel import Panel
from signals.strategies import BUY, Ideas


def review(config: StrategyConfig, panel: Panel, ideas: Ideas, at: datetime) -> Counter[str]:
    """Hold the configuration's pending signals against all ideas of the panel; why how many of them ended.

    A signal whose bars or configuration have changed is cancelled when the strategy no longer says it, and
    written anew, in place, when it does: its levels follow its bars.
    """
    ended: Counter[str] = Counter()
    pending = Signal.objects.pending(at).filter(
        strategy_id=config.strategy_id, timeframe=config.timeframe, symbol__in=panel.symbols
    )
    waiting = list(pending)
    said = {row: i for i, row in enumerate(ideas.row.tolist())} if waiting else {}
    for signal in waiting:
        row = panel.find(signal.symbol, signal.bar_opened_at)
        is_same = row is not None and panel.digest(row) == signal.bars_digest
        if is_same and not config.is_fresh:
            continue
        i = said.get(row) if row is not None else None
        if i is not None and _supports(config, signal, ideas, i):
            now = raising.fields(panel, ideas, i)
            pending.filter(pk=signal.pk).update(**now, parameters=config.parameters)
            continue
        reason = lifecycle.RECONFIGURED if is_same else lifecycle.REVISED
        ended[reason] += lifecycle.end(pending.filter(pk=signal.pk), reason, at)
    return ended


def _supports(config: StrategyConfig, signal: Signal, ideas: Ideas, i: int) -> bool:
    side = Signal.Type.BUY if ideas.side[i] == BUY else Signal.Type.SELL
    enough = ideas.confidence[i] >= float(config.minimum_confidence) - 1e-9
    return bool(side == signal.signal_type and enough and not ideas.late[i])
