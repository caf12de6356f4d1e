"""What Alpaca's stream says, as its documentation shows it, and what it is answered."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from market.prices import Feed
from market.providers.registry import SPECS
from market.providers.streams import alpaca
from market.providers.streams.base import Book, StreamError
from tests.market.streaming.updates import Told

CONNECTED = {"T": "success", "msg": "connected"}
AUTHENTICATED = {"T": "success", "msg": "authenticated"}
OVER_LIMIT = {"T": "error", "code": 405, "msg": "symbol limit exceeded"}
TRADE = {
    "T": "t",
    "i": 96921,
    "S": "AAPL",
    "x": "D",
    "p": 126.55,
    "s": 100,
    "t": "2021-02-22T15:51:44.208123456Z",
    "c": ["@"],
    "z": "C",
}
QUOTE = {
    "T": "q",
    "S": "AMD",
    "bx": "U",
    "bp": 87.66,
    "bs": 1,
    "ax": "Q",
    "ap": 87.68,
    "as": 4,
    "t": "2021-02-22T15:51:45.335689322Z",
    "c": ["R"],
    "z": "C",
}
STATUS = {
    "T": "s",
    "S": "AAPL",
    "sc": "H",
    "sm": "Trading Halt",
    "rc": "T12",
    "rm": "Trading Halted; For information requested by NASDAQ",
    "t": "2021-02-22T19:15:00Z",
    "z": "C",
}
CORRECTION = {"T": "c", "S": "AAPL", "x": "M", "oi": 96921, "op": 126.55, "ci": 7, "cp": 126.05, "z": "C"}


def dialogue() -> tuple[alpaca.Dialogue, Told]:
    told = Told()
    return alpaca.Dialogue(told, key="PKTEST", secret="hush"), told


def let_in() -> tuple[alpaca.Dialogue, Told]:
    talk, told = dialogue()
    talk.take(CONNECTED)
    talk.take(AUTHENTICATED)
    return talk, told


def said(*messages: dict[str, Any]) -> list[tuple[object, ...]]:
    talk, told = let_in()
    for message in messages:
        talk.take(message)
    return told.said


def subscription(symbols: Sequence[str]) -> dict[str, Any]:
    return {"T": "subscription", "trades": list(symbols), "quotes": list(symbols), "bars": []}


class Plan:
    """The vendor's side of subscriptions, with a limit of symbols."""

    def __init__(self, talk: alpaca.Dialogue, limit: int) -> None:
        self.talk, self.limit, self.given, self.requests = talk, limit, set[str](), 0

    def answer(self, requests: Sequence[dict[str, Any]]) -> None:
        while requests:
            (request,) = requests
            self.requests += 1
            asked = self.given | set(request["trades"])
            if request["action"] == "unsubscribe":
                asked = self.given - set(request["trades"])
            if len(asked) > self.limit:
                requests = self.talk.take(OVER_LIMIT)
                continue
            self.given = asked
            requests = self.talk.take(subscription(sorted(asked)))


def test_it_shows_its_key_when_it_is_greeted_and_asks_for_nothing_before_it_is_let_in() -> None:
    talk, _ = dialogue()
    assert talk.take(CONNECTED) == [{"action": "auth", "key": "PKTEST", "secret": "hush"}]
    assert not talk.is_ready
    assert talk.take(AUTHENTICATED) == ()
    assert talk.is_ready


def test_it_asks_for_trades_quotes_and_trading_states_and_not_again_while_it_waits() -> None:
    talk, told = let_in()
    (request,) = talk.ask_for(["AAPL", "BRK.B"])
    asked = ["AAPL", "BRK.B"]
    assert request == {"action": "subscribe", "trades": asked, "quotes": asked, "statuses": asked}
    assert talk.ask_for(["AAPL", "BRK.B"]) == ()
    assert talk.take(subscription(asked)) == ()
    assert told.streamed == {"AAPL", "BRK.B"}


def test_what_is_not_watched_any_more_is_given_up_and_what_is_new_asked_for() -> None:
    talk, told = let_in()
    plan = Plan(talk, 100)
    plan.answer(talk.ask_for(["AAPL", "MSFT"]))
    plan.answer(talk.ask_for(["MSFT", "NVDA"]))
    assert plan.given == told.streamed == {"MSFT", "NVDA"}


@pytest.mark.parametrize("limit", [1, 7, 30, 31])
def test_a_plan_with_fewer_symbols_streams_the_most_important_ones_and_the_rest_is_named(limit: int) -> None:
    talk, told = let_in()
    symbols = [f"A{n}" for n in range(100)]
    plan = Plan(talk, limit)
    plan.answer(talk.ask_for(symbols))
    assert told.streamed == set(symbols[:limit])
    assert told.left_out == dict.fromkeys(symbols[limit:], alpaca.BEYOND)
    assert plan.requests < 30
    before = plan.requests
    plan.answer(talk.ask_for(symbols))
    assert plan.requests == before, "it must not ask again for what the plan does not have"


def test_a_share_that_is_bought_takes_the_place_of_the_least_important_one() -> None:
    talk, told = let_in()
    plan = Plan(talk, 2)
    plan.answer(talk.ask_for(["A", "B", "C"]))
    plan.answer(talk.ask_for(["C", "A", "B"]))
    assert told.streamed == {"C", "A"}


def test_a_spelling_that_alpaca_has_not_is_left_to_the_poll() -> None:
    talk, told = let_in()
    Plan(talk, 9).answer(talk.ask_for(["BTC/USD", "AAPL"]))
    assert told.streamed == {"AAPL"}
    assert told.left_out == {"BTC/USD": "not a symbol that Alpaca has"}


def test_a_feed_without_trading_states_is_asked_for_the_rest() -> None:
    talk, _ = let_in()
    talk.ask_for(["AAPL"])
    (request,) = talk.take({"T": "error", "code": 410, "msg": "invalid subscribe action for this feed"})
    assert request == {"action": "subscribe", "trades": ["AAPL"], "quotes": ["AAPL"]}


@pytest.mark.parametrize(
    ("code", "text", "words", "pause"),
    [
        (402, "auth failed", "ALPACA_API_KEY", timedelta(hours=1)),
        (404, "auth timeout", "auth timeout", None),
        (406, "connection limit exceeded", "Another program", timedelta(minutes=5)),
        (407, "slow client", "too slow", None),
        (409, "insufficient subscription", "ALPACA_STREAM_URL", timedelta(hours=1)),
        (500, "internal error", "internal error", None),
    ],
)
def test_a_refusal_says_what_to_do_and_how_long_to_stay_away(
    code: int, text: str, words: str, pause: timedelta | None
) -> None:
    talk, _ = dialogue()
    with pytest.raises(StreamError, match=words) as refusal:
        talk.take({"T": "error", "code": code, "msg": text})
    assert refusal.value.pause == pause


def test_a_trade_gives_the_price_and_its_time() -> None:
    at = datetime(2021, 2, 22, 15, 51, 44, 208123, tzinfo=UTC)
    assert said(TRADE) == [("trade", "AAPL", 126.55, at)]


@pytest.mark.parametrize("codes", [["@", "I"], ["Z"], ["U"], ["W"], ["@", "4"]])
def test_a_trade_whose_conditions_do_not_set_the_last_price_is_a_sign_of_life_alone(codes: list[str]) -> None:
    assert said(TRADE | {"c": codes}) == [("passed over", "AAPL")]


def test_an_average_price_of_tape_a_is_none_but_a_bunched_trade_of_tape_c_is_one() -> None:
    assert said(TRADE | {"c": ["B"], "z": "A"}) == [("passed over", "AAPL")]
    assert [name for name, *_ in said(TRADE | {"c": ["B"]})] == ["trade"]


def test_a_quote_gives_the_book_and_an_empty_side_none() -> None:
    assert said(QUOTE) == [("book", "AMD", Book(87.66, 87.68, 1, 4))]
    assert said(QUOTE | {"ap": 0, "as": 0}) == [("book", "AMD", Book(87.66, None, 1, 0))]


def test_a_quote_of_a_halt_says_so() -> None:
    ((_, _, book),) = said(QUOTE | {"c": ["D"], "z": "A"})
    assert isinstance(book, Book)
    assert book.halt == "news is being released"


def test_a_halt_lasts_until_trading_resumes() -> None:
    resumed = STATUS | {"sc": "T", "sm": "Trading Resumption"}
    quoted = STATUS | {"sc": "Q", "sm": "Quotation Resumption"}
    assert said(STATUS, quoted, resumed) == [
        ("halted", "AAPL", "trading halt"),
        ("passed over", "AAPL"),
        ("halted", "AAPL", ""),
    ]


def test_a_pause_for_volatility_is_a_halt() -> None:
    assert said(STATUS | {"sc": "P"}) == [("halted", "AAPL", "volatility trading pause")]


def test_a_trade_that_is_corrected_or_taken_back_is_told_by_its_name() -> None:
    cancelled = {"T": "x", "S": "AAPL", "i": 96921, "p": 126.55, "a": "C", "z": "C"}
    assert said(CORRECTION, cancelled) == [
        ("corrected", "AAPL", 96921, 126.05),
        ("corrected", "AAPL", 96921, None),
    ]


def test_messages_of_other_kinds_say_nothing() -> None:
    assert said({"T": "b", "S": "AAPL", "c": 1.0}, {"T": "news"}, {}) == []


def test_a_delayed_feed_is_marked_by_its_address() -> None:
    (spec,) = [spec for spec in SPECS if spec.name == "alpaca"]
    assert spec.stream is not None
    values = {
        "ALPACA_API_KEY": "k",
        "ALPACA_API_SECRET": "s",
        "ALPACA_STREAM_URL": "wss://a.b/v2/delayed_sip",
    }
    late = spec.stream(values, lambda: datetime(2026, 1, 1, tzinfo=UTC))
    assert (late.feed, late.delay) == (Feed.DELAYED, timedelta(minutes=15))
    live = spec.stream(
        values | {"ALPACA_STREAM_URL": "wss://a.b/v2/iex"}, lambda: datetime(2026, 1, 1, tzinfo=UTC)
    )
    assert (live.feed, live.delay) == (Feed.LIVE, timedelta(0))
