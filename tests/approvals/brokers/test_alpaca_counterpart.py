"""Alpaca's own client works against the loopback Alpaca that our adapter is tried against."""

import json
import threading
import warnings
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # its stream uses an older part of websockets
    from alpaca.common.exceptions import APIError
    from alpaca.trading import models, requests
    from alpaca.trading.client import TradingClient
    from alpaca.trading.enums import OrderClass, OrderSide, OrderStatus, QueryOrderStatus, TimeInForce
    from alpaca.trading.stream import TradingStream

from tests.make import T0
from tests.vendors import AlpacaTrading

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning:websockets")


@pytest.fixture
def vendor() -> Iterator[AlpacaTrading]:
    with AlpacaTrading(now=T0) as vendor:
        yield vendor


@pytest.fixture
def client(vendor: AlpacaTrading) -> TradingClient:
    return TradingClient(vendor.key, vendor.secret, url_override=vendor.url)


def bracket(own_id: str = "one", **changes: Any) -> requests.LimitOrderRequest:
    asked = {
        "symbol": "AAPL",
        "qty": 10,
        "side": OrderSide.BUY,
        "time_in_force": TimeInForce.GTC,
        "limit_price": 100.0,
        "client_order_id": own_id,
        "order_class": OrderClass.BRACKET,
        "take_profit": requests.TakeProfitRequest(limit_price=110.0),
        "stop_loss": requests.StopLossRequest(stop_price=95.0),
    }
    return requests.LimitOrderRequest(**(asked | changes))


def place(client: TradingClient, order: requests.OrderRequest) -> models.Order:
    placed = client.submit_order(order)
    assert isinstance(placed, models.Order)
    return placed


def listed(client: TradingClient, status: QueryOrderStatus) -> list[models.Order]:
    orders = client.get_orders(requests.GetOrdersRequest(status=status, nested=True))
    return [order for order in orders if isinstance(order, models.Order)]


def refusal(act: Callable[[], object]) -> tuple[int, str]:
    """What the vendor says no with."""
    with pytest.raises(APIError) as error:
        act()
    return error.value.status_code, json.loads(str(error.value))["message"]


def test_a_bracket_is_placed_found_and_listed(client: TradingClient) -> None:
    placed = place(client, bracket())
    assert placed.status is OrderStatus.PENDING_NEW
    assert [leg.status for leg in placed.legs or []] == [OrderStatus.HELD, OrderStatus.HELD]
    found = client.get_order_by_client_id("one")
    assert isinstance(found, models.Order)
    assert (found.id, found.status, found.qty) == (placed.id, OrderStatus.NEW, "10")
    assert [order.id for order in listed(client, QueryOrderStatus.OPEN)] == [placed.id]


def test_what_was_filled_is_held_and_its_list_of_open_orders_hides_the_exits(
    client: TradingClient, vendor: AlpacaTrading
) -> None:
    place(client, bracket())
    vendor.fill("one")
    (position,) = client.get_all_positions()
    assert isinstance(position, models.Position)
    assert (position.qty, position.qty_available, position.avg_entry_price) == ("10", "0", "100")
    assert listed(client, QueryOrderStatus.OPEN) == []
    (order,) = listed(client, QueryOrderStatus.ALL)
    assert order.status is OrderStatus.FILLED
    assert [leg.status for leg in order.legs or []] == [OrderStatus.NEW, OrderStatus.HELD]


def test_a_leg_is_replaced_by_one_with_a_new_id(client: TradingClient, vendor: AlpacaTrading) -> None:
    place(client, bracket())
    vendor.fill("one")
    stop = vendor.order("one", "stop")
    change = requests.ReplaceOrderRequest(stop_price=97.5, client_order_id="moved")
    moved = client.replace_order_by_id(stop.id, change)
    assert isinstance(moved, models.Order)
    assert (str(moved.replaces), moved.client_order_id) == (stop.id, "moved")
    assert (stop.status, stop.replaced_by) == ("replaced", str(moved.id))
    assert vendor.order("one", "stop").stop_price == Decimal("97.5")


def test_a_cancel_is_a_request_that_can_last(client: TradingClient, vendor: AlpacaTrading) -> None:
    vendor.account.keeps_pending = True
    placed = place(client, bracket())
    client.cancel_order_by_id(placed.id)
    assert vendor.order("one").status == "pending_cancel"
    vendor.fill("one", 4)
    vendor.account.settle()
    assert (vendor.order("one").status, vendor.order("one").filled_qty) == ("canceled", Decimal(4))
    assert refusal(lambda: client.cancel_order_by_id(placed.id)) == (
        422,
        'order is already in "canceled" state',
    )


def test_an_oco_guards_a_position_and_either_exit_ends_the_other(
    client: TradingClient, vendor: AlpacaTrading
) -> None:
    place(client, requests.MarketOrderRequest(**simple("bought")))
    vendor.fill("bought", price=100)
    exits = {"side": OrderSide.SELL, "order_class": OrderClass.OCO, "limit_price": None}
    place(client, bracket("exits", **exits))
    vendor.fill("exits", leg="stop")
    assert vendor.order("exits").status == "replaced"
    assert client.get_all_positions() == []


def test_it_says_no_as_alpaca_does(client: TradingClient, vendor: AlpacaTrading) -> None:
    place(client, bracket())
    assert refusal(lambda: place(client, bracket())) == (422, "client_order_id must be unique")
    assert refusal(lambda: place(client, bracket("rich", qty=10_000)))[0] == 403
    assert refusal(lambda: place(client, bracket("fine", limit_price=100.001)))[0] == 422
    assert refusal(lambda: client.get_order_by_client_id("none"))[0] == 404
    vendor.fill("one")
    sale = requests.MarketOrderRequest(**{**simple("sold"), "side": OrderSide.SELL})
    status, message = refusal(lambda: place(client, sale))
    assert (status, message) == (403, "insufficient qty available for order (requested: 10, available: 0)")
    vendor.account.flags["trading_blocked"] = True
    assert refusal(lambda: place(client, bracket("two")))[0] == 403


def test_account_clock_and_asset_are_read(client: TradingClient, vendor: AlpacaTrading) -> None:
    account, clock, asset = client.get_account(), client.get_clock(), client.get_asset("AAPL")
    assert isinstance(account, models.TradeAccount)
    assert (account.account_number, account.buying_power) == (vendor.account.number, "200000")
    assert isinstance(clock, models.Clock)
    assert clock.is_open
    assert isinstance(asset, models.Asset)
    assert asset.tradable


def test_activities_come_page_by_page(client: TradingClient, vendor: AlpacaTrading) -> None:
    """Its client has no call for them: they are fetched by its plain GET."""
    place(client, bracket())
    for _ in range(5):
        vendor.fill("one", 2)
    pages: list[list[dict[str, Any]]] = []
    token: dict[str, Any] = {}
    while not pages or pages[-1]:
        query = {"page_size": 2, "direction": "asc", **token}
        answer = client.get("/account/activities/FILL", query)
        assert isinstance(answer, list)
        pages.append(answer)
        token = {"page_token": pages[-1][-1]["id"]} if pages[-1] else {}
    rows = [models.TradeActivity(**row) for page in pages for row in page]
    assert [len(page) for page in pages] == [2, 2, 1, 0]
    assert {str(row.order_id) for row in rows} == {vendor.order("one").id}


def test_its_stream_tells_fills(client: TradingClient, vendor: AlpacaTrading) -> None:
    updates: list[models.TradeUpdate] = []
    is_told = threading.Event()

    async def note(update: Any) -> None:
        updates.append(update)
        if update.event == "fill":
            is_told.set()

    url = vendor.url.replace("http", "ws") + "/stream"
    stream = TradingStream(vendor.key, vendor.secret, url_override=url)
    stream.subscribe_trade_updates(note)
    thread = threading.Thread(target=stream.run, daemon=True)
    thread.start()
    assert vendor.stream.is_listened_to(within=20)
    place(client, bracket())
    vendor.fill("one")
    assert is_told.wait(20)
    stream.stop()
    vendor.stream.hang_up()
    thread.join(20)
    assert [(update.event, update.order.client_order_id) for update in updates if update.event == "fill"] == [
        ("fill", "one")
    ]


def simple(own_id: str) -> dict[str, Any]:
    return {
        "symbol": "AAPL",
        "qty": 10,
        "side": OrderSide.BUY,
        "time_in_force": TimeInForce.DAY,
        "client_order_id": own_id,
    }
