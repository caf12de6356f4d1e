"""Rows of the record, for the tests of what keeps them."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.db import connection

from approvals import audit
from approvals.models import (
    AuditEvent,
    BrokerExecution,
    Charge,
    Fill,
    NamedLot,
    Order,
    OrderDecision,
    PaperAccount,
    PaperChange,
    PaperCharge,
    PaperDividend,
    PaperFill,
    PaperOrder,
    PaperTransfer,
    TradeApproval,
    TradingHalt,
)
from market.models import Instrument, SymbolChange
from signals.models import Signal
from tests import make


def user(name: str = "tina") -> User:
    return User.objects.get_or_create(username=name)[0]


def broker_execution() -> BrokerExecution:
    made = Fill.objects.first() or fill()
    values = {"quantity": made.quantity, "price": made.price, "executed_at": made.executed_at}
    return BrokerExecution.objects.create(fill=made, execution_id="x", told_at=make.T0, **values)


def charge() -> Charge:
    return Charge.objects.create(
        broker="paper",
        charge_id="c",
        at=make.T0,
        amount=Decimal("-0.02"),
        currency="USD",
        what="fee",
        recorded_at=make.T0,
    )


def named_lot() -> NamedLot:
    entry = make.order(status="filled", filled_quantity=10)
    closing = make.order(kind="close", side="SELL", status="cancelled")
    return NamedLot.objects.create(order=closing, opened=make.fill(entry, execution_id="lot"), shares=4)


def approval() -> TradeApproval:
    return TradeApproval.objects.create(
        signal=Signal.objects.first() or make.signal(),
        approved=True,
        approved_by=user(),
        approved_at=make.T0,
        etag="e",
    )


def closing() -> Order:
    return Order.objects.create(
        kind=Order.Kind.CLOSE,
        symbol="AAPL",
        side="SELL",
        quantity=10,
        currency="USD",
        status=Order.Status.PENDING_SUBMIT,
        broker="paper",
        requested_by=user(),
        created_at=make.T0,
    )


def order_decision() -> OrderDecision:
    return OrderDecision.objects.create(
        order=Order.objects.first() or closing(),
        action=OrderDecision.Action.CLOSE,
        decided_by=user(),
        decided_at=make.T0,
    )


def fill() -> Fill:
    return Fill.objects.create(
        leg=Fill.Leg.CLOSE,
        broker="paper",
        execution_id="x1",
        symbol="AAPL",
        side="SELL",
        quantity=10,
        price=Decimal("185.50"),
        executed_at=make.T0,
        recorded_at=make.T0,
    )


def paper_account() -> PaperAccount:
    return PaperAccount.objects.create(pk=1, start_equity=100_000, opened_at=make.T0)


def paper_order() -> PaperOrder:
    given = {"symbol": "AAPL", "side": "SELL", "quantity": 10, "placed_at": make.T0, "state": "working"}
    return PaperOrder.objects.create(client_id=uuid4(), **given)


def paper_fill() -> PaperFill:
    given = {"leg": "close", "symbol": "AAPL", "side": "SELL", "quantity": 10, "price": Decimal("185.50")}
    return PaperFill.objects.create(order=paper_order(), executed_at=make.T0, recorded_at=make.T0, **given)


def paper_change() -> PaperChange:
    given = {"change_id": uuid4(), "leg": "stop", "level": Decimal(95), "changed_at": make.T0}
    return PaperChange.objects.create(order=paper_order(), **given)


def halt(**values: Any) -> TradingHalt:
    given = {"cause": TradingHalt.Cause.PERSON, "reason": "fire drill", "started_at": make.T0} | values
    return TradingHalt.objects.create(**given)


def event(number: int = 1, **facts: Any) -> AuditEvent:
    at = make.T0 + timedelta(minutes=number)
    return audit.append("order sent", f"order {number}", at, by=user(), **facts)


def chain(events: int = 3) -> None:
    for number in range(1, events + 1):
        event(number, quantity=10 * number)


def log_entry(pk: int | None = None, message: str = "Changed.") -> LogEntry:
    return LogEntry.objects.create(
        pk=pk,
        user=user(),
        content_type=ContentType.objects.get_for_model(Instrument),
        object_id="AAPL",
        object_repr="AAPL",
        action_flag=CHANGE,
        change_message=message,
        action_time=make.T0,
    )


def tamper(number: int, column: str, value: str | datetime | int) -> None:
    """What a holder of the database's password does: no trigger stops it."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_events DISABLE TRIGGER refuse_change")
        cursor.execute(f"UPDATE audit_events SET {column} = %s WHERE number = %s", [value, number])
        cursor.execute("ALTER TABLE audit_events ENABLE TRIGGER refuse_change")


def cut_out(number: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_events DISABLE TRIGGER refuse_change")
        cursor.execute("DELETE FROM audit_events WHERE number = %s", [number])
        cursor.execute("ALTER TABLE audit_events ENABLE TRIGGER refuse_change")


def paper_dividend() -> PaperDividend:
    return PaperDividend.objects.create(
        symbol="AAPL",
        ex_date=date(2024, 7, 5),
        number=1,
        quantity=10,
        amount=Decimal("0.24"),
        cash=Decimal("2.40"),
        recorded_at=make.T0,
    )


def paper_charge() -> PaperCharge:
    return PaperCharge.objects.create(
        kind="borrow fee",
        symbol="AAPL",
        day=date(2024, 7, 3),
        number=1,
        quantity=Decimal(-10),
        price=Decimal(100),
        cash=Decimal("-0.01"),
        recorded_at=make.T0,
    )


def paper_transfer() -> PaperTransfer:
    return PaperTransfer.objects.create(
        kind="deposit", cash=Decimal(100), by=user(), reason="more to try", at=make.T0
    )


def symbol_change() -> SymbolChange:
    return SymbolChange.objects.create(
        old="FB", new="META", since=date(2022, 6, 9), source="person", followed_at=make.T0
    )
