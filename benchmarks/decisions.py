"""From a person's click to the order at the paper broker: a web server, a queue and a worker of their own.

The web server runs in a thread of this process and answers over loopback, the worker is a process that has
nothing else to do. Commits wait for the disk here, as they do outside of tests.
"""

import statistics
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from time import perf_counter

import requests
from django.contrib.auth.models import Permission, User
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.db import connection, connections
from django.test import override_settings
from django.test.testcases import LiveServerThread
from django.utils import timezone

from approvals.models import Order, TradeApproval
from approvals.proposals.version import version
from benchmarks.measure import Result
from benchmarks.tables import execute, instruments, sessions
from benchmarks.workers import clusters
from market.models import Quote
from tests import make

ALLOWED_SECONDS = 0.5
A_SECOND = 10  # decisions
PATIENCE = 30.0
EQUITY = "10000000"
WRITTEN = """
strategy_signals, quotes, orders, paper_orders, gate, account_snapshots, broker_positions, broker_streams,
trading_halts, faults, ingestion_runs
"""
# One share each, and room for all of them.
ROOM = {
    "MAX_OPEN_POSITIONS": 10**6,
    "MAX_GROSS": Decimal(100),
    "MAX_OPEN_RISK": Decimal(100),
    "MAX_STRATEGY": Decimal(100),
    "MAX_STRATEGY_POSITIONS": 10**6,
    "MAX_POSITION": Decimal("0.00002"),
}


def latency(decisions: int) -> list[Result]:
    """The 95th percentile of POST approve to the order acknowledged, one at a time; then ten a second."""
    single, steady = max(2, decisions // 6), decisions
    with (
        desk(instruments(single + steady)) as client,
        clusters("jax", durable=True, environment={"PAPER_EQUITY": EQUITY}),
    ):
        client.approve(client.waiting.pop())  # everything is loaded and every connection open
        taken = [client.until_acknowledged(client.waiting.pop()) for _ in range(single)]
        elapsed, errors = client.at_a_rate(steady - 1)
        client.settle()
    if errors:
        raise AssertionError(f"{len(errors)} of {steady} decisions failed: {errors[0]}")
    wanted = (steady - 1) / A_SECOND
    return [
        Result("approve.latency", p95(taken), ALLOWED_SECONDS, 1.0, note=f"{single} orders"),
        Result("approve.latency rate", elapsed, wanted, 1.1, note=f"{steady - 1} at {A_SECOND}/s"),
    ]


def p95(taken: list[float]) -> float:
    return statistics.quantiles(taken, n=20)[-1] if len(taken) > 1 else taken[0]


class Trader:
    """A user who approves over HTTP, and watches the order."""

    def __init__(self, address: str, token: str, waiting: list[tuple[str, str]]) -> None:
        self.address, self.waiting = address, waiting
        self.headers = {"Authorization": f"Token {token}"}
        self.session = requests.Session()

    def approve(self, signal: tuple[str, str]) -> requests.Response:
        pk, etag = signal
        return requests.post(
            f"{self.address}/api/v1/signals/{pk}/approve/",
            json={},
            headers=self.headers | {"If-Match": f'"{etag}"'},
            timeout=PATIENCE,
        )

    def until_acknowledged(self, signal: tuple[str, str]) -> float:
        started = perf_counter()
        answer = self.approve(signal)
        if answer.status_code != 201:
            raise AssertionError(f"{answer.status_code}: {answer.text[:300]}")
        acknowledged = Order.objects.filter(pk=answer.json()["order"], acknowledged_at__isnull=False)
        while not acknowledged.exists():
            if perf_counter() - started > PATIENCE:
                raise AssertionError(f"{Order.objects.get(pk=answer.json()['order']).__dict__}")
            time.sleep(0.005)
        return perf_counter() - started

    def at_a_rate(self, count: int) -> tuple[float, list[str]]:
        """So many approvals, ten a second whatever becomes of those before: seconds, and what failed."""
        errors: list[str] = []

        def decide(number: int) -> None:
            time.sleep(max(0.0, began + number / A_SECOND - perf_counter()))
            answer = self.approve(self.waiting[number])
            if answer.status_code != 201:
                errors.append(f"{answer.status_code}: {answer.text[:300]}")

        began = perf_counter()
        with ThreadPoolExecutor(20) as pool:
            list(pool.map(decide, range(count)))
        return perf_counter() - began, errors

    def settle(self) -> None:
        """Every order has reached the broker once."""
        deadline = perf_counter() + PATIENCE
        open_ = Order.objects.filter(acknowledged_at=None)
        while open_.exists() and perf_counter() < deadline:
            time.sleep(0.05)
        if open_.exists() or Order.objects.count() != TradeApproval.objects.count():
            raise AssertionError(f"{open_.count()} orders have not reached the broker.")


@contextmanager
def desk(
    symbols: Sequence[str], broker: str = "paper", equity: str = EQUITY, **changes: object
) -> Iterator[Trader]:
    """As many signals that wait as there will be decisions, each on an instrument of its own.

    `changes`: of settings.
    """
    now = timezone.now()
    sessions(now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=20), 60)
    make.ready(now, equity=equity, broker=broker)
    Quote.objects.bulk_create(_quote(symbol, now) for symbol in symbols)
    signals = [make.signal(symbol, expires_at=now + timedelta(hours=6)) for symbol in symbols]
    user = User.objects.create_user("benchmark")
    user.user_permissions.set(Permission.objects.filter(codename__in=["add_tradeapproval"]))
    token = make.token(user, expiry=timedelta(hours=1))
    waiting = [
        (str(signal.pk), version(signal, now, is_conflicting=False, opinion_id=None)) for signal in signals
    ]
    with override_settings(**ROOM | changes), _durable(), _server() as address:
        yield Trader(address, token, waiting)
    execute(f"TRUNCATE {WRITTEN} CASCADE")
    user.delete()


def _quote(symbol: str, now: datetime) -> Quote:
    source = {"provider": "simulator", "feed": "simulated", "received_at": now, "as_of": now}
    return Quote(symbol=symbol, price=185.60, **source)


@contextmanager
def _durable() -> Iterator[None]:
    """Commits wait for the disk."""
    options = connections.settings["default"]["OPTIONS"].pop("options", None)
    connection.close()
    try:
        yield
    finally:
        connections.settings["default"]["OPTIONS"] |= {"options": options} if options else {}
        connection.close()


@contextmanager
def _server() -> Iterator[str]:
    server = LiveServerThread("127.0.0.1", StaticFilesHandler)
    server.daemon = True
    server.start()
    server.is_ready.wait()
    try:
        yield f"http://127.0.0.1:{server.port}"
    finally:
        server.terminate()
