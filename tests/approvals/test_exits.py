"""Closing, cancelling, dropping: always possible, once, with a record."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django_q.models import OrmQ

from approvals import exits
from approvals.models import (
    AccountSnapshot,
    AuditEvent,
    BrokerPosition,
    Gate,
    Order,
    OrderDecision,
    TradingHalt,
)
from market.models import IngestionRun, Instrument, Quote
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("desk")]

SATURDAY = datetime(2024, 7, 6, 12, tzinfo=UTC)
LATER = make.T0 + timedelta(minutes=1)


def close(by: User, symbol: str = "AAPL", at: datetime = make.T0, **values: Any) -> Order:
    return exits.close(symbol, by=by, at=at, **values)


def cancel(order: Order, by: User, at: datetime = make.T0, **values: Any) -> Order:
    return exits.cancel(order, by=by, at=at, **values)


def drop(order: Order, by: User, at: datetime = make.T0) -> Order:
    return exits.drop(order, by=by, at=at)


def queued() -> list[tuple[str, tuple[Any, ...]]]:
    return [(row.func(), row.task["args"]) for row in OrmQ.objects.all()]


def recorded() -> list[tuple[Any, ...]]:
    """Return what was decided of orders, and what the chain says."""
    decisions = OrderDecision.objects.values_list("action", "decided_by__username", "notes")
    events = AuditEvent.objects.order_by("number").values_list("kind", "actor", "subject")
    return [*decisions, *events]


def nothing_works(at: datetime) -> None:
    """Halted, no feed, no broker, no price, and an account that was never seen."""
    TradingHalt.objects.create(cause="person", reason="enough", started_at=at)
    for table in (IngestionRun, Gate, Quote, AccountSnapshot):
        table.objects.all().delete()


class TestClose:
    def test_is_an_order_a_task_and_a_record(self, trader: User) -> None:
        make.held("AAPL", 10)
        order = close(trader, notes="enough")
        assert (order.kind, order.side, order.quantity) == ("close", "SELL", 10)
        assert (order.status, order.currency, order.broker) == ("pending_submit", "USD", "")
        assert (order.requested_by, order.approval, order.limit_price) == (trader, None, None)
        assert queued() == [("approvals.tasks.submit", (order.pk,))]
        assert recorded() == [("close", "ann", "enough"), ("order made", "ann", f"order {order.pk}")]

    def test_says_what_was_held(self, trader: User) -> None:
        make.held("AAPL", 10, "185.00")
        shown = close(trader).decisions.get().shown
        assert (shown["quantity"], shown["price"], shown["unrealised"]) == (10, "185.600000", "6.00")
        assert json.loads(AuditEvent.objects.get(kind="order made").text)["facts"]["shown"] == shown

    def test_buys_back_a_short(self, trader: User) -> None:
        make.held("AAPL", -10)
        order = close(trader)
        assert (order.side, order.quantity) == ("BUY", 10)

    def test_has_the_currency_of_the_instrument(self, trader: User) -> None:
        make.held("AAPL", 10)
        Instrument.objects.filter(pk="AAPL").update(currency="EUR")
        assert close(trader).currency == "EUR"

    @pytest.mark.parametrize("at", [make.T0, SATURDAY])
    def test_works_whatever_else_does_not(self, trader: User, at: datetime) -> None:
        make.held("AAPL", 10)
        nothing_works(at)
        assert close(trader, at=at).status == "pending_submit"

    def test_twice_is_refused_and_names_the_first(self, trader: User) -> None:
        make.held("AAPL", 10)
        first = close(trader)
        with pytest.raises(
            exits.ExitRefused, match=f"being closed already, by order {first.pk} of 10 shares"
        ):
            close(make.trader("ben"))
        assert (len(queued()), OrderDecision.objects.count()) == (1, 1)

    def test_is_possible_again_once_the_first_has_ended(self, trader: User) -> None:
        make.held("AAPL", 10)
        first = close(trader)
        Order.objects.filter(pk=first.pk).update(status="cancelled", ended_at=make.T0)
        assert close(trader).pk != first.pk

    def test_of_nothing_is_refused(self, trader: User) -> None:
        with pytest.raises(exits.ExitRefused, match="Nothing of AAPL is held: there is nothing to close"):
            close(trader)

    def test_of_what_is_not_filled_yet_says_to_cancel_it(self, trader: User) -> None:
        order = make.order("AAPL", status="submitted")
        with pytest.raises(exits.ExitRefused, match=f"cancel the order {order.pk} instead"):
            close(trader)

    def test_of_shares_of_others_is_refused(self, trader: User) -> None:
        BrokerPosition.objects.create(symbol="AAPL", quantity=7, ours=0, average_cost=1, seen_at=make.T0)
        with pytest.raises(exits.ExitRefused, match=r"did not trade the 7 AAPL .* close them at the broker"):
            close(trader)

    def test_is_all_or_nothing(self, trader: User) -> None:
        make.held("AAPL", 10)
        with transaction.atomic():
            close(trader)
            transaction.set_rollback(True)
        assert (queued(), recorded()) == ([], [])


class TestCancel:
    @pytest.mark.parametrize("status", ["waiting_open", "held", "pending_submit"])
    def test_ends_what_was_not_sent_at_once(self, trader: User, status: str) -> None:
        order = cancel(make.order(status=status), trader, notes="no")
        assert (order.status, order.status_reason, order.ended_at) == (
            "cancelled",
            "Cancelled by ann.",
            make.T0,
        )
        assert queued() == []
        assert recorded() == [("cancel", "ann", "no"), ("order cancelled", "ann", f"order {order.pk}")]

    @pytest.mark.parametrize("status", ["submitted", "unknown"])
    def test_asks_the_broker_for_what_was_sent(self, trader: User, status: str) -> None:
        order = cancel(make.order(status=status, submitted_at=make.T0), trader)
        assert (order.status, order.cancel_requested_at) == (status, make.T0)
        assert queued() == [("approvals.tasks.cancel", (order.pk,))]
        event = ("order cancel requested", "ann", f"order {order.pk}")
        assert recorded() == [("cancel", "ann", ""), event]

    def test_twice_is_told_kindly(self, trader: User) -> None:
        order = cancel(make.order(status="submitted"), trader)
        with pytest.raises(exits.ExitRefused, match="It is being cancelled since 2024-07-03 14:00:00 UTC"):
            cancel(order, trader, at=LATER)
        assert (len(queued()), OrderDecision.objects.count()) == (1, 1)

    @pytest.mark.parametrize(("status", "filled"), [("filled", 10), ("cancelled", 4)])
    def test_never_takes_a_stop_away_unasked(self, trader: User, status: str, filled: int) -> None:
        order = make.order(status=status, filled_quantity=filled, exits_working=True, submitted_at=make.T0)
        with pytest.raises(exits.ExitRefused, match=f"{filled} of 10 AAPL are filled, .* Close the position"):
            cancel(order, trader)
        assert (queued(), recorded()) == ([], [])

    def test_of_the_rest_leaves_what_is_filled_its_stop(self, trader: User) -> None:
        order = make.order(
            status="partially_filled", filled_quantity=4, exits_working=True, submitted_at=make.T0
        )
        cancel(order, trader)
        assert (order.cancel_requested_at, order.cancel_exits) == (make.T0, False)

    def test_may_take_the_exits_away_later(self, trader: User) -> None:
        order = make.order(
            status="partially_filled", filled_quantity=4, exits_working=True, submitted_at=make.T0
        )
        cancel(order, trader)
        assert cancel(order, trader, exits=True).cancel_exits
        with pytest.raises(exits.ExitRefused, match="It is being cancelled since"):
            cancel(order, trader, exits=True)

    @pytest.mark.parametrize("status", ["filled", "partially_filled"])
    def test_takes_the_exits_away_when_told_to(self, trader: User, status: str) -> None:
        order = make.order(status=status, filled_quantity=4, exits_working=True, submitted_at=make.T0)
        assert cancel(order, trader, exits=True).cancel_requested_at == make.T0
        assert order.decisions.get().shown == {"exits": True}

    @pytest.mark.parametrize(
        ("status", "reason"),
        [("filled", "It is filled since"), ("rejected", "It is rejected by the broker since")],
    )
    def test_of_what_has_ended_says_how(self, trader: User, status: str, reason: str) -> None:
        for shown in (False, True):
            with pytest.raises(exits.ExitRefused, match=reason):
                cancel(make.order(status=status, status_reason="no money"), trader, exits=shown)

    @pytest.mark.parametrize(("status", "filled"), [("submitted", 0), ("partially_filled", 4)])
    def test_of_a_closing_that_works_must_be_meant(self, trader: User, status: str, filled: int) -> None:
        order = make.order(
            kind="close", side="SELL", status=status, filled_quantity=filled, submitted_at=make.T0
        )
        with pytest.raises(exits.ExitRefused, match="without this closing it has neither"):
            cancel(order, trader)
        assert cancel(order, trader, exits=True).cancel_requested_at == make.T0

    def test_needs_no_more_words_while_stop_and_target_protect_nothing_yet(self, trader: User) -> None:
        order = make.order(status="submitted", exits_working=True)
        assert cancel(order, trader).cancel_requested_at == make.T0

    def test_works_whatever_else_does_not(self, trader: User) -> None:
        order = make.order(status="submitted")
        nothing_works(make.T0)
        assert cancel(order, trader).cancel_requested_at == make.T0

    def test_decides_on_the_row_and_not_on_what_was_read(self, trader: User) -> None:
        order = make.order(status="pending_submit")
        Order.objects.update(status="submitted", submitted_at=make.T0)
        assert cancel(order, trader).cancel_requested_at == make.T0


class TestDrop:
    def test_ends_a_held_order(self, trader: User) -> None:
        order = drop(make.order(status="held", status_reason="the feed was away"), trader)
        assert (order.status, order.status_reason, order.ended_at) == (
            "cancelled",
            "Dropped by ann.",
            make.T0,
        )
        assert recorded() == [("drop", "ann", ""), ("order dropped", "ann", f"order {order.pk}")]

    def test_works_whatever_else_does_not(self, trader: User) -> None:
        nothing_works(make.T0)
        assert drop(make.order(status="held"), trader).status == "cancelled"

    def test_twice_is_told_kindly(self, trader: User) -> None:
        order = drop(make.order(status="held"), trader)
        with pytest.raises(exits.ExitRefused, match="dropped already, by ann at 2024-07-03 14:00 UTC"):
            drop(order, make.trader("ben"), at=LATER)
        assert OrderDecision.objects.count() == 1

    @pytest.mark.parametrize(
        ("status", "words"),
        [
            ("submitted", "It is submitted, not held: cancel it"),
            ("pending_submit", "It is about to be sent, not held: cancel it"),
            ("filled", "It is filled since 2024-07-03"),
        ],
    )
    def test_of_what_is_not_held_says_what_to_do(self, trader: User, status: str, words: str) -> None:
        with pytest.raises(exits.ExitRefused, match=words):
            drop(make.order(status=status), trader)
