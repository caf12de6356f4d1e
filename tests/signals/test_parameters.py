import pytest

from signals.strategies import STRATEGIES, BadParameters
from signals.strategies.ma_crossover import MaCrossover
from signals.strategies.rsi_momentum import RsiMomentum


def test_what_is_not_given_is_the_default() -> None:
    assert RsiMomentum.of({"oversold": "25"}) == RsiMomentum(oversold=25.0)


def test_unknown_names_are_refused_and_the_known_ones_named() -> None:
    with pytest.raises(BadParameters, match=r"is not a parameter of this strategy\. It has: .*oversold"):
        RsiMomentum.of({"oversoold": 25})


@pytest.mark.parametrize("value", ["x", None, True, float("nan"), float("inf"), [], -1, 51, "9" * 400])
def test_impossible_values_are_refused(value: object) -> None:
    with pytest.raises(BadParameters) as refused:
        RsiMomentum.of({"oversold": value})
    assert refused.value.errors == {"oversold": "must be a number from 1 to 50."}


@pytest.mark.parametrize("given", [[], "oversold=25", 5, None], ids=str)
def test_what_is_no_set_of_parameters_is_refused(given: object) -> None:
    with pytest.raises(BadParameters, match="parameters: must be names with their values"):
        RsiMomentum.of(given)


def test_a_count_of_bars_is_a_whole_number() -> None:
    with pytest.raises(BadParameters, match="rsi_period: must be a whole number from 2 to 200"):
        RsiMomentum.of({"rsi_period": 14.5})


def test_what_is_impossible_together_is_refused() -> None:
    with pytest.raises(BadParameters) as refused:
        MaCrossover.of({"fast": 60, "target_atr": 6})
    assert refused.value.errors == {
        "middle": "must be greater than fast, which is 60.",
        "second_target_atr": "must be greater than target_atr, which is 6.0.",
    }


@pytest.mark.parametrize("strategy", STRATEGIES.values(), ids=list(STRATEGIES))
def test_the_defaults_agree_with_themselves(strategy: type[RsiMomentum]) -> None:
    assert strategy.of({}) == strategy()
