"""Every page about decisions and orders: who may see it, and that no user writes on it."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from approvals import audit, notify
from approvals.models import (
    AccountSnapshot,
    AuditEvent,
    BrokerPosition,
    Delivery,
    Drift,
    Fill,
    Gate,
    Notification,
    Order,
    OrderDecision,
    Outcome,
    QuarantinedRow,
    SignalView,
    TradeApproval,
    TradingHalt,
)
from signals.models import Signal
from signals.trades import End
from tests import make
from tests.query_counts import CountQueries

LISTS: list[type[Model]] = [
    *[AccountSnapshot, AuditEvent, BrokerPosition, Delivery, Fill, Gate, Notification, Order, OrderDecision],
    *[Drift, Outcome, QuarantinedRow, TradeApproval, TradingHalt],
]
MINUTE = timedelta(minutes=1)


def address(model: type[Model]) -> str:
    return f"/admin/approvals/{model._meta.model_name}/"


def page_of(row: Model) -> str:
    return f"{address(type(row))}{row.pk}/change/"


def a_row_of(model: type[Model]) -> Model:
    row = model._default_manager.first()
    assert row is not None
    return row


def one_more(number: int) -> None:
    """One row more of everything, each about another order."""
    at = make.T0 + number * MINUTE
    symbol = f"S{number}"
    approval = make.approval(make.signal(symbol, status=Signal.Status.APPROVED))
    order = make.order(symbol, approval=approval)
    make.fill(order)
    make.quarantined_row(order)
    wanted = {"action": "cancel", "decided_by": order.requested_by, "decided_at": at}
    OrderDecision.objects.create(order=order, **wanted)
    make.drift(symbol)
    money = dict.fromkeys(("equity", "cash", "buying_power"), Decimal(100_000))
    AccountSnapshot.objects.create(broker="paper", at=at, currency="USD", **money)
    an_outcome(approval)
    notify.put(Notification.Kind.HALT, f"halt {number}", "Trading is halted", at)
    message = Notification.objects.latest("pk")
    Delivery.objects.create(notification=message, target=symbol, status_at=at, due_at=at)
    over = {"ended_at": at} if number else {}
    TradingHalt.objects.create(
        cause="person", reason="news", started_at=at, started_by=order.requested_by, **over
    )
    audit.append("order made", f"order {order.pk}", at, by=order.requested_by, quantity=10)


def an_outcome(approval: TradeApproval) -> Outcome:
    signal = approval.signal
    copied = ["symbol", "strategy_id", "timeframe", "confidence", "generated_at"]
    return Outcome.objects.create(
        signal=signal,
        ledger="signal",
        approval=approval,
        since=make.T0,
        played_on="15m",
        end=End.OPEN,
        race=End.OPEN,
        luck=0.5,
        candles_version=1,
        computed_at=make.T0,
        **{name: getattr(signal, name) for name in copied},
    )


@pytest.fixture(autouse=True)
def stored(db: None) -> None:
    make.only("AAPL")
    Gate.objects.create(pk=1, is_open=True, since=make.T0, checked_at=make.T0)
    one_more(0)


@pytest.mark.parametrize("model", LISTS)
def test_the_operator_and_a_reader_see_the_list_and_a_row(
    operator: Client, reader: Client, model: type[Model]
) -> None:
    for client in (operator, reader):
        assert client.get(address(model)).status_code == 200
        assert client.get(page_of(a_row_of(model))).status_code == 200


@pytest.mark.parametrize("model", LISTS)
def test_staff_without_permission_may_not_and_a_stranger_is_asked_who_he_is(
    clerk: Client, stranger: Client, model: type[Model]
) -> None:
    for page in (address(model), page_of(a_row_of(model))):
        assert clerk.get(page).status_code == 403
        assert stranger.get(page).headers["Location"].startswith("/admin/login/?next=")


@pytest.mark.parametrize("model", LISTS)
def test_nobody_adds_changes_or_deletes_a_row(operator: Client, model: type[Model]) -> None:
    row = a_row_of(model)
    chosen = {"action": "delete_selected", "_selected_action": row.pk, "index": 0, "post": "yes"}
    assert operator.post(f"{address(model)}add/").status_code == 403
    assert operator.post(page_of(row), {"reason": "another"}).status_code == 403
    assert operator.post(f"{address(model)}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert operator.post(address(model), chosen).status_code == 403
    assert model._default_manager.count() == 1


@pytest.mark.parametrize("model", LISTS)
def test_no_page_needs_what_the_policy_forbids(operator: Client, model: type[Model]) -> None:
    for page in (address(model), page_of(a_row_of(model))):
        text = operator.get(page).content.decode()
        assert not [banned for banned in ("<style", " style=", "onclick=", "<script>") if banned in text]


def test_many_rows_take_as_many_queries_as_one(operator: Client, count_queries: CountQueries) -> None:
    def look() -> None:
        for model in set(LISTS) - {Gate}:  # it has one row
            with count_queries(f"admin {model._meta.model_name} list"):
                operator.get(address(model))

    look()
    for number in range(1, 30):
        one_more(number)
    look()


@pytest.mark.parametrize("model", LISTS)
def test_no_list_counts_all_rows_or_sorts_by_what_has_no_index(operator: Client, model: type[Model]) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = operator.get(address(model)).content.decode()
    counts = [query["sql"] for query in queries if "COUNT(" in query["sql"]]
    assert all("LIMIT 10000" in count for count in counts)
    assert "sortable" not in page


@pytest.mark.parametrize("model", LISTS)
@pytest.mark.parametrize("day", ["today", "past 30 days", "nonsense"])
def test_the_days_narrow_a_list(operator: Client, model: type[Model], day: str) -> None:
    assert operator.get(address(model), {"day": day}).status_code in (200, 302)


def test_first_looks_have_no_page(operator: Client) -> None:
    assert operator.get(address(SignalView)).status_code == 404


def test_a_quarantined_row_is_shown_as_it_came(operator: Client) -> None:
    row = make.quarantined_row(row='{"price": "NaN", "symbol": "<b>", "quantity": null}')
    page = operator.get(page_of(row)).content.decode()
    assert "NaN" in page
    assert "&lt;b&gt;" in page
    odd = make.quarantined_row(row='"no row at all"')
    assert "no row at all" in operator.get(page_of(odd)).content.decode()


def count(client: Client, model: type[Model], query: dict[str, Any]) -> int:
    return len(client.get(address(model), query).context["cl"].result_list)


def test_rows_are_found_by_what_people_know_of_them(operator: Client) -> None:
    one_more(1)
    order = Order.objects.get(symbol="S1")
    assert count(operator, Order, {"q": "S1"}) == count(operator, Order, {"q": str(order.pk)[:8]}) == 1
    assert count(operator, TradeApproval, {"q": "S1"}) == count(operator, Fill, {"q": "S1"}) == 1
    assert count(operator, QuarantinedRow, {"q": "q1"}) == 1
    assert count(operator, AuditEvent, {"q": f'"order {order.pk}"'}) == 1
    assert count(operator, AuditEvent, {"about": "order"}) == 2
    assert count(operator, AuditEvent, {"about": "halt"}) == 0
    assert count(operator, Outcome, {"q": "S1"}) == 1
    assert count(operator, Order, {"q": "nothing"}) == 0
