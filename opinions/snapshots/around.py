"""What snapshots are of, and what they stand on: read once for all of them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Max, Min, QuerySet

from market.models import Candle, Instrument, Quote
from market.prices import Timeframe
from market.queries.freshness import stale_symbols
from opinions import memory
from opinions.memory import Question
from opinions.models import OrchestrationRun
from signals import records, store
from signals.models import Signal, StrategyRecord
from signals.panel import Panel

RANKED = 250  # bars among which the volatility is ranked
PERIOD = 14  # of the average true range, and the default of strategies
FAST, SLOW = 20, 50  # bars of the averages on the next higher timeframe
HIGHER = {
    Timeframe.M1: Timeframe.M15,
    Timeframe.M5: Timeframe.H1,
    Timeframe.M15: Timeframe.H1,
    Timeframe.H1: Timeframe.D1,
    Timeframe.D1: Timeframe.W1,
}
A_YEAR = timedelta(days=365)
Held = Mapping[str, Any]  # an open position: symbol, quantity, average_price


@dataclass(frozen=True)
class Subject:
    """What a snapshot is of. `words`: what the user wanted to have considered."""

    symbol: str
    timeframe: Timeframe
    signal: Signal | None
    words: str

    @classmethod
    def of(cls, run: OrchestrationRun) -> "Subject":
        timeframe = Timeframe(run.signal.timeframe) if run.signal else Timeframe.D1
        return cls(run.symbol, timeframe, run.signal, run.context)

    def question(self, at: datetime) -> Question:
        """What of the past is asked for: nothing that came to be known after the signal's bar."""
        if self.signal:
            return Question.of(self.signal, self.words)
        return Question(self.symbol, at, words=memory.any_of(self.words))


@dataclass(frozen=True)
class Trail:
    """The closed bars of a symbol, oldest first, as far as they are needed. May be empty."""

    panel: Panel
    rows: slice

    def column(self, name: str) -> list[float]:
        values: list[float] = getattr(self.panel.bars, name)[self.rows].tolist()
        return values

    def __len__(self) -> int:
        return int(self.rows.stop - self.rows.start)


@dataclass(frozen=True)
class Around:
    """What snapshots stand on besides their subjects, read once for all of them.

    `stale`: the symbols whose quote is too old while they trade; after a close the last one is the newest.
    """

    at: datetime
    instruments: Mapping[str, Instrument]
    quotes: Mapping[str, Quote]
    stale: Collection[str]
    years: Mapping[str, tuple[float, float, int]]
    trails: Mapping[tuple[str, Timeframe], Trail]
    records: Mapping[records.Key, StrategyRecord]
    pending: Mapping[str, Sequence[Signal]]
    held: Sequence[Held]

    @classmethod
    def load(cls, subjects: Sequence[Subject], at: datetime, held: Sequence[Held]) -> "Around":
        symbols = {subject.symbol for subject in subjects}
        signals = [subject.signal for subject in subjects if subject.signal]
        others: dict[str, list[Signal]] = {}
        for pending in _pending({signal.symbol for signal in signals}, at):
            others.setdefault(pending.symbol, []).append(pending)
        return cls(
            at,
            Instrument.objects.in_bulk(symbols),
            Quote.objects.in_bulk(symbols),
            stale_symbols(at, list(symbols)),
            _years(symbols, at),
            _trails(subjects),
            records.of(signals) if signals else {},
            others,
            held,
        )


def _pending(symbols: Iterable[str], at: datetime) -> QuerySet[Signal]:
    pending = Signal.objects.pending(at).filter(symbol__in=symbols)
    return pending.only("symbol", "strategy_id", "timeframe", "signal_type", "confidence")


def _years(symbols: Iterable[str], at: datetime) -> dict[str, tuple[float, float, int]]:
    """Return the highest and lowest price of a year's daily bars, and how many there are, by symbol."""
    bars = Candle.objects.filter(
        symbol__in=symbols,
        timeframe=Timeframe.D1,
        opened_at__gte=at - A_YEAR,
        session=Candle.Session.REGULAR,
        is_final=True,
        suspect=False,
    )
    rows = bars.order_by().values("symbol").annotate(top=Max("high"), bottom=Min("low"), days=Count("*"))
    return {row["symbol"]: (row["top"], row["bottom"], row["days"]) for row in rows}


def _trails(subjects: Sequence[Subject]) -> dict[tuple[str, Timeframe], Trail]:
    """The bars of every symbol and timeframe that is asked for: one read for each timeframe."""
    needed: dict[Timeframe, dict[str, int]] = {}
    for subject in subjects:
        needed.setdefault(subject.timeframe, {})[subject.symbol] = RANKED + PERIOD
        if higher := HIGHER.get(subject.timeframe):
            needed.setdefault(higher, {}).setdefault(subject.symbol, SLOW)
    trails = {}
    for timeframe, symbols in needed.items():
        panel = store.panel(list(symbols), timeframe, last=max(symbols.values()))
        for number, symbol in enumerate(panel.symbols):
            first, end = np.searchsorted(panel.symbol, [number, number + 1]).tolist()
            trails[symbol, timeframe] = Trail(panel, slice(first, end))
    return trails
