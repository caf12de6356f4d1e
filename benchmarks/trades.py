"""The trades page and its files over many fills, asked of the whole site through Django's test client.

The median of three 95th percentiles of the page is held against its limit, the median of three for the files.
"""

import statistics
from datetime import timedelta

from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from approvals.positions import trades
from approvals.roles import TRADER
from benchmarks import scorecards
from benchmarks.measure import ROUNDS, Result, seconds
from benchmarks.tables import execute, instruments

FILES = {
    "trades file": "/trades/export/",
    "trades lots, fifo": "/trades/tax-lots/?method=fifo&washes=on",
    "trades lots, lifo": "/trades/tax-lots/?method=lifo&washes=on",
}
PAGE_SECONDS, FILE_SECONDS, COMPUTE_SECONDS = 0.300, 3.0, 60.0


def closed(size: int) -> list[Result]:
    """`size` fills of 50 symbols, half of them entries, each order closed by its target."""
    instruments(50)
    fill(size // 2)
    user = User.objects.create_user("benchmark")
    user.groups.add(Group.objects.get(name=TRADER))
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    note = f"{size:,} fills"
    computed = seconds(lambda: trades.refresh(timezone.now() + timedelta(days=2)))
    results = [Result("trades, first time", computed, COMPUTE_SECONDS, 1.0, note=note)]
    results += [Result("trades page", _p95(client), PAGE_SECONDS, 1.0, note=note)]
    for name, address in FILES.items():
        taken = statistics.median(seconds(lambda: _ask(client, address)) for _ in range(ROUNDS))  # noqa: B023  asked at once
        results.append(Result(name, taken, FILE_SECONDS, 1.0, note=note))
    execute("TRUNCATE trades, fills, orders, trade_approvals, outcomes, strategy_signals CASCADE")
    user.delete()
    return results


def _p95(client: Client) -> float:
    turns = [[seconds(lambda: _ask(client, "/trades/")) for _ in range(20)] for _ in range(ROUNDS)]
    return statistics.median(statistics.quantiles(taken, n=20)[-1] for taken in turns)


def _ask(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200 or b"B00001" not in answer.content:
        raise AssertionError(f"{answer.status_code}: {answer.content[:200]!r}")


def fill(orders: int) -> None:
    """Orders of 10 to 19 shares an hour apart, each filled at once and closed 30 minutes later."""
    scorecards.fill(orders)
    execute("TRUNCATE trades, fills, orders CASCADE")
    execute(APPROVALS)
    execute(ORDERS)
    with connection.cursor() as cursor:
        cursor.execute(FILLS)
    execute("ANALYZE trade_approvals, orders, fills")


APPROVALS = """
    INSERT INTO trade_approvals (
        signal_id, approved, approved_by_id, approved_at, reason, modification_notes, etag,
        proposed, decided, shown
    )
    SELECT id, true, (SELECT min(id) FROM auth_user), generated_at, '', '', 'seen', '{}', '{}', '{}'
    FROM strategy_signals
"""
ORDERS = """
    INSERT INTO orders (
        id, kind, approval_id, symbol, side, quantity, currency, limit_price, stop_loss, take_profit,
        status, status_reason, broker, broker_order_id, filled_quantity, exits_working, requested_by_id,
        created_at, submitted_at, ended_at, cancel_exits, lookups, is_part
    )
    SELECT gen_random_uuid(), 'entry', id, 'B' || lpad((id % 50)::text, 5, '0'), 'BUY', 10 + id % 10, 'USD',
        100, 98, 103, 'filled', '', 'paper', '', 10 + id % 10, false, approved_by_id,
        moment, moment, moment, false, 0, false
    FROM (SELECT *, now() - id * interval '1 hour' AS moment FROM trade_approvals) AS approved
"""
FILLS = """
    INSERT INTO fills (
        order_id, leg, broker, execution_id, symbol, side, quantity, price, commission, executed_at,
        recorded_at, commission_unknown
    )
    SELECT id, leg, 'paper', id || leg, symbol, way, quantity, price + approval_id % 7, 1, at, at, ''
    FROM orders CROSS JOIN LATERAL (
        VALUES ('entry', 'BUY', 100, created_at), ('target', 'SELL', 101, created_at + interval '30 minutes')
    ) AS legs (leg, way, price, at)
"""
