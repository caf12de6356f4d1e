"""Connections to the gateway: their start, their loss at every step, restarts."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from ib_async import LimitOrder

from tests.ib_gateway.client import Client
from tests.vendors.ib_gateway import Break, IBGateway

START = ["startApi", "reqPositions", "reqOpenOrders", "reqCompletedOrders", "reqAccountUpdates"]
START += ["reqAccountUpdatesMulti", "reqExecutions"]


def test_the_hand_shake(gateway: IBGateway, client: Client) -> None:
    assert client.ib.client.serverVersion() == 176
    assert client.ib.managedAccounts() == ["DU123456"]
    assert {code for _, code, _ in client.errors} == {2104, 2106, 2158}
    assert [name for _, name, _ in gateway.heard] == START


def test_the_account_has_currencies_and_their_rates(
    gateway: IBGateway, connect: Callable[..., Client]
) -> None:
    gateway.account.cash["EUR"], gateway.account.rates["EUR"] = Decimal(100_000), Decimal("1.08")
    values = {(value.tag, value.currency): value.value for value in connect().ib.accountValues()}
    assert values["ExchangeRate", "EUR"] == "1.080000"
    assert values["NetLiquidation", "USD"] == "208000.00"


def test_a_client_id_that_is_taken(gateway: IBGateway, client: Client) -> None:
    with Client(gateway.port, client.loop) as second, pytest.raises((ConnectionError, TimeoutError)):
        second.connect(timeout=0.5)
    assert second.codes() == [326]
    assert client.ib.isConnected()


@pytest.mark.parametrize("request_name", START)
@pytest.mark.parametrize("how", [Break.BEFORE, Break.AFTER, Break.WITHIN])
def test_the_connection_breaks_while_it_starts(
    gateway: IBGateway, connect: Callable[..., Client], request_name: str, how: Break
) -> None:
    gateway.faults.arm(request_name, how)
    with pytest.raises((ConnectionError, TimeoutError)):
        connect(timeout=0.3)
    assert connect().ib.isConnected()


@pytest.mark.parametrize(
    ("how", "placed"), [(Break.BEFORE, False), (Break.AFTER, True), (Break.WITHIN, True)]
)
def test_the_answer_to_an_order_is_lost(
    gateway: IBGateway, connect: Callable[..., Client], how: Break, placed: bool
) -> None:
    client = connect()
    gateway.faults.arm("placeOrder", how)
    client.ib.placeOrder(client.stock("AAPL"), LimitOrder("BUY", 10, 190, orderRef="7/entry"))
    client.until(lambda: not client.ib.isConnected())
    assert connect(7).open_orders() == ({"7/entry": "Submitted"} if placed else {})


@pytest.mark.parametrize("legs", [1, 2])
def test_a_bracket_that_breaks_before_its_last_leg_never_works(
    gateway: IBGateway, connect: Callable[..., Client], legs: int
) -> None:
    client = connect()
    gateway.faults.arm("placeOrder", Break.BEFORE, skip=legs)
    with pytest.raises(ConnectionError):
        client.bracket()
    assert connect(7).open_orders() == {}


def test_silence(gateway: IBGateway, client: Client) -> None:
    gateway.faults.arm("placeOrder", Break.SILENCE)
    client.place(LimitOrder("BUY", 10, 190))
    assert client.ib.isConnected()
    assert gateway.open_orders() == []


def test_a_restart_gives_the_ids_of_what_never_arrived_again(
    gateway: IBGateway, connect: Callable[..., Client]
) -> None:
    client = connect()
    first = client.place(LimitOrder("BUY", 10, 190, orderRef="arrived"))
    lost = client.place(LimitOrder("BUY", 10, 190, orderRef="lost"))
    gateway.restart(next_id=lost.order.orderId, forget=("lost",))
    client.until(lambda: not client.ib.isConnected())
    again = connect(7)
    assert again.open_orders() == {"arrived": "Submitted"}
    new = again.place(LimitOrder("BUY", 1, 190, orderRef="new", orderId=lost.order.orderId))
    assert again.codes() == []
    assert gateway.order("new").perm_id not in (first.order.permId, lost.order.permId)
    assert new.order.orderId == lost.order.orderId


def test_fills_while_away_are_told_by_executions_only(
    gateway: IBGateway, connect: Callable[..., Client]
) -> None:
    client = connect()
    client.bracket()
    gateway.drop_connections()
    client.until(lambda: not client.ib.isConnected())
    gateway.fill("7/entry")
    again = connect(7)
    assert [fill.execution.orderRef for fill in again.ib.fills()] == ["7/entry"]
    assert again.open_orders() == {"7/target": "Submitted", "7/stop": "PreSubmitted"}


@pytest.mark.parametrize(("lost_data", "code"), [(True, 1101), (False, 1102)])
def test_the_gateway_loses_ib_and_finds_it_again(
    gateway: IBGateway, client: Client, lost_data: bool, code: int
) -> None:
    ticker = client.ib.reqMktData(client.stock("AAPL"))
    client.settle()
    gateway.lose_ib()
    client.place(LimitOrder("BUY", 10, 190, orderRef="late"))
    assert gateway.open_orders() == []
    gateway.regain_ib(lost_data=lost_data)
    assert client.open_orders() == {"late": "Submitted"}
    assert client.codes() == [1100, code]
    gateway.quote("AAPL", last=1)
    client.settle()
    assert (ticker.last == 1) is not lost_data


def test_farms_come_and_go(gateway: IBGateway, client: Client) -> None:
    client.errors.clear()
    for number in (2103, 2104, 2105, 2106):
        gateway.say(number, "usfarm")
    client.settle()
    assert [code for _, code, _ in client.errors] == [2103, 2104, 2105, 2106]
