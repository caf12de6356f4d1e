"""The indicators against TA-Lib itself, against their definitions, and against published values."""

from datetime import UTC, datetime

import numpy as np
import talib

from market.prices import Floats
from signals import indicators
from tests.signals.walks import walk

BARS = walk(600, 7, start=datetime(2022, 1, 3, tzinfo=UTC))


def exponential(values: Floats, period: int) -> Floats:
    """The definition: the first average is a plain one, each next one moves 2 / (period + 1) of the way."""
    average = np.full(len(values), np.nan)
    average[period - 1] = values[:period].mean()
    for row in range(period, len(values)):
        average[row] = average[row - 1] + 2 / (period + 1) * (values[row] - average[row - 1])
    return average


def test_they_are_talibs_own() -> None:
    assert np.array_equal(indicators.rsi(BARS.close), talib.RSI(BARS.close), equal_nan=True)
    assert np.array_equal(indicators.sma(BARS.close, 20), talib.SMA(BARS.close, 20), equal_nan=True)
    assert np.array_equal(
        indicators.atr(BARS.high, BARS.low, BARS.close),
        talib.ATR(BARS.high, BARS.low, BARS.close),
        equal_nan=True,
    )
    for computed, reference in zip(indicators.macd(BARS.close), talib.MACD(BARS.close), strict=True):
        assert np.array_equal(computed, reference, equal_nan=True)


def test_the_relative_strength_index_has_the_published_values() -> None:
    """The worked example of ChartSchool's page on the RSI."""
    closes = [
        *[44.3389, 44.0902, 44.1497, 43.6124, 44.3278, 44.8264, 45.0955, 45.4245, 45.8433, 46.0826],
        *[45.8931, 46.0328, 45.6140, 46.2820, 46.2820, 46.0028, 46.0328, 46.4116, 46.2222, 45.6439],
    ]
    values = indicators.rsi(np.array(closes))
    assert np.isnan(values[:14]).all()
    assert np.round(values[14:], 2).tolist() == [70.53, 66.32, 66.55, 69.41, 66.36, 57.97]


def test_macd_is_the_difference_of_two_exponential_averages_and_its_own_average() -> None:
    line, signal, histogram = indicators.macd(BARS.close)
    defined = exponential(BARS.close, 12) - exponential(BARS.close, 26)
    assert np.allclose(line[400:], defined[400:], rtol=0, atol=1e-9)
    assert np.allclose(signal[400:], exponential(defined[25:], 9)[375:], rtol=0, atol=1e-9)
    assert np.array_equal(histogram, line - signal, equal_nan=True)
    assert np.flatnonzero(~np.isnan(signal))[0] == 33


def test_the_average_true_range_is_wilders() -> None:
    gaps = np.abs(BARS.close[:-1] - BARS.high[1:]), np.abs(BARS.close[:-1] - BARS.low[1:])
    ranges = np.maximum(BARS.high[1:] - BARS.low[1:], np.maximum(*gaps))
    average = ranges[:14].mean()
    for value in ranges[14:]:
        average += (value - average) / 14
    assert np.isclose(indicators.atr(BARS.high, BARS.low, BARS.close)[-1], average, rtol=1e-12)


def test_a_simple_average_is_plain() -> None:
    assert np.isclose(indicators.sma(BARS.close, 50)[-1], BARS.close[-50:].mean(), rtol=1e-12)
