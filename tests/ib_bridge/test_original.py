"""The original bridge's contract, answered by ours: market data as the provider reads it, and orders."""

from datetime import timedelta
from typing import Any

import pytest

from market.prices import Feed, Timeframe
from market.providers.base import Unpaced
from market.providers.ib_bridge import IBBridge
from tests.ib_bridge.running import Asked, clock, eventually
from tests.vendors.ib_gateway.gateway import IBGateway

MARKET = {"symbol": "AAPL", "action": "BUY", "quantity": 5, "order_type": "MKT"}


def provider(bridge: Asked) -> IBBridge:
    return IBBridge(bridge.url, pace=Unpaced())


def test_the_provider_reads_quotes(bridge: Asked) -> None:
    # A price is answered as soon as it comes; the volume follows it.
    eventually(lambda: provider(bridge).quotes(["AAPL"], clock()).ticks[0].volume)
    quotes = provider(bridge).quotes(["AAPL", "MSFT", "NOPE"], clock())
    assert [tick.symbol for tick in quotes.ticks] == ["AAPL", "MSFT"]
    aapl = quotes.ticks[0]
    assert (aapl.price, aapl.bid, aapl.ask, aapl.bid_size, aapl.volume) == (
        195.0,
        194.0,
        196.0,
        300,
        1_250_000,
    )
    assert (quotes.feed, aapl.as_of) == (Feed.LIVE, clock())
    assert "Contract not found for NOPE" in quotes.failed["NOPE"]


def test_a_quote_that_is_delayed_is_called_so(gateway: IBGateway, bridge: Asked) -> None:
    gateway.market.subscriptions["MSFT"] = 10167
    live = provider(bridge).quotes(["AAPL"], clock())
    assert live.feed is Feed.LIVE
    quotes = provider(bridge).quotes(["AAPL", "MSFT"], clock())
    assert quotes.feed is Feed.DELAYED
    told = {tick.symbol: clock() - tick.as_of for tick in quotes.ticks}
    assert told == {"AAPL": timedelta(0), "MSFT": timedelta(minutes=15)}


@pytest.mark.parametrize("timeframe", [Timeframe.D1, Timeframe.M15])
def test_the_provider_reads_candles(bridge: Asked, timeframe: Timeframe) -> None:
    candles = provider(bridge).candles(["AAPL"], timeframe, clock() - timedelta(days=6), clock())
    assert len(candles.bars["AAPL"]) > 2
    assert candles.failed == {}


def test_a_class_of_shares_is_found_by_jaxs_spelling(bridge: Asked) -> None:
    (tick,) = provider(bridge).quotes(["BRK.B"], clock()).ticks
    assert tick.symbol == "BRK.B"


def test_the_providers_report_says_what_comes(bridge: Asked) -> None:
    provider(bridge).quotes(["AAPL"], clock())
    report = provider(bridge).report(clock())
    assert (report.answers, report.entitlement) == (True, "paper account, market data live")


def test_many_quotes_come_in_one_answer(bridge: Asked) -> None:
    told = bridge.get("/quotes?symbols=AAPL,MSFT,NOPE")
    assert [quote["symbol"] for quote in told["quotes"]] == ["AAPL", "MSFT"]
    assert list(told["failed"]) == ["NOPE"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=1001", 422),
        ("limit=x", 422),
        ("timeframe=7m", 422),
        ("limit=3&timeframe=1D", 200),
    ],
)
def test_candles_are_asked_for_within_limits(bridge: Asked, query: str, status: int) -> None:
    assert bridge.ask("GET", f"/candles/AAPL?{query}").status_code == status


def test_an_order_is_placed_looked_up_and_cancelled(gateway: IBGateway, bridge: Asked) -> None:
    limit = MARKET | {"order_type": "LMT", "limit_price": 100.0}
    placed = bridge.post("/orders", limit)
    number = placed["order_id"]
    assert placed["success"]
    assert bridge.get(f"/orders/{number}") | {"last_update": None} == {
        "order_id": number,
        "status": "Submitted",
        "filled_qty": 0.0,
        "avg_fill_price": 0.0,
        "last_update": None,
    }
    assert [row["order_id"] for row in bridge.get("/orders")] == [number]
    assert bridge.answer(bridge.ask("DELETE", f"/orders/{number}"))["success"]
    assert gateway.open_orders() == []


def test_a_filled_order_has_its_average_price(gateway: IBGateway, bridge: Asked) -> None:
    number = bridge.post("/orders", MARKET)["order_id"]
    gateway.fill(number, 2, 190)
    gateway.fill(number, 3, 191)
    eventually(lambda: bridge.get(f"/orders/{number}")["filled_qty"] == 5)
    assert bridge.get(f"/orders/{number}")["avg_fill_price"] == 190.6
    assert [(row["symbol"], row["quantity"]) for row in bridge.get("/positions")["positions"]] == [
        ("AAPL", 5.0)
    ]


def test_a_bracket_tells_its_parent_and_children(gateway: IBGateway, bridge: Asked) -> None:
    asked = {
        "symbol": "AAPL",
        "action": "BUY",
        "quantity": 5,
        "entry_order_type": "LMT",
        "entry_limit_price": 190,
    }
    placed = bridge.post("/orders/bracket", asked | {"stop_loss": 180, "take_profit": 210})
    numbers = [placed["parent_order_id"], *placed["child_order_ids"]]
    assert [order.perm_id for order in gateway.open_orders()] == numbers


def test_an_unknown_number_is_unknown_and_not_an_error(bridge: Asked) -> None:
    assert bridge.get("/orders/4711")["status"] == "Unknown"


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/orders", MARKET | {"order_type": "LMT"}, 422),
        ("/orders", MARKET | {"order_type": "TRAIL"}, 422),
        ("/orders", MARKET | {"quantity": 0}, 422),
        ("/orders", MARKET | {"action": "HOLD"}, 422),
        ("/orders", [], 422),
        ("/orders/bracket", MARKET, 400),
    ],
)
def test_an_order_that_makes_no_sense_is_not_sent(
    gateway: IBGateway, bridge: Asked, path: str, body: Any, status: int
) -> None:
    assert bridge.ask("POST", path, body).status_code == status
    assert gateway.open_orders() == []
