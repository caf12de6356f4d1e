"""What Massive's (Polygon's) stream says, as its documentation shows it, and what it is answered."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market.prices import Feed
from market.providers.registry import SPECS
from market.providers.streams import polygon
from market.providers.streams.base import Book, StreamError
from tests.market.streaming.updates import Told

AT = datetime(2018, 4, 18, 16, 9, 43, 104000, tzinfo=UTC)
MS = 1524067783104
TRADE = {
    "ev": "T",
    "sym": "MSFT",
    "x": 4,
    "i": "12345",
    "z": 3,
    "p": 114.125,
    "s": 100,
    "c": [14, 41],
    "t": MS,
    "q": 1,
}
QUOTE = {
    "ev": "Q",
    "sym": "MSFT",
    "bx": 4,
    "bp": 114.125,
    "bs": 100,
    "ax": 7,
    "ap": 114.128,
    "as": 160,
    "c": 0,
    "i": [604],
    "t": MS,
    "q": 50385480,
    "z": 3,
}
SECOND = {"ev": "A", "sym": "MSFT", "v": 200, "av": 8642007, "op": 25.66, "c": 114.2, "s": MS - 1000, "e": MS}
LULD = {"ev": "LULD", "T": "MSFT", "h": 218.94, "l": 198.08, "i": [17], "z": 3, "t": MS, "q": 3951472}


def status(name: str, message: str) -> dict[str, Any]:
    return {"ev": "status", "status": name, "message": message}


CONNECTED = status("connected", "Connected Successfully")
LET_IN = status("auth_success", "authenticated")


def confirmed(topic: str) -> dict[str, Any]:
    return status("success", f"subscribed to: {topic}")


def ticker(symbol: str) -> str:
    return symbol.replace(".PR", "p")


def let_in(*symbols: str) -> tuple[polygon.Dialogue, Told]:
    told = Told()
    talk = polygon.Dialogue(told, key="hush", ticker=ticker)
    talk.take(CONNECTED)
    talk.take(LET_IN)
    talk.ask_for(symbols)
    return talk, told


def said(*messages: dict[str, Any], trades: bool = True) -> list[tuple[object, ...]]:
    talk, told = let_in("MSFT")
    if trades:
        talk.take(confirmed("T.MSFT"))
    for message in messages:
        talk.take(message)
    return told.said


def test_it_shows_its_key_when_it_is_greeted() -> None:
    talk = polygon.Dialogue(Told(), key="hush", ticker=ticker)
    assert talk.take(CONNECTED) == [{"action": "auth", "params": "hush"}]
    assert not talk.is_ready
    talk.take(LET_IN)
    assert talk.is_ready


def test_it_asks_for_trades_quotes_seconds_and_halts_once_and_by_the_vendors_spelling() -> None:
    told = Told()
    talk = polygon.Dialogue(told, key="hush", ticker=ticker)
    (request,) = talk.ask_for(["BRK.B", "BAC.PRK"])
    assert request["action"] == "subscribe"
    assert request["params"].split(",") == [
        f"{channel}.{name}" for name in ("BRK.B", "BACpK") for channel in ("T", "Q", "A", "LULD")
    ]
    assert talk.ask_for(["BRK.B", "BAC.PRK"]) == []
    talk.take(confirmed("T.BACpK"))
    talk.take(TRADE | {"sym": "BACpK"})
    assert told.said == [("trade", "BAC.PRK", 114.125, AT)]


def test_what_is_confirmed_is_streamed_and_what_is_not_after_a_while_is_named() -> None:
    talk, told = let_in("MSFT", "AAPL")
    talk.take(confirmed("T.MSFT"))
    for _ in range(polygon.PATIENCE + 2):
        talk.ask_for(["MSFT", "AAPL"])
    assert told.streamed == {"MSFT"}
    assert told.left_out == {"AAPL": polygon.NOT_CONFIRMED}


def test_what_is_not_watched_any_more_is_given_up() -> None:
    talk, told = let_in("MSFT", "AAPL")
    for topic in ("T.MSFT", "T.AAPL"):
        talk.take(confirmed(topic))
    (request,) = talk.ask_for(["AAPL"])
    assert request == {"action": "unsubscribe", "params": "T.MSFT,Q.MSFT,A.MSFT,LULD.MSFT"}
    assert told.streamed == {"AAPL"}


@pytest.mark.parametrize(
    ("name", "text", "words", "pause"),
    [
        ("auth_failed", "authentication failed", "POLYGON_API_KEY", timedelta(hours=1)),
        ("auth_timeout", "authentication timeout", "timeout", None),
        (
            "max_connections",
            "Maximum number of websocket connections exceeded.",
            "Another program",
            timedelta(minutes=5),
        ),
    ],
)
def test_a_refusal_says_what_to_do_and_how_long_to_stay_away(
    name: str, text: str, words: str, pause: timedelta | None
) -> None:
    talk = polygon.Dialogue(Told(), key="hush", ticker=ticker)
    with pytest.raises(StreamError, match=words) as refusal:
        talk.take(status(name, text))
    assert refusal.value.pause == pause


def test_a_plan_that_confirms_nothing_is_told_with_what_it_said() -> None:
    talk, _ = let_in("MSFT")
    talk.take(status("error", "You don't have access real-time data"))
    for _ in range(polygon.PATIENCE + 1):
        talk.ask_for(["MSFT"])
    with pytest.raises(StreamError, match=r"access real-time data\. The plan has no stream") as refusal:
        talk.ask_for(["MSFT"])
    assert refusal.value.is_plan
    assert refusal.value.pause == timedelta(days=1)


def test_a_plan_without_trades_gives_the_price_by_its_seconds() -> None:
    assert said(SECOND, trades=False) == [("volume", "MSFT", 8642007), ("trade", "MSFT", 114.2, AT)]
    assert said(SECOND) == [("volume", "MSFT", 8642007)]


def test_a_trade_gives_the_price_and_a_quote_the_book() -> None:
    assert said(TRADE, QUOTE) == [
        ("trade", "MSFT", 114.125, AT),
        ("book", "MSFT", Book(114.125, 114.128, 100, 160)),
    ]


@pytest.mark.parametrize("code", [2, 10, 12, 13, 15, 16, 20, 22, 33, 37, 52])
def test_a_trade_whose_conditions_do_not_set_the_last_price_is_a_sign_of_life_alone(code: int) -> None:
    assert said(TRADE | {"c": [code]}) == [("passed over", "MSFT")]


def test_a_halt_lasts_until_trading_resumes() -> None:
    banded, resumed = LULD | {"i": [1]}, LULD | {"i": [18]}
    assert said(LULD, banded, resumed) == [("halted", "MSFT", polygon.HALT), ("halted", "MSFT", "")]


def test_a_time_is_taken_to_the_millisecond_as_a_poll_gives_it() -> None:
    ((_, _, _, as_of),) = said(TRADE | {"t": 1782915978557})
    assert as_of == datetime(2026, 7, 1, 14, 26, 18, 557_000, tzinfo=UTC)


def test_a_time_in_seconds_or_nanoseconds_is_handed_on_to_be_refused() -> None:
    ((_, _, _, early),) = said(TRADE | {"t": MS // 1000})
    ((_, _, _, late),) = said(TRADE | {"t": MS * 10**6})
    assert isinstance(early, datetime)
    assert isinstance(late, datetime)
    assert (early.year, late.year) == (1970, 9999)


def test_what_nobody_asked_for_and_what_has_no_time_is_counted() -> None:
    assert [name for name, _ in said(TRADE | {"sym": "AAPL"}, TRADE | {"t": None})] == ["unreadable"] * 2


def test_a_delayed_feed_is_marked_by_its_host() -> None:
    (spec,) = [spec for spec in SPECS if spec.name == "polygon"]
    assert spec.stream is not None
    values = {"POLYGON_API_KEY": "k", "POLYGON_STREAM_URL": "wss://delayed.massive.com/stocks"}
    late = spec.stream(values, lambda: AT)
    assert (late.feed, late.delay) == (Feed.DELAYED, timedelta(minutes=15))
    live = spec.stream(values | {"POLYGON_STREAM_URL": "wss://socket.massive.com/stocks"}, lambda: AT)
    assert (live.feed, live.delay) == (Feed.LIVE, timedelta(0))
