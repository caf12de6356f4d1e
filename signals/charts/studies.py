"""The indicators of a signal's strategy, bar by bar, as a chart draws them beside the bars."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from market.prices import Bars, Floats, Timeframe, to_instant
from market.store import read_bars
from signals.models import Signal
from signals.panel import DIGESTED, Panel
from signals.strategies import STRATEGIES, BadParameters, Plot, Strategy, StrategyFailed, failing_alone


@dataclass(frozen=True)
class Study:
    """One indicator over some closed bars, oldest first; NaN where it is not known yet."""

    plot: Plot
    bars: Bars
    values: Floats


def has_other_bars(signal: Signal, stored: Bars) -> bool:
    """Whether the closed bars behind it are not those it was raised on: corrected, filled in or gone.

    `stored`: closed bars without a hole up to the signal's; more are read where they are too few. Not to be
    called once they are restated for a split, nor where none are stored.
    """
    behind = stored[stored.opened_at <= to_instant(signal.bar_opened_at)]
    if 0 < len(behind) < DIGESTED:
        until = signal.bar_opened_at + timedelta(microseconds=1)
        timeframe = Timeframe(signal.timeframe)
        behind = read_bars([signal.symbol], timeframe, last=DIGESTED, until=until, closed=True)[signal.symbol]
    return len(behind) > 0 and Panel.of(behind).digest(len(behind) - 1) != signal.bars_digest


def strategy_of(signal: Signal) -> Strategy | None:
    """Return the strategy with the signal's parameters; None where this version of Jax has none such."""
    strategy = STRATEGIES.get(signal.strategy_id)
    try:
        return strategy.of(signal.parameters) if strategy else None
    except BadParameters:
        return None


def plots_of(signal: Signal) -> tuple[Plot, ...]:
    """Return what of the strategy is drawn; nothing of one that fails."""
    strategy = strategy_of(signal)
    try:
        with failing_alone():
            return tuple(strategy.plots) if strategy else ()
    except StrategyFailed:
        return ()


def of(signal: Signal, since: datetime, until: datetime) -> list[Study]:
    """Return the studies over the closed bars that opened in [since, until). One read.

    Computed from as many bars before as have an effect on them, so the values are those that the strategy had
    unless bars have been corrected since. The bars are in shares of today. None of a strategy that fails.
    """
    strategy = strategy_of(signal)
    try:
        return _studies(signal, strategy, since, until) if strategy else []
    except StrategyFailed:
        return []


def _studies(signal: Signal, strategy: Strategy, since: datetime, until: datetime) -> list[Study]:
    """Raises StrategyFailed."""
    timeframe = Timeframe(signal.timeframe)
    # Closed hours have no bars: five times the length of those needed holds them in any exchange's week.
    with failing_alone():
        remembers = strategy.remembers
    reach = timeframe.length * remembers * (6 if timeframe.is_intraday else 2) + timedelta(days=7)
    read = read_bars([signal.symbol], timeframe, since=since - reach, until=until, closed=True)[signal.symbol]
    shown = read.opened_at >= np.datetime64(since.replace(tzinfo=None), "us")
    with failing_alone():
        columns = strategy.compute(Panel.of(read, signal.symbol))
        return [Study(plot, read[shown], columns[plot.column][shown]) for plot in strategy.plots]
