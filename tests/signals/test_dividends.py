"""Dividends in results: who holds over an ex-date has them, a short pays them; holding puts them back."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import store as candles
from market.models import Split
from market.prices import Feed, Timeframe, to_datetime
from market.share_basis.total_return import dividend_factor, factors
from signals import backtest, store
from signals.backtest.holding import hold
from signals.panel import Panel, Payouts
from signals.trades import End, Rules, play
from tests import make
from tests.signals.played import FIRST, Price, beside, buy, panel, sell

FREE = Rules(longest=3, cost_bps=0)
DAY = np.timedelta64(1, "D")
WEEK = np.timedelta64(7 * 86_400 * 1_000_000, "us")
CALM: Price = (100, 105, 95, 100)


def paying(bars: Panel, cash: Mapping[int, float], span: np.timedelta64 = 0 * WEEK) -> Panel:
    """The same bars with dividends: by the day from the first bar on."""
    at = FIRST + np.array([*cash], dtype=np.int64) * DAY
    return replace(
        bars, dividends={"AAPL": Payouts(at, np.array([*cash.values()], dtype=float), span)}, cache={}
    )


def calm(size: int = 6) -> Panel:
    return panel(*[CALM] * size)


# An idea on row 0 is entered at the open of row 1 and ends at the close of row 3; 10 are at risk.


@pytest.mark.parametrize(
    ("ex", "r"),
    [(0, 0.0), (1, 0.0), (2, 0.1), (3, 0.1), (4, 0.0)],
    ids=["the idea", "entry", "in", "exit", "after"],
)
def test_a_long_over_the_ex_date_has_it_and_a_short_pays_it(ex: int, r: float) -> None:
    long = play(paying(calm(), {ex: 1.0}), buy(), FREE)
    short = play(paying(calm(), {ex: 1.0}), sell(), FREE)
    assert (long.end[0], long.exited[0]) == (End.TIMEOUT, 3)
    assert (long.r[0], short.r[0]) == (pytest.approx(r), pytest.approx(-r))
    assert (long.dividend_r[0], short.dividend_r[0]) == (pytest.approx(r), pytest.approx(-r))


def test_an_exit_at_the_open_of_the_ex_date_has_it() -> None:
    gap = panel(CALM, CALM, (85, 86, 84, 85), CALM)
    trades = play(paying(gap, {2: 5.0}), buy(), FREE)
    assert (trades.end[0], trades.exited[0]) == (End.STOP, 2)
    assert trades.r[0] == pytest.approx((85 - 100 + 5) / 10)


def test_several_add_up_and_what_never_ended_has_no_result() -> None:
    trades = play(paying(calm(), {2: 1.0, 3: 0.5}), buy(), FREE)
    assert trades.r[0] == pytest.approx(0.15)
    still_open = play(paying(calm(3), {2: 1.0}), buy(), FREE)
    assert np.isnan(still_open.r[0])
    missed = play(paying(calm(1), {0: 1.0}), buy(), FREE)
    assert (missed.end[0], np.isnan(missed.r[0])) == (End.MISSED, True)


@pytest.mark.parametrize(("day", "r"), [(7, 0.0), (9, 0.1), (14, 0.1), (25, 0.1), (28, 0.0)])
def test_a_weekly_bar_holds_the_ex_dates_in_its_midst(day: int, r: float) -> None:
    bars = calm()
    weekly = replace(
        bars, bars=replace(bars.bars, opened_at=FIRST + np.arange(len(bars)) * 7 * DAY), cache={}
    )
    assert play(paying(weekly, {day: 1.0}, WEEK), buy(), FREE).r[0] == pytest.approx(r)


def test_those_of_another_symbol_do_not_count() -> None:
    two = replace(beside(calm(), panel(*[CALM] * 6, symbol="MSFT")), cache={})
    assert play(paying(two, {2: 1.0}), buy(row=6), FREE).r[0] == 0.0
    assert play(paying(two, {2: 1.0}), buy(row=0), FREE).r[0] == pytest.approx(0.1)


prices = st.lists(st.floats(10, 1000), min_size=3, max_size=12)


@given(prices, st.dictionaries(st.integers(0, 11), st.floats(0.01, 5), max_size=5))
def test_holding_is_the_change_of_total_return_prices(closes: list[float], cash: dict[int, float]) -> None:
    cash = {day: amount for day, amount in cash.items() if day < len(closes)}
    bars = panel(*[(close, close, close, close) for close in closes])
    days = bars.bars.opened_at.astype("datetime64[D]")
    steps = [
        (to_datetime(bars.bars.opened_at[day]).date(), dividend_factor(amount, closes[day - 1]) or 1.0)
        for day, amount in cash.items()
        if day
    ]
    adjusted = np.array(closes) * factors(days, steps)
    (held,) = hold(paying(bars, cash), np.ones(len(bars), dtype=np.bool_), cost_bps=0)
    assert held.gain == pytest.approx(adjusted[-1] / adjusted[0] - 1)


def test_a_fall_by_the_dividend_alone_is_no_fall() -> None:
    bars = panel(*[(close, close, close, close) for close in (100.0, 100.0, 95.0, 95.0)])
    (held,) = hold(paying(bars, {2: 5.0}), np.ones(4, dtype=np.bool_), cost_bps=0)
    assert held.gain == pytest.approx(0)
    assert held.fall == pytest.approx(0)


# What is stored


@pytest.fixture
def stored(db: None) -> None:
    make.only("AAPL")
    make.july_2024()
    bars = make.bars([100.0] * 8, datetime.fromisoformat("2024-06-28T00:00Z"), Timeframe.D1)
    candles.write_candles({"AAPL": bars}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)


def payouts(timeframe: Timeframe = Timeframe.D1) -> list[tuple[str, float]]:
    bars = store.panel(["AAPL"], timeframe, doubted=True)
    opening, within = bars.payouts
    rows = np.flatnonzero(opening + within)
    return [(str(bars.bars.opened_at[row])[:16], float((opening + within)[row])) for row in rows]


def test_those_that_stand_count_on_the_basis_of_the_stored_prices(stored: None) -> None:
    make.action(ex_date="2024-07-02", amount=Decimal("1.00"))
    make.action(ex_date="2024-07-03", amount=Decimal("2.00"), ended_at=make.T0)
    make.action(ex_date="2024-07-03", amount=Decimal("3.00"), currency="EUR")
    make.action("AAPL", ex_date="2024-07-04", kind="split", ratio=4)
    Split.objects.create(
        symbol="AAPL", date=date(2024, 7, 4), ratio=4.0, source="alpaca", recorded_at=make.T0
    )
    make.action(ex_date="2024-07-05", amount=Decimal("0.50"))
    assert payouts() == [("2024-07-02T00:00", 0.25), ("2024-07-05T00:00", 0.5)]
    assert not store.panel(["AAPL"], Timeframe.D1).dividends


def test_on_bars_inside_the_session_they_come_with_its_first(stored: None) -> None:
    make.history("AAPL", [100.0] * 200, Timeframe.M15, until=make.T0)
    make.action(ex_date="2024-07-02")
    ((at, _),) = payouts(Timeframe.M15)
    assert at == "2024-07-02T13:30"


def test_a_report_says_which_part_they_are(stored: None) -> None:
    setup = backtest.checked(strategy_id="macd_crossover_v1", timeframe="1d", symbols=["AAPL"])
    without = backtest.report(setup, list(backtest.studies(setup)))
    assert "No dividends are recorded for these days" in without.text()
    make.action(ex_date="2024-07-02", amount=Decimal("10.00"))
    report = backtest.report(setup, list(backtest.studies(setup)))
    assert "Dividends went ex 1 times: +0.0 R of the trades' total." in report.text()
    assert (report.rows[1].dividends, report.rows[1].dividend_r) == (1, 0)
    assert report.rows[1].hold_gain - without.rows[1].hold_gain == pytest.approx(1 / 9, rel=0.01)
