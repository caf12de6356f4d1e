"""Orders on an installation of their own: real clusters, one of them killed; a database that is killed."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil
import pytest
from django.conf import settings

from tests.approvals.broker.process import FakeBroker, running
from tests.jaxsite.processes import ROOT, environment, eventually, folder, manage_with, servers

pytestmark = [pytest.mark.slow, pytest.mark.long]

TOLD = """
import json
from datetime import timedelta
from django.utils import timezone
from django_q.tasks import async_task
from approvals import execution
from approvals.models import Fill, Order
from tests.approvals import execution_rows
at = timezone.now()
"""
MAKE = """
execution_rows.open_gate(at)
print(json.dumps([str(execution_rows.entry(f"{prefix}{n}", at).pk) for n in range(count)]))
"""
BUY = """
execution_rows.open_gate(at)
print(json.dumps(str(execution_rows.sent("AAPL", at).pk)))
"""
CLOSE = """
from approvals import exits
execution.reconcile_orders(at)
print(json.dumps(str(exits.close("AAPL", by=execution_rows.trader(), at=at).pk)))
"""
STATES = """
print(json.dumps({str(order.pk): order.status for order in Order.objects.all()}))
"""


class Site:
    """An installation with its own database, whose broker is the fake one."""

    def __init__(self, var: Path, fake: FakeBroker) -> None:
        self.var, self.fake = var, fake
        self.environment = environment(var) | {
            "BROKER": "tests.approvals.broker.client:SPEC",
            "TEST_BROKER_URL": fake.url,
            "DJANGO_SETTINGS_MODULE": "jaxsite.settings",
        }

    def shell(self, program: str) -> Any:
        printed = manage_with(self.environment, "shell", "--no-imports", "-c", TOLD + program)
        return json.loads(printed.splitlines()[-1])

    def orders(self, prefix: str, count: int) -> list[UUID]:
        """Fresh orders that are about to be sent, and a gate that is open now."""
        return [UUID(pk) for pk in self.shell(f"prefix, count = {prefix!r}, {count}{MAKE}")]

    def reconciled(self) -> dict[str, str]:
        """Return the status of each order after a reconciliation a little later."""
        states: dict[str, str] = self.shell(f"execution.reconcile_orders(at + timedelta(seconds=40)){STATES}")
        return states

    def start(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def queue(self, orders: list[UUID]) -> None:
        """Each order's task twice."""
        pks = [str(pk) for pk in orders * 2]
        tasks = f"for pk in {pks}: async_task('approvals.tasks.submit', pk)"
        self.shell(f"{tasks}\nasync_task('approvals.tasks.reconcile')\nprint(0)")

    @contextmanager
    def cluster(self) -> Iterator["subprocess.Popen[str]"]:
        process = self.start("qcluster")
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture(scope="module")
def site(install: Callable[[Path], None]) -> Iterator[Site]:
    with folder() as path, running() as fake:
        install(path)
        yield Site(path, fake)


def once(fake: FakeBroker, orders: list[UUID]) -> bool:
    return {(fake.received(pk), fake.accepted(pk)) for pk in orders} == {(1, 1)}


def test_a_database_that_is_killed_while_an_order_is_sent_is_started_again_and_asks_for_the_order(
    site: Site,
) -> None:
    (order,) = site.orders("D", 1)
    site.fake.fail("place", "late")
    sending = site.start("shell", "-c", f"{TOLD}execution.submit_order('{order}', at)")
    eventually(lambda: site.fake.hanging("place"))
    for server in servers(site.var):
        for child in [*server.children(), server]:
            with suppress(psutil.NoSuchProcess):
                child.send_signal(signal.SIGKILL)
    site.fake.release()
    sending.communicate(timeout=60)
    assert site.reconciled()[str(order)] == "submitted"
    assert once(site.fake, [order])


def test_two_clusters_send_each_order_once_though_every_task_is_queued_twice_and_one_is_killed(
    site: Site,
) -> None:
    orders = site.orders("C", 12)
    workers = int(str(settings.Q_CLUSTER["workers"]))
    site.fake.fail("place", "hang after", times=workers)
    with site.cluster() as first:
        site.queue(orders)
        # All of them: one that dies between its row and its call leaves an order that must not be sent again.
        eventually(lambda: site.fake.hanging("place") == workers)
        with site.cluster():
            first.kill()
            site.queue(orders)  # those that the first had taken come back only much later
            eventually(lambda: sum(site.fake.accepted(pk) for pk in orders) == 12)
    states = site.reconciled()
    assert {states[str(pk)] for pk in orders} == {"submitted"}
    assert once(site.fake, orders)


def test_a_close_that_is_pressed_while_every_worker_is_killed_is_sent(site: Site) -> None:
    bought = UUID(site.shell(BUY))
    site.fake.fill(bought, 10)
    with site.cluster() as running:
        main = psutil.Process(running.pid)
        eventually(lambda: len(main.children()) > int(str(settings.Q_CLUSTER["workers"])))
        for child in main.children():
            child.kill()
        closing = UUID(site.shell(CLOSE))
        eventually(lambda: site.fake.accepted(closing) == 1)
    assert once(site.fake, [closing])
