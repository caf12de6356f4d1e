"""Orders at the gateway, as the real client sees them."""

from collections.abc import Callable

import pytest
from ib_async import LimitOrder, MarketOrder, Stock, StopOrder

from tests.ib_gateway.client import Client, sell
from tests.vendors.ib_gateway import IBGateway

HELD = {"7/entry": "Submitted", "7/target": "PreSubmitted", "7/stop": "PreSubmitted"}


def test_nothing_happens_before_the_last_leg_transmits(gateway: IBGateway, client: Client) -> None:
    entry = client.place(LimitOrder("BUY", 10, 190, transmit=False, orderRef="7/entry"))
    assert client.open_orders() == {}
    client.place(StopOrder("SELL", 10, 180, parentId=entry.order.orderId, orderRef="7/stop"))
    assert client.open_orders() == {"7/entry": "Submitted", "7/stop": "PreSubmitted"}
    assert gateway.order("7/stop").why_held == "child"


def test_the_exits_of_a_bracket_wait_for_its_entry(gateway: IBGateway, client: Client) -> None:
    client.bracket()
    assert client.open_orders() == HELD
    gateway.fill("7/entry")
    assert client.open_orders() == {"7/target": "Submitted", "7/stop": "PreSubmitted"}
    assert gateway.order("7/stop").why_held == "trigger"


def test_exits_are_one_group_in_which_one_fill_ends_the_other(gateway: IBGateway, client: Client) -> None:
    client.bracket()
    gateway.fill("7/entry")
    gateway.fill("7/stop", price=180)
    assert client.open_orders() == {}
    (held,) = client.run(client.ib.reqPositionsAsync())
    assert held.position == 0


def test_a_partial_exit_shrinks_the_other_one(gateway: IBGateway, client: Client) -> None:
    client.bracket()
    gateway.fill("7/entry")
    gateway.fill("7/target", 4, 200)
    assert gateway.order("7/stop").remaining == 6
    assert client.open_orders() == {"7/target": "Submitted", "7/stop": "PreSubmitted"}


@pytest.mark.parametrize(("partial", "state"), [(True, "Submitted"), (False, "PreSubmitted")])
def test_exits_of_a_part(gateway: IBGateway, client: Client, partial: bool, state: str) -> None:
    gateway.book.partial_brackets = partial
    client.bracket()
    gateway.fill("7/entry", 4)
    assert client.open_orders()["7/target"] == state


def test_a_cancelled_entry_keeps_the_exits_of_what_it_filled(gateway: IBGateway, client: Client) -> None:
    entry, *_ = client.bracket()
    gateway.fill("7/entry", 4)
    client.ib.cancelOrder(entry.order)
    assert client.open_orders() == {"7/target": "Submitted", "7/stop": "PreSubmitted"}
    assert gateway.order("7/stop").remaining == 4


def test_a_cancelled_entry_takes_its_exits_along(client: Client) -> None:
    entry, *_ = client.bracket()
    client.ib.cancelOrder(entry.order)
    assert client.open_orders() == {}
    assert client.codes() == [202, 202, 202]


def test_a_closing_in_the_group_shrinks_the_exits(gateway: IBGateway, client: Client) -> None:
    client.bracket()
    gateway.fill("7/entry")
    client.place(sell(3, "8/close", ocaGroup=gateway.order("7/stop").group, ocaType=3))
    gateway.fill("8/close")
    assert [gateway.order(ref).remaining for ref in ("7/stop", "7/target")] == [7, 7]


def test_a_group_of_the_first_type_ends_at_the_first_share(gateway: IBGateway, client: Client) -> None:
    for ref, price in (("a", 190), ("b", 191)):
        client.place(LimitOrder("BUY", 10, price, ocaGroup="g", ocaType=1, orderRef=ref))
    gateway.fill("a", 1)
    assert client.open_orders() == {"a": "Submitted"}


def test_a_leg_is_moved_by_placing_it_again(gateway: IBGateway, client: Client) -> None:
    stop = client.bracket()[2]
    gateway.fill("7/entry")
    stop.order.auxPrice, stop.order.parentId = 185, 0
    client.place(stop.order)
    assert gateway.order("7/stop").terms.stop == 185
    assert gateway.order("7/stop").group == gateway.order("7/target").group


def test_a_change_that_names_the_filled_parent_is_refused(gateway: IBGateway, client: Client) -> None:
    stop = client.bracket()[2]
    gateway.fill("7/entry")
    stop.order.auxPrice = 185
    client.place(stop.order)
    assert client.codes() == [135]
    assert gateway.order("7/stop").terms.stop == 180
    assert gateway.order("7/stop").is_alive


def test_what_an_order_would_cost_is_told_without_placing_it(client: Client) -> None:
    state = client.run(client.ib.whatIfOrderAsync(Stock("AAPL", "SMART", "USD"), LimitOrder("BUY", 10, 190)))
    assert (state.initMarginChange, state.maintMarginChange) == ("475.00", "380.00")
    assert (state.commission, state.commissionCurrency) == (1, "USD")
    assert client.open_orders() == {}


def test_fills_are_told_with_position_and_commission(gateway: IBGateway, client: Client) -> None:
    trade = client.place(LimitOrder("BUY", 10, 190, orderRef="7/entry"))
    gateway.fill("7/entry", 4, "189.99", "0.35")
    gateway.fill("7/entry", 6, "190")
    client.until(lambda: trade.isDone() and len(trade.fills) == 2)
    client.settle()
    assert [(fill.execution.shares, fill.execution.price) for fill in trade.fills] == [(4, 189.99), (6, 190)]
    assert [fill.commissionReport.commission for fill in trade.fills] == [0.35, 1]
    (held,) = client.ib.positions()
    assert (held.position, held.avgCost) == (10, 189.996)


def test_a_correction_is_told_under_the_next_suffix(gateway: IBGateway, client: Client) -> None:
    client.place(LimitOrder("BUY", 10, 190, orderRef="7/entry"))
    first = gateway.fill("7/entry", 10, 190)
    second = gateway.correct(first.exec_id, 10, "189.50")
    assert (first.exec_id[-3:], second.exec_id[-3:]) == (".01", ".02")
    fills = client.run(client.ib.reqExecutionsAsync())
    assert [fill.execution.execId for fill in fills] == [first.exec_id, second.exec_id]
    assert gateway.account.cash["USD"] == 100_000 - 1895 - 1


@pytest.mark.parametrize(("commissions", "told"), [("after", True), ("before", True), ("never", False)])
def test_commissions_come_when_they_come(
    gateway: IBGateway, client: Client, commissions: str, told: bool
) -> None:
    gateway.book.commissions = commissions
    client.place(LimitOrder("BUY", 10, 190, orderRef="7/entry"))
    gateway.fill("7/entry", commission="-0.25")
    client.run(client.ib.reqExecutionsAsync())
    client.settle()
    (fill,) = client.ib.fills()
    assert fill.commissionReport.commission == (-0.25 if told else 0)
    gateway.tell_commissions()
    client.until(lambda: fill.commissionReport.commission == -0.25)


@pytest.mark.parametrize("code", [201, 110, 321])
def test_a_refused_entry_takes_its_exits_along(gateway: IBGateway, client: Client, code: int) -> None:
    gateway.refuse_next(code, "not today")
    client.bracket()
    assert client.open_orders() == {}
    assert code in client.codes()


def test_a_price_between_the_ticks_is_refused(gateway: IBGateway, client: Client) -> None:
    client.place(LimitOrder("BUY", 10, 190.005, orderRef="a"))
    assert client.codes() == [110]
    assert not gateway.order("a").is_alive


def test_an_api_that_only_reads_takes_no_orders(gateway: IBGateway, client: Client) -> None:
    gateway.is_read_only = True
    client.place(LimitOrder("BUY", 10, 190))
    assert client.codes() == [321]
    assert gateway.open_orders() == []


def test_a_contract_that_is_not_known_is_refused(client: Client) -> None:
    client.place(LimitOrder("BUY", 10, 190), "NOSUCH")
    assert client.codes() == [200]


@pytest.mark.parametrize(
    ("held", "code"), [({"preset_tif": "DAY"}, 10349), ({"opens_at": "20240703 09:30:00 US/Eastern"}, 399)]
)
def test_a_remark_on_a_living_order_looks_like_its_end(
    gateway: IBGateway, client: Client, held: dict[str, str], code: int
) -> None:
    vars(gateway.book.screening).update(held)
    trade = client.place(LimitOrder("BUY", 10, 190, tif="GTC", orderRef="a"))
    client.until(lambda: client.codes() == [code])
    assert trade.orderStatus.status in ("Cancelled", "ValidationError")
    assert gateway.order("a").is_alive


def test_shares_to_sell_short_are_looked_for(gateway: IBGateway, client: Client) -> None:
    gateway.book.screening.not_borrowable = {"AAPL"}
    client.place(sell(10, "a"))
    assert client.codes() == [404]
    assert gateway.order("a").why_held == "locate"


def test_an_id_is_used_once(client: Client) -> None:
    trade = client.place(LimitOrder("BUY", 10, 190))
    client.ib.cancelOrder(trade.order)
    client.settle()
    client.ib.wrapper.trades.clear()  # else the client itself refuses
    client.place(LimitOrder("BUY", 10, 190, orderId=trade.order.orderId))
    assert client.codes() == [202, 103]


def test_cancelling_nothing_and_what_is_done(gateway: IBGateway, client: Client) -> None:
    trade = client.place(LimitOrder("BUY", 10, 190, orderRef="a"))
    gateway.fill("a")
    client.requests.cancelOrder(trade.order.orderId)
    client.requests.cancelOrder(4711)
    client.settle()
    assert client.codes() == [10148, 10147]


def test_a_cancel_can_stay_pending_while_the_order_fills(gateway: IBGateway, client: Client) -> None:
    gateway.book.holds_cancels = True
    trade = client.place(LimitOrder("BUY", 10, 190, orderRef="a"))
    client.ib.cancelOrder(trade.order)
    client.settle()
    assert client.open_orders() == {"a": "PendingCancel"}
    gateway.fill("a", 4)
    gateway.cancel("a")
    gateway.fill("a", 2)
    client.settle()
    assert trade.filled() == 6
    assert client.open_orders() == {}


def test_a_child_of_nothing_is_refused(client: Client) -> None:
    client.place(StopOrder("SELL", 10, 180, parentId=4711))
    assert client.codes() == [10006]


def test_an_order_by_hand_has_no_order_id(gateway: IBGateway, client: Client) -> None:
    gateway.place_by_hand("MSFT", "SELL", 5)
    trades = client.run(client.ib.reqAllOpenOrdersAsync())
    (order,) = [trade.order for trade in trades]
    assert (order.orderId, order.action, order.totalQuantity) == (0, "SELL", 5)
    assert order.permId
    gateway.fill(order.permId)
    (fill,) = client.run(client.ib.reqExecutionsAsync())
    assert (fill.execution.permId, fill.execution.orderId) == (order.permId, 0)


def test_orders_of_another_client_are_told_to_who_asks_for_all(
    client: Client, connect: Callable[..., Client], gateway: IBGateway
) -> None:
    connect(8).place(MarketOrder("BUY", 1, orderRef="theirs"))
    assert client.run(client.ib.reqOpenOrdersAsync()) == []
    assert client.open_orders() == {"theirs": "Submitted"}


def test_complete_orders_are_told_until_midnight(gateway: IBGateway, client: Client) -> None:
    client.bracket()
    gateway.fill("7/entry")
    (done,) = client.run(client.ib.reqCompletedOrdersAsync(False))
    assert (done.order.orderRef, done.orderStatus.status) == ("7/entry", "Filled")
    gateway.pass_midnight()
    assert client.run(client.ib.reqCompletedOrdersAsync(False)) == []
    assert client.run(client.ib.reqExecutionsAsync()) == []
    assert client.open_orders() == {"7/target": "Submitted", "7/stop": "PreSubmitted"}


def test_everything_is_cancelled_at_once(client: Client) -> None:
    client.bracket()
    client.requests.reqGlobalCancel()
    assert client.open_orders() == {}
