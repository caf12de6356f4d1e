"""Whether the first provider allows what the watchlist needs."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from pytest_django import Settings

from market import doctor, feeds
from market.ingestion import request_budget
from market.models import Instrument
from market.prices import Timeframe
from market.providers import alpaca, ib_bridge, polygon, simulator
from market.providers.base import Limit, ProviderSpec, Watchlist
from tests import make
from tests.vendors import Alpaca, IBBridge, Polygon
from tests.vendors.server import Vendor

INTRADAY = [Timeframe.M1, Timeframe.M5, Timeframe.M15]


@pytest.mark.parametrize(
    ("spec", "values", "needed", "allowed"),
    [
        (ib_bridge.SPEC, {}, 12.7, 6.0),
        (polygon.SPEC, {"POLYGON_REQUESTS_PER_MINUTE": 5}, 13.7, 3.9),
        (alpaca.SPEC, {"ALPACA_REQUESTS_PER_MINUTE": 200}, 2.3, 186.9),
        (alpaca.SPEC, {"ALPACA_REQUESTS_PER_MINUTE": 6}, 2.3, 3.0),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_ten_instruments_on_three_timeframes(
    spec: ProviderSpec, values: dict[str, int], needed: float, allowed: float
) -> None:
    assert spec.request_rate is not None
    rate = spec.request_rate(values, Watchlist(10, INTRADAY, quotes_every=60, asked_at_once=100))
    assert (round(rate.needed, 1), round(rate.allowed, 1)) == (needed, allowed)


class Noted:
    """A pace that grants no request for candles and notes under which limits they were asked for."""

    def __init__(self) -> None:
        self.asks: list[tuple[Sequence[Limit], int]] = []

    def reserve(self, limits: Sequence[Limit], wanted: int, *, spare: int = 0) -> list[float]:
        if limits[0].seconds == ib_bridge.SAME_AGAIN:
            return [0.0] * wanted
        self.asks.append((limits, spare))
        return []


@pytest.mark.parametrize(
    ("spec", "vendor", "more"),
    [
        (ib_bridge.SPEC, IBBridge, {}),
        (polygon.SPEC, Polygon, {"POLYGON_REQUESTS_PER_MINUTE": 5}),
        (alpaca.SPEC, Alpaca, {"ALPACA_REQUESTS_PER_MINUTE": 200}),
        (alpaca.SPEC, Alpaca, {"ALPACA_REQUESTS_PER_MINUTE": 6}),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_what_is_said_to_be_allowed_is_what_the_pace_grants(
    spec: ProviderSpec, vendor: type[Vendor], more: dict[str, int]
) -> None:
    pace, started = Noted(), vendor(now=make.T0).start()
    address = next(setting.name for setting in spec.settings if setting.name.endswith("_URL"))
    values = started.settings | {address: started.url} | more
    spec.build(values, pace).candles(["AAPL"], Timeframe.M15, make.T0 - timedelta(days=1), make.T0)
    started.stop()
    ((limits, spare),) = pace.asks
    taken: dict[Limit, list[float]] = {limit: [] for limit in limits}
    granted = 0
    for second in range(0, 6000, 60):
        moments = feeds.slots(taken, 1000, now=float(second), spare=spare)
        granted += len(moments)
        taken = {limit: (before + moments)[-limit.count :] for limit, before in taken.items()}
    assert spec.request_rate is not None
    rate = spec.request_rate(values, Watchlist(10, INTRADAY, quotes_every=60, asked_at_once=100))
    assert granted / 100 == pytest.approx(rate.allowed, rel=0.1)


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
def test_what_is_held_is_asked_for_too() -> None:
    make.only("S1", "S2")
    Instrument.objects.filter(pk="S2").update(watched=False, in_use=True)
    assert request_budget.watchlist().instruments == 2


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
