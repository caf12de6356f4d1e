"""The checklist over many signals beside reading their snapshots; recall among many memories; and what else
is queued while many runs wait for a slow model, in clusters of their own.
"""

import statistics
import time
from datetime import UTC, datetime, timedelta
from time import perf_counter
from typing import Any

from django.conf import settings
from django.db import connection
from django.test import override_settings
from django_q.models import OrmQ
from django_q.tasks import async_task

from benchmarks.candles import PROVIDER, walks
from benchmarks.measure import Result, alternate, seconds
from benchmarks.tables import execute, instruments, sessions
from benchmarks.workers import clusters
from market import store
from market.prices import Feed, Timeframe
from opinions import memory, queue, runs, snapshots
from opinions.memory import Question
from opinions.models import Memory, OrchestrationRun
from opinions.snapshots import Subject
from signals.models import Signal
from tests import vendors

BARS = 250
START = datetime(2024, 1, 1, tzinfo=UTC)
AT = START + timedelta(days=BARS, minutes=30)
BEHIND_ONE_SYMBOL = 10  # signals
RECALL_SECONDS = 0.050
SIGNALS = """
    INSERT INTO strategy_signals (
        id, symbol, strategy_id, timeframe, bar_opened_at, signal_type, confidence, entry_price, stop_loss,
        take_profit, second_target, reasoning, indicators, parameters, provider, feed, bars_digest,
        generated_at, expires_at, created_at, status, ended_reason
    )
    SELECT gen_random_uuid(), format('B%%s', lpad((n / %(each)s)::text, 5, '0')),
        format('strategy_%%s', n %% %(each)s), '1d', %(at)s - interval '1 day', 'BUY', 0.7, 100, 95, 110, 115,
        'Made for a benchmark.', '{"price": 100, "atr": 2.5, "volume_ratio": 1.2}', '{}', 'simulator',
        'simulated', '', %(at)s - interval '1 hour', %(at)s + interval '1 day', %(at)s, 'pending', ''
    FROM generate_series(0, %(size)s - 1) AS n
"""
# Three strategies, two timeframes, two sides, six regimes, fifty symbols, five years.
MEMORIES = """
    INSERT INTO memories (
        bank, kind, symbol, strategy_id, timeframe, side, regime, known_at, text, features, reference,
        created_at, attempts
    )
    SELECT 'jax', CASE n %% 2 WHEN 0 THEN 'outcome' ELSE 'decision' END, 'B' || n %% 50,
        'strategy_' || n %% 3, CASE (n / 7) %% 2 WHEN 0 THEN '1d' ELSE '15m' END,
        CASE (n / 3) %% 2 WHEN 0 THEN 'BUY' ELSE 'SELL' END, 'regime ' || (n / 11) %% 6,
        %(at)s - n * interval '26 minutes', format('Signal %%s of B%%s made %%s R. Note %%s.', n, n %% 50,
        n %% 4, md5(n::text)), '{"r": 1.0}', 'benchmark:' || n, %(at)s, 0
    FROM generate_series(1, %(size)s) AS n
"""

TASKS = {  # by cluster: what must not wait
    "jax": ("market.tasks.ingest", "signals.tasks.scan", "approvals.tasks.reconcile"),
    "slow": ("approvals.tasks.outcomes",),
}
BEHIND_SECONDS = 10.0
PATIENCE = 120.0
NEVER = 3_600.0  # seconds: longer than anybody waits


def analyses(size: int) -> list[Result]:
    """`size` pending daily signals, ten for each symbol with its year of bars, asked about and recorded."""
    execute("TRUNCATE candles, candle_versions, orchestration_runs, strategy_signals, instruments CASCADE")
    symbols = instruments(-(-size // BEHIND_ONE_SYMBOL))
    sessions(START, BARS + 40)
    bars = walks(symbols, BARS, Timeframe.D1)
    store.write_candles(bars, Timeframe.D1, provider=PROVIDER, feed=Feed.SIMULATED)
    _run(SIGNALS, size=size, each=BEHIND_ONE_SYMBOL)
    execute("ANALYZE")

    def reading() -> float:
        subjects = [
            Subject.of(OrchestrationRun(symbol=signal.symbol, signal=signal)) for signal in _signals()
        ]
        return seconds(lambda: snapshots.take(subjects, AT))

    def consult() -> float:
        execute("DELETE FROM orchestration_runs")
        for table in ("orchestration_runs", "strategy_signals"):
            execute(f"VACUUM {table}")  # of the dead rows of the round before
        OrchestrationRun.objects.bulk_create(_asked(signal) for signal in _signals())
        taken = seconds(lambda: runs.work(AT, list))
        done = OrchestrationRun.objects.filter(status=OrchestrationRun.Status.COMPLETED).count()
        if done != size:
            raise AssertionError(f"{done} of {size} runs were completed.")
        return taken

    median = alternate({"reading": reading, "consulting": consult})
    note = f"{size / median['consulting']:,.0f} analyses/s"
    return [Result("opinions.rules", median["consulting"], median["reading"], 3.0, note=note)]


def recall(size: int) -> list[Result]:
    """The cases alike to one signal among `size`: by likeness alone, and with words, too."""
    execute("TRUNCATE memories")
    _run(MEMORIES, size=size)
    execute("ANALYZE memories")
    count = 200 if size > 1_000 else 20
    return [
        Result(name, _p95(count, words), RECALL_SECONDS, 1.0, note=f"{size:,} memories")
        for name, words in (("opinions.recall", ""), ("opinions.recall words", "signal or note or earnings"))
    ]


def fair(size: int) -> list[Result]:
    """From queueing a task to its end, while `size` runs wait for a model that does not answer, and without.

    A user asked for each run, so that there are as many tasks that want to work on them.
    """
    execute("TRUNCATE orchestration_runs, django_q_ormq CASCADE")
    symbols, turns = instruments(size), 5 if size > 100 else 1
    with vendors.OpenAI(latency=NEVER) as model, clusters(*TASKS, changes=_model(model)):
        for name in TASKS:
            _turns(name, 1)  # everything is loaded
        idle = {name: _turns(name, turns) for name in TASKS}
        with override_settings(**_model(model)):
            for symbol in symbols:
                queue.request(symbol, AT, trigger=OrchestrationRun.Trigger.MANUAL, analyst="llm")
                queue.go_on()
        behind = _until_done("slow", TASKS["slow"][0])
        _until_asked(model, settings.ORCHESTRATION_CONCURRENCY)
        busy = {name: _turns(name, turns) for name in TASKS}
        waiting = OrchestrationRun.objects.filter(status=OrchestrationRun.Status.QUEUED).count()
        if len(model.visits) != settings.ORCHESTRATION_CONCURRENCY or waiting != size - len(model.visits):
            raise AssertionError(f"{waiting} runs wait, {len(model.visits)} are at work.")
    execute("TRUNCATE orchestration_runs, django_q_ormq CASCADE")
    note = f"{waiting} wait"
    median = {name: statistics.median(idle[name]) for name in TASKS}
    return [
        *(
            Result(f"opinions.fair {name}", statistics.median(busy[name]), median[name], 2.0, note=note)
            for name in TASKS
        ),
        # As many tasks are before it, and each finds every analyst busy.
        Result("opinions.fair behind", behind, BEHIND_SECONDS, 1.0, note=note),
    ]


def _model(model: vendors.OpenAI) -> dict[str, str]:
    """Settings that name this model."""
    return {"LLM_BASE_URL": f"{model.url}/v1", "LLM_MODEL": "honest"}


def _turns(cluster: str, count: int) -> list[float]:
    return [_until_done(cluster, task) for _ in range(count) for task in TASKS[cluster]]


def _until_done(cluster: str, task: str) -> float:
    """Seconds from queueing a task until the cluster is done with it."""
    began = perf_counter()
    async_task(task, q_options={} if cluster == "jax" else {"cluster": cluster})
    queued = OrmQ.objects.filter(pk=OrmQ.objects.latest("pk").pk)
    while queued.exists():
        if perf_counter() - began > PATIENCE:
            raise AssertionError(f"{task} was not done within {PATIENCE:g} s.")
        time.sleep(0.005)
    return perf_counter() - began


def _until_asked(model: vendors.OpenAI, often: int) -> None:
    deadline = perf_counter() + PATIENCE
    while len(model.visits) < often and perf_counter() < deadline:
        time.sleep(0.05)


def _p95(count: int, words: str) -> float:
    taken = [seconds(lambda n=n: _recalled(n, words)) for n in range(count)]  # type: ignore[misc]  # bound now
    return statistics.quantiles(taken, n=20)[-1]


def _recalled(n: int, words: str) -> list[Memory]:
    about = (f"strategy_{n % 3}", ("1d", "15m")[n % 2], ("BUY", "SELL")[n // 3 % 2], f"regime {n % 6}")
    [memories] = memory.recall([Question(f"B{n % 50}", AT, *about, words)])
    return memories


def _signals() -> list[Signal]:
    return list(Signal.objects.order_by("pk"))


def _asked(signal: Signal) -> OrchestrationRun:
    about = {"symbol": signal.symbol, "analyst": "rules", "trigger_type": OrchestrationRun.Trigger.SIGNAL}
    return OrchestrationRun(signal=signal, queued_at=AT, **about)


def _run(statement: str, **values: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"at": AT, **values})
