"""Many decide at once: one wins."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from functools import partial
from threading import Barrier

import pytest
import requests
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ
from pytest_django.live_server_helper import LiveServer

from approvals import decisions
from approvals.models import Order, TradeApproval
from signals import lifecycle
from signals.models import Signal
from tests import make

pytestmark = pytest.mark.django_db(transaction=True)

CLIENTS = 50


@pytest.fixture
def signal() -> Signal:
    now = timezone.now()
    make.only("AAPL", calendar="24/7")
    make.round_the_clock(now)
    make.quote("AAPL", 185.60, now)
    make.ready(now)
    return make.signal(expires_at=now + timedelta(hours=1))


def at_once(acts: list[Callable[[], int]]) -> list[int]:
    """Return each act in a thread of its own, all started at the same moment."""
    barrier = Barrier(len(acts))

    def wait_and(act: Callable[[], int]) -> int:
        barrier.wait()
        try:
            return act()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(wait_and, acts))


def test_of_fifty_clients_that_approve_and_reject_one_wins(signal: Signal, live_server: LiveServer) -> None:
    token = make.token(make.trader())
    address = f"{live_server.url}/api/v1/signals/{signal.pk}"
    etag = f'"{decisions.etag_of(signal, timezone.now())}"'
    headers = {"Authorization": f"Token {token}", "If-Match": etag}

    def post(act: str, body: dict[str, str]) -> int:
        while True:  # a server that fifty call at once may reset some before it has read them
            with suppress(requests.ConnectionError):
                answer = requests.post(f"{address}/{act}/", json=body, headers=headers, timeout=60)
                return answer.status_code

    approve, reject = partial(post, "approve", {}), partial(post, "reject", {"reason": "news"})
    answers = Counter(at_once([approve, reject] * (CLIENTS // 2)))
    assert answers == {201: 1, 409: CLIENTS - 1}
    approval = TradeApproval.objects.get()
    assert Order.objects.count() == OrmQ.objects.count() == int(approval.approved)


def test_an_approval_and_an_expiry_in_the_same_instant_have_one_winner(signal: Signal) -> None:
    trader, ends = make.trader(), signal.expires_at
    just_before = ends - timedelta(microseconds=1)
    make.ready(just_before)
    make.quote("MSFT", 185.60, just_before)
    make.instrument("MSFT", "24/7")
    signals = [
        make.signal("MSFT", expires_at=ends, timeframe=name) for name in ("1m", "5m", "15m", "1h", "1w")
    ]

    def approve(signal: Signal) -> int:
        try:
            etag = decisions.etag_of(signal, just_before)
            decisions.approve(signal.pk, by=trader, seen=etag, at=just_before)
        except lifecycle.NotPending:
            return 0
        return 1

    for contested in signals:
        won, _ = at_once([lambda signal=contested: approve(signal), lambda: bool(lifecycle.sweep(ends))])  # type: ignore[misc]
        contested.refresh_from_db()
        assert contested.status == ("approved" if won else "expired")
        Order.objects.update(status="cancelled", ended_at=ends)
    assert TradeApproval.objects.count() == Order.objects.count()
