"""Polygon, asked on loopback."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.http import Patience
from market.prices import Feed, Timeframe, to_datetime
from market.providers.base import Candles, Pace, ProviderError, Unpaced
from market.providers.polygon import SNAPSHOT, Polygon
from tests import vendors
from tests.market.providers.paces import Sliding
from tests.market.providers.payloads import payload
from tests.vendors import faults, prices

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
HASTY = Patience(connect=1, read=5, answer=8, fetch=12, attempts=2, pause=0.02)
RANGES = "/v2/aggs/*"
START = "/v2/aggs/ticker/AAPL/range/1/day/1694098800000/1720018800000"


def provider(
    vendor: vendors.Polygon, pace: Pace | None = None, key: str | None = None, per_minute: int = 5
) -> Polygon:
    return Polygon(
        vendor.url, key=key or vendor.key, per_minute=per_minute, pace=pace or Unpaced(), patience=HASTY
    )


def candles_since(vendor: vendors.Polygon) -> Candles:
    """The daily bars of AAPL, whose first page is at `START`."""
    return provider(vendor).candles(["AAPL"], Timeframe.D1, T - timedelta(days=300), T)


def test_quotes_as_captured() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.answers[SNAPSHOT] = payload("polygon_snapshot")
        quotes = provider(vendor).quotes(["AAPL", "BRK.B", "MSFT", "NOPE"], T)
    apple, berkshire = quotes.ticks
    assert (apple.symbol, apple.price, apple.bid, apple.ask) == ("AAPL", 221.55, 221.54, 221.56)
    assert (apple.bid_size, apple.ask_size, apple.volume) == (3, 5, 21_240_118.5)
    assert apple.as_of == datetime(2024, 7, 3, 14, 59, 58, 987_654, tzinfo=UTC)
    assert (berkshire.price, berkshire.bid) == (408.9, None)  # a plan without trades: the minute's close
    assert berkshire.as_of == datetime(2024, 7, 3, 14, 59, tzinfo=UTC)
    assert quotes.failed == {"MSFT": "no trade yet today", "NOPE": "not in Polygon's snapshot"}
    assert (quotes.feed, quotes.delay) == (Feed.LIVE, timedelta(0))


def test_a_preferred_share_is_asked_for_by_the_vendors_spelling_and_given_by_ours() -> None:
    with vendors.Polygon(now=T, symbols=["AAPL", "BACpK", "BRK.B"]) as vendor:
        asked = provider(vendor)
        quotes = asked.quotes(["AAPL", "BAC.PRK", "BRK.B"], T)
        candles = asked.candles(["BAC.PRK"], Timeframe.D1, T - timedelta(days=10), T)
    assert [tick.symbol for tick in quotes.ticks] == ["AAPL", "BAC.PRK", "BRK.B"]
    assert len(candles.bars["BAC.PRK"]) > 3


def test_before_the_first_trade_of_a_day_there_are_no_quotes() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.cleared = True
        quotes = provider(vendor).quotes(["AAPL", "MSFT"], T)
    assert quotes.ticks == []
    assert set(quotes.failed.values()) == {"no trade yet today"}


def test_plans_without_trades_are_fifteen_minutes_late() -> None:
    with vendors.Polygon(now=T, plan="delayed") as vendor:
        quotes = provider(vendor).quotes(["AAPL"], T)
    assert len(quotes.ticks) == 1
    assert (quotes.feed, quotes.delay) == (Feed.DELAYED, timedelta(minutes=15))


@pytest.mark.parametrize("code", [403, 200])
def test_a_plan_without_snapshots_is_said_with_what_to_do(code: int) -> None:
    with vendors.Polygon(now=T, plan="free") as vendor:
        refusal = vendors.server.Reply.json(payload("polygon_not_authorized"), code)
        vendor.fail(lambda turn: turn.send(refusal))
        with pytest.raises(ProviderError, match="You are not entitled to this data") as error:
            provider(vendor).quotes(["AAPL"], T)
    assert error.value.permanent
    assert "no quotes, only candles" in str(error.value)
    assert len(vendor.visits) == 1


def test_a_wrong_key_is_permanent_and_not_repeated() -> None:
    with vendors.Polygon(now=T) as vendor, pytest.raises(ProviderError, match="POLYGON_API_KEY") as error:
        provider(vendor, key="wrong-key").quotes(["AAPL"], T)
    assert error.value.permanent
    assert "wrong-key" not in str(error.value)


@pytest.mark.parametrize(("count", "named"), [(10, True), (500, True), (501, False)])
def test_one_request_brings_them_all(count: int, named: bool) -> None:
    symbols = prices.many(count)
    with vendors.Polygon(now=T, symbols=prices.many(600)) as vendor:
        quotes = provider(vendor).quotes(symbols, T)
    (visit,) = vendor.visits
    assert [tick.symbol for tick in quotes.ticks] == list(symbols)
    assert ("tickers" in visit.query) == named
    assert len(visit.target) < 8000


def test_without_a_slot_the_quotes_wait() -> None:
    pace = Sliding()
    with vendors.Polygon(now=T) as vendor:
        polygon = provider(vendor, pace, per_minute=1)
        polygon.quotes(["AAPL"], T)
        quotes = polygon.quotes(["AAPL", "MSFT"], T)
    assert (quotes.ticks, quotes.declined) == ([], ["AAPL", "MSFT"])


def test_daily_bars_as_captured() -> None:
    with vendors.Polygon(now=T) as vendor:
        polygon = provider(vendor)
        vendor.fail(lambda turn: turn.send(vendors.server.Reply.json(payload("polygon_aggs"))), on=RANGES)
        candles = polygon.candles(["AAPL"], Timeframe.D1, T - timedelta(days=300), T)
    bars = candles.bars["AAPL"]
    days = ("2024-01-02", "2024-07-02", "2024-07-03")  # winter and summer time, oldest first
    assert list(bars.opened_at) == [np.datetime64(day, "us") for day in days]
    assert (bars.open[2], bars.high[2], bars.low[2], bars.close[2]) == (220.0, 221.55, 219.03, 221.55)
    assert list(bars.volume) == [82_488_674, 58_046_178.25, 37_369_801]
    assert bars.vwap[2] == 220.4411
    assert candles.feed is Feed.LIVE


def test_bars_in_another_order_than_asked_for_come_oldest_first() -> None:
    answer = payload("polygon_aggs")
    with vendors.Polygon(now=T) as vendor:
        vendor.answers[START] = answer | {"results": answer["results"][::-1]}
        bars = candles_since(vendor).bars["AAPL"]
    assert list(bars.opened_at) == sorted(bars.opened_at)


def test_bars_are_asked_for_adjusted_and_newest_first() -> None:
    with vendors.Polygon(now=T) as vendor:
        candles = provider(vendor).candles(["BRK.B"], Timeframe.M15, T - timedelta(hours=1), T)
    (visit,) = vendor.visits
    assert visit.path == "/v2/aggs/ticker/BRK.B/range/15/minute/1720015200000/1720018800000"
    assert visit.query == {"adjusted": "true", "sort": "desc", "limit": "50000"}
    assert len(candles.bars["BRK.B"]) == 0  # `results` is missing: answered, there were none


def test_pages_are_followed_with_the_key() -> None:
    with vendors.Polygon(now=T, page=20) as vendor:
        candles = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(days=1), T)
    bars = candles.bars["AAPL"]
    assert len(vendor.visits) == 4
    assert {visit.headers["authorization"] for visit in vendor.visits} == {f"Bearer {vendor.key}"}
    assert len(bars) == 65
    assert np.all(np.diff(bars.opened_at) > 0)


@pytest.mark.parametrize(
    "host",
    [
        "https://api.massive.com",
        "https://api.massive.com:8443",
        "http://127.0.0.1:9",
        "//api.massive.com",
        "https://user:word@api.massive.com",
        "https://api.massive.com/",
        "",
    ],
)
def test_a_next_page_is_asked_of_the_host_of_the_settings(host: str) -> None:
    with vendors.Polygon(now=T, page=20) as vendor:
        vendor.next_host = host
        candles = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(days=1), T)
    assert (len(candles.bars["AAPL"]), candles.partial) == (65, {})
    assert len(vendor.visits) == 4
    assert {visit.headers["authorization"] for visit in vendor.visits} == {f"Bearer {vendor.key}"}


def test_a_next_page_of_a_query_alone_is_of_the_same_path() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.answers[START] = payload("polygon_aggs") | {"next_url": "?cursor=a%2Bb%3D&limit=5"}
        candles_since(vendor)
    assert [visit.path for visit in vendor.visits] == [START, START]
    assert vendor.visits[1].query == {"cursor": "a+b=", "limit": "5"}


def test_a_key_in_the_address_of_the_next_page_is_not_sent() -> None:
    with vendors.Polygon(now=T) as vendor:
        lure = {"next_url": f"https://api.massive.com/v2/more?apiKey={vendor.key}&cursor=7"}
        vendor.answers[START] = payload("polygon_aggs") | lure
        candles_since(vendor)
    assert vendor.visits[1].query == {"cursor": "7"}
    assert all(vendor.key not in visit.target for visit in vendor.visits)


@pytest.mark.parametrize("address", ["http://[", 7, None, "", ["x"]])
def test_a_next_page_that_is_no_address_costs_no_page(address: object) -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.answers[START] = payload("polygon_aggs") | {"next_url": address}
        candles = candles_since(vendor)
    assert len(candles.bars["AAPL"]) == 3
    assert len(vendor.visits) == 1
    assert bool(candles.partial) is (address == "http://[")


def test_a_next_page_that_names_itself_is_asked_for_once() -> None:
    with vendors.Polygon(now=T) as vendor:
        same = f"https://api.massive.com{START}?adjusted=true&sort=desc&limit=50000"
        vendor.answers[START] = payload("polygon_aggs") | {"next_url": same}
        candles = candles_since(vendor)
    assert len(vendor.visits) == 1
    assert (len(candles.bars["AAPL"]), candles.partial) == (3, {})


REFUSED_CURSOR = {"status": "ERROR", "error": "cursor polygon-secret has expired"}


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (faults.status(500), "answered 500"),
        (faults.status(403), "answered 403"),
        (faults.status(404), "answered 404"),
        (faults.web_page, "web page"),
        (faults.truncated, "JSON"),
        (faults.cut_off, "broke off"),
        (lambda turn: turn.send(vendors.server.Reply.json(REFUSED_CURSOR, 400)), "has expired"),
        (lambda turn: turn.send(vendors.server.Reply.json(REFUSED_CURSOR, 200)), "cursor"),
    ],
)
def test_a_page_that_came_is_kept_when_a_later_one_fails(fault: Any, why: str) -> None:
    with vendors.Polygon(now=T, page=20) as vendor:
        vendor.fail(fault)
        vendor.fail(lambda turn: turn.send(turn.reply()), times=1)
        candles = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(days=1), T)
    assert len(candles.bars["AAPL"]) == 20
    assert to_datetime(candles.bars["AAPL"].opened_at[-1]) == T
    assert (candles.failed, candles.declined) == ({}, [])
    assert why in candles.partial["AAPL"]
    assert vendor.key not in candles.partial["AAPL"]


def test_late_bars_are_called_late() -> None:
    with vendors.Polygon(now=T, plan="delayed") as vendor:
        candles = provider(vendor).candles(["AAPL"], Timeframe.D1, T - timedelta(days=5), T)
    assert len(candles.bars["AAPL"]) == 3
    assert (candles.feed, candles.delay) == (Feed.DELAYED, timedelta(minutes=15))


def test_the_free_plan_is_asked_for_the_two_years_that_it_has() -> None:
    refusal = vendors.server.Reply.json(payload("polygon_outside_plan"), 403)
    with vendors.Polygon(now=T, plan="free") as vendor:
        vendor.fail(lambda turn: turn.send(refusal), on=RANGES, times=1)
        candles = provider(vendor).candles(["AAPL"], Timeframe.D1, T - timedelta(days=1500), T)
    assert len(vendor.visits) == 2
    assert candles.bars["AAPL"].opened_at[0] == np.datetime64("2022-07-06", "us")
    assert candles.failed == {}


def test_bars_outside_the_plan_do_not_make_the_provider_cool_off() -> None:
    refusal = vendors.server.Reply.json(payload("polygon_outside_plan"), 403)
    with vendors.Polygon(now=T, plan="free") as vendor:
        vendor.fail(lambda turn: turn.send(refusal), on=RANGES)
        candles = provider(vendor).candles(["AAPL", "MSFT"], Timeframe.M15, T - timedelta(hours=2), T)
    assert candles.failed == dict.fromkeys(["AAPL", "MSFT"], "the plan does not include bars of that time")


def test_five_a_minute_are_kept_and_one_is_left_for_quotes() -> None:
    symbols = prices.many(8)
    with vendors.Polygon(now=T, symbols=symbols, allows=(5, 60.0)) as vendor:
        polygon = provider(vendor, Sliding())
        candles = polygon.candles(symbols, Timeframe.D1, T - timedelta(days=5), T)
        quotes = polygon.quotes(symbols, T)
    assert list(candles.bars) == list(symbols[:4])
    assert candles.declined == list(symbols[4:])
    assert len(quotes.ticks) == 8
    assert vendor.turned_away == 0


def test_one_symbol_that_fails_does_not_stop_the_others() -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.fail(faults.status(500), on="/v2/aggs/ticker/MSFT/*")
        candles = provider(vendor).candles(["AAPL", "MSFT", "TSLA"], Timeframe.D1, T - timedelta(days=5), T)
    assert sorted(candles.bars) == ["AAPL", "TSLA"]
    assert list(candles.failed) == ["MSFT"]


@pytest.mark.parametrize(
    "spoil", [faults.with_nan, faults.with_zeros, faults.duplicated, faults.unordered, faults.from_the_future]
)
def test_spoilt_bars_arrive_as_they_came(spoil: Any) -> None:
    with vendors.Polygon(now=T) as vendor:
        vendor.spoil = spoil
        candles = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(hours=5), T)
    assert not candles.failed
    assert len(candles.bars["AAPL"]) >= 21


@pytest.mark.parametrize(
    ("plan", "entitlement", "advice"),
    [("paid", "quotes and candles", ""), ("free", "candles only", "The plan has no snapshots")],
)
def test_the_report_knows_the_plan(plan: str, entitlement: str, advice: str) -> None:
    with vendors.Polygon(now=T, plan=plan) as vendor:
        report = provider(vendor).report(T)
    assert report.answers
    assert report.entitlement == entitlement
    assert report.advice.startswith(advice)
    assert report.clock_offset is not None


def test_the_report_never_raises() -> None:
    with vendors.Polygon(now=T) as vendor:
        report = provider(vendor, key="wrong").report(T)
    assert not report.answers
    assert "Check POLYGON_API_KEY" in report.advice
