"""Orders whose workers are killed at every step, whose workers are many, whose database goes away."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from uuid import UUID

import pytest
from django.db import connection
from pytest_django import Settings

from approvals import execution
from approvals.models import Fill, Order
from tests import make
from tests.approvals import execution_rows
from tests.approvals.broker.process import FakeBroker, running
from tests.approvals.execution_rows import MINUTE, SECOND, Status, now
from tests.jaxsite.processes import ROOT, eventually

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.django_db(transaction=True)]


class Worker:
    """A process that works on the test's database with the fake broker, and may be killed at any time."""

    def __init__(self, fake: FakeBroker, **environment: str) -> None:
        given = {
            "DJANGO_SETTINGS_MODULE": "tests.approvals.broker.settings",
            "TEST_DATABASE": str(connection.settings_dict["NAME"]),
            "BROKER": "tests.approvals.broker.client:SPEC",
            "TEST_BROKER_URL": fake.url,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.approvals.broker.worker"],
            cwd=ROOT,
            env=os.environ | given | environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def begin(self, work: str, at: datetime, *orders: Order) -> None:
        assert self.process.stdin
        line = " ".join([work, at.isoformat(), *(str(order.pk) for order in orders)])
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture(scope="module")
def process() -> Iterator[FakeBroker]:
    with running() as fake:
        yield fake


@pytest.fixture
def fake(process: FakeBroker, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> FakeBroker:
    process.reset()
    settings.BROKER = "tests.approvals.broker.client:SPEC"
    monkeypatch.setenv("TEST_BROKER_URL", process.url)
    execution_rows.open_gate()
    return process


@pytest.fixture
def worker(fake: FakeBroker) -> Iterator[Worker]:
    started = Worker(fake)
    yield started
    started.kill()


@contextmanager
def somebody_else(statement: str, *values: UUID) -> Iterator[None]:
    """Another transaction, that has locked something."""
    other_connection = connection.copy()
    other_connection.set_autocommit(False)
    try:
        with other_connection.cursor() as cursor:
            cursor.execute(statement, values)
        yield
    finally:
        other_connection.rollback()
        other_connection.close()


LOCK_ORDER = "SELECT 1 FROM orders WHERE id = %s FOR UPDATE"
LOCK_CHAIN = "SELECT pg_advisory_xact_lock(hashtextextended('approvals.audit', 0))"
WAITING = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def how_many_wait() -> int:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return int(cursor.fetchone()[0])


def rounds(*minutes: float) -> None:
    for minute in minutes:
        execution.reconcile_orders(make.T0 + minute * MINUTE)


def is_settled(order: Order, at: datetime, *statuses: Order.Status) -> bool:
    """Return whether reconciling has brought the order there. A killed worker keeps its lock for a moment."""
    execution.reconcile_orders(at)
    return now(order).status in statuses


def test_killed_before_the_order_is_written_as_sent(fake: FakeBroker, worker: Worker) -> None:
    order = execution_rows.entry()
    with somebody_else(LOCK_ORDER, order.pk):
        worker.begin("submit", make.T0, order)
        eventually(how_many_wait)
        worker.kill()
    assert now(order).status == Status.PENDING_SUBMIT
    assert fake.received(order.pk) == 0
    eventually(lambda: is_settled(order, make.T0 + 10 * SECOND, Status.SUBMITTED))
    assert (fake.received(order.pk), fake.accepted(order.pk)) == (1, 1)


def test_killed_before_the_broker_has_the_order(fake: FakeBroker, worker: Worker) -> None:
    order = execution_rows.entry()
    fake.fail("place", "hang before")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("place"))
    worker.kill()
    fake.release()
    rounds(0.5, 1, 2, 3)
    assert (now(order).status, order.status_reason) == (Status.HELD, "The broker never received it.")
    assert fake.accepted(order.pk) == 0


def test_killed_after_the_broker_has_accepted_the_order(fake: FakeBroker, worker: Worker) -> None:
    order = execution_rows.entry()
    fake.fail("place", "hang after")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("place"))
    worker.kill()
    assert now(order).status == Status.SUBMITTED
    fake.fill(order.pk, 10)
    rounds(1)
    assert (now(order).status, order.exits_working) == (Status.FILLED, True)
    assert (fake.received(order.pk), fake.accepted(order.pk)) == (1, 1)
    assert execution_rows.agree(fake)


def test_killed_before_the_brokers_answer_is_written(fake: FakeBroker, worker: Worker) -> None:
    order = execution_rows.entry()
    fake.fail("place", "late")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("place"))
    with somebody_else(LOCK_CHAIN):
        fake.release()
        eventually(how_many_wait)
        worker.kill()
    eventually(lambda: not how_many_wait())
    assert now(order).acknowledged_at is None
    rounds(1)
    assert now(order).acknowledged_at == make.T0 + MINUTE
    assert (order.status, fake.accepted(order.pk)) == (Status.SUBMITTED, 1)


def test_killed_while_fills_are_recorded(fake: FakeBroker, worker: Worker) -> None:
    order = execution_rows.sent()
    fake.fill(order.pk, 4)
    fake.fill(order.pk, 6)
    with somebody_else(LOCK_CHAIN):
        worker.begin("reconcile", make.T0 + MINUTE)
        eventually(how_many_wait)
        worker.kill()
    assert not Fill.objects.exists()
    eventually(lambda: is_settled(order, make.T0 + MINUTE, Status.FILLED))
    assert Fill.objects.count() == 2
    assert execution_rows.agree(fake)


def test_killed_while_a_position_is_closed(fake: FakeBroker, worker: Worker) -> None:
    execution_rows.bought(fake)
    order = execution_rows.closing()
    fake.fail("close", "hang after")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("close"))
    worker.kill()
    fake.fill(order.pk, 10, "close")
    rounds(1, 2)
    assert (now(order).status, fake.accepted(order.pk)) == (Status.FILLED, 1)
    assert sum(fill.signed_quantity for fill in Fill.objects.ours()) == 0
    assert execution_rows.agree(fake)


def bare() -> Order:
    """Return a stop for 10 shares that are held without one, about to be sent."""
    return execution_rows.closing(
        kind=Order.Kind.PROTECT, stop_loss=Decimal(95), take_profit=Decimal(110), broker=""
    )


def lose_exits(fake: FakeBroker, entry: Order) -> None:
    fake.amend_order(entry.pk, exits_working=False)
    rounds(0)


def test_killed_before_a_stop_is_put_back(fake: FakeBroker, worker: Worker) -> None:
    lose_exits(fake, execution_rows.bought(fake))
    order = bare()
    fake.fail("protect", "hang before")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("protect"))
    worker.kill()
    fake.release()
    rounds(*range(1, 9))
    assert (now(order).exits_working, fake.accepted(order.pk)) == (True, 1)


def test_killed_after_a_stop_was_put_back(fake: FakeBroker, worker: Worker) -> None:
    lose_exits(fake, execution_rows.bought(fake))
    order = bare()
    fake.fail("protect", "hang after")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("protect"))
    worker.kill()
    rounds(1, 2)
    assert (now(order).exits_working, fake.received(order.pk)) == (True, 1)
    fake.fill(order.pk, 10, "stop", "95.00")
    rounds(3)
    assert sum(fill.signed_quantity for fill in Fill.objects.ours()) == 0
    assert execution_rows.agree(fake)


def test_a_closing_waits_for_a_stop_that_is_being_placed(fake: FakeBroker, worker: Worker) -> None:
    lose_exits(fake, execution_rows.bought(fake))
    order = bare()
    fake.fail("protect", "late")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("protect"))
    closing = execution_rows.closing()
    execution.submit_order(closing.pk, make.T0 + SECOND)
    assert (now(closing).status, fake.received(closing.pk)) == (Status.PENDING_SUBMIT, 0)
    fake.release()
    assert worker.answer() == "done"
    rounds(1)
    assert now(closing).status == Status.SUBMITTED
    assert not fake.order(order.pk)["exits_working"]  # this broker has one or the other


def test_killed_while_the_exits_of_a_position_are_cancelled(fake: FakeBroker, worker: Worker) -> None:
    execution_rows.bought(fake)
    order = execution_rows.closing()
    fake.fail("cancel", "hang after")
    worker.begin("submit", make.T0, order)
    eventually(lambda: fake.hanging("cancel"))
    worker.kill()
    assert now(order).status == Status.PENDING_SUBMIT
    rounds(1)
    assert (now(order).status, fake.accepted(order.pk)) == (Status.SUBMITTED, 1)


def test_two_workers_at_once_send_each_order_once_and_record_each_fill_once(fake: FakeBroker) -> None:
    entries = [execution_rows.entry(f"S{number:02}") for number in range(20)]
    workers = [Worker(fake) for _ in range(2)]
    with somebody_else(LOCK_ORDER, entries[0].pk):
        for worker in workers:
            worker.begin("submit", make.T0, entries[0])
        eventually(lambda: how_many_wait() == 2)  # both have seen that it is about to be sent
    for worker in workers:
        for order in entries:
            worker.begin("submit", make.T0, order)
        worker.begin("reconcile", make.T0 + 10 * SECOND)
    for worker in workers:
        assert {worker.answer() for _ in range(22)} == {"done"}
    for order in entries:
        fake.fill(order.pk, 10)
    for worker in workers:
        worker.begin("reconcile", make.T0 + MINUTE)
    for worker in workers:
        assert worker.answer() == "done"
        worker.kill()
    assert {(fake.received(order.pk), fake.accepted(order.pk)) for order in entries} == {(1, 1)}
    assert {now(order).status for order in entries} == {Status.FILLED}
    assert Fill.objects.count() == 20
    assert execution_rows.agree(fake)
