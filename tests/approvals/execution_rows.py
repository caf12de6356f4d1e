"""Orders for the tests of execution, an open gate, and the fake broker's process."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User

from approvals import execution
from approvals.execution.brokerage import bracket
from approvals.models import Fill, Gate, Order, TradeApproval
from market.models import IngestionRun
from signals.models import Signal
from tests import make
from tests.approvals.broker.client import HttpBroker
from tests.approvals.broker.process import FakeBroker

Status = Order.Status
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def trader() -> User:
    return User.objects.get_or_create(username="tina")[0]


def open_gate(at: datetime = make.T0) -> None:
    """Quotes have come every minute for a while, and the broker was there for an hour."""
    feed(at)
    Gate.objects.update_or_create(
        pk=1,
        defaults={
            "is_open": True,
            "since": at - timedelta(hours=1),
            "broker_good_since": at - timedelta(hours=1),
            "checked_at": at,
        },
    )


def feed(at: datetime) -> None:
    for minute in range(15):
        IngestionRun.objects.create(
            kind=IngestionRun.Kind.QUOTES,
            outcome=IngestionRun.Outcome.FINISHED,
            started_at=at - minute * MINUTE - 2 * SECOND,
            finished_at=at - minute * MINUTE - SECOND,
            stored=1,
        )


def approval(symbol: str = "AAPL", at: datetime = make.T0) -> TradeApproval:
    bar = datetime(2024, 7, 2, tzinfo=UTC) - timedelta(days=Signal.objects.count())
    signal = make.signal(symbol, status=Signal.Status.APPROVED, bar_opened_at=bar)
    return TradeApproval.objects.create(signal=signal, approved=True, approved_by=trader(), approved_at=at)


def entry(symbol: str = "AAPL", at: datetime = make.T0, **values: Any) -> Order:
    """An approved order to buy 10 shares at 100 with a stop at 95 and a target at 110, about to be sent."""
    given = {
        "kind": Order.Kind.ENTRY,
        "approval": approval(symbol, at),
        "symbol": symbol,
        "side": Signal.Type.BUY,
        "quantity": 10,
        "currency": "USD",
        "limit_price": Decimal(100),
        "stop_loss": Decimal(95),
        "take_profit": Decimal(110),
        "good_until": at + timedelta(hours=3),
        "status": Status.PENDING_SUBMIT,
        "broker": "fake",
        "requested_by": trader(),
        "created_at": at,
        "released_at": at,
    }
    return Order.objects.create(**given | values)


def closing(symbol: str = "AAPL", at: datetime = make.T0, **values: Any) -> Order:
    """Return a person's request to sell 10 shares at the market, about to be sent."""
    given = {
        "kind": Order.Kind.CLOSE,
        "symbol": symbol,
        "side": Signal.Type.SELL,
        "quantity": 10,
        "currency": "USD",
        "status": Status.PENDING_SUBMIT,
        "broker": "fake",
        "requested_by": trader(),
        "created_at": at,
        "released_at": at,
    }
    return Order.objects.create(**given | values)


def sent(symbol: str = "AAPL", at: datetime = make.T0) -> Order:
    """Return an entry that works at the broker."""
    order = entry(symbol, at)
    execution.submit_order(order.pk, at)
    return now(order)


def waiting(price: float, **values: Any) -> Order:
    """Return an entry that waits for the open and is due now, at this price. Its signal was at 185.50."""
    make.july_2024()
    make.instrument("AAPL")
    make.quote("AAPL", price, as_of=make.T0 - 5 * SECOND)
    levels = {"limit_price": Decimal("186"), "stop_loss": Decimal("180.5"), "take_profit": Decimal("191.75")}
    last_night = make.T0 - timedelta(hours=15)
    times = {"due_at": make.T0, "released_at": last_night, "created_at": last_night}
    return entry(**{"status": Status.WAITING_OPEN} | levels | times | values)


def place_late(fake: FakeBroker, order: Order) -> None:
    """What was on its way to the broker arrives."""
    HttpBroker(fake.url, 1).place(bracket(order))


def bought(fake: FakeBroker, symbol: str = "AAPL", at: datetime = make.T0) -> Order:
    """Return an entry that was filled, whose exits work."""
    order = sent(symbol, at)
    fake.fill(order.pk, 10)
    execution.reconcile_orders(at)
    return now(order)


def now(order: Order) -> Order:
    order.refresh_from_db()
    return order


def agree(fake: FakeBroker) -> bool:
    """Return whether the fills of each order are what the broker executed of it."""
    recorded: Counter[str] = Counter()
    for fill in Fill.objects.ours():
        recorded[str(fill.order_id)] += int(fill.signed_quantity)
    executed: Counter[str] = Counter()
    for row in fake.executions():
        executed[row["client_id"]] += row["quantity"] if row["side"] == "BUY" else -row["quantity"]
    return recorded == executed
