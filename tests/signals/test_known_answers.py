"""The rules alone: indicator values are given, and the condition was false on the bar before."""

from collections.abc import Mapping

import numpy as np
import pytest

from market.prices import Bars
from signals.panel import Panel
from signals.strategies import BUY, SELL, Ideas, Strategy
from signals.strategies.ma_crossover import MaCrossover
from signals.strategies.macd_crossover import MacdCrossover
from signals.strategies.rsi_momentum import RsiMomentum

BULLISH = {"trend_fast": 180.0, "trend_slow": 165.0}
CROSSED = {"price": 185.5, "atr": 2.5, "macd": 0.5, "macd_signal": 0.2, "macd_histogram": 0.0014 * 185.5}
BEFORE = {"macd": 0.1, "macd_signal": 0.2}
ALIGNED = {"price": 185.5, "atr": 2.5, "sma_fast": 182.0, "sma_middle": 180.0, "sma_slow": 165.0}


def judged(strategy: Strategy, now: Mapping[str, float], before: Mapping[str, float]) -> Ideas:
    """The ideas at the second of two bars."""
    unknown = {"trend_fast": np.nan, "trend_slow": np.nan, "volume_ratio": np.nan, "aligned_before": 0.0}
    columns = {
        name: np.array([before.get(name, value), value]) for name, value in (unknown | dict(now)).items()
    }
    days = np.array(["2024-07-01", "2024-07-02"], dtype="datetime64[us]")
    price = columns["price"]
    return strategy.judge(Panel.of(Bars.of(days, price, price, price, price, [1, 1])), columns)


def levels(ideas: Ideas) -> list[float]:
    return [float(ideas.stop[0]), float(ideas.target[0]), float(ideas.second_target[0])]


def test_macd_crossing_above_with_everything_for_it() -> None:
    ideas = judged(MacdCrossover(), CROSSED | BULLISH | {"volume_ratio": 1.4}, BEFORE)
    assert list(ideas.side) == [BUY]
    assert ideas.confidence[0] == 0.9
    assert levels(ideas) == [180.5, 191.75, 195.5]


def test_macd_without_trend_and_volume_known_has_its_base_and_its_strength() -> None:
    assert judged(MacdCrossover(), CROSSED, BEFORE).confidence[0] == 0.7


def test_rsi_overbought_in_a_neutral_trend_with_volume() -> None:
    values = {"price": 245.75, "atr": 8.5, "rsi": 78.5, "trend_fast": 250.0, "trend_slow": 240.0}
    ideas = judged(RsiMomentum(), values | {"volume_ratio": 1.2}, {"rsi": 69.0})
    assert list(ideas.side) == [SELL]
    assert ideas.confidence[0] == 0.7
    assert levels(ideas) == [262.75, 228.75, 220.25]


def test_rsi_overbought_against_a_bullish_trend_without_volume() -> None:
    values = {"price": 245.75, "atr": 8.5, "rsi": 78.5, "trend_fast": 240.0, "trend_slow": 220.0}
    assert judged(RsiMomentum(), values | {"volume_ratio": 0.8}, {"rsi": 69.0}).confidence[0] == 0.45


def test_rsi_far_beyond_its_line_is_strong() -> None:
    values = {"price": 50.0, "atr": 1.0, "rsi": 19.0}
    assert judged(RsiMomentum(), values, {"rsi": 31.0}).confidence[0] == 0.75


def test_moving_averages_with_everything_for_them() -> None:
    ideas = judged(MaCrossover(), ALIGNED | BULLISH | {"volume_ratio": 1.1}, {"price": 181.0})
    assert list(ideas.side) == [BUY]
    assert ideas.confidence[0] == 0.95
    assert levels(ideas) == [177.5, 193.0, 198.0]


@pytest.mark.parametrize(
    ("aligned_before", "phrase"),
    [
        (0.0, "trend alignment formed: SMA20 182.00 above SMA50 180.00 above SMA200 165.00"),
        (1.0, "back above"),
    ],
)
def test_moving_averages_say_which_of_the_two_it_was(aligned_before: float, phrase: str) -> None:
    ideas = judged(MaCrossover(), ALIGNED | {"aligned_before": aligned_before}, {"price": 181.0})
    assert phrase in ideas.reasoning(0)


def test_a_condition_that_was_true_before_is_no_event() -> None:
    assert len(judged(MacdCrossover(), CROSSED, {})) == 0


def test_a_condition_that_was_unknown_before_is_no_event() -> None:
    assert len(judged(MacdCrossover(), CROSSED, {"macd": np.nan, "macd_signal": np.nan})) == 0


def test_a_difference_of_rounding_is_no_event() -> None:
    touching = CROSSED | {"macd": 0.2 + 1e-10}
    assert len(judged(MacdCrossover(), touching, BEFORE)) == 0


def test_levels_are_rounded_stop_away_from_the_entry_and_target_towards_it() -> None:
    ideas = judged(MacdCrossover(), CROSSED | {"atr": 2.501}, BEFORE)
    assert levels(ideas) == [180.49, 191.75, 195.5]


def test_a_stop_that_would_not_be_above_zero_means_no_idea() -> None:
    assert len(judged(MacdCrossover(), CROSSED | {"atr": 100.0}, BEFORE)) == 0


def test_the_reason_is_one_sentence_with_the_numbers() -> None:
    ideas = judged(MacdCrossover(), CROSSED | BULLISH | {"volume_ratio": 1.4}, BEFORE)
    assert ideas.reasoning(0) == (
        "MACD +0.5 crossed above its signal line +0.2 at 185.50, "
        "trend bullish (SMA50 180.00, SMA200 165.00), volume 1.40 times its mean."
    )


def test_the_reason_says_what_is_not_known() -> None:
    reason = judged(MacdCrossover(), CROSSED, BEFORE).reasoning(0)
    assert "trend unknown before 200 bars, volume not compared (too few bars of one source)" in reason
