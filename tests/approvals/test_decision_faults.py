"""A web server that is killed during a decision: all of it is kept, or nothing."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta

import pytest
import requests
from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ

from approvals import decisions
from approvals.models import AuditEvent, Order, TradeApproval
from signals.models import Signal
from tests import make
from tests.jaxsite.processes import eventually
from tests.web import Web, running

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.django_db(transaction=True)]

WAITING = """
SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
WHERE datname = current_database() AND locktype = 'advisory' AND NOT granted
"""


def approve(web: Web, signal: Signal, etag: str, token: str) -> int:
    headers = {"Authorization": f"Token {token}", "If-Match": f'"{etag}"'}
    address = f"{web.url}/api/v1/signals/{signal.pk}/approve/"
    with suppress(requests.ConnectionError):
        return requests.post(address, json={}, headers=headers, timeout=60).status_code
    return 0


@pytest.fixture
def web() -> Iterator[Web]:
    with running() as started:
        yield started


@pytest.fixture
def signal() -> Signal:
    now = timezone.now()
    make.only("AAPL", calendar="24/7")
    make.round_the_clock(now)
    make.quote("AAPL", 185.60, now)
    make.ready(now)
    return make.signal(expires_at=now + timedelta(hours=1))


@contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold the lock, so that no other transaction gets it meanwhile."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
        yield


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(WAITING)
        return bool(cursor.fetchone()[0])


def test_killed_before_the_commit_nothing_is_kept_and_it_can_be_decided_again(
    web: Web, signal: Signal
) -> None:
    """Everything is written by then, and the event in the chain waits for its turn."""
    token = make.token(make.trader())
    etag = decisions.etag_of(signal, timezone.now())
    with ThreadPoolExecutor(1) as pool, lock("approvals.audit"):
        answer = pool.submit(approve, web, signal, etag, token)
        eventually(is_waited_for)
        web.kill()
        assert answer.result() == 0
    eventually(lambda: not is_waited_for())
    signal.refresh_from_db()
    kept = [kind._default_manager.count() for kind in (TradeApproval, Order, OrmQ, AuditEvent)]
    assert (signal.status, kept) == ("pending", [0, 0, 0, 0])

    with running() as again:
        assert approve(again, signal, etag, token) == 201
    kept = [kind._default_manager.count() for kind in (TradeApproval, Order, OrmQ)]
    assert kept == [1, 1, 1]
