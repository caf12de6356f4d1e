"""The cases of each ledger, played on bars.

In the signal ledger a signal is entered at the open of the bar after it, like any idea of a backtest. In the
decision ledger it is entered at the open of the first bar after the decision. It is void there when its stop
or its target has traded before that open, or the open lies beyond one of them.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from approvals.outcomes.cases import Case, ideas, moments
from approvals.outcomes.results import Result, results, spread
from approvals.outcomes.timed import Numbers, Timed
from market.prices import Flags, Timeframe
from signals.strategies import Ideas
from signals.trades import End, Rows, Rules, Trades, play


def play_signals(bars: Timed, cases: Sequence[Case], events: Ideas | None, rules: Rules) -> list[Result]:
    """Return the result of each case of the signal ledger. `events`: all of the strategy on these bars."""
    numbers = bars.numbers([case.signal.symbol for case in cases])
    rows = bars.holding(numbers, moments([case.signal.bar_opened_at for case in cases]))
    places = np.flatnonzero(rows >= 0)
    with_bars = [cases[i] for i in places.tolist()]
    spoken = ideas(rows[places], with_bars, [case.played for case in with_bars])
    expires = moments([case.signal.expires_at for case in with_bars])
    trades = play(bars.panel, spoken, rules, opposing=events, expires=expires)
    race = play(bars.panel, spoken, rules, expires=expires)
    return spread(len(cases), places.tolist(), results(bars.panel, spoken, trades, race))


def play_decisions(
    bars: Timed, cases: Sequence[Case], events: Ideas | None, rules: Rules, own: Timeframe
) -> list[Result]:
    """Return the outcome of each case of the decision ledger. `events`: as `on_bars` gives them.

    The longest holding is that of the signals' own timeframe, in session time.
    """
    numbers = bars.numbers([case.signal.symbol for case in cases])
    spoke = bars.before(numbers, moments([case.signal.generated_at for case in cases]))
    rows = bars.before(numbers, moments([case.since for case in cases]))
    places = np.flatnonzero((spoke >= 0) & (rows >= 0))
    spoke, rows, numbers, decided = (
        spoke[places],
        rows[places],
        numbers[places],
        [cases[i] for i in places.tolist()],
    )
    is_over = _is_over(bars, spoke, rows, decided)
    chosen = ideas(rows, decided, [case.played for case in decided])
    longest = _longest(bars, numbers, rows, own, rules.longest)
    trades = play(bars.panel, chosen, rules, opposing=events, longest=longest)
    race = play(bars.panel, chosen, rules, longest=longest)
    played = results(bars.panel, chosen, _voided(trades, is_over), _voided(race, is_over))
    return spread(len(cases), places.tolist(), played)


def _longest(bars: Timed, numbers: Numbers, rows: Rows, own: Timeframe, longest: int) -> Rows:
    """Return how many bars each trade may last; those that wait for a bar to be entered in, any number."""
    many = np.full(len(rows), len(bars.panel) + 1)
    begun = ~bars.is_last(numbers, rows)
    many[begun] = bars.lasting(numbers[begun], rows[begun] + 1, own, longest)
    return many


def _is_over(bars: Timed, spoke: Rows, rows: Rows, cases: Sequence[Case]) -> Flags:
    """Whether stop or target of the signal traded after it and before the bar behind each of `rows`."""
    signalled = ideas(spoke, cases, [case.signal_levels for case in cases])
    between = Rules(longest=max(1, int((rows - spoke).max(initial=0))))
    trades = play(bars.panel, signalled, between)
    ended = np.isin(trades.end, (End.STOP, End.TARGET)) & (trades.exited <= rows)
    is_over: Flags = ended | ((trades.end == End.VOID) & (trades.entered <= rows))
    return is_over


def _voided(trades: Trades, is_over: Flags) -> Trades:
    """Return the trades without those that were over before they began."""
    end = np.where(is_over, End.VOID, trades.end).astype(np.int8)
    names = ("entry", "exit", "r", "planned_r")
    figures = {name: np.where(is_over, np.nan, getattr(trades, name)) for name in names}
    return replace(trades, end=end, held=np.where(is_over, 0, trades.held), **figures)


def on_bars(events: Ideas, own: Timed, bars: Timed) -> Ideas:
    """Events of one timeframe on the bars of another: at the last one that opened before they were known."""
    symbols = np.array(own.panel.symbols)[own.panel.symbol[events.row]]
    here = events[np.isin(symbols, bars.panel.symbols)]
    closed_at, _ = own.calendars.times(own.timeframe, own.panel, here.row, 1)
    numbers = bars.numbers(np.array(own.panel.symbols)[own.panel.symbol[here.row]].tolist())
    rows = bars.before(numbers, closed_at)
    return replace(here, row=rows)[rows >= 0]
