"""What was tested is what runs: no strategy looks ahead, and the scan says what the backtest says."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import recording, store
from market.prices import Feed, Timeframe
from market.quality import Rejections
from signals import scan
from signals import store as panels
from signals.models import Signal, StrategyConfig
from signals.panel import Panel
from signals.strategies import BUY, STRATEGIES, Ideas
from tests import make
from tests.signals.walks import walk

START = datetime(2022, 1, 3, tzinfo=UTC)
LONG, FED = 520, 60  # bars: more than a scan reads, and those that come one by one


def told(ideas: Ideas) -> list[tuple[object, ...]]:
    columns = (ideas.row, ideas.side, ideas.confidence, ideas.entry, ideas.stop, ideas.target)
    return [(*(float(column[i]) for column in columns), ideas.reasoning(i)) for i in range(len(ideas))]


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=list(STRATEGIES))
@given(seed=st.integers(0, 2**32 - 1), cut=st.integers(0, 400))
def test_no_strategy_looks_ahead(strategy: type, seed: int, cut: int) -> None:
    bars = walk(400, seed, start=START)
    whole = strategy().ideas(Panel.of(bars))
    before = strategy().ideas(Panel.of(bars[slice(0, cut)]))
    assert told(before) == told(whole[whole.row < cut])


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=list(STRATEGIES))
def test_the_strategies_have_something_to_say_in_these_tests(strategy: type) -> None:
    assert len(strategy().ideas(Panel.of(walk(400, 1, start=START)))) >= 3


@pytest.mark.django_db
def test_candles_one_by_one_through_ingestion_and_scan_give_the_ideas_of_the_whole_history() -> None:
    make.only("AAPL", calendar="24/7")
    make.round_the_clock(START + timedelta(days=LONG + FED), days=LONG + FED)
    StrategyConfig.objects.exclude(timeframe="1d").update(enabled=False)
    StrategyConfig.objects.update(minimum_confidence=Decimal(0))
    bars = walk(LONG + FED, 3, start=START)
    store.write_candles(
        {"AAPL": bars[slice(0, LONG)]}, Timeframe.D1, provider="simulator", feed=Feed.SIMULATED
    )
    scan.run(START + timedelta(days=LONG, minutes=25))
    for row in range(LONG, LONG + FED):
        at = START + timedelta(days=row + 1, minutes=25)
        recording.record(
            {"AAPL": bars[slice(row, row + 1)]},
            Timeframe.D1,
            provider="simulator",
            feed=Feed.SIMULATED,
            at=at,
            rejections=Rejections(),
        )
        scan.run(at)
    first = START + timedelta(days=LONG)
    raised = Signal.objects.filter(bar_opened_at__gte=first).order_by("strategy_id", "bar_opened_at")
    expected = [
        line
        for strategy_id in sorted(STRATEGIES)
        for line in listed(strategy_id, panels.panel(["AAPL"], Timeframe.D1), first)
    ]
    assert len(expected) >= 5
    assert [
        (one.strategy_id, one.bar_opened_at, one.signal_type, one.confidence, one.stop_loss, one.take_profit)
        for one in raised
    ] == expected


def listed(strategy_id: str, panel: Panel, first: datetime) -> list[tuple[object, ...]]:
    ideas = STRATEGIES[strategy_id]().ideas(panel)
    opened_at = [moment.replace(tzinfo=UTC) for moment in panel.bars.opened_at[ideas.row].astype(datetime)]
    return [
        (
            strategy_id,
            opened_at[i],
            "BUY" if ideas.side[i] == BUY else "SELL",
            Decimal(f"{ideas.confidence[i]:.4f}"),
            Decimal(f"{ideas.stop[i]:.6f}"),
            Decimal(f"{ideas.target[i]:.6f}"),
        )
        for i in range(len(ideas))
        if opened_at[i] >= first
    ]
