"""Interactive Brokers through the IB Bridge: what its answers mean, and a day at a gateway on loopback."""

import threading
from collections.abc import Hashable, Iterator
from dataclasses import astuple, replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from approvals.brokers.base import (
    AnswerLost,
    Bracket,
    Broker,
    BrokerAway,
    BrokerError,
    Close,
    Execution,
    Instrument,
    InstrumentKind,
    Leg,
    LegState,
    Missing,
    OrderRefused,
    Side,
    State,
)
from approvals.brokers.ib import SPEC, stream
from approvals.execution import brokerage
from approvals.models import Order
from tests.ib_gateway.running import Loss, Running, running
from tests.make import T0
from tests.vendors.ib_gateway import IBGateway
from tests.vendors.server import Reply, Vendor, Visit

AAPL = Instrument("AAPL")
HOUR = timedelta(hours=1)


class Says(Vendor):
    """A bridge that answers all but /health with one thing."""

    content: Any = {}
    status = 200

    def answer(self, visit: Visit) -> Reply:
        if visit.path == "/health":
            return Reply.json({"paper_trading": True})
        return Reply.json(self.content, self.status)


@pytest.fixture
def bridge() -> Iterator[Says]:
    with Says() as vendor:
        yield vendor


def broker_at(url: str, token: str = "") -> Broker:
    return SPEC.build({"IB_BRIDGE_URL": url, "IB_BRIDGE_TOKEN": token}, T0)


def entry(**terms: Any) -> Bracket:
    bought = Bracket(uuid4(), AAPL, Side.BUY, 10, Decimal(101), Decimal(95), Decimal(110), T0 + 3 * HOUR)
    return replace(bought, **terms)


@pytest.mark.parametrize(
    ("status", "code", "error"),
    [
        (409, "refused", OrderRefused),
        (422, "malformed", OrderRefused),
        (404, "no_contract", OrderRefused),
        (503, "away", BrokerAway),
        (401, "no_token", BrokerAway),
        (403, "browser", BrokerAway),
        (504, "answer_lost", AnswerLost),
        (500, "odd", AnswerLost),
    ],
)
def test_what_an_error_of_the_bridge_means(
    bridge: Says, status: int, code: str, error: type[BrokerError]
) -> None:
    bridge.status, bridge.content = status, {"detail": "why it is so", "code": code}
    with pytest.raises(error, match="why it is so"):
        broker_at(bridge.url).place(entry())
    assert len(bridge.visits_to("/v1/*")) == 1


@pytest.mark.parametrize("content", [{}, {"detail": "Not Found"}, {"code": 5}, ["state"]])
@pytest.mark.parametrize("status", [200, 404, 502])
def test_what_is_no_answer_of_a_bridge_is_a_lost_answer(bridge: Says, content: object, status: int) -> None:
    bridge.status, bridge.content = status, content
    with pytest.raises(AnswerLost):
        broker_at(bridge.url).place(entry())


def test_rows_that_are_missing_are_a_lost_answer(bridge: Says) -> None:
    with pytest.raises(AnswerLost, match="orders"):
        broker_at(bridge.url).orders()


@pytest.mark.parametrize(
    ("code", "missing"),
    [("never_received", Missing.NEVER_RECEIVED), ("too_long_ago", Missing.TOO_LONG_AGO)],
)
def test_an_order_that_is_not_there(bridge: Says, code: str, missing: Missing) -> None:
    bridge.status, bridge.content = 404, {"detail": "no", "code": code}
    assert broker_at(bridge.url).order(uuid4()) is missing
    with pytest.raises(OrderRefused):
        broker_at(bridge.url).cancel(uuid4(), exits=True)


def test_a_bridge_that_does_not_say_how_far_it_reaches_back_is_not_believed(bridge: Says) -> None:
    bridge.status, bridge.content = 404, {"detail": "no", "code": "never_received"}
    with pytest.raises(AnswerLost, match="reaches back"):
        brokerage.look_up(broker_at(bridge.url), Order(pk=uuid4(), submitted_at=T0))


def test_nothing_listens() -> None:
    with pytest.raises(BrokerAway):
        broker_at("http://127.0.0.1:1").place(entry())


def test_the_token_is_sent_and_told_of(bridge: Says) -> None:
    bridge.status, bridge.content = 401, {"detail": "It is wrong.", "code": "no_token"}
    with pytest.raises(BrokerAway, match="IB_BRIDGE_TOKEN"):
        broker_at(bridge.url, "secret").account()
    assert bridge.visits[-1].headers["authorization"] == "Bearer secret"


@pytest.mark.parametrize(("told", "is_paper"), [(True, True), (False, False), (None, True)])
def test_it_is_paper_unless_the_account_is_known_to_be_live(
    bridge: Says, told: bool | None, is_paper: bool
) -> None:
    bridge.answers["/health"] = {"paper_trading": told}
    assert broker_at(bridge.url).is_paper is is_paper


def test_rows_that_cannot_be_read_are_passed_on(bridge: Says) -> None:
    row = {"execution_id": "1", "side": "SIDEWAYS", "quantity": "1.5", "price": "?", "executed_at": 7}
    bridge.content = {"executions": [row]}
    (execution,) = map(astuple, broker_at(bridge.url).executions(T0))
    assert {"SIDEWAYS", Decimal("1.5"), "?", 7} <= {
        value for value in execution if isinstance(value, Hashable)
    }


def test_only_shares_are_traded(bridge: Says) -> None:
    with pytest.raises(OrderRefused, match="shares"):
        broker_at(bridge.url).place(entry(instrument=Instrument("ES", kind=InstrumentKind.FUTURE)))
    assert bridge.visits_to("/v1/*") == []


# --- with a gateway and our bridge ------------------------------------------------------------------------


@pytest.fixture
def gateway() -> Iterator[IBGateway]:
    with IBGateway(now=T0) as gateway:
        gateway.quote("AAPL", last=100, bid=100, ask=100)
        yield gateway


@pytest.fixture
def served(gateway: IBGateway, tmp_path: Path) -> Iterator[Running]:
    with running(gateway, tmp_path) as served:
        yield served


@pytest.fixture
def ib(served: Running) -> Broker:
    return broker_at(served.url)


def test_a_day_at_the_gateway(gateway: IBGateway, ib: Broker) -> None:
    order = entry()
    report = ib.place(order)
    assert (report.state, report.broker_id) == (State.WORKING, "900001")
    assert {leg.leg: leg.state for leg in report.legs} == {
        Leg.ENTRY: LegState.WORKING,
        Leg.STOP: LegState.HELD,
        Leg.TARGET: LegState.HELD,
    }
    gateway.fill(f"{order.client_id}/entry", 10, "100.50", "1.05")
    (bought,) = ib.executions(T0 - HOUR)
    assert (bought.client_id, bought.quantity, bought.price) == (order.client_id, 10, Decimal("100.50"))
    assert (bought.commission, bought.commission_currency) == (Decimal("1.05"), "USD")
    closing = Close(uuid4(), AAPL, Side.SELL, 4, guards=(order.client_id,))
    assert ib.close(closing).state is State.WORKING
    gateway.fill(f"{closing.client_id}/close", 4, 102)
    assert ib.holdings()["AAPL"].quantity == 6
    after = ib.order(order.client_id)
    assert not isinstance(after, Missing)
    assert [leg.quantity for leg in after.legs if leg.leg is not Leg.ENTRY] == [6, 6]


def test_a_correction_names_what_it_replaces(gateway: IBGateway, ib: Broker) -> None:
    order = entry()
    ib.place(order)
    first = gateway.fill(f"{order.client_id}/entry", 10, 100)
    second = gateway.correct(first.exec_id, 10, 99)
    told = ib.executions(T0 - HOUR)
    assert [(execution.execution_id, execution.corrects) for execution in told] == [
        (first.exec_id, ""),
        (second.exec_id, first.exec_id),
    ]


def test_the_account_in_its_currencies(gateway: IBGateway, ib: Broker) -> None:
    account = ib.account()
    assert (account.account_id, account.currency, account.is_blocked) == ("DU123456", "USD", "")
    assert account.equity == account.cash == 100_000
    assert account.cash_by_currency == {"USD": 100_000}
    assert ib.charges(T0) == []


def test_what_an_order_would_bind(ib: Broker) -> None:
    answer = ib.whatif(entry())
    assert answer is not None
    assert (answer.currency, answer.initial_margin, answer.commission) == (
        "USD",
        Decimal("252.50"),
        Decimal(1),
    )


def test_an_answer_that_breaks_off_is_lost_and_the_order_found(served: Running, ib: Broker) -> None:
    order = entry()
    served.lose("PUT", "orders", Loss.ANSWER)
    with pytest.raises(AnswerLost):
        ib.place(order)
    assert ib.place(order).state is State.WORKING
    assert len(ib.orders()) == 1


def test_after_the_journal_is_lost_an_order_of_before_is_not_called_never_received(
    gateway: IBGateway, tmp_path: Path
) -> None:
    """It has filled, its exits have ended, and IB has forgotten it at midnight."""
    with running(gateway, tmp_path / "kept") as bridge:
        order = entry()
        broker_at(bridge.url).place(order)
        gateway.fill(f"{order.client_id}/entry", 10, 100)
        gateway.fill(f"{order.client_id}/stop", 10, 95)
    gateway.pass_midnight()
    gateway.now = T0 + 24 * HOUR
    with running(gateway, tmp_path / "afresh") as bridge:
        broker = broker_at(bridge.url)
        assert broker.order(order.client_id) is Missing.NEVER_RECEIVED
        sent_before = Order(pk=order.client_id, submitted_at=T0)
        sent_today = Order(pk=uuid4(), submitted_at=T0 + 20 * HOUR)
        assert brokerage.look_up(broker, sent_before) is Missing.TOO_LONG_AGO
        assert brokerage.look_up(broker, sent_today) is Missing.NEVER_RECEIVED


def test_what_ib_still_tells_on_the_day_of_the_loss_is_found_again(
    gateway: IBGateway, tmp_path: Path
) -> None:
    with running(gateway, tmp_path / "kept") as bridge:
        order = entry()
        broker_at(bridge.url).place(order)
        gateway.fill(f"{order.client_id}/entry", 10, 100)
    with running(gateway, tmp_path / "afresh") as bridge:
        found = brokerage.look_up(broker_at(bridge.url), Order(pk=order.client_id, submitted_at=T0))
    assert not isinstance(found, Missing)
    assert (found.state, found.filled, found.exits_working) == (State.FILLED, 10, True)


def test_an_order_by_hand_is_told_as_not_ours(gateway: IBGateway, served: Running, ib: Broker) -> None:
    gateway.fill(gateway.place_by_hand("AAPL", "BUY", 3), price=100)
    gateway.place_by_hand("AAPL", "SELL", 3, order_type="LMT", limit=Decimal(120))
    served.read()
    (execution,) = ib.executions(T0 - HOUR)
    assert isinstance(execution, Execution)
    assert (execution.client_id, execution.quantity) == (None, 3)
    assert [report.client_id for report in ib.orders()] == [None]


def test_the_stream_tells_that_something_has_changed(gateway: IBGateway, served: Running) -> None:
    changes, ended = threading.Semaphore(0), threading.Event()

    def listen() -> None:
        with pytest.raises(BrokerAway):
            stream.listen({"IB_BRIDGE_URL": served.url, "IB_BRIDGE_TOKEN": ""}, changes.release)
        ended.set()

    threading.Thread(target=listen, daemon=True).start()
    assert changes.acquire(timeout=10)
    broker_at(served.url).place(entry())
    assert changes.acquire(timeout=10)
    served.stop()
    assert ended.wait(30)


def test_the_bridges_notices_and_state_come_in_words_with_what_to_click(
    gateway: IBGateway, served: Running
) -> None:
    values = {"IB_BRIDGE_URL": served.url, "IB_BRIDGE_TOKEN": ""}
    assert stream.notices(values) == ""
    gateway.say(10197, "No market data during competing live session")
    served.until(lambda: "End TWS, the phone's app or the website" in stream.notices(values))
    gateway.lose_ib()
    served.until(lambda: "lost its connection to IB (1100)" in stream.notices(values))
    gateway.regain_ib(lost_data=False)
    served.until(lambda: "1100" not in stream.notices(values))


def test_a_bridge_that_does_not_answer_has_no_notices() -> None:
    assert stream.notices({"IB_BRIDGE_URL": "http://127.0.0.1:9", "IB_BRIDGE_TOKEN": ""}) == ""
