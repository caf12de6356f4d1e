"""Every page, asked of the whole site through Django's test client, in this process.

Session, permissions, queries, template and compression, but no socket and no browser. 500 instruments are
watched, as many signals wait, ten positions are held, 20,000 outcomes are counted. The median of three p95 is
what counts.
"""

import gc
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Value
from django.db.models.functions import Concat
from django.test import Client
from django.utils import timezone

from approvals.models import Order
from benchmarks import scorecards
from benchmarks.measure import Result, seconds
from benchmarks.tables import execute, instruments
from desk.refresh import SEEN
from jaxsite.web.server import spare_the_collector
from market.models import Instrument, Quote, TradingSession
from signals.models import Signal
from tests import make

MOST = 500  # instruments, and signals that wait
HELD = 10
PAGE_SECONDS, UPDATE_SECONDS, UPDATE_KB = 0.060, 0.030, 20.0
QUARTER = timedelta(minutes=15)
DESK = "/"

CANDLES = """
INSERT INTO candles (
    symbol, timeframe, opened_at, open, high, low, close, volume, provider, feed, session, is_final, suspect
)
SELECT symbol, %(timeframe)s, %(newest)s - n * %(step)s, price, price + 0.4, price - 0.4, price + 0.2,
    1000 + n %% 700, 'simulator', 'simulated', 'regular', true, false
FROM instruments
CROSS JOIN LATERAL (
    SELECT n, 100 + 5 * sin(n / 9.0 + hashtext(symbol) %% 100) + random() AS price
    FROM generate_series(0, %(bars)s - 1) AS n
) AS made
WHERE watched
"""


def pages(size: int) -> list[Result]:
    """Each page over `size` candles. The last two are the desk's update, in time and in size."""
    count = min(MOST, max(size // 100, 2))
    rounds, requests = (3, 40) if count == MOST else (1, 2)
    with _world(size, count) as (client, addresses):
        note = f"{size:,} candles"
        results = [
            Result(f"pages {name}", _p95(client, address, rounds, requests), PAGE_SECONDS, 1.0, note=note)
            for name, address in addresses.items()
        ]
        client.defaults[f"HTTP_{SEEN.upper().replace('-', '_')}"] = "another version"
        taken = _p95(client, DESK, rounds, requests)
        kilobytes = len(client.get(DESK).content) / 1000
        return [
            *results,
            Result("pages update", taken, UPDATE_SECONDS, 1.0, note=note),
            Result("pages update size", kilobytes, UPDATE_KB, 1.0, "kB", "as it is sent"),
        ]


def _p95(client: Client, address: str, rounds: int, requests: int) -> float:
    _ask(client, address)  # the template is compiled, the first look is noted
    turns = [[seconds(lambda: _ask(client, address)) for _ in range(requests)] for _ in range(rounds)]
    return statistics.median(statistics.quantiles(taken, n=20)[-1] for taken in turns)


def _ask(client: Client, address: str) -> None:
    answer = client.get(address)
    if answer.status_code != 200:
        raise AssertionError(f"{address}: {answer.status_code}: {answer.content[:200]!r}")


@contextmanager
def _world(size: int, count: int) -> Iterator[tuple[Client, dict[str, str]]]:
    """A client that is logged in, and the address of each page."""
    at = timezone.now().replace(microsecond=0)
    execute("TRUNCATE candles, quotes, orders, fills, outcomes, trade_approvals, strategy_signals CASCADE")
    scorecards.fill(10_000 if count == MOST else 100)
    execute("UPDATE outcomes SET strategy_id = 'macd_crossover_v1' WHERE strategy_id = 'strategy_1'")
    symbols = instruments(count)
    Instrument.objects.update(watched=False)
    named = Concat(Value("The company of "), "symbol", Value(", Inc."))
    Instrument.objects.filter(symbol__in=symbols).update(watched=True, name=named)
    TradingSession.objects.filter(calendar="24/7").delete()  # those of another benchmark
    make.round_the_clock(at)
    make.ready(at, equity="10000000")
    _candles(at, size, count)
    Quote.objects.all().delete()
    for number, symbol in enumerate(symbols):
        make.quote(symbol, round(101 + number / 300, 2), at)
    waiting = _signals(symbols, at)
    for symbol in symbols[:HELD]:
        make.held(symbol, 10, "100.00")
    for symbol in symbols[HELD : HELD + 2]:
        make.order(symbol, status=Order.Status.HELD, status_reason="Trading was halted.")
    if count == MOST:  # as a database is that has been running for a while
        execute("VACUUM ANALYZE")
        execute("CHECKPOINT")
    user = User.objects.create_superuser("benchmark")
    client = Client(SERVER_NAME="localhost", headers={"Accept-Encoding": "gzip"})
    client.force_login(user)
    thresholds = gc.get_threshold()
    spare_the_collector()  # as a web worker does
    instrument = f"/instruments/{symbols[-1]}/"
    try:
        yield (
            client,
            {
                "desk": DESK,
                "signals": "/signals/",
                "signal": f"/signals/{waiting}/",
                "signal chart": f"/signals/{waiting}/bars/",
                "instrument": f"{instrument}?timeframe=15m",
                "instrument chart": f"{instrument}bars/?timeframe=15m",
                "positions": "/positions/",
                "scorecard": "/scorecard/",
                "away": "/away/",
                "status": "/status/",
                "account": "/account/",
            },
        )
    finally:
        gc.unfreeze()
        gc.set_threshold(*thresholds)
        execute(
            "TRUNCATE candles, quotes, orders, fills, outcomes, trade_approvals, strategy_signals CASCADE"
        )
        user.delete()
        User.objects.filter(username="ann").delete()


def _candles(at: datetime, size: int, count: int) -> None:
    """One day in 26 is a daily bar, the others are quarters of an hour."""
    bars = max(size // count, 2)
    newest = at.replace(minute=at.minute // 15 * 15, second=0) - QUARTER
    midnight = at.replace(hour=0, minute=0, second=0) - make.DAY
    with connection.cursor() as cursor:
        for timeframe, first, step, number in (
            ("15m", newest, QUARTER, bars - bars // 26),
            ("1d", midnight, make.DAY, bars // 26 + 1),
        ):
            values: dict[str, Any] = {"timeframe": timeframe, "newest": first, "step": step}
            cursor.execute(CANDLES, {**values, "bars": number})


def _signals(symbols: list[str], at: datetime) -> str:
    """One that waits for each symbol; the id of the last one."""
    spoke = at.replace(minute=at.minute // 15 * 15, second=0) - 2 * QUARTER
    levels = {"entry_price": 101, "stop_loss": 99, "take_profit": 104, "second_target": 106}
    fields = {"strategy_id": "macd_crossover_v1", "confidence": Decimal("0.95")}  # as many that have ended
    times = {"bar_opened_at": spoke, "generated_at": at, "created_at": at, "expires_at": at + make.DAY}
    signals = [make.signal(symbol, timeframe="15m", **fields, **levels, **times) for symbol in symbols]
    return str(Signal.objects.get(pk=signals[-1].pk).pk)
