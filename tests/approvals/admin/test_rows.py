"""What the pages of decisions, orders and messages tell."""

import re

import pytest
from django.db.models import Model
from django.test import Client
from pytest_django.fixtures import Settings

from approvals import audit, notify
from approvals.models import AuditEvent, BrokerPosition, Delivery, Notification, Order, OrderDecision
from signals.models import Signal
from tests import make
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db


def text_of(client: Client, row: Model) -> str:
    page = client.get(f"/admin/approvals/{row._meta.model_name}/{row.pk}/change/").content.decode()
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def test_a_decision_shows_what_was_proposed_beside_what_was_decided(operator: Client) -> None:
    approval = make.approval(
        make.signal(status=Signal.Status.APPROVED),
        proposed={"quantity": 20, "levels": {"stop_loss": "180.50"}, "caps": []},
        decided={"quantity": 12, "levels": {"stop_loss": "180.50"}, "caps": ["position"]},
        shown={"quote": {"price": 185.6}},
        seconds_to_decide=12.34,
    )
    make.order(approval=approval)
    page = operator.get(f"/admin/approvals/tradeapproval/{approval.pk}/change/").content.decode()
    assert "<tr><td>Quantity</td><td>20</td><td><strong>12</strong></td></tr>" in page
    assert "<tr><td>Levels stop loss</td><td>180.50</td><td>180.50</td></tr>" in page
    assert "<tr><td>Quote price</td><td>185.6</td></tr>" in page
    assert f'<a href="/admin/approvals/order/{approval.order.pk}/change/">about to be sent</a>' in page
    assert "12.3" in page


def test_a_rejection_has_no_order(operator: Client) -> None:
    signal = make.signal(status=Signal.Status.REJECTED)
    rejection = make.approval(signal, approved=False, reason="news", modification_notes="earnings tonight")
    text = text_of(operator, rejection)
    assert "rejected" in text
    assert "earnings tonight" in text


def an_order() -> Order:
    order = make.held()
    make.fill(order, 4, "191.75", leg="target", side="SELL", execution_id="x-target")
    wanted = {"action": "cancel", "decided_by": order.requested_by, "decided_at": make.T0, "notes": "enough"}
    OrderDecision.objects.create(order=order, **wanted)
    audit.append("order made", f"order {order.pk}", make.T0, by=order.requested_by)
    audit.append("order sent", f"order {order.pk}", make.T0)
    audit.append("order sent", "order of somebody else", make.T0)
    return order


def test_an_order_shows_its_fills_its_decisions_and_its_history(operator: Client) -> None:
    text = text_of(operator, an_order())
    assert "10 of 10" in text
    assert "2024-07-03 14:00:00 target ▼ SELL 4 191.75" in text
    assert "cancel ann enough" in text
    assert "order made ann 2 2024-07-03 14:00:00 order sent" in text
    assert "3 2024-07-03" not in text


def test_the_page_of_an_order_takes_few_queries(operator: Client, count_queries: CountQueries) -> None:
    order = an_order()
    for _ in range(20):
        make.fill(order, 1)
    with count_queries("admin order"):
        text_of(operator, order)


def test_shares_of_others_are_shown(operator: Client) -> None:
    make.held(quantity=10)
    make.quote("AAPL", 190)
    position = BrokerPosition.objects.create(
        symbol="AAPL", quantity=15, ours=10, average_cost=185, seen_at=make.T0
    )
    text = text_of(operator, position)
    assert "Not ours: 5" in text
    assert "0.00 realised, 45.00 open" in text


def test_an_event_shows_its_facts_and_exactly_what_was_hashed(operator: Client) -> None:
    event = audit.append("order sent", "order 1", make.T0, quantity=10)
    text = text_of(operator, event)
    assert "Quantity 10" in text
    assert event.hash in text


def test_an_event_whose_text_was_broken_can_still_be_read(operator: Client) -> None:
    event = AuditEvent.objects.create(
        number=1, at=make.T0, kind="order sent", subject="order 1", text="[", previous_hash="0", hash="1"
    )
    assert "run manage.py verify_audit" in text_of(operator, event)


def test_a_message_shows_what_became_of_it_at_each_address(operator: Client, settings: Settings) -> None:
    settings.NOTIFY_URLS = ["json://hunter2"]
    [target] = notify.targets()
    notify.put(Notification.Kind.HALT, "halt 1", "Trading is halted", make.T0, path="/halt/")
    message = Notification.objects.get()
    state = {"status": "unknown", "status_at": make.T0, "due_at": make.T0}
    delivery = Delivery.objects.create(notification=message, target=target.name, **state)
    Delivery.objects.create(notification=message, target="gone", **state)
    text = text_of(operator, message)
    assert "number 1 unknown whether it arrived" in text
    assert "not in NOTIFY_URLS any more" in text
    assert "hunter2" not in text + text_of(operator, delivery)
