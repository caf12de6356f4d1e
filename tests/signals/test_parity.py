"""What was tested is what runs: no strategy looks ahead, and the scan says what the backtest says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import store
from market.ingestion import pipeline
from market.prices import Bars, Feed, Timeframe, to_datetime, to_instant
from market.quality import Rejections
from signals import scan
from signals import store as panels
from signals.models import Signal, StrategyConfig
from signals.panel import Panel
from signals.strategies import BUY, STRATEGIES, Ideas, Strategy
from tests import make
from tests.signals.walks import walk

START = datetime(2022, 1, 3, tzinfo=UTC)
LONG, FED = 2_600, 50  # bars: more than a scan reads, and those that come one by one


def described(ideas: Ideas) -> list[tuple[object, ...]]:
    columns = (ideas.row, ideas.side, ideas.confidence, ideas.entry, ideas.stop, ideas.target)
    return [(*(float(column[i]) for column in columns), ideas.reasoning(i)) for i in range(len(ideas))]


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=list(STRATEGIES))
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 400))
def test_no_strategy_looks_ahead(strategy: type, seed: int, cut: int) -> None:
    bars = walk(400, seed, start=START)
    ideas = strategy().ideas(Panel.of(bars))
    before = strategy().ideas(Panel.of(bars[slice(0, cut)]))
    assert described(before) == described(ideas[ideas.row < cut])


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=list(STRATEGIES))
def test_the_strategies_have_something_to_say_in_these_tests(strategy: type) -> None:
    assert len(strategy().ideas(Panel.of(walk(400, 1, start=START)))) >= 3


@dataclass(frozen=True)
class Case:
    """A strategy alone, on a timeframe and with parameters that need a window of their own."""

    strategy_id: str
    timeframe: Timeframe
    parameters: dict[str, float] = field(default_factory=dict)
    seed: int = 3


CASES = [
    Case("rsi_momentum_v1", Timeframe.D1, {"oversold": 45, "overbought": 55, "very_overbought": 80}),
    Case(
        "rsi_momentum_v1", Timeframe.D1, {"rsi_period": 40, "atr_period": 3, "oversold": 49, "overbought": 51}
    ),
    Case("macd_crossover_v1", Timeframe.D1),
    Case("macd_crossover_v1", Timeframe.D1, {"macd_slow": 60, "macd_signal": 30, "atr_period": 40}, seed=11),
    Case("ma_crossover_v1", Timeframe.D1, seed=12),
    Case("ma_crossover_v1", Timeframe.D1, {"fast": 5, "middle": 10, "slow": 20, "atr_period": 60}),
    Case(
        "macd_crossover_v1", Timeframe.H1, {"macd_fast": 4, "macd_slow": 8, "macd_signal": 3, "atr_period": 5}
    ),
]


@pytest.mark.django_db
@pytest.mark.parametrize(
    "case", CASES, ids=lambda case: f"{case.strategy_id} {case.timeframe} {case.parameters}"
)
def test_candles_one_by_one_through_ingestion_and_scan_give_the_ideas_of_the_whole_history(
    case: Case,
) -> None:
    make.only("AAPL", calendar="24/7")
    StrategyConfig.objects.all().delete()
    StrategyConfig.objects.create(
        strategy_id=case.strategy_id,
        timeframe=case.timeframe,
        parameters=case.parameters,
        minimum_confidence=Decimal(0),
    )
    step = case.timeframe.length
    make.round_the_clock(START + LONG * step, days=LONG, ahead=FED + 40)
    bars = with_holes(walk(LONG + FED, case.seed, start=START, timeframe=case.timeframe), before=LONG)
    is_stored = bars.opened_at < to_instant(START + LONG * step)
    source = {"provider": "simulator", "feed": Feed.SIMULATED}
    store.write_candles({"AAPL": bars[is_stored]}, case.timeframe, **source)  # type: ignore[arg-type]  # of two types
    scan.run(START + LONG * step + timedelta(minutes=25))
    for row in np.flatnonzero(~is_stored).tolist():
        at = to_datetime(bars.opened_at[row]) + step + timedelta(minutes=25)
        record(bars[slice(row, row + 1)], case.timeframe, at)
        scan.run(at)
    first = START + LONG * step
    raised = Signal.objects.filter(bar_opened_at__gte=first).order_by("bar_opened_at")
    strategy = STRATEGIES[case.strategy_id].of(case.parameters)
    expected = listed(strategy, panels.panel(["AAPL"], case.timeframe), first)
    assert len(expected) >= 2
    assert [
        (
            signal.bar_opened_at,
            signal.signal_type,
            signal.confidence,
            signal.stop_loss,
            signal.take_profit,
            signal.reasoning,
        )
        for signal in raised
    ] == expected


def with_holes(bars: Bars, before: int) -> Bars:
    """The bars without one in nine of the older ones, so that a window of bars and one of time differ."""
    rows = np.arange(len(bars))
    return bars[(rows % 9 != 4) | (rows > before - 5)]


def record(bars: Bars, timeframe: Timeframe, at: datetime) -> None:
    pipeline.record(
        {"AAPL": bars},
        timeframe,
        provider="simulator",
        feed=Feed.SIMULATED,
        at=at,
        rejections=Rejections(),
    )


def listed(strategy: Strategy, panel: Panel, first: datetime) -> list[tuple[object, ...]]:
    ideas = strategy.ideas(panel)
    opened_at = [to_datetime(moment) for moment in panel.bars.opened_at[ideas.row]]
    return [
        (
            opened_at[i],
            "BUY" if ideas.side[i] == BUY else "SELL",
            Decimal(f"{ideas.confidence[i]:.4f}"),
            Decimal(f"{ideas.stop[i]:.6f}"),
            Decimal(f"{ideas.target[i]:.6f}"),
            ideas.reasoning(i),
        )
        for i in range(len(ideas))
        if opened_at[i] >= first
    ]
