"""Backtests that the queue runs: each once, and none is left running by a worker that died."""

import time
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django_q.tasks import async_task

from core import locks
from market import faults
from market.models import Fault, SymbolChange
from market.prices import Timeframe
from signals.backtest.report import RANDOM_DRAWS, report
from signals.backtest.setup import COST_BPS, Setup, checked
from signals.backtest.studies import studies
from signals.models import Backtest
from signals.strategies import STRATEGIES, BadParameters, StrategyFailed
from signals.trades import Rules

LOST_AFTER = timedelta(days=1)
DIED = "It ended with an error that the worker's log tells, or its worker was killed. Ask for it again."
LOST = "No worker started it within a day: the worker of the slow queue may not be running. Ask for it again."

Status = Backtest.Status


def request(
    *,
    strategy_id: str,
    timeframe: str,
    symbols: Sequence[str],
    since: date | None = None,
    until: date | None = None,
    parameters: Mapping[str, object] | None = None,
    minimum_confidence: Decimal | float | None = None,
    cost_bps: float = COST_BPS,
    by: User | None,
    at: datetime,
) -> Backtest:
    """Queue a backtest. What is None is taken from the configuration. Raises BacktestRefused."""
    setup = checked(
        strategy_id=strategy_id,
        timeframe=timeframe,
        symbols=symbols,
        since=since,
        until=until,
        parameters=parameters,
        minimum_confidence=minimum_confidence,
        cost_bps=cost_bps,
    )
    with transaction.atomic():
        test = Backtest.objects.create(requested_by=by, queued_at=at, **_columns(setup))
        named = {"task_name": f"signals.backtest {test.pk}", "group": "signals.backtest", "cluster": "slow"}
        async_task("signals.tasks.backtest", test.pk, q_options=named)
    return test


def run(test: Backtest, at: datetime) -> None:
    """Run a queued backtest. One that has ended, or is running, stays as it is."""
    begun, row = time.monotonic(), Backtest.objects.filter(pk=test.pk)
    with locks.held(_lock(test)) as is_held:
        if not is_held:
            return
        if not row.filter(status=Status.QUEUED).update(status=Status.RUNNING, started_at=at):
            _fail(row.filter(status=Status.RUNNING), DIED, at)
            return
        outcome: dict[str, Any] = {"status": Status.FAILED, "error": DIED}
        try:
            outcome = _outcome(test)
        finally:
            finished_at = at + timedelta(seconds=time.monotonic() - begun)
            row.filter(status=Status.RUNNING).update(finished_at=finished_at, **outcome)


def give_up(at: datetime) -> None:
    """Fail what a dead worker has left running, and what no worker has started."""
    isolation = faults.Isolation(Fault.Work.PRUNE, at)
    lost = Q(status=Status.QUEUED, queued_at__lt=at - LOST_AFTER)
    for test in Backtest.objects.filter(Q(status=Status.RUNNING) | lost).order_by("queued_at", "pk"):
        with isolation.of(test.pk, f"backtest {test}"):
            _give_up(test, at)


def _give_up(test: Backtest, at: datetime) -> None:
    row = Backtest.objects.filter(pk=test.pk)
    if test.status == Status.QUEUED:
        _fail(row.filter(status=Status.QUEUED), LOST, at)
        return
    with locks.held(_lock(test)) as is_held:
        if is_held:
            _fail(row.filter(status=Status.RUNNING), DIED, at)


def _lock(test: Backtest) -> str:
    return f"signals backtest {test.pk}"


def _fail(tests: "QuerySet[Backtest]", error: str, at: datetime) -> None:
    tests.update(status=Status.FAILED, error=error, finished_at=at)


def _outcome(test: Backtest) -> dict[str, Any]:
    try:
        setup = _setup(test)
    except (KeyError, BadParameters) as error:
        # Checked when it was asked for: this version of Jax is another one.
        return {"status": Status.FAILED, "error": f"The strategy has changed since: {error}"}
    try:
        finished_report = report(setup, studies(setup, draws=RANDOM_DRAWS))
    except StrategyFailed as failure:
        return {"status": Status.FAILED, "error": f"The strategy failed: {failure}"}
    return {
        "status": Status.COMPLETED,
        "result": {**finished_report.as_json(), "text": finished_report.text()},
    }


def _columns(setup: Setup) -> dict[str, Any]:
    return {
        "strategy_id": setup.strategy.id,
        "timeframe": setup.timeframe,
        "symbols": list(setup.symbols),
        "since": setup.since,
        "until": setup.until,
        "parameters": setup.parameters,
        "minimum_confidence": Decimal(str(setup.minimum_confidence)),
        "lifetime_bars": setup.lifetime_bars,
        "longest_holding_bars": setup.rules.longest,
        "flat_at_close": setup.rules.flat_at_close,
        "cost_bps": setup.rules.cost_bps,
    }


def _setup(test: Backtest) -> Setup:
    """Return what is asked for, of a share whose symbol has changed since under its new one."""
    names = SymbolChange.objects.current_names()
    return Setup(
        strategy=STRATEGIES[test.strategy_id].of(test.parameters),
        timeframe=Timeframe(test.timeframe),
        symbols=tuple(sorted({names.get(symbol, symbol) for symbol in test.symbols})),
        minimum_confidence=float(test.minimum_confidence),
        lifetime_bars=test.lifetime_bars,
        rules=Rules(test.longest_holding_bars, test.flat_at_close, test.cost_bps),
        since=test.since,
        until=test.until,
    )
