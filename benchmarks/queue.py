"""The queue: how soon a task starts, how many end in a second, and what it costs while nothing is to do."""

import statistics
import time
from datetime import datetime
from time import perf_counter

from django.db import connection, transaction
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from benchmarks.measure import Result, seconds
from benchmarks.tables import execute
from benchmarks.workers import clusters

START_SECONDS = 0.120
A_TASK_SECONDS = 1 / 350  # django-q2's own processes ended that many in a second, with the same settings
IDLE_TRANSACTIONS = 12.0  # a second
PATIENCE = 120.0
SETTLED = 11.0  # seconds until the server has counted every transaction: an idle session tells after 10
NOTE = "benchmarks.queue.note"
TABLE = "CREATE TABLE IF NOT EXISTS benchmark_tasks (queued_at timestamptz, started_at timestamptz)"
TRANSACTIONS = """
SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()
"""


def note(queued_at: datetime) -> None:
    """The task: store when it starts."""
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO benchmark_tasks VALUES (%s, clock_timestamp())", [queued_at])


def figures(size: int) -> list[Result]:
    """`size` tasks one by one, ten times as many at once, and then none for a while."""
    execute(TABLE)
    execute("TRUNCATE django_q_ormq, benchmark_tasks")
    with clusters("jax"):
        _one_by_one(1)  # everything is loaded and connected
        execute("TRUNCATE benchmark_tasks")
        starts = _one_by_one(size)
        a_task = _many(size * 10)
        idle = _idle_transactions(size / 5)
    execute("DROP TABLE benchmark_tasks")
    return [
        Result("queue start p95", statistics.quantiles(starts, n=20)[-1], START_SECONDS, 1.0),
        Result("queue task", a_task, A_TASK_SECONDS, 1.0, note=f"{1 / a_task:,.0f} tasks/s"),
        Result("queue idle", idle, IDLE_TRANSACTIONS, 1.0, unit="tx/s"),
    ]


def _one_by_one(count: int) -> list[float]:
    """Return the seconds from queuing each to its start; they come at any moment between two looks."""
    for number in range(count):
        async_task(NOTE, timezone.now())
        _settle()
        time.sleep(number % 10 / 100)
    with connection.cursor() as cursor:
        cursor.execute("SELECT extract(epoch FROM started_at - queued_at)::float FROM benchmark_tasks")
        return [wait for (wait,) in cursor.fetchall()]


def _many(count: int) -> float:
    """Return the seconds for each of many: they are queued in one transaction, and taken from its end on."""
    with transaction.atomic():
        for _ in range(count):
            async_task(NOTE, timezone.now())
    return seconds(_settle) / count


def _idle_transactions(for_seconds: float) -> float:
    time.sleep(SETTLED)
    before, began = _stored_transactions(), perf_counter()
    time.sleep(for_seconds)
    return (_stored_transactions() - before) / (perf_counter() - began)


def _stored_transactions() -> int:
    with connection.cursor() as cursor:
        cursor.execute(TRANSACTIONS)
        (count,) = cursor.fetchone()
    return int(count)


def _settle() -> None:
    deadline = perf_counter() + PATIENCE
    while OrmQ.objects.exists():
        if perf_counter() > deadline:
            raise AssertionError(f"Tasks still wait after {PATIENCE:g} s.")
        time.sleep(0.005)
