"""kill -9 of the bridge and of the gateway at every step of placing: nothing sent twice, nothing lost."""

import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import pytest
import requests

from tests.ib_bridge.running import BRACKET, Asked, GatewayProcess, Process, eventually
from tests.vendors.ib_gateway.control import command

pytestmark = [pytest.mark.slow, pytest.mark.long]
LEGS = ("entry", "stop", "target")
EVER = "/v1/executions?since=2020-01-01T00:00:00Z"
# Methods of the bridge before or after whose nth call it dies.
WRITE, COMMIT = "ib_bridge.orders.placing:Placing._write_down", "ib_bridge.journal.store:Journal.commit"
SEND, WAIT = "ib_async.client:Client.placeOrder", "ib_bridge.orders.placing:Placing._wait_for_answer"
STEPS = [(WRITE, 0), (COMMIT, 0), (COMMIT, 1), (COMMIT, 2), (SEND, 0), (SEND, 1), (SEND, 2), (WAIT, 0)]
DYING = """
import importlib, os, runpy, signal, sys
name, when, skip = sys.argv[1], sys.argv[2], int(sys.argv[3])
module, path = name.split(":")
owner, method = path.split(".")
cls = getattr(importlib.import_module(module), owner)
true, left = getattr(cls, method), [skip]
def dying(self, *args, **kwargs):
    due = armed() and left[0] == 0
    left[0] -= armed()
    if due and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = true(self, *args, **kwargs)
    if due:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer
def armed():
    return os.path.exists(os.environ["ARMED"])
setattr(cls, method, dying)
sys.argv = ["ib_bridge"]
runpy.run_module("ib_bridge", run_name="__main__")
"""


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[GatewayProcess]:
    running = GatewayProcess(tmp_path)
    running.start()
    yield running
    running.kill()


@pytest.fixture
def process(gateway: GatewayProcess, tmp_path: Path) -> Iterator[Process]:
    bridge = Process(gateway.port, tmp_path, ARMED=str(tmp_path / "armed"))
    yield bridge
    bridge.stop()


def place_until_it_stands(bridge: Asked, order: str) -> None:
    """Ask as Jax does: look it up while the answer is lost, send again only what was never received."""
    eventually(lambda: bridge.ask("PUT", f"/v1/orders/{order}", BRACKET).ok)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize(("step", "skip"), STEPS, ids=lambda part: str(part).rpartition(".")[2])
def test_the_bridge_is_killed_at_a_step_of_placing(
    gateway: GatewayProcess, process: Process, tmp_path: Path, step: str, when: str, skip: int
) -> None:
    order, armed = str(uuid4()), tmp_path / "armed"
    bridge = process.start(["-c", DYING, step, when, str(skip)])
    armed.touch()
    with suppress(requests.ConnectionError):
        bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
    armed.unlink()
    assert process.ended() == -signal.SIGKILL
    again = process.start()
    place_until_it_stands(again, order)
    assert gateway.living() == Counter(f"{order}/{leg}" for leg in LEGS)
    assert {leg["leg"] for leg in again.order(order)["legs"]} == set(LEGS)


def test_the_bridge_is_killed_while_orders_are_placed_and_filled(
    gateway: GatewayProcess, process: Process
) -> None:
    orders = [str(uuid4()) for _ in range(12)]
    bridge = process.start()
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(_ask_whatever_comes, bridge, order) for order in orders]
        eventually(lambda: sum(gateway.living().values()) >= 9)
        process.kill()
        assert all(future.result() is None for future in asked)
    bridge = process.start()
    for order in orders:
        place_until_it_stands(bridge, order)
    assert gateway.living() == Counter(f"{order}/{leg}" for order in orders for leg in LEGS)
    process.kill()
    for order in orders:
        command(gateway.control, "fill", which=f"{order}/entry", quantity=10, price=190)
    bridge = process.start()
    told = bridge.get(EVER)["executions"]
    assert Counter((e["client_id"], e["quantity"]) for e in told) == Counter(
        (order, "10") for order in orders
    )


@pytest.mark.parametrize("step", range(4))
def test_the_gateway_is_killed_while_an_order_is_placed(
    gateway: GatewayProcess, process: Process, step: int
) -> None:
    """After so many legs have arrived; IB has what was transmitted."""
    order = str(uuid4())
    bridge = process.start()
    if step < 3:
        command(gateway.control, "arm", request="placeOrder", how="after", skip=step)
    with suppress(requests.ConnectionError):
        bridge.ask("PUT", f"/v1/orders/{order}", BRACKET)
    gateway.kill()
    gateway.start()
    bridge.connect()
    place_until_it_stands(bridge, order)
    assert gateway.living() == Counter(f"{order}/{leg}" for leg in LEGS)


def test_what_was_executed_while_the_bridge_was_dead_is_told(
    gateway: GatewayProcess, process: Process
) -> None:
    order = str(uuid4())
    bridge = process.start()
    bridge.place(order)
    process.kill()
    command(gateway.control, "fill", which=f"{order}/entry", quantity=4, price=190)
    bridge = process.start()
    assert (bridge.order(order)["filled"], bridge.order(order)["state"]) == (4, "working")
    assert [e["quantity"] for e in bridge.get(EVER)["executions"]] == ["4"]


def test_it_ends_when_it_is_told_to(process: Process) -> None:
    process.start()
    assert process.process is not None
    process.process.terminate()
    assert process.ended() == -signal.SIGTERM


def _ask_whatever_comes(bridge: Asked, order: str) -> None:
    with suppress(requests.RequestException):
        requests.put(f"{bridge.url}/v1/orders/{order}", json=BRACKET, timeout=20)


def test_who_waits_for_news_does_not_keep_it_from_ending(process: Process) -> None:
    bridge = process.start()
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(bridge.ask, "GET", "/v1/changes?after=1000000&wait=25")
        wait([waiting], timeout=1)
        assert not waiting.done()
        assert process.process is not None
        process.process.send_signal(signal.SIGTERM)
        assert process.process.wait(timeout=20) == -signal.SIGTERM
        assert waiting.result().json()["revision"] < 1_000_000
