"""The first page of pending signals beside few and beside many signals that have ended.

Asked of the whole site through Django's test client, in this process: login, filters, count, rows and JSON,
but no socket. Both tables are there at once and take turns with every request, so that a busy moment meets
both; of nine 95th percentiles the median counts.
"""

import statistics
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from benchmarks.measure import Result, seconds
from benchmarks.tables import execute

ADDRESS = "/api/v1/signals/?status=pending&limit=50"
PENDING, FEW = 300, 1_000
ALLOWED_SECONDS = 0.050


def first_page(size: int) -> list[Result]:
    """The page with `size` signals stored, 300 of them pending, against that with 1,000 stored."""
    sizes = {"few": FEW, "many": max(size, FEW)}
    rounds, requests = (9, 80) if size > FEW else (1, 20)
    with _stored(sizes), _client() as client:
        turns = [_p95(client, sizes, requests) for _ in range(rounds)]
    few, many = (statistics.median(turn[name] for turn in turns) for name in sizes)
    note = f"{sizes['many']:,} signals"
    return [
        Result("api.signals growth", many, few, 1.2, note=note),
        Result("api.signals p95", many, ALLOWED_SECONDS, 1.0, note=note),
    ]


def _p95(client: Client, schemas: Iterable[str], requests: int) -> dict[str, float]:
    taken: dict[str, list[float]] = {name: [] for name in schemas}
    for _ in range(requests):
        for name, times in taken.items():
            execute(f"SET search_path TO {name}, public")
            times.append(seconds(lambda: _ask(client)))
    return {name: statistics.quantiles(times, n=20)[-1] for name, times in taken.items()}


def _ask(client: Client) -> None:
    answer = client.get(ADDRESS)
    if (answer.status_code, answer.json()["count"]) != (200, PENDING):
        raise AssertionError(f"{answer.status_code}: {answer.content[:200]!r}")


@contextmanager
def _client() -> Iterator[Client]:
    """A client with a token that may read signals."""
    user = User.objects.create_user("benchmark")
    user.user_permissions.add(Permission.objects.get(codename="view_signal"))
    _, token = AuthToken.objects.create(user, expiry=timedelta(hours=1))
    yield Client(SERVER_NAME="localhost", headers={"Authorization": f"Token {token}"})
    user.delete()


@contextmanager
def _stored(sizes: dict[str, int]) -> Iterator[None]:
    """Tables of signals of these sizes, each in a schema of its name; gone afterwards."""
    for name, size in sizes.items():
        execute(
            f"CREATE SCHEMA {name};"
            f"CREATE TABLE {name}.strategy_signals (LIKE public.strategy_signals INCLUDING ALL)"
        )
        _fill(f"{name}.strategy_signals", size)
    try:
        yield
    finally:
        execute("SET search_path TO DEFAULT")
        for name in sizes:
            execute(f"DROP SCHEMA {name} CASCADE")


def _fill(table: str, size: int) -> None:
    """Signals of 50 symbols, three strategies and two timeframes, one a minute; the newest are pending."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {table} (
                id, symbol, strategy_id, timeframe, bar_opened_at, signal_type, confidence,
                entry_price, stop_loss, take_profit, second_target, reasoning, indicators, parameters,
                provider, feed, bars_digest, generated_at, expires_at, created_at,
                status, ended_at, ended_reason
            )
            SELECT gen_random_uuid(), 'B' || lpad((n %% 50)::text, 5, '0'), 'strategy_' || n / 50 %% 3,
                (ARRAY['15m', '1d'])[1 + n / 150 %% 2], closed_at - interval '15 minutes', side,
                0.6 + n %% 40 / 100.0, 100, 100 - way * 2, 100 + way * 3, 100 + way * 5,
                repeat('RSI 28.1 is oversold. ', 8), '{{"price": 100.0, "atr": 1.0, "rsi": 28.1}}', '{{}}',
                'simulator', 'simulated', md5(n::text), closed_at, closed_at + interval '1 day', closed_at,
                CASE WHEN n < %(pending)s THEN 'pending' ELSE 'expired' END,
                CASE WHEN n < %(pending)s THEN NULL ELSE closed_at + interval '1 day' END,
                CASE WHEN n < %(pending)s THEN '' ELSE 'nobody decided in time' END
            FROM (
                SELECT n, %(at)s - n * interval '1 minute' AS closed_at,
                    CASE n / 50 %% 2 WHEN 0 THEN 'BUY' ELSE 'SELL' END AS side,
                    CASE n / 50 %% 2 WHEN 0 THEN 1 ELSE -1 END AS way
                FROM generate_series(%(size)s - 1, 0, -1) AS n
            ) AS numbered
            """,
            {"size": size, "pending": PENDING, "at": timezone.now()},
        )
    execute(f"ANALYZE {table}")
