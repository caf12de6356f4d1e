"""The scorecard over both ledgers, asked of the whole site through Django's test client, in this process.

Login, filters, three queries over all outcomes and JSON, but no socket. Of five 95th percentiles the median
counts.
"""

import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone
from knox.models import AuthToken

from benchmarks.measure import Result, seconds
from benchmarks.tables import execute

ADDRESSES = {
    "scorecard": "/api/v1/scorecard/",
    "scorecard by symbol": "/api/v1/scorecard/?by=symbol",
}
ALLOWED_SECONDS = 0.300
TRADERS = 3


def scorecard(size: int) -> list[Result]:
    """`size` outcomes, half of them in each ledger, of 50 symbols, three strategies and two timeframes.

    One symbol more has so few that its decisions are listed.
    """
    rounds, requests = (5, 40) if size > 1_000 else (1, 20)
    with _client() as client:
        fill(size // 2)
        return [
            Result(
                name, _p95(client, address, rounds, requests), ALLOWED_SECONDS, 1.0, note=f"{size:,} outcomes"
            )
            for name, address in ADDRESSES.items()
        ]


def _p95(client: Client, address: str, rounds: int, requests: int) -> float:
    turns = [[seconds(lambda: _ask(client, address)) for _ in range(requests)] for _ in range(rounds)]
    return statistics.median(statistics.quantiles(taken, n=20)[-1] for taken in turns)


def _ask(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200 or not answer.json()["results"]:
        raise AssertionError(f"{answer.status_code}: {answer.content[:200]!r}")


@contextmanager
def _client() -> Iterator[Client]:
    """A client with a token that may read."""
    user = User.objects.create_user("benchmark")
    user.user_permissions.add(Permission.objects.get(codename="view_outcome"))
    _, token = AuthToken.objects.create(user, expiry=timedelta(hours=1))
    yield Client(SERVER_NAME="localhost", headers={"Authorization": f"Token {token}"})
    user.delete()


def fill(signals: int) -> None:
    """Signals with a row in either ledger; a third each was approved, rejected, expired."""
    execute("TRUNCATE outcomes, trade_approvals, strategy_signals CASCADE")
    User.objects.bulk_create((User(username=f"trader {n}") for n in range(TRADERS)), ignore_conflicts=True)
    with connection.cursor() as cursor:
        cursor.execute(SIGNALS, {"size": signals, "at": timezone.now()})
    execute(OUTCOMES)
    execute("ANALYZE strategy_signals, outcomes")


SIGNALS = """
    INSERT INTO strategy_signals (
        id, symbol, strategy_id, timeframe, bar_opened_at, signal_type, confidence,
        entry_price, stop_loss, take_profit, second_target, reasoning, indicators, parameters,
        provider, feed, bars_digest, generated_at, expires_at, created_at, status, ended_at, ended_reason
    )
    SELECT gen_random_uuid(),
        CASE WHEN n < 60 THEN 'RARE' ELSE 'B' || lpad((n %% 50)::text, 5, '0') END,
        'strategy_' || n / 50 %% 3,
        (ARRAY['15m', '1d'])[1 + n / 150 %% 2], closed_at - interval '15 minutes', 'BUY',
        (ARRAY[0.6, 0.7, 0.75, 0.85, 0.95])[1 + n / 7 %% 5], 100, 98, 103, 105,
        repeat('RSI 28.1 is oversold. ', 8), '{"price": 100.0, "atr": 1.0, "rsi": 28.1}', '{}',
        'simulator', 'simulated', md5(n::text), closed_at, closed_at + interval '1 day', closed_at,
        (ARRAY['approved', 'rejected', 'expired'])[1 + n / 11 %% 3], closed_at + interval '1 hour', 'n ' || n
    FROM (
        SELECT n, %(at)s - n * interval '1 minute' AS closed_at FROM generate_series(1, %(size)s) AS n
    ) AS numbered
"""

# The scorecard does not read the decisions themselves, so the rows do without them.
OUTCOMES = """
    INSERT INTO outcomes (
        signal_id, ledger, "group", symbol, strategy_id, timeframe, confidence, generated_at, decided_by_id,
        since, played_on, "end", race, r, entered_at, exited_at, entry, exit, is_final, is_race_final, luck,
        candles_version, computed_at
    )
    SELECT played.id, ledger, status, symbol, strategy_id, timeframe, confidence, generated_at,
        CASE WHEN status <> 'expired' THEN traders.id END, ended_at, '15m', ended, ended,
        CASE WHEN ended > 0 THEN (ARRAY[1.48, -1.02, 0.3, 0.2, 0.1])[ended] END,
        ended_at, ended_at, 100, 101, ended <> 0, ended <> 0, 0.4, 1, ended_at
    FROM (
        SELECT *, (ARRAY[1, 2, 1, 2, 2, 3, 4, 5, -1, 0])[1 + abs(hashtext(ledger || id::text)) % 10] AS ended
        FROM strategy_signals CROSS JOIN (VALUES ('signal'), ('decision')) AS ledgers (ledger)
    ) AS played
    JOIN (SELECT id, row_number() OVER () - 1 AS number FROM auth_user WHERE username LIKE 'trader %')
        AS traders ON traders.number = abs(hashtext(symbol::text)) % 3
"""
