"""Alpaca, asked on loopback."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from core.http import Patience
from market.prices import Feed, Timeframe
from market.providers.alpaca import Alpaca
from market.providers.base import Pace, ProviderError, Unpaced
from tests import vendors
from tests.market.providers.paces import Sliding
from tests.market.providers.payloads import payload
from tests.vendors import faults, prices

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
HASTY = Patience(connect=1, read=5, answer=8, fetch=12, attempts=2, pause=0.02)
SNAPSHOTS, BARS = "/v2/stocks/snapshots", "/v2/stocks/bars"


def provider(vendor: vendors.Alpaca, pace: Pace | None = None, secret: str | None = None) -> Alpaca:
    return Alpaca(
        vendor.url,
        key=vendor.key,
        secret=secret or vendor.secret,
        per_minute=200,
        pace=pace or Unpaced(),
        patience=HASTY,
    )


def test_quotes_as_captured() -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.answers[SNAPSHOTS] = payload("alpaca_snapshots")
        quotes = provider(vendor).quotes(["AAPL", "BRK.B", "MSFT", "TSLA"], T)
    apple, berkshire = quotes.ticks
    assert (apple.symbol, apple.price, apple.bid, apple.ask) == ("AAPL", 221.54, 221.53, 221.57)
    assert (apple.bid_size, apple.ask_size, apple.volume, apple.exchange) == (3, 1, 641_220, "IEX")
    assert apple.as_of == datetime(2024, 7, 3, 14, 59, 58, 987_654, tzinfo=UTC)
    assert (berkshire.bid, berkshire.ask) == (408.5, None)
    assert berkshire.volume is None  # its daily bar is yesterday's
    assert (quotes.feed, quotes.delay) == (Feed.LIVE, timedelta(0))
    assert sorted(quotes.failed) == ["MSFT", "TSLA"]


def test_all_quotes_come_from_iex_in_one_request() -> None:
    with vendors.Alpaca(now=T) as vendor:
        quotes = provider(vendor).quotes(vendor.symbols, T)
    (visit,) = vendor.visits
    assert len(quotes.ticks) == 10
    assert visit.query == {"symbols": ",".join(vendor.symbols), "feed": "iex"}
    assert "%2C" not in visit.target


def test_ten_thousand_symbols_take_addresses_that_servers_accept() -> None:
    symbols = prices.many(10_000)
    with vendors.Alpaca(now=T, symbols=symbols) as vendor:
        quotes = provider(vendor).quotes(symbols, T)
    assert len(quotes.ticks) == 10_000
    assert len(vendor.visits) == 10
    assert max(len(visit.target) for visit in vendor.visits) < 8000


@pytest.mark.parametrize("symbol", ["BTC/USD", "A-B", "ÄÖ", "A B"])
def test_a_symbol_it_cannot_have_is_not_asked_for(symbol: str) -> None:
    with vendors.Alpaca(now=T) as vendor:
        quotes = provider(vendor).quotes(["AAPL", symbol], T)
    assert [tick.symbol for tick in quotes.ticks] == ["AAPL"]
    assert quotes.failed == {symbol: "not a symbol that Alpaca has"}


def test_a_symbol_that_it_refuses_does_not_stop_the_others() -> None:
    with vendors.Alpaca(now=T) as vendor:
        refusal = faults.status(400, detail="invalid symbol: NOPE")
        vendor.fail(refusal, on=SNAPSHOTS, times=1)
        quotes = provider(vendor).quotes(["AAPL", "NOPE", "MSFT"], T)
    assert [tick.symbol for tick in quotes.ticks] == ["AAPL", "MSFT"]
    assert "invalid symbol: NOPE" in quotes.failed["NOPE"]
    assert vendor.visits[1].query["symbols"] == "AAPL,MSFT"


@pytest.mark.parametrize(
    "trade", [None, {}, {"p": 0, "t": "2024-07-03T14:59:58Z"}, {"p": 5.0, "t": "soon"}, 7]
)
def test_no_trade_fails_that_symbol_only(trade: Any) -> None:
    snapshots = payload("alpaca_snapshots")
    snapshots["BRK.B"]["latestTrade"] = trade
    with vendors.Alpaca(now=T) as vendor:
        vendor.answers[SNAPSHOTS] = snapshots
        quotes = provider(vendor).quotes(["AAPL", "BRK.B"], T)
    assert [tick.symbol for tick in quotes.ticks] == ["AAPL"]
    assert quotes.failed == {"BRK.B": "no trade at IEX yet"}


def test_daily_bars_as_captured() -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.answers[BARS] = payload("alpaca_bars")
        candles = provider(vendor).candles(["AAPL", "MSFT"], Timeframe.D1, T - timedelta(days=300), T)
    bars = candles.bars["AAPL"]
    days = ("2024-01-02", "2024-07-02", "2024-07-03")  # winter and summer time, oldest first
    assert list(bars.opened_at) == [np.datetime64(day, "us") for day in days]
    assert (bars.open[2], bars.high[2], bars.low[2], bars.close[2]) == (220.0, 221.55, 219.03, 221.55)
    assert (bars.volume[2], bars.vwap[2]) == (37_369_801, 220.4411)
    assert len(candles.bars["MSFT"]) == 0  # answered: there were none
    assert (candles.feed, candles.delay) == (Feed.DELAYED, timedelta(minutes=16))


def test_candles_are_sip_and_old_enough_for_the_free_plan() -> None:
    with vendors.Alpaca(now=T) as vendor:
        candles = provider(vendor).candles(["AAPL", "MSFT"], Timeframe.M15, T - timedelta(hours=2), T)
    query = vendor.visits[0].query
    assert (query["feed"], query["adjustment"], query["timeframe"]) == ("sip", "split", "15Min")
    assert (query["start"], query["end"]) == ("2024-07-03T13:00:00Z", "2024-07-03T14:29:00Z")
    assert [str(stamp)[11:16] for stamp in candles.bars["MSFT"].opened_at] == [
        "13:00", "13:15", "13:30", "13:45", "14:00", "14:15",
    ]  # fmt: skip


def test_nothing_old_enough_is_not_asked_for() -> None:
    with vendors.Alpaca(now=T) as vendor:
        candles = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(minutes=30), T)
    assert vendor.visits == []
    assert len(candles.bars["AAPL"]) == 0


def test_pages_are_followed_to_the_end() -> None:
    since = T - timedelta(days=30)
    with vendors.Alpaca(now=T) as vendor:
        candles = provider(vendor).candles(["AAPL"], Timeframe.M1, since, T)
    bars = candles.bars["AAPL"]
    expected = prices.bars("AAPL", timedelta(minutes=1), since, T - timedelta(minutes=17), prices.EXTENDED)
    assert len(vendor.visits) == 3
    assert len(bars) == len(expected)
    assert np.all(np.diff(bars.opened_at) > 0)


def test_what_the_pace_cuts_short_is_the_newest_part() -> None:
    with vendors.Alpaca(now=T) as vendor:
        alpaca = Alpaca(
            vendor.url, key=vendor.key, secret=vendor.secret, per_minute=2, pace=Sliding(), patience=HASTY
        )
        candles = alpaca.candles(["AAPL"], Timeframe.M1, T - timedelta(days=30), T)
    assert len(candles.bars["AAPL"]) == 10_000
    assert candles.bars["AAPL"].opened_at[-1] == np.datetime64("2024-07-03T14:43", "us")
    assert candles.declined == []


def test_a_page_that_came_is_kept_when_a_later_one_fails() -> None:
    with vendors.Alpaca(now=T) as vendor:
        alpaca = provider(vendor)
        vendor.fail(faults.status(500), on=BARS)
        vendor.fail(lambda turn: turn.send(turn.reply()), on=BARS, times=1)
        candles = alpaca.candles(["AAPL"], Timeframe.M1, T - timedelta(days=30), T)
    assert len(candles.bars["AAPL"]) == 10_000
    assert list(candles.partial) == ["AAPL"]
    assert (candles.failed, candles.declined) == ({}, [])


def test_many_symbols_share_requests_that_fit_one_page() -> None:
    symbols = prices.many(300)
    with vendors.Alpaca(now=T, symbols=symbols) as vendor:
        candles = provider(vendor).candles(symbols, Timeframe.D1, T - timedelta(days=100), T)
    assert len(candles.bars) == 300
    assert len(vendor.visits) == 3
    assert min(len(bars) for bars in candles.bars.values()) > 60


def test_candles_leave_room_for_quotes() -> None:
    pace = Sliding()
    with vendors.Alpaca(now=T) as vendor:
        provider(vendor, pace).candles(["AAPL"], Timeframe.D1, T - timedelta(days=5), T)
        provider(vendor, pace).quotes(["AAPL"], T)
    assert pace.asks == [(["requests"], 1, 10), (["requests"], 1, 0)]


def test_wrong_keys_are_permanent_and_say_which() -> None:
    with vendors.Alpaca(now=T) as vendor, pytest.raises(ProviderError, match="ALPACA_API_SECRET") as refusal:
        provider(vendor, secret="wrong-secret").quotes(["AAPL"], T)
    assert refusal.value.permanent
    assert "wrong-secret" not in str(refusal.value)


def test_too_many_requests_say_when_to_come_back() -> None:
    with vendors.Alpaca(now=T, allows=(1, 60.0)) as vendor:
        alpaca = provider(vendor)
        alpaca.quotes(["AAPL"], T)
        with pytest.raises(ProviderError) as refusal:
            alpaca.quotes(["AAPL"], T)
    assert refusal.value.retry_after == timedelta(seconds=60)
    assert not refusal.value.permanent


def test_the_reset_header_counts_when_there_is_no_retry_after() -> None:
    def away(turn: vendors.server.Turn) -> None:
        reset = str(int(T.timestamp()) + 42)
        turn.send(vendors.server.Reply.json({"message": "too many requests."}, 429, X_RateLimit_Reset=reset))

    with vendors.Alpaca(now=T) as vendor:
        vendor.fail(away)
        with pytest.raises(ProviderError) as refusal:
            provider(vendor).quotes(["AAPL"], T)
    assert refusal.value.retry_after == timedelta(seconds=42)


@pytest.mark.parametrize("spoil", [faults.with_nan, faults.with_zeros, faults.duplicated, faults.unordered])
def test_spoilt_bars_arrive_as_they_came(spoil: Any) -> None:
    with vendors.Alpaca(now=T) as vendor:
        vendor.spoil = spoil
        candles = provider(vendor).candles(["AAPL"], Timeframe.M15, T - timedelta(hours=5), T)
    assert not candles.failed
    assert len(candles.bars["AAPL"]) >= 10


@pytest.mark.parametrize(
    ("plan", "entitlement"), [("free", "SIP late (free plan)"), ("paid", "SIP in real time")]
)
def test_the_report_knows_the_plan(plan: str, entitlement: str) -> None:
    with vendors.Alpaca(now=T, plan=plan) as vendor:
        report = provider(vendor).report(T)
    assert report.answers
    assert entitlement in report.entitlement
    assert "IEX only" in report.volume
    assert report.clock_offset is not None
    assert abs(report.clock_offset) < timedelta(seconds=1)


def test_the_report_never_raises() -> None:
    with vendors.Alpaca(now=T) as vendor:
        report = provider(vendor, secret="wrong").report(T)
    assert not report.answers
    assert "Check ALPACA_API_KEY" in report.advice
