"""A strategy's own code is called so that its failures stay its own."""

import signal
import time
from contextlib import suppress
from typing import Any

import pytest

from market.prices import Timeframe
from signals.panel import Panel
from signals.strategies import StrategyFailed, ideas_of
from signals.strategies.macd_crossover import MacdCrossover
from tests import make
from tests.signals import broken

IN_THE_DATABASE = ["a price is more than can be stored"]
IN_IDEAS = [
    way
    for way, (method, _) in broken.WAYS.items()
    if method in ("compute", "sides", "is_strong", "ideas") and way not in IN_THE_DATABASE
]


@pytest.fixture
def panel() -> Panel:
    return Panel.of(make.bars(make.turning(), make.T0, Timeframe.M15))


@pytest.mark.parametrize("way", IN_IDEAS)
def test_what_goes_wrong_is_one_kind_of_error_with_one_line(panel: Panel, way: str) -> None:
    with pytest.raises(StrategyFailed) as failure:
        ideas_of(broken.strategy(way)(), panel)
    assert len(str(failure.value).splitlines()) == 1


def test_what_is_sound_comes_through_unchanged(panel: Panel) -> None:
    guarded, plain = ideas_of(MacdCrossover(), panel), MacdCrossover().ideas(panel)
    assert len(guarded) == len(plain) == 1
    assert guarded.row.tolist() == plain.row.tolist()


def test_one_that_does_not_end_is_interrupted_even_if_it_catches_everything(panel: Panel) -> None:
    class Endless(MacdCrossover):
        def compute(self, panel: Panel) -> Any:
            while True:
                try:
                    time.sleep(0.01)
                except Exception:  # noqa: BLE001  what a careless strategy does
                    continue

    with pytest.raises(StrategyFailed, match=r"longer than 0\.2 s"):
        ideas_of(Endless(), panel, seconds=0.2)


def test_one_that_catches_even_the_deadline_meets_it_again(panel: Panel) -> None:
    class Careless(MacdCrossover):
        def compute(self, panel: Panel) -> Any:
            with suppress(BaseException):  # what a careless strategy does
                time.sleep(60)
            time.sleep(60)

    with pytest.raises(StrategyFailed, match=r"longer than 0\.2 s"):
        ideas_of(Careless(), panel, seconds=0.2)


def test_a_timer_that_was_set_before_goes_on_afterwards(panel: Panel) -> None:
    def handler(*_: object) -> None:
        pass

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 60, 60)
    try:
        ideas_of(MacdCrossover(), panel)
        assert signal.getitimer(signal.ITIMER_REAL)[1] == 60
        assert signal.getsignal(signal.SIGALRM) is handler
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
