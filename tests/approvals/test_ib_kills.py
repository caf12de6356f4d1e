"""kill -9 of the worker at every step of an order's way to IB, of bridge and gateway with it.

An installation of its own, the bridge as people start it, and a gateway whose account outlives it. Nothing is
sent twice, nothing is lost: the bracket is at IB once and Jax knows it, or it is nowhere and held.
"""

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ib_bridge.running import GatewayProcess, Process
from tests.jaxsite.processes import ROOT, environment, folder, manage_with
from tests.vendors.ib_gateway.control import command

pytestmark = [pytest.mark.slow, pytest.mark.long]

TOLD = """
import json
from datetime import timedelta
from django.utils import timezone
from approvals import execution, positions
from approvals.models import Fill, Order
from tests.approvals import execution_rows
at = timezone.now()
"""
MAKE = """
execution_rows.open_gate(at)
print(json.dumps(str(execution_rows.entry("AAPL", at, good_until=at + timedelta(hours=6)).pk)))
"""
# Some minutes later, each a reconciliation as the worker has one.
RECONCILED = """
for minute in range(1, 9):
    execution.reconcile_orders(at + timedelta(minutes=minute))
order = Order.objects.get(pk=pk)
print(json.dumps([order.status, order.filled_quantity, order.exits_working]))
"""
# The worker dies before or after a call; functions are looked up by their modules, methods by their classes.
DYING = """
import importlib, os, signal
name, when = step
module, path = name.split(":")
owner = importlib.import_module(module)
for part in path.split(".")[:-1]:
    owner = getattr(owner, part)
true = getattr(owner, path.split(".")[-1])
def dying(*args, **kwargs):
    if when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    true(*args, **kwargs)
    os.kill(os.getpid(), signal.SIGKILL)
setattr(owner, path.split(".")[-1], dying)
execution.submit_order(pk, at)
"""
BEGIN, SEND = "approvals.execution.brokerage:begin", "approvals.brokers.ib.wire:Api.send"
APPLY = "approvals.execution.reports:apply"
STEPS = [(BEGIN, "before"), (BEGIN, "after"), (SEND, "before"), (SEND, "after"), (APPLY, "before")]
STEPS += [(APPLY, "after")]
LEGS = ("entry", "stop", "target")


class Site:
    """An installation whose broker is Interactive Brokers, with a bridge and a gateway to be killed."""

    def __init__(self, var: Path, around: Path) -> None:
        self.gateway = GatewayProcess(around)
        self.gateway.start()
        self.bridge = Process(self.gateway.port, around)
        self.bridge.start()
        self.environment = environment(var) | {
            "BROKER": "ib",
            "PROVIDERS": "simulator",
            "IB_BRIDGE_URL": f"http://127.0.0.1:{self.bridge.port}",
            "DJANGO_SETTINGS_MODULE": "jaxsite.settings",
        }

    def shell(self, program: str) -> Any:
        printed = manage_with(self.environment, "shell", "--no-imports", "-c", TOLD + program)
        return json.loads(printed.splitlines()[-1])

    def dies(self, order: str, step: tuple[str, str]) -> None:
        """Have a worker send the order and die at this step."""
        program = f"{TOLD}\npk, step = {order!r}, {step!r}\n{DYING}"
        ran = subprocess.run(
            [sys.executable, "manage.py", "shell", "--no-imports", "-c", program],
            cwd=ROOT,
            env=self.environment,
            check=False,
            timeout=120,
        )
        assert ran.returncode == -signal.SIGKILL

    def kill_the_rest(self) -> None:
        """Kill bridge and gateway, and start both again."""
        self.bridge.kill()
        self.gateway.kill()
        self.gateway.start()
        self.bridge.start()

    def at_ib(self, order: str) -> Counter[str]:
        """Return the legs of an order that live at IB."""
        living = self.gateway.living()
        return Counter({ref.partition("/")[2]: n for ref, n in living.items() if ref.startswith(order)})

    def stop(self) -> None:
        self.bridge.stop()
        self.gateway.kill()


@pytest.fixture(scope="module")
def site(install: Callable[[Path], None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with folder() as path:
        install(path)
        site = Site(path, tmp_path_factory.mktemp("ib"))
        yield site
        site.stop()


@pytest.mark.parametrize("kills", ["the worker", "all three"])
@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[1]} {step[0].rpartition(':')[2]}")
def test_an_order_is_at_ib_once_and_known_or_nowhere_and_held(
    site: Site, step: tuple[str, str], kills: str
) -> None:
    order = site.shell(MAKE)
    site.dies(order, step)
    if kills == "all three":
        site.kill_the_rest()
    status, filled, _ = site.shell(f"pk = {order!r}{RECONCILED}")
    there = site.at_ib(order)
    assert there in (Counter(LEGS), Counter())
    assert (status, filled) == (("submitted", 0) if there else ("held", 0)), status
    if there:
        command(site.gateway.control, "fill", which=f"{order}/entry", quantity=10, price=100)
        assert site.shell(f"pk = {order!r}{RECONCILED}") == ["filled", 10, True]


def test_no_order_id_was_given_twice(site: Site) -> None:
    placed = command(site.gateway.control, "open_orders")
    ids = [order["order_id"] for order in placed]
    assert len(ids) == len(set(ids))
