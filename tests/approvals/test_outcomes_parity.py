"""The signal ledger says of what the scan raised what the backtest says of the same ideas."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest

from approvals import outcomes
from approvals.models import Outcome
from market import store
from market.prices import Feed, Timeframe, to_datetime, to_instant
from signals import scan
from signals import store as panels
from signals.backtest import Setup
from signals.backtest.studies import evaluate
from signals.lifetimes import Calendars
from signals.models import StrategyConfig
from signals.trades import End
from tests import make
from tests.signals.walks import walk

START = datetime(2022, 1, 3, tzinfo=UTC)
KNOWN, FED, AFTER = 900, 40, 100  # bars: before the first scan, one scan each, and what followed


@pytest.mark.django_db
@pytest.mark.parametrize(("timeframe", "is_flat"), [(Timeframe.D1, False), (Timeframe.M15, True)])
def test_the_signal_ledger_is_what_the_backtest_says(timeframe: Timeframe, is_flat: bool) -> None:
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(START, days=1, ahead=1_200)
    StrategyConfig.objects.all().delete()
    config = StrategyConfig.objects.create(
        strategy_id="macd_crossover_v1",
        timeframe=timeframe,
        parameters={"macd_fast": 4, "macd_slow": 8, "macd_signal": 3, "stop_atr": 1.0},
        minimum_confidence=Decimal("0.7"),
        longest_holding_bars=12,
        flat_at_close=is_flat,
    )
    bars = {
        symbol: walk(KNOWN + FED + AFTER, seed, start=START, timeframe=timeframe)
        for seed, symbol in enumerate(("AAPL", "MSFT"))
    }
    for last in (*range(KNOWN, KNOWN + FED), KNOWN + FED + AFTER):
        given = {
            symbol: symbol_bars[slice(0 if last == KNOWN else KNOWN, last)]
            for symbol, symbol_bars in bars.items()
        }
        store.write_candles(given, timeframe, provider="simulator", feed=Feed.SIMULATED)
        at = START + last * timeframe.length + timedelta(minutes=14)
        scan.run(at)
        outcomes.refresh(at)
    live: dict[tuple[str, datetime], tuple[object, ...]] = {
        (outcome.symbol, outcome.signal.bar_opened_at): (
            outcome.end,
            outcome.race,
            outcome.r,
            outcome.exited_at,
        )
        for outcome in Outcome.objects.select_related("signal").filter(ledger="signal", end__gt=End.OPEN)
    }
    assert len(live) >= 8
    assert not Outcome.objects.filter(
        is_final=False, since__lt=START + (KNOWN + FED) * timeframe.length
    ).exists()
    assert backtested(config) == live


def backtested(config: StrategyConfig) -> dict[tuple[str, datetime], tuple[object, ...]]:
    setup = Setup.of(config, ["AAPL", "MSFT"])
    panel = panels.panel(setup.symbols, setup.timeframe)
    first = to_instant(START + (KNOWN - 1) * setup.timeframe.length)
    last = to_instant(START + (KNOWN + FED - 1) * setup.timeframe.length)
    answer: dict[tuple[str, datetime], tuple[object, ...]] = {}
    for study in evaluate(panel, setup, Calendars.load({"AAPL": "24/7", "MSFT": "24/7"})):
        cases = study.cases
        for i in np.flatnonzero((cases.spoke_at >= first) & (cases.spoke_at < last)).tolist():
            key = (study.symbol, to_datetime(cases.spoke_at[i]))
            ended_at = to_datetime(cases.ended_at[i])
            r = pytest.approx(float(cases.r[i]), abs=1e-9)
            answer[key] = (int(cases.end[i]), int(cases.race[i]), r, ended_at)
    return answer
