"""The outcomes of one strategy, timeframe and set of parameters, some symbols at a time."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import cast

from django.db import transaction

from approvals.models import Outcome
from approvals.outcomes import cases as loading
from approvals.outcomes.cases import Case
from approvals.outcomes.finest import Finest
from approvals.outcomes.ledgers import on_bars, play_decisions, play_signals
from approvals.outcomes.results import Result
from approvals.outcomes.timed import Timed
from approvals.queries.outcomes import Due
from market.prices import Timeframe
from signals import store
from signals.lifetimes import Calendars
from signals.models import StrategyConfig
from signals.panel import Panel
from signals.strategies import (
    HISTORY_SECONDS,
    STRATEGIES,
    BadParameters,
    Ideas,
    Strategy,
    failing_alone,
    ideas_of,
)
from signals.trades import Rules

Ledger = Outcome.Ledger
FIRST_SYMBOLS = 4
BARS_AT_ONCE = 400_000
A_WEEK = timedelta(days=7)
SLACK = 2  # bars may be missing among those that a strategy remembers
DEFAULTS = {True: Rules(longest=52, flat_at_close=True), False: Rules(longest=40)}  # intraday or not
KEY = ("signal", "ledger")


@dataclass
class Batch:
    """What the cases of one strategy, timeframe and set of parameters are played with."""

    strategy: Strategy | None  # None: it is gone, or its parameters are; no opposite event is known
    timeframe: Timeframe
    rules: Rules
    calendars: Calendars
    finest: Finest
    bars: int = 0

    def play(self, cases: Sequence[Case]) -> Iterator[tuple[Case, Timeframe, Result]]:
        """Yield each case with the bars it was played on and its result."""
        own, events = self._own(cases)
        of_signals = [case for case in cases if case.ledger == Ledger.SIGNAL]
        for case, result in zip(of_signals, play_signals(own, of_signals, events, self.rules), strict=True):
            yield case, self.timeframe, result
        for timeframe, decided in self._by_timeframe(cases).items():
            for case, result in zip(decided, self._decisions(decided, timeframe, own, events), strict=True):
                yield case, timeframe, result

    def _own(self, cases: Sequence[Case]) -> tuple[Timed, Ideas | None]:
        """Return the bars of the signals' own timeframe, and all that the strategy says on them."""
        with failing_alone():
            remembers = self.strategy.remembers if self.strategy else 1
        first = min(case.signal.bar_opened_at for case in cases) - A_WEEK
        starts = [
            sessions.back(self.timeframe, SLACK * remembers, first)
            for sessions in self.calendars.sessions.values()
        ]
        symbols = [case.signal.symbol for case in cases]
        panel = store.panel(symbols, self.timeframe, since=min([first, *starts]), doubted=True)
        self.bars = len(panel)
        timed = Timed.of(panel, self.timeframe, self.calendars)
        return timed, self._events(panel, self.strategy) if self.strategy else None

    def _events(self, panel: Panel, strategy: Strategy) -> Ideas:
        """Return all that the strategy says; it sees no bar that is in doubt."""
        seen, rows = panel.seen
        events = ideas_of(strategy, seen, HISTORY_SECONDS)
        return replace(events, row=rows[events.row])

    def _by_timeframe(self, cases: Sequence[Case]) -> dict[Timeframe, list[Case]]:
        by_timeframe: dict[Timeframe, list[Case]] = {}
        for case in cases:
            if case.ledger == Ledger.DECISION:
                signal = case.signal
                on = self.finest.of(signal.symbol, self.timeframe, signal.generated_at)
                by_timeframe.setdefault(on, []).append(case)
        return by_timeframe

    def _decisions(
        self, cases: Sequence[Case], timeframe: Timeframe, own: Timed, events: Ideas | None
    ) -> list[Result]:
        since = min(case.signal.generated_at for case in cases) - A_WEEK - timeframe.length
        panel = store.panel([case.signal.symbol for case in cases], timeframe, since=since, doubted=True)
        self.bars += len(panel)
        bars = Timed.of(panel, timeframe, self.calendars)
        here = None if events is None else on_bars(events, own, bars)
        return play_decisions(bars, cases, here, self.rules, self.timeframe)


def compute(items: Sequence[Due], calendars: Calendars, finest: Finest, at: datetime) -> int:
    """Compute and store what is due of one strategy, timeframe and set of parameters; how many there were.

    Raises StrategyFailed.
    """
    about = items[0]
    timeframe = Timeframe(about.timeframe)
    batch = Batch(_strategy(about), timeframe, _rules(about.strategy_id, timeframe), calendars, finest)
    by_symbol: dict[str, list[Due]] = {}
    for item in items:
        by_symbol.setdefault(item.symbol, []).append(item)
    left, size = list(by_symbol.values()), FIRST_SYMBOLS
    while left:
        cases = loading.load([item for group in left[:size] for item in group], at)
        _store([_row(case, on, result, at) for case, on, result in batch.play(cases)])
        left = left[size:]
        size = max(1, min(4 * size, size * BARS_AT_ONCE // max(batch.bars, 1)))
    return len(items)


def _strategy(about: Due) -> Strategy | None:
    try:
        return STRATEGIES[about.strategy_id].of(cast("dict[str, object]", json.loads(about.parameters)))
    except (KeyError, BadParameters):
        return None


def _rules(strategy_id: str, timeframe: Timeframe) -> Rules:
    """What ends a trade, as the configuration says now; where that is gone, as new ones of its kind say."""
    config = StrategyConfig.objects.filter(strategy_id=strategy_id, timeframe=timeframe).first()
    if config is None:
        return DEFAULTS[timeframe.is_intraday]
    return Rules(config.longest_holding_bars, config.flat_at_close)


def _row(case: Case, played_on: Timeframe, result: Result, at: datetime) -> Outcome:
    signal, approval = case.signal, case.approval
    return Outcome(
        signal=signal,
        ledger=case.ledger,
        group=case.group,
        approval=approval,
        symbol=signal.symbol,
        strategy_id=signal.strategy_id,
        timeframe=signal.timeframe,
        confidence=signal.confidence,
        generated_at=signal.generated_at,
        decided_by_id=approval.approved_by_id if approval else None,
        since=case.since,
        played_on=played_on,
        luck=case.luck,
        candles_version=case.version,
        computed_at=at,
        **result._asdict(),
    )


def _store(rows: Sequence[Outcome]) -> None:
    columns = [field.name for field in Outcome._meta.concrete_fields if field.name not in ("id", *KEY)]
    with transaction.atomic():  # a row that the database refuses spoils nothing else
        Outcome.objects.bulk_create(
            rows, batch_size=1_000, update_conflicts=True, unique_fields=KEY, update_fields=columns
        )
