"""IB Bridge, asked on loopback."""

import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.http import Patience
from market.prices import Feed, Timeframe
from market.providers.base import Pace, ProviderError, Unpaced
from market.providers.ib_bridge import CANDLE_MESSAGES, MESSAGES, IBBridge
from tests import vendors
from tests.market.providers.paces import Sliding
from tests.market.providers.payloads import payload
from tests.vendors import faults, prices
from tests.vendors.server import Fault

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
HASTY = Patience(connect=1, read=5, answer=8, fetch=12, attempts=2, pause=0.02)


def provider(vendor: vendors.IBBridge, pace: Pace | None = None) -> IBBridge:
    return IBBridge(vendor.url, pace=pace or Unpaced(), patience=HASTY)


def test_a_quote_as_captured() -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/quotes/AAPL"] = payload("ib_quote")
        quotes = provider(vendor).quotes(["AAPL"], T)
    (tick,) = quotes.ticks
    assert (tick.symbol, tick.price, tick.bid, tick.ask) == ("AAPL", 221.55, 221.54, 221.56)
    assert (tick.bid_size, tick.ask_size, tick.volume, tick.exchange) == (300, 500, 31_240_118, "SMART")
    assert tick.as_of == datetime(2024, 7, 3, 14, 59, 58, 120_000, tzinfo=UTC)
    assert (quotes.feed, quotes.delay, quotes.failed, quotes.declined) == (Feed.LIVE, timedelta(0), {}, [])


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), None])
def test_no_last_trade_yet_fails_that_symbol_only(price: float) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/quotes/MSFT"] = payload("ib_quote") | {"symbol": "MSFT", "price": price}
        quotes = provider(vendor).quotes(["AAPL", "MSFT"], T)
    assert [tick.symbol for tick in quotes.ticks] == ["AAPL"]
    assert quotes.failed == {"MSFT": "no last trade yet"}


def test_a_book_of_sentinels_is_no_book() -> None:
    empty = {"bid": -1, "ask": float("nan"), "bid_size": -1, "ask_size": float("nan"), "volume": -1}
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/quotes/AAPL"] = payload("ib_quote") | empty
        (tick,) = provider(vendor).quotes(["AAPL"], T).ticks
    assert (tick.bid, tick.ask, tick.bid_size, tick.ask_size, tick.volume) == (None,) * 5
    assert tick.price == 221.55


@pytest.mark.parametrize("stamp", [None, 7, "yesterday", ""])
def test_a_quote_without_a_time_is_not_used(stamp: object) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/quotes/AAPL"] = payload("ib_quote") | {"timestamp": stamp}
        quotes = provider(vendor).quotes(["AAPL"], T)
    assert not quotes.ticks
    assert quotes.failed["AAPL"].startswith("a time that is none")


def test_an_answer_for_another_symbol_is_not_used() -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/quotes/MSFT"] = payload("ib_quote")
        assert provider(vendor).quotes(["MSFT"], T).failed == {"MSFT": "answered for AAPL"}


@pytest.mark.parametrize(
    ("mode", "feed", "delay", "age"),
    [
        ("live", Feed.LIVE, timedelta(0), timedelta(0)),
        ("delayed", Feed.DELAYED, timedelta(minutes=15), timedelta(minutes=15)),
        # 15:00 UTC on Wednesday: the last close was on Tuesday, 20:00 UTC.
        ("frozen", Feed.LIVE, timedelta(0), timedelta(hours=19)),
        ("delayed-frozen", Feed.DELAYED, timedelta(minutes=15), timedelta(hours=19)),
        ("unknown", Feed.DELAYED, timedelta(minutes=15), timedelta(minutes=15)),
        (None, Feed.DELAYED, timedelta(minutes=15), timedelta(minutes=15)),
    ],
)
def test_a_price_is_no_fresher_than_its_mode(
    mode: str | None, feed: Feed, delay: timedelta, age: timedelta
) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.mode = mode
        quotes = provider(vendor).quotes(["AAPL"], T)
    assert (quotes.feed, quotes.delay) == (feed, delay)
    assert T - quotes.ticks[0].as_of == age


@pytest.mark.parametrize(
    ("modes", "feed", "age"),
    [
        (["live", "live"], Feed.LIVE, timedelta(0)),
        (["live", "delayed"], Feed.DELAYED, timedelta(minutes=15)),
        (["delayed", "live"], Feed.DELAYED, timedelta(minutes=15)),
        (["live", "frozen"], Feed.LIVE, timedelta(hours=19)),
        (["frozen", "delayed"], Feed.DELAYED, timedelta(hours=19)),
        (["live", None], Feed.DELAYED, timedelta(minutes=15)),
        (["live", "unknown"], Feed.DELAYED, timedelta(minutes=15)),
        ([None, "live"], Feed.LIVE, timedelta(0)),  # just started: it knows once it has given a price
    ],
)
def test_of_the_modes_before_and_after_a_round_the_worse_counts(
    modes: list[str | None], feed: Feed, age: timedelta
) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.modes = list(modes)
        quotes = provider(vendor).quotes(["AAPL"], T)
        vendor.modes = list(modes)
        candles = provider(vendor).candles(["MSFT"], Timeframe.D1, T - timedelta(days=5), T)
    assert (quotes.feed, candles.feed) == (feed, feed)
    assert T - quotes.ticks[0].as_of == age


def test_a_frozen_price_on_a_weekend_is_fridays() -> None:
    sunday = datetime(2024, 7, 7, 12, 0, tzinfo=UTC)
    with vendors.IBBridge(now=sunday) as vendor:
        vendor.answers["/health"] = payload("ib_health") | {"market_data_mode": "frozen"}
        (tick,) = provider(vendor).quotes(["AAPL"], sunday).ticks
    assert tick.as_of == datetime(2024, 7, 5, 20, 0, tzinfo=UTC)


def test_without_its_gateway_it_is_not_asked_for_anything() -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.connected = vendor.reconnects = False
        with pytest.raises(ProviderError, match="not connected to IB Gateway") as refusal:
            provider(vendor).quotes(["AAPL"], T)
    assert [visit.path for visit in vendor.visits] == ["/health", "/connect", "/health"]
    assert "Gateway unreachable" in str(refusal.value)
    assert not refusal.value.permanent


@pytest.mark.parametrize("question", ["quotes", "candles"])
def test_a_bridge_that_has_lost_its_gateway_is_asked_to_connect_and_answers(question: str) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.connected = False
        bridge = provider(vendor)
        if question == "quotes":
            assert len(bridge.quotes(["AAPL"], T).ticks) == 1
        else:
            assert "AAPL" in bridge.candles(["AAPL"], Timeframe.M15, T - timedelta(hours=1), T).bars
    (visit,) = vendor.visits_to("/connect")
    assert (visit.method, visit.content) == ("POST", {})


def test_a_gateway_that_stays_away_is_not_asked_for_each_time() -> None:
    pace = Sliding()
    with vendors.IBBridge(now=T) as vendor:
        vendor.connected = vendor.reconnects = False
        for _ in range(4):
            with pytest.raises(ProviderError, match="not connected"):
                provider(vendor, pace).quotes(["AAPL"], T)
    assert len(vendor.visits_to("/connect")) == 1


def test_a_gateway_that_comes_and_goes_is_asked_for_once_in_five_minutes() -> None:
    pace = Sliding()
    with vendors.IBBridge(now=T) as vendor:
        for _ in range(3):
            vendor.connected = False
            with contextlib.suppress(ProviderError):
                provider(vendor, pace).quotes(["AAPL"], T)
            vendor.connected = True
            provider(vendor, pace).quotes(["AAPL"], T)
    assert len(vendor.visits_to("/connect")) == 1


@pytest.mark.parametrize("fault", [faults.status(404), faults.web_page, faults.reset])
def test_a_bridge_that_cannot_connect_again_is_said_to_be_disconnected(fault: Fault) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.connected = False
        vendor.fail(fault, on="/connect")
        with pytest.raises(ProviderError, match=r"not connected.* Asked to connect, it did not"):
            provider(vendor).candles(["AAPL"], Timeframe.D1, T - timedelta(days=9), T)
    assert len(vendor.visits_to("/connect")) == 1


def test_its_report_does_not_connect_it() -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.connected = False
        assert not provider(vendor).report(T).answers
    assert vendor.visits_to("/connect") == []


@pytest.mark.parametrize("code", [500, 503])
def test_a_gateway_lost_after_the_check_is_an_error_of_the_provider(code: int) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.fail(faults.status(code), on="/quotes/*")
        with pytest.raises(ProviderError, match=str(code)):
            provider(vendor).quotes(["AAPL", "MSFT"], T)


def test_an_unknown_symbol_alone_is_not_the_providers_fault() -> None:
    with vendors.IBBridge(now=T) as vendor:
        quotes = provider(vendor).quotes(["NOPE"], T)
    assert quotes.ticks == []
    assert "Contract not found for NOPE" in quotes.failed["NOPE"]


def test_a_class_of_shares_is_written_with_a_space() -> None:
    with vendors.IBBridge(now=T, symbols=["BRK.B"]) as vendor:
        (tick,) = provider(vendor).quotes(["BRK.B"], T).ticks
        candles = provider(vendor).candles(["BRK.B"], Timeframe.D1, T - timedelta(days=5), T)
    assert tick.symbol == "BRK.B"
    assert len(candles.bars["BRK.B"]) > 0
    assert vendor.visits_to("/quotes/*")[0].target == "/quotes/BRK%20B"


def test_daily_candles_as_captured() -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/candles/AAPL"] = payload("ib_candles_daily")
        candles = provider(vendor).candles(["AAPL"], Timeframe.D1, T - timedelta(days=9), T)
    bars = candles.bars["AAPL"]
    assert list(bars.opened_at) == [
        np.datetime64(day, "us") for day in ("2024-07-01", "2024-07-02", "2024-07-03")
    ]
    assert (bars.open[0], bars.high[0], bars.low[0], bars.close[0]) == (212.09, 217.51, 211.92, 216.75)
    assert (bars.volume[0], bars.vwap[0]) == (60_402_929, 215.6312)
    assert np.isnan(bars.vwap[1])  # 0.0 is none
    assert candles.feed is Feed.LIVE


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M15])
def test_stamps_without_a_zone_are_refused_with_what_to_do(timeframe: Timeframe) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.offset = ""
        candles = provider(vendor).candles(["AAPL"], timeframe, T - timedelta(hours=1), T)
        days = provider(vendor).candles(["AAPL"], Timeframe.D1, T - timedelta(days=9), T)
    assert candles.bars == {}
    assert "UTC format" in candles.failed["AAPL"]
    assert len(days.bars["AAPL"]) > 5  # a date has no zone


@pytest.mark.parametrize("offset", ["Z", "+00:00"])
def test_stamps_in_utc_stay_as_they_are(offset: str) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.offset = offset
        since = T - timedelta(minutes=45)
        bars = provider(vendor).candles(["AAPL"], Timeframe.M15, since, T).bars["AAPL"]
    assert [str(stamp)[11:16] for stamp in bars.opened_at] == ["14:15", "14:30", "14:45", "15:00"]


def test_a_local_offset_is_converted() -> None:
    answer = payload("ib_candles_daily")
    for n, row in enumerate(answer["candles"]):
        row["timestamp"] = f"2024-07-03T09:{30 + n}:00-04:00"
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/candles/AAPL"] = answer
        bars = provider(vendor).candles(["AAPL"], Timeframe.M1, T - timedelta(days=1), T).bars["AAPL"]
    assert bars.opened_at[0] == np.datetime64("2024-07-03T13:30", "us")


@pytest.mark.parametrize("timeframe", [Timeframe.M1, Timeframe.M15, Timeframe.H1])
def test_daily_bars_instead_of_intraday_ones_are_refused(timeframe: Timeframe) -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/candles/AAPL"] = payload("ib_candles_daily")
        candles = provider(vendor).candles(["AAPL"], timeframe, T - timedelta(days=9), T)
    assert candles.failed == {"AAPL": f"answered with bars of another timeframe than {timeframe}"}


def test_finer_bars_than_asked_are_refused() -> None:
    answer = payload("ib_candles_daily")
    for n, row in enumerate(answer["candles"]):
        row["timestamp"] = f"2024-07-03T13:{30 + n}:00Z"
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/candles/AAPL"] = answer
        candles = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(days=1), T)
    assert "another timeframe" in candles.failed["AAPL"]


def test_rows_that_make_no_sense_are_handed_on_to_be_counted() -> None:
    answer = payload("ib_candles_daily")
    answer["candles"][0] |= {"open": "x", "high": None, "low": float("nan"), "close": [1], "volume": "many"}
    answer["candles"][1]["timestamp"] = "soon"
    answer["candles"].append(None)
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/candles/AAPL"] = answer
        bars = provider(vendor).candles(["AAPL"], Timeframe.D1, T - timedelta(days=9), T).bars["AAPL"]
    assert len(bars) == 4
    assert np.isnan([bars.open[0], bars.high[0], bars.low[0], bars.close[0]]).all()
    assert bars.volume[0] < 0
    assert list(np.isnat(bars.opened_at)) == [False, True, False, True]


@pytest.mark.parametrize(
    ("timeframe", "since", "limit"),
    [
        (Timeframe.D1, timedelta(days=7), "7"),
        (Timeframe.D1, timedelta(days=9000), "1000"),
        (Timeframe.M15, timedelta(hours=1), "5"),
        (Timeframe.M15, timedelta(days=7), "205"),
        (Timeframe.M1, timedelta(days=7), "1000"),
    ],
)
def test_no_more_is_asked_for_than_is_needed(timeframe: Timeframe, since: timedelta, limit: str) -> None:
    with vendors.IBBridge(now=T) as vendor:
        candles = provider(vendor).candles(["AAPL"], timeframe, T - since, T)
    assert vendor.visits_to("/candles/*")[0].query == {"limit": limit, "timeframe": timeframe.value}
    assert candles.bars["AAPL"].opened_at.min() >= np.datetime64((T - since).replace(tzinfo=None))


def test_the_same_history_is_not_asked_twice_within_fifteen_seconds() -> None:
    pace, since = Sliding(), T - timedelta(days=5)
    with vendors.IBBridge(now=T) as vendor:
        ib = provider(vendor, pace)
        first = ib.candles(["AAPL"], Timeframe.D1, since, T)
        second = ib.candles(["AAPL", "MSFT"], Timeframe.D1, since, T)
        other = ib.candles(["AAPL"], Timeframe.M15, since, T)
    assert list(first.bars) == ["AAPL"]
    assert (list(second.bars), second.declined) == (["MSFT"], ["AAPL"])
    assert list(other.bars) == ["AAPL"]


def test_a_failed_history_is_not_repeated_at_once() -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.fail(faults.status(500), on="/candles/MSFT")
        candles = provider(vendor).candles(["AAPL", "MSFT"], Timeframe.D1, T - timedelta(days=5), T)
    assert list(candles.bars) == ["AAPL"]
    assert list(candles.failed) == ["MSFT"]
    assert len(vendor.visits_to("/candles/MSFT")) == 1


def test_history_stays_inside_ibs_ten_minutes() -> None:
    pace, symbols = Sliding(), prices.many(80)
    with vendors.IBBridge(now=T, symbols=symbols) as vendor:
        candles = provider(vendor, pace).candles(symbols, Timeframe.D1, T - timedelta(days=5), T)
    assert list(candles.bars) == list(symbols[:60])
    assert candles.declined == list(symbols[60:])


def test_candles_leave_messages_for_quotes() -> None:
    pace = Sliding()
    assert pace.reserve([CANDLE_MESSAGES], 40) == [0.0] * 40
    assert pace.reserve([MESSAGES], 10) == pytest.approx([0.0] * 10)
    assert pace.reserve([CANDLE_MESSAGES], 1)[0] > 1


def test_a_hundred_quotes_keep_a_strict_fifty_a_second() -> None:
    symbols = prices.many(60)
    with vendors.IBBridge(now=T, symbols=symbols, allows=(50, 1.0)) as vendor:
        quotes = provider(vendor, Sliding()).quotes(symbols, T)
    assert len(quotes.ticks) == 60
    assert vendor.turned_away == 0


@pytest.mark.parametrize(
    "spoil",
    [faults.with_nan, faults.with_zeros, faults.with_minus_one, faults.duplicated, faults.unordered],
)
def test_spoilt_bars_arrive_as_they_came(spoil: Any) -> None:
    with vendors.IBBridge(now=T) as vendor:
        clean = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(days=2), T).bars["AAPL"]
    with vendors.IBBridge(now=T) as vendor:
        vendor.spoil = spoil
        spoilt = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(days=2), T)
    assert not spoilt.failed
    assert set(spoilt.bars["AAPL"].opened_at) == set(clean.opened_at)
    assert list(spoilt.bars["AAPL"].close) != list(clean.close)


def test_the_report_of_a_delayed_account() -> None:
    with vendors.IBBridge(now=T) as vendor:
        vendor.answers["/health"] = payload("ib_health") | {"market_data_mode": "delayed"}
        report = provider(vendor).report(T - timedelta(seconds=5))
    assert report.answers
    assert (report.entitlement, report.delay) == ("paper account, market data delayed", "15 minutes")
    assert report.clock_offset is not None
    assert report.clock_offset.total_seconds() == pytest.approx(5.5, abs=0.3)
    assert "subscribe to market data" in report.advice


def test_jaxs_own_bridge_says_itself_what_is_wrong_and_what_to_click() -> None:
    with vendors.IBBridge(now=T) as vendor:
        words = {"message": "Nothing answers at IB_GATEWAY.", "advice": "Start IB Gateway and log in."}
        vendor.answers["/health"] = {"status": "degraded", "connected": False} | words
        report = provider(vendor).report(T)
    assert report.advice == "Nothing answers at IB_GATEWAY. Start IB Gateway and log in."


def test_the_report_never_raises() -> None:
    with vendors.IBBridge(now=T) as vendor:
        ib = provider(vendor)
        vendor.connected = False
        away = ib.report(T)
    gone = ib.report(T)
    assert not away.answers
    assert "log in to the gateway" in away.advice
    assert not gone.answers
    assert "refused the connection" in gone.advice or "broke off" in gone.advice
