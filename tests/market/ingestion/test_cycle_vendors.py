"""The cycle against vendors on loopback: who is asked, what is stored when things go wrong, how it heals."""

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import Settings

from market import store
from market.ingestion import cycle, gaps, schedule
from market.models import (
    Candle,
    Gap,
    IngestionRun,
    Instrument,
    ProviderPace,
    ProviderStatus,
    Quote,
    QuoteHistory,
    Split,
)
from market.prices import Bars, Timeframe
from tests.loopback import AT, candles, quotes, watch
from tests.vendors import Alpaca, IBBridge, Polygon, faults
from tests.vendors.prices import Bar
from tests.vendors.server import Fault

pytestmark = pytest.mark.django_db

SYMBOLS = {"AAPL", "MSFT", "AMD"}
CLOSE_BEFORE = datetime(2024, 7, 1, 20, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def watchlist(settings: Settings) -> None:
    watch(settings, *SYMBOLS)


def from_whom() -> dict[str, str]:
    return dict(Quote.objects.values_list("symbol", "provider"))


def bars_of(symbol: str) -> int:
    return Candle.objects.filter(symbol=symbol, timeframe="15m").count()


def test_the_first_provider_serves_and_the_others_are_left_alone(
    bridge: IBBridge, alpaca: Alpaca, polygon: Polygon
) -> None:
    assert quotes().stored == 3
    assert set(from_whom().values()) == {"ib_bridge"}
    assert (alpaca.visits, polygon.visits) == ([], [])


def test_when_the_first_dies_the_next_takes_over_as_soon_as_its_quotes_are_stale(
    bridge: IBBridge, alpaca: Alpaca
) -> None:
    quotes()
    bridge.stop()
    alpaca.now = AT + timedelta(minutes=1)
    assert quotes(AT + timedelta(minutes=1)).stored == 3
    assert set(from_whom().values()) == {"ib_bridge"}
    alpaca.now = AT + timedelta(minutes=6)
    quotes(AT + timedelta(minutes=6))
    assert set(from_whom().values()) == {"alpaca"}
    assert QuoteHistory.objects.count() == 9


def test_when_the_first_two_are_gone_the_third_serves(
    bridge: IBBridge, alpaca: Alpaca, polygon: Polygon
) -> None:
    bridge.connected = bridge.reconnects = False
    alpaca.fail(faults.status(500))
    assert quotes().stored == 3
    assert set(from_whom().values()) == {"polygon"}


def test_a_symbol_that_one_provider_fails_is_asked_from_the_next(bridge: IBBridge, alpaca: Alpaca) -> None:
    bridge.fail(faults.status(404), on="/quotes/AMD")
    assert quotes().stored == 3
    assert from_whom() == {"AAPL": "ib_bridge", "MSFT": "ib_bridge", "AMD": "alpaca"}


FAULTS = {
    "500": faults.status(500),
    "503": faults.status(503),
    "a web page": faults.web_page,
    "half of the JSON": faults.truncated,
    "a broken connection": faults.reset,
    "100 MB": faults.huge(declared=True),
    "a redirect elsewhere": faults.redirect("http://127.0.0.1:9/elsewhere"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_whatever_one_symbol_meets_the_others_are_stored_and_the_next_cycle_heals(
    bridge: IBBridge, fault: Fault
) -> None:
    bridge.fail(fault, on="/*/AMD")
    assert (quotes().stored, candles().stored) == (2, 2)
    assert (bars_of("AAPL") > 15, bars_of("AMD")) == (True, 0)
    bridge.heal()
    later = AT + timedelta(minutes=2)
    bridge.now = later
    assert (quotes(later).stored, candles(later).failed) == (3, 0)
    assert bars_of("AMD") == bars_of("AAPL")


SPOILED = {
    "NaN": faults.with_nan,
    "zeros": faults.with_zeros,
    "minus one": faults.with_minus_one,
    "duplicates": faults.duplicated,
    "no order": faults.unordered,
    "the future": faults.from_the_future,
}


@pytest.mark.parametrize("spoil", SPOILED.values(), ids=SPOILED.keys())
def test_spoiled_bars_leave_only_sound_ones_and_the_next_cycle_fills_the_rest(
    bridge: IBBridge, spoil: object, settings: Settings
) -> None:
    bridge.spoil = spoil  # type: ignore[assignment]  # each of the six is such a function
    candles()
    stored = store.read_bars(["AAPL"], Timeframe.M15)["AAPL"]
    assert (stored.low > 0).all()
    assert stored.opened_at.max() <= stored.opened_at.dtype.type(AT.replace(tzinfo=None), "us")
    bridge.spoil = list
    bridge.now = AT
    schedule.forget(["AAPL"])
    candles(AT + timedelta(minutes=1))
    assert bars_of("AAPL") == settings.CANDLE_BACKFILL


def test_a_provider_whose_clock_is_an_hour_ahead_is_not_believed(bridge: IBBridge) -> None:
    bridge.now = AT + timedelta(hours=1)
    run = quotes()
    assert (run.stored, run.failed) == (0, 3)
    assert run.rejected["time_in_future"]["count"] == 3
    bridge.now = AT
    assert quotes(AT + timedelta(seconds=20)).stored == 3


def test_with_every_provider_down_the_cycle_ends_says_why_and_they_cool_off(bridge: IBBridge) -> None:
    bridge.stop()
    for minute in range(3):
        run = quotes(AT + timedelta(minutes=minute))
    assert (run.outcome, run.stored, run.failed) == ("finished", 0, 3)
    assert "ib_bridge" in run.failures["AAPL"]
    status = ProviderStatus.objects.get(provider="ib_bridge", kind="quotes")
    assert status.consecutive_failures == 3
    assert status.cools_off(AT + timedelta(minutes=2, seconds=30))


def test_a_provider_that_asks_to_be_left_alone_is(bridge: IBBridge) -> None:
    bridge.fail(faults.status(429, retry_after="600"))
    quotes()
    before = len(bridge.visits)
    quotes(AT + timedelta(minutes=5))
    assert len(bridge.visits) == before
    bridge.heal()
    bridge.now = AT + timedelta(minutes=11)
    assert quotes(AT + timedelta(minutes=11)).stored == 3


def test_a_plan_without_quotes_still_serves_candles_and_says_so(polygon: Polygon) -> None:
    polygon.plan = "free"
    assert quotes().stored == 0
    assert "entitle" in ProviderStatus.objects.get(kind="quotes").last_error.lower()
    assert candles().stored == 3


def test_what_the_pace_does_not_allow_waits_and_goes_first_next_time(
    polygon: Polygon, settings: Settings
) -> None:
    settings.POLYGON_REQUESTS_PER_MINUTE = 3
    run = candles()
    assert (run.stored, run.waiting, run.failed) == (2, 1, 0)
    assert len(polygon.visits) == 2


@pytest.mark.parametrize("hours", [-4, -1, 2, 7])
def test_bars_of_trading_hours_with_stamps_of_another_zone_are_not_stored(
    bridge: IBBridge, hours: int
) -> None:
    bridge.shift = timedelta(hours=hours)
    run = candles()
    assert (run.stored, bars_of("AAPL")) == (0, 0)
    assert "outside the hours of XNYS" in run.failures["AAPL 15m"]
    bridge.shift = timedelta(0)
    bridge.now = AT + timedelta(minutes=2)
    assert candles(bridge.now).stored == 3


def test_a_bar_of_a_late_auction_costs_no_other(bridge: IBBridge) -> None:
    bridge.spoil = lambda bars: [*bars, bars[0]._replace(opened_at=CLOSE_BEFORE)]
    assert candles().stored == 3
    assert bars_of("AAPL") > 15


def fail_later_pages(polygon: Polygon, settings: Settings) -> None:
    """Answer the first page of AAPL, 12 bars of the extended hours, and 500 for the next."""
    polygon.page, settings.POLYGON_REQUESTS_PER_MINUTE = 12, 200
    polygon.fail(faults.status(500), on="*/AAPL/*")
    polygon.fail(lambda turn: turn.send(turn.reply()), on="*/AAPL/*", times=1)


def test_a_page_that_came_is_stored_said_to_be_partial_and_the_rest_comes_later(
    polygon: Polygon, settings: Settings
) -> None:
    fail_later_pages(polygon, settings)
    run = candles()
    assert bars_of("AAPL") == 12
    assert "answered 500" in run.failures["AAPL 15m"]
    polygon.heal()
    polygon.now = AT + timedelta(minutes=2)
    assert candles(polygon.now).failed == 0
    assert bars_of("AAPL") == bars_of("MSFT") > 12


def test_what_a_page_leaves_out_after_stored_bars_is_a_gap(polygon: Polygon, settings: Settings) -> None:
    candles()
    later = polygon.now = AT + timedelta(days=1)
    fail_later_pages(polygon, settings)
    candles(later)
    assert Gap.objects.filter(symbol="AAPL", reason=Gap.Reason.OUTAGE).exists()
    polygon.heal()
    for minutes in (1, 12, 14):
        polygon.now = later + timedelta(minutes=minutes)
        candles(polygon.now)
    assert not Gap.objects.filter(symbol="AAPL").exists()


def test_the_rest_of_a_partial_answer_is_asked_of_the_next_provider(
    alpaca: Alpaca, polygon: Polygon, settings: Settings
) -> None:
    settings.PROVIDERS = ["polygon", "alpaca"]
    fail_later_pages(polygon, settings)
    assert candles().stored == 3
    assert bars_of("AAPL") > 12


@pytest.fixture
def split(bridge: IBBridge, settings: Settings) -> Bars:
    """AAPL splits 7:1 after its history was stored, and that was seen. Returns the history as it was."""
    settings.CANDLE_TIMEFRAMES = ["1d", "15m"]
    candles()
    bridge.basis["AAPL"] = 1 / 7
    bridge.now = AT + timedelta(minutes=15)
    candles(bridge.at)
    return quarters("AAPL")


def quarters(symbol: str) -> Bars:
    return store.read_bars([symbol], Timeframe.M15)[symbol]


def is_pending() -> bool:
    return Instrument.objects.exclude(split_pending_since=None).exists()


def test_a_split_that_is_seen_stops_the_instrument_and_changes_nothing_yet(
    split: Bars, bridge: IBBridge
) -> None:
    assert is_pending()
    assert (
        split.close[0] > 7 * bridge.bars("AAPL", timedelta(days=1), AT - timedelta(days=5), AT)[0].close * 0.5
    )
    assert len(quarters("MSFT")) == len(split) + 1


def test_the_next_cycle_restates_the_whole_history_at_once(split: Bars, bridge: IBBridge) -> None:
    bridge.now = AT + timedelta(minutes=16)
    candles(bridge.at)
    after = quarters("AAPL")
    assert (Split.objects.get().ratio, Split.objects.get().date) == (7, date(2024, 7, 2))
    assert after.close[: len(split) - 1] == pytest.approx(split.close[:-1] / 7, abs=0.02)
    assert len(after) == len(quarters("MSFT"))
    assert not is_pending()


def test_as_long_as_one_timeframe_cannot_be_fetched_nothing_is_restated(
    split: Bars, bridge: IBBridge
) -> None:
    bridge.fail(faults.status(404), on="/candles/AAPL", times=1)
    bridge.now = AT + timedelta(minutes=16)
    candles(bridge.at)
    assert is_pending()
    assert quarters("AAPL").close.tolist() == split.close.tolist()
    bridge.now = AT + timedelta(minutes=17)
    candles(bridge.at)
    assert not is_pending()
    assert Split.objects.count() == 1


def test_a_split_is_not_restated_from_the_answers_of_two_providers(
    alpaca: Alpaca, split: Bars, bridge: IBBridge
) -> None:
    """They may stand on different bases."""
    bridge.fail(faults.status(404), on="/candles/AAPL", times=1)
    bridge.now = alpaca.now = AT + timedelta(minutes=16)
    candles(bridge.at)
    assert any("AAPL" in visit.query["symbols"] for visit in alpaca.visits)
    assert is_pending()
    assert quarters("AAPL").close.tolist() == split.close.tolist()
    assert not Split.objects.exists()


def test_a_price_that_the_bridge_repeats_after_the_close_is_as_old_as_the_close(bridge: IBBridge) -> None:
    bridge.now = datetime(2024, 7, 4, 15, 0, tzinfo=UTC)
    assert quotes(bridge.now).stored == 3
    assert set(Quote.objects.values_list("as_of", flat=True)) == {datetime(2024, 7, 3, 17, 0, tzinfo=UTC)}


def without_half_past_ten(bars: list[Bar]) -> list[Bar]:
    return [bar for bar in bars if (bar.opened_at.hour, bar.opened_at.minute) != (14, 30)]


def test_a_hole_of_one_provider_is_filled_by_the_next(bridge: IBBridge, alpaca: Alpaca) -> None:
    bridge.spoil = without_half_past_ten
    candles()
    assert Gap.objects.filter(symbol="AAPL").exists()
    for pause in (timedelta(minutes=12), timedelta(hours=2, minutes=15)):
        bridge.now = alpaca.now = AT + pause
        candles(bridge.at)
        candles(bridge.at + timedelta(minutes=1))
    filled = Candle.objects.get(
        symbol="AAPL", timeframe="15m", opened_at=AT.replace(hour=14, minute=30, second=0)
    )
    assert filled.provider == "alpaca"


def test_a_hole_that_the_second_provider_cannot_fill_is_filled_by_the_first(
    bridge: IBBridge, alpaca: Alpaca
) -> None:
    bridge.spoil = without_half_past_ten
    candles()
    bridge.spoil = list
    alpaca.fail(faults.status(500))
    ProviderPace.objects.all().delete()
    gap = Gap.objects.get(symbol="AAPL")
    with cycle.cycle(IngestionRun.Kind.CANDLES, AT) as current:
        assert current is not None
        assert cycle.fetch(current, gaps.request_for(gap), choice=1) == {"AAPL"}
    assert alpaca.visits
    assert not Gap.objects.filter(symbol="AAPL").exists()
