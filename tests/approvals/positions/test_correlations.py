"""Which instruments move together."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from approvals.positions.correlations import ENOUGH, RETURNS, correlations, read_correlations
from market.prices import Bars, Feed, Timeframe
from market.store import write_candles
from tests import make

DAY = timedelta(days=1)
RNG = np.random.default_rng(7)
MARKET = RNG.normal(0, 0.01, 200)


def bars(returns: np.ndarray, first: int = 0) -> Bars:
    closes = 100 * np.exp(np.cumsum(returns))
    return make.bars([float(close) for close in closes], make.T0 + first * DAY, Timeframe.D1)


def correlation(one: Bars, other: Bars) -> float | None:
    return correlations({"A": one, "B": other}, [("A", "B")])["A", "B"]


def test_the_same_returns_at_other_prices_correlate_fully() -> None:
    assert correlation(bars(MARKET), bars(MARKET * 2)) == pytest.approx(1)
    assert correlation(bars(MARKET), bars(-MARKET)) == pytest.approx(-1)


def test_it_is_that_of_the_newest_returns_on_common_days() -> None:
    noise = RNG.normal(0, 0.01, 200)
    mixed = MARKET + noise
    expected = np.corrcoef(MARKET[-RETURNS:], mixed[-RETURNS:])[0, 1]
    assert correlation(bars(MARKET), bars(mixed)) == pytest.approx(expected)
    assert correlation(bars(MARKET[:150]), bars(MARKET[50:], first=50)) == pytest.approx(1)


@pytest.mark.parametrize("size", [0, 1, 2, ENOUGH])
def test_few_bars_say_nothing(size: int) -> None:
    assert correlation(bars(MARKET), bars(MARKET[:size])) is None


def test_enough_bars_say_something() -> None:
    assert correlation(bars(MARKET), bars(MARKET[: ENOUGH + 1])) == pytest.approx(1)


def test_days_that_do_not_overlap_and_a_price_that_stands_still_say_nothing() -> None:
    assert correlation(bars(MARKET), bars(MARKET, first=200)) is None
    assert correlation(bars(MARKET), bars(np.zeros(200))) is None


@pytest.mark.django_db
def test_what_trades_every_day_is_compared_on_as_many_days_as_what_does_not() -> None:
    make.instrument("BTC/USD", "24/7")
    make.instrument("AAPL")
    first = datetime(2024, 1, 1, tzinfo=UTC)
    closes = [[float(close) for close in np.exp(RNG.normal(0, 0.1, 180))] for _ in range(2)]
    every_day, other = (make.bars(column, first, Timeframe.D1) for column in closes)
    traded = np.array([(first + n * DAY).weekday() < 5 for n in range(180)])
    traded[[150, 151, 160]] = False  # bars that never came
    stored = {"BTC/USD": every_day, "AAPL": other[traded]}
    write_candles(stored, Timeframe.D1, provider="simulator", feed=Feed.SIMULATED)
    compared = read_correlations(["AAPL"], ["BTC/USD"], first + 200 * DAY)["AAPL", "BTC/USD"]
    assert compared is not None
    assert compared == pytest.approx(correlation(stored["AAPL"], stored["BTC/USD"]))
