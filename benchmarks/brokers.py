"""From a click to the order at a broker, and from a fill there to the position: both brokers, on loopback.

Everything is real but the broker: the site, the workers, `manage.py stream`, and for Interactive Brokers the
bridge. Each is a process of its own (the site is a thread of this one), and so is the counterpart. What the
counterpart takes itself is not subtracted.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import requests
from django.conf import settings
from django.utils import timezone
from django_q.models import Schedule

from approvals import positions
from approvals.models import BrokerStream, Fill, Order
from benchmarks.decisions import Trader, desk, p95
from benchmarks.measure import Result
from benchmarks.tables import execute
from benchmarks.workers import clusters, stream
from jaxsite.processes import schedules
from market.models import Instrument
from tests.ib_bridge.running import Process
from tests.vendors import prices
from tests.vendors.ib_gateway import command

APPROVE_SECONDS, STREAM_SECONDS, POLL_SECONDS = 0.300, 1.0, 60.0
APART = 0.5  # seconds between two decisions: a person makes no more
A_MINUTE = 60.0
PATIENCE = 120.0
EQUITY, ONE_SHARE = "100000", Decimal("0.002")  # of both accounts; of that, what an order may cost
RECONCILE = "approvals.reconcile"


@dataclass(frozen=True)
class Counterpart:
    """A broker on loopback: the settings that lead to it, and what fills an order there."""

    name: str
    settings: dict[str, str]
    fill: Callable[[str], object]


def streamed(size: int) -> list[Result]:
    """So many orders at each broker: each approved, then filled while the stream is listened to."""
    return [result for open_ in COUNTERPARTS for result in _streamed(size, open_)]


def polled(size: int) -> list[Result]:
    """So many fills at each broker, at all moments of a minute, that the comparison of each minute finds."""
    return [result for open_ in COUNTERPARTS for result in _polled(size, open_)]


def _streamed(size: int, open_: "Opened") -> list[Result]:
    symbols = _symbols(size + 1)
    with open_(len(symbols)) as broker, _site(broker, symbols) as client, stream(broker.settings):
        _until(lambda: BrokerStream.objects.filter(state=BrokerStream.State.LIVE).exists(), "stream")
        _bought(client, broker)  # everything is loaded and every connection open
        turns = [_bought(client, broker) for _ in range(size)]
        _all_held(len(symbols))
    approved, held = ([turn[part] for turn in turns] for part in (0, 1))
    note = f"{size} orders at {broker.name}"
    return [
        Result("broker.stream approval", p95(approved), APPROVE_SECONDS, 1.0, note=note),
        Result("broker.stream position", p95(held), STREAM_SECONDS, 1.0, note=note),
    ]


def _polled(size: int, open_: "Opened") -> list[Result]:
    symbols = _symbols(size)
    with open_(size) as broker, _site(broker, symbols, scheduled=True) as client:
        pks = []
        for _ in symbols:
            client.until_acknowledged(client.waiting.pop())
            pks.append(str(Order.objects.order_by("-created_at").values_list("pk", flat=True)[0]))
        _start_the_minutes()
        began, filled_at = perf_counter(), dict[str, float]()
        for number, pk in enumerate(pks):
            time.sleep(max(0.0, began + number * A_MINUTE / size - perf_counter()))
            broker.fill(pk)
            filled_at[pk] = perf_counter()
        taken = _recorded(filled_at)
        _all_held(size)
    Schedule.objects.all().delete()
    return [
        Result("broker.poll position", p95(taken), POLL_SECONDS, 1.0, note=f"{size} fills, {broker.name}")
    ]


def _start_the_minutes() -> None:
    """Write the schedule of the comparison, and wait until the queue's clock has followed it once."""
    schedules.write([task for task in schedules.periodic() if task.name == RECONCILE], timezone.now())
    rows = Schedule.objects.filter(name=RECONCILE)
    rows.update(next_run=timezone.now())
    _until(lambda: rows.filter(next_run__gt=timezone.now()).exists(), "the schedule")


def _recorded(filled_at: dict[str, float]) -> list[float]:
    """Return the seconds from each fill to its row."""
    taken = []
    while filled_at:
        rows = Fill.objects.filter(order__in=list(filled_at)).values_list("order", flat=True)
        taken += [perf_counter() - filled_at.pop(str(pk)) for pk in rows]
        if filled_at and perf_counter() - min(filled_at.values()) > PATIENCE:
            raise AssertionError(f"{len(filled_at)} fills were never recorded.")
        time.sleep(0.01)
    return taken


def _bought(client: Trader, broker: Counterpart) -> tuple[float, float]:
    """Return the seconds from the click to the order at the broker, and from its fill to the position."""
    time.sleep(APART)
    approved = client.until_acknowledged(client.waiting.pop())
    order = Order.objects.latest("created_at")
    time.sleep(APART)
    broker.fill(str(order.pk))
    began = perf_counter()
    _until(lambda: Fill.objects.filter(order=order).exists(), "fill", 0.005)
    return approved, perf_counter() - began


def _all_held(count: int) -> None:
    held = {position.symbol: position.quantity for position in positions.open_positions()}
    if set(held.values()) != {1} or len(held) != count:
        raise AssertionError(f"{count} shares were bought, one of each; held are {held}")


def _until(is_true: Callable[[], bool], what: str, pause: float = 0.05) -> None:
    ends = perf_counter() + PATIENCE
    while not is_true():
        if perf_counter() > ends:
            raise AssertionError(f"{what}: it never came true")
        time.sleep(pause)


def _symbols(count: int) -> tuple[str, ...]:
    """That many instruments that trade round the clock and that both brokers have."""
    symbols = prices.many(count)
    Instrument.objects.bulk_create(
        (Instrument(symbol=symbol, calendar="24/7", watched=False) for symbol in symbols),
        ignore_conflicts=True,
    )
    return symbols


@contextmanager
def _site(broker: Counterpart, symbols: Sequence[str], *, scheduled: bool = False) -> Iterator[Trader]:
    """The site and its workers at a broker."""
    with (
        desk(symbols, broker.name, EQUITY, MAX_POSITION=ONE_SHARE, **broker.settings) as client,
        clusters("jax", durable=True, changes=broker.settings, scheduled=scheduled),
    ):
        yield client
    execute("TRUNCATE django_q_ormq")


@contextmanager
def alpaca(symbols: int) -> Iterator[Counterpart]:
    with _printing("tests.vendors", "alpaca_trading", "--symbols", str(symbols)) as url:
        keys = {"ALPACA_API_KEY": "PKTEST", "ALPACA_API_SECRET": "alpaca-secret"}

        def fill(pk: str) -> None:
            requests.post(f"{url}/-/fill", json={"own_id": pk}, timeout=PATIENCE).raise_for_status()

        yield Counterpart("alpaca", {"BROKER": "alpaca", "ALPACA_TRADING_URL": url, **keys}, fill)


@contextmanager
def interactive_brokers(symbols: int) -> Iterator[Counterpart]:
    with ExitStack() as stack:
        printed = stack.enter_context(_printing("tests.vendors.ib_gateway", "--symbols", str(symbols)))
        _, gateway, _, control = printed.split()
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        bridge = Process(int(gateway), Path(folder), LOG_LEVEL="ERROR")
        stack.callback(bridge.kill)
        url = bridge.start().url

        def fill(pk: str) -> Any:
            return command(int(control), "fill", which=f"{pk}/entry", price="185.00")

        yield Counterpart("ib", {"BROKER": "ib", "IB_BRIDGE_URL": url, "IB_BRIDGE_TOKEN": ""}, fill)


@contextmanager
def _printing(*module: str) -> Iterator[str]:
    """Run a module and yield the line that it prints when it is ready."""
    process = subprocess.Popen(
        [sys.executable, "-m", *module], cwd=settings.BASE_DIR, stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


Opened = Callable[[int], Any]  # a context of a Counterpart with so many symbols
COUNTERPARTS: tuple[Opened, ...] = (alpaca, interactive_brokers)
