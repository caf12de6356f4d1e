"""Whether the first provider allows what the watchlist needs."""

import pytest
from pytest_django import Settings

from market import doctor, request_budget
from market.prices import Timeframe
from market.providers import alpaca, ib_bridge, polygon, simulator
from market.providers.base import ProviderSpec, Watchlist
from tests import make

INTRADAY = [Timeframe.M1, Timeframe.M5, Timeframe.M15]


@pytest.mark.parametrize(
    ("spec", "values", "needed", "allowed"),
    [
        (ib_bridge.SPEC, {}, 12.7, 6.0),
        (polygon.SPEC, {"POLYGON_REQUESTS_PER_MINUTE": 5}, 13.7, 5.0),
        (alpaca.SPEC, {"ALPACA_REQUESTS_PER_MINUTE": 200}, 2.3, 200.0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_ten_instruments_on_three_timeframes(
    spec: ProviderSpec, values: dict[str, int], needed: float, allowed: float
) -> None:
    assert spec.request_rate is not None
    rate = spec.request_rate(values, Watchlist(10, INTRADAY, quotes_every=60, asked_at_once=100))
    assert (round(rate.needed, 1), round(rate.allowed, 1)) == (needed, allowed)


def test_the_simulator_has_no_limit() -> None:
    assert simulator.SPEC.request_rate is None


def test_symbols_that_are_asked_for_together_cost_one_request() -> None:
    def needed(instruments: int) -> float:
        watchlist = Watchlist(instruments, [Timeframe.M1], quotes_every=60, asked_at_once=100)
        assert alpaca.SPEC.request_rate is not None
        return alpaca.SPEC.request_rate({"ALPACA_REQUESTS_PER_MINUTE": 200}, watchlist).needed

    assert [needed(instruments) for instruments in (1, 100, 101, 1001)] == [2, 2, 3, 13]


@pytest.fixture
def bridge(settings: Settings) -> None:
    settings.DATA_KIND, settings.PROVIDERS = "real", ["ib_bridge", "simulator"]
    settings.IB_BRIDGE_URL = "http://127.0.0.1:1"
    settings.CANDLE_TIMEFRAMES = ["1m", "5m", "15m"]


@pytest.mark.django_db
@pytest.mark.usefixtures("bridge")
def test_what_the_provider_cannot_keep_up_with_is_told_with_what_to_do() -> None:
    make.only(*(f"S{number}" for number in range(10)))
    assert request_budget.warning() == (
        "10 instruments on 1m, 5m, 15m need 12.7 requests a minute; IB Bridge allows 6.0: bars come late. "
        f"{request_budget.ADVICE}"
    )
    (finding,) = [finding for finding in doctor.examine(make.T0) if finding.about == "requests"]
    assert finding.advice == request_budget.ADVICE


@pytest.mark.django_db
@pytest.mark.usefixtures("bridge")
def test_what_it_can_keep_up_with_is_no_warning() -> None:
    make.only("S1", "S2")
    assert request_budget.warning() == ""
    assert request_budget.describe(request_budget.watchlist()) == (
        "2 instruments on 1m, 5m, 15m need 2.5 requests a minute; IB Bridge allows 6.0",
        True,
    )


@pytest.mark.django_db
def test_without_a_provider_there_is_nothing_to_warn_of(settings: Settings) -> None:
    settings.PROVIDERS = []
    assert request_budget.warning() == ""
