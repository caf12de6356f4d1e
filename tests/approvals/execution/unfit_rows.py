"""Rows of a broker that do not fit, and what tests of them share."""

from typing import Any

from approvals import execution
from approvals.models import (
    AccountSnapshot,
    Gate,
    Notification,
    Order,
)
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker
from tests.approvals.execution_rows import MINUTE, now

FIRST, LONG = make.T0 + MINUTE, "A" * 30
UNFIT_EXECUTIONS: list[dict[str, Any]] = [
    {"commission": "NaN"},
    {"commission": "cheap"},
    {"commission": "1.7976931348623157e+308"},
    {"symbol": LONG},
    {"symbol": ""},
    {"symbol": "AA\x00PL"},
    {"symbol": None},
    {"symbol": 7},
    {"execution_id": "9" * 200},
    {"execution_id": ""},
    {"execution_id": None},
    {"execution_id": "X\ud800"},
    {"price": "0"},
    {"price": "0.0000001"},
    {"price": "-5"},
    {"price": "NaN"},
    {"price": "sNaN"},
    {"price": "Infinity"},
    {"price": "1e30"},
    {"price": "1e999999"},
    {"price": "cheap"},
    {"price": None},
    {"price": [1]},
    {"quantity": 1e-13},
    {"quantity": 0},
    {"quantity": -5},
    {"quantity": 2**31},
    {"quantity": 10**400},
    {"quantity": "5"},
    {"quantity": True},
    {"quantity": None},
    {"quantity": float("inf")},
    {"quantity": float("nan")},
    {"side": "HOLD"},
    {"side": None},
    {"side": []},
    {"leg": "wing"},
    {"executed_at": "2024-07-03T14:00:00"},
    {"executed_at": "9999-12-31T23:59:59+00:00"},
    {"executed_at": "yesterday"},
    {"executed_at": None},
    {"client_id": "no uuid"},
]
ANYWHERE = [({"commission": "NaN"}, place) for place in range(3)]
UNFIT_HOLDINGS: list[dict[str, Any]] = [
    {"quantity": 1e-13, "average_cost": "100"},
    {"quantity": None, "average_cost": "100"},
    {"quantity": "ten", "average_cost": "100"},
    {"quantity": 2**31, "average_cost": "100"},
    {"quantity": float("nan"), "average_cost": "100"},
    {"quantity": 10, "average_cost": "NaN"},
    {"quantity": 10, "average_cost": "1e30"},
    {"quantity": 10, "average_cost": None},
]
UNFIT_REPORTS: list[dict[str, Any]] = [
    {"state": "asleep"},
    {"state": None},
    {"filled": 0.5},
    {"filled": -3},
    {"filled": None},
    {"filled": float("nan")},
    {"exits_working": "perhaps"},
]


def rounds(*minutes: float) -> None:
    for minute in minutes:
        execution.reconcile_orders(make.T0 + minute * MINUTE)


def notified_titles() -> list[str]:
    notifications = Notification.objects.filter(kind=Notification.Kind.BROKER_ROW)
    return list(notifications.order_by("pk").values_list("title", flat=True))


def went_through(minute: float) -> bool:
    """Return whether the reconciliation of that minute came to its end and found the broker good."""
    at = make.T0 + minute * MINUTE
    row = Gate.objects.get()
    return (row.checked_at, row.broker_error) == (at, "") and AccountSnapshot.objects.filter(at=at).exists()


def bought_without_a_fill(fake: FakeBroker, **values: Any) -> Order:
    """Return an entry that the broker filled; its execution does not fit."""
    order = execution_rows.sent()
    fake.fill(order.pk, 10)
    fake.amend_execution(0, **values or {"commission": "NaN"})
    rounds(1)
    return now(order)
