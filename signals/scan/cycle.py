"""The scan: every strategy that is switched on evaluates the closed bars that are new and raises signals.

One scan at a time, timeframe by timeframe: what has changed is read as panels, evaluated, and its signals are
stored. A sweep only ends signals, and rechecks those whose bars have changed.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from django.contrib.auth.models import User
from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django_q.tasks import async_task

from core import locks
from market.prices import Flags, Instants, Timeframe, to_datetime, to_instant
from signals import lifecycle, queries, store
from signals.lifetimes import NEVER, Calendars
from signals.models import Scan, Signal, StrategyConfig
from signals.panel import DIGESTED, Panel, sessions_of
from signals.queries import Watched
from signals.scan import failures, raise_, revalidate
from signals.strategies import Strategy, StrategyFailed, failing_alone, ideas_of

logger = logging.getLogger(__name__)

LOCK = "signals scan"
PATIENCE = 5.0  # seconds: a sweep is over by then
LOST_AFTER = timedelta(hours=1)
UNSTORABLE = (DataError, IntegrityError)  # what a strategy said fits no column, or breaks a constraint
ROWS_AT_ONCE = 750_000  # bars in memory at once: they take some 100 MB while they are evaluated
SESSIONS_BEFORE, SESSIONS_AFTER = timedelta(days=60), timedelta(days=30)
COUNTED = (
    *("symbols", "evaluated", "warming_up", "stale", "split_pending"),
    *("ideas", "below_minimum", "late", "expired", "superseded", "stored"),
)


def request(*, by: User | None, at: datetime) -> Scan:
    """Queue a scan; return its row."""
    with transaction.atomic():
        scan = Scan.objects.create(
            trigger=Scan.Trigger.REQUEST,
            outcome=Scan.Outcome.QUEUED,
            requested_by=by,
            started_at=at,
        )
        async_task("signals.tasks.scan", scan.pk, q_options={"task_name": f"signals.scan {scan.pk}"})
    return scan


def sweep(at: datetime) -> dict[str, int]:
    """End what ends by itself or is no longer supported by its bars. A running scan does the same."""
    ended: Counter[str] = Counter()
    with locks.held(LOCK) as is_held:
        if is_held:
            ended.update(lifecycle.sweep(at))
            for timeframe, configs in _by_timeframe():
                ended.update(_recheck(timeframe, configs, at))
    return dict(ended)


def run(at: datetime, scan: Scan | None = None) -> Scan:
    """Scan what has changed since the last time. One at a time over all clusters: another one is skipped."""
    current, begun = scan or Scan(), time.monotonic()
    current.started_at = at
    with locks.held(LOCK, patience=PATIENCE) as is_held:
        if not is_held:
            current.outcome = Scan.Outcome.SKIPPED
        else:
            _mark_lost_scans(at)
            current.outcome = Scan.Outcome.RUNNING
            current.save()
            _scan(current, at)
            current.outcome = Scan.Outcome.FINISHED
        current.finished_at = at + timedelta(seconds=time.monotonic() - begun)
        current.save()
    if current.stored or current.ended:
        logger.info("scan: %s signals raised; ended: %s", current.stored, current.ended or "none")
    return current


def _mark_lost_scans(at: datetime) -> None:
    """Mark other running scans as broken: the lock is ours, so none of them is running."""
    running, queued = Q(outcome=Scan.Outcome.RUNNING), Q(outcome=Scan.Outcome.QUEUED)
    lost = running | (queued & Q(started_at__lt=at - LOST_AFTER))
    Scan.objects.filter(lost).update(outcome=Scan.Outcome.BROKEN, finished_at=at)


def _scan(scan: Scan, at: datetime) -> None:
    ended = Counter(lifecycle.sweep(at))
    for timeframe, configs in _by_timeframe():
        evaluated = _evaluate_timeframe(timeframe, configs, at)
        scan.counts += [plan.as_json() for plan in evaluated.plans]
        ended.update(evaluated.ended)
    # After a pause some bars behind the new signals may have traded their levels already.
    ended.update(lifecycle.end_traded(at))
    scan.ended = dict(ended)
    scan.evaluated = sum(count["evaluated"] for count in scan.counts)
    scan.stored = sum(count["stored"] for count in scan.counts)


def _by_timeframe() -> Iterator[tuple[Timeframe, list[StrategyConfig]]]:
    configs = StrategyConfig.objects.enabled().order_by("timeframe", "strategy_id")
    for timeframe, group in groupby(configs, lambda config: config.timeframe):
        yield Timeframe(timeframe), list(group)


# --- one timeframe of a scan ------------------------------------------------------------------------------


@dataclass
class Plan:
    """A configuration that is switched on, its strategy, and what a scan counts for it.

    `failure`: what went wrong in the strategy's own code, empty while nothing has. The scan goes on
    without it.
    """

    config: StrategyConfig
    strategy: Strategy
    needs: int
    remembers: int
    counts: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)  # an example for each count that needs one
    failure: str = ""

    @classmethod
    def of(cls, config: StrategyConfig) -> "Plan":
        """Raises StrategyFailed."""
        with failing_alone():
            strategy = config.strategy
            return cls(config, strategy, strategy.needs, strategy.remembers)

    def as_json(self) -> dict[str, Any]:
        key = {"strategy_id": self.config.strategy_id, "timeframe": self.config.timeframe}
        return key | {name: self.counts[name] for name in COUNTED} | {"reasons": self.reasons}

    def count(self, count: str, symbol: str, why: str) -> None:
        """Count a symbol that has no ideas, with the reason when it is the first."""
        self.counts[count] += 1
        self.reasons.setdefault(count, f"{symbol} {why}")


@dataclass(frozen=True)
class TimeframeScan:
    """What the scan of one timeframe works with.

    `window`: how many bars of a symbol are read. `ended`: how many pending signals ended, by reason.
    """

    timeframe: Timeframe
    plans: Sequence[Plan]
    calendars: Calendars
    window: int
    stale_before: Mapping[str, np.datetime64]
    at: datetime
    ended: Counter[str] = field(default_factory=Counter)


def _evaluate_timeframe(
    timeframe: Timeframe, configs: Sequence[StrategyConfig], at: datetime
) -> TimeframeScan:
    """Evaluate the configurations of one timeframe on all bars that are new, and store their signals."""
    rows = queries.watched(timeframe)
    calendars, todo = _calendars(rows, at), list(_plans(configs, partial(failures.record, at=at)))
    window, stale_before = _window(todo, calendars, timeframe), calendars.stale_before(timeframe, at)
    scan = TimeframeScan(timeframe, todo, calendars, window, stale_before, at)
    all_again = any(plan.config.needs_all_bars for plan in scan.plans)
    changed = [row for row in rows if not row.is_split_pending and (all_again or row.has_changed)]
    reached = {row.symbol: row for row in rows}
    for chunk in _chunks(changed, scan.window):
        reached |= {row.symbol: row for row in _evaluate_chunk(scan, chunk)}
    stale = {symbol for symbol, row in reached.items() if _is_stale(scan, row)}
    for plan in scan.plans:
        _count_silent(plan, list(reached.values()), stale)
    for plan in scan.plans:
        if plan.failure:
            failures.record(plan.config, plan.failure, at)
    if changed:
        evaluated = [plan.config for plan in scan.plans if not plan.failure]
        failures.clear(evaluated)
        StrategyConfig.objects.filter(pk__in=[config.pk for config in evaluated]).update(scanned_at=at)
    return scan


def _plans(configs: Sequence[StrategyConfig], fail: Callable[[StrategyConfig, str], None]) -> Iterator[Plan]:
    """Yield a plan for each; `fail` is told of a configuration that none can be made of."""
    for config in configs:
        try:
            yield Plan.of(config)
        except StrategyFailed as failure:
            fail(config, str(failure))


def _calendars(rows: Sequence[Watched], at: datetime) -> Calendars:
    return Calendars.load(
        {row.symbol: row.calendar for row in rows}, at - SESSIONS_BEFORE, at + SESSIONS_AFTER
    )


def _window(todo: Sequence[Plan], calendars: Calendars, timeframe: Timeframe) -> int:
    """Return how many bars of a symbol give the same ideas as its whole history."""
    slots = calendars.most_slots(timeframe)
    volumes = (sessions_of(plan.strategy.volume_period) * slots for plan in todo)
    needed = max([DIGESTED, *volumes, *(plan.remembers for plan in todo)])
    return needed + max((plan.config.lifetime_bars for plan in todo), default=0) + 2


def _chunks(rows: Sequence[Watched], window: int) -> Iterator[Sequence[Watched]]:
    size = max(1, ROWS_AT_ONCE // window)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _evaluate_chunk(scan: TimeframeScan, rows: Sequence[Watched]) -> list[Watched]:
    """Evaluate these instruments; return how far they are evaluated now."""
    panel = store.panel([row.symbol for row in rows], scan.timeframe, last=scan.window)
    reached = _reached(scan, panel, rows)
    current = np.array([not _is_stale(scan, row) for row in reached])
    through = np.array([NEVER if row.through is None else to_instant(row.through) for row in rows])
    with transaction.atomic():
        for plan in scan.plans:
            if not plan.failure:
                _evaluate_alone(scan, plan, panel, current, through)
        store.advance(scan.timeframe, reached)
    return reached


def _evaluate_alone(scan: TimeframeScan, plan: Plan, panel: Panel, current: Flags, through: Instants) -> None:
    """Evaluate a plan. If it fails, nothing of it is stored for these bars, and its plan says why."""
    try:
        with transaction.atomic():
            ended, counts = _evaluate(scan, plan, panel, current, through)
    except (StrategyFailed, *UNSTORABLE) as failure:
        plan.failure = plan.reasons["failed"] = str(failure).partition("\n")[0]
        return
    scan.ended.update(ended)
    plan.counts.update(counts)


def _evaluate(
    scan: TimeframeScan, plan: Plan, panel: Panel, current: Flags, through: Instants
) -> tuple[Counter[str], Counter[str]]:
    """Store a plan's signals; return how many pending ones ended by reason, and what is counted for it.

    `current`: which symbols of the panel are not stale. `through`: up to which bar each is evaluated.
    """
    ideas = ideas_of(plan.strategy, panel)
    ended = revalidate.revalidate(plan.config, panel, ideas, scan.calendars, scan.at)
    decidable, new = (bars & current[panel.symbol] for bars in _decidable_and_new(scan, plan, panel, through))
    counts = Counter(evaluated=int(new.sum()))
    ideas = ideas[(decidable | new)[ideas.row]]
    sifted = raise_.sift(plan.config, panel, ideas, scan.calendars, scan.at)
    counts.update(sifted.counted(new[ideas.row]))
    counts.update(raise_.store(plan.config, panel, sifted, scan.at))
    return ended, counts


def _decidable_and_new(
    scan: TimeframeScan, plan: Plan, panel: Panel, through: Instants
) -> tuple[Flags, Flags]:
    """Return the bars whose signals may still be decided on, and those that are not evaluated yet.

    All of the former may raise signals: an older bar that was refilled or revised is as good as a new one.
    The first time they are the new ones, too.
    """
    recent = scan.calendars.decidable_since(scan.timeframe, plan.config.lifetime_bars, scan.at)
    first = np.array([recent[symbol] for symbol in panel.symbols])
    since = np.where(np.isnat(through) | plan.config.needs_all_bars, first, through)
    opened_at = panel.bars.opened_at
    return opened_at > first[panel.symbol], opened_at > since[panel.symbol]


def _reached(scan: TimeframeScan, panel: Panel, rows: Sequence[Watched]) -> list[Watched]:
    """Return the instruments with what the panel holds of them. One with stale data stays where it was."""
    last = np.searchsorted(panel.symbol, np.arange(len(rows)), side="right") - 1
    filled = np.flatnonzero(np.bincount(panel.symbol, minlength=len(rows)))
    sizes = np.zeros(len(rows), dtype=np.intp)  # of the run that the newest bar is in
    sizes[filled] = last[filled] - panel.starts[panel.run[last[filled]]] + 1
    closed_at, _ = scan.calendars.times(scan.timeframe, panel, last[filled], lifetime=1)
    closes = dict(zip(filled.tolist(), map(to_datetime, closed_at), strict=True))
    reached = []
    for number, row in enumerate(rows):
        current = row._replace(evaluated=row.version, bars=int(sizes[number]), closed_at=closes.get(number))
        if current.bars and not _is_stale(scan, current):
            current = current._replace(through=to_datetime(panel.bars.opened_at[last[number]]))
        reached.append(current)
    return reached


def _is_stale(scan: TimeframeScan, row: Watched) -> bool:
    """Whether the newest bar is too old, or when it closed is unknown."""
    return row.closed_at is not None and not to_instant(row.closed_at) >= scan.stale_before[row.symbol]


def _count_silent(plan: Plan, rows: Sequence[Watched], stale: Collection[str]) -> None:
    """Count the instruments that can have no ideas whatever their newest bars are, by reason."""
    plan.counts["symbols"], needs = len(rows), plan.needs
    for row in rows:
        if row.is_split_pending:
            plan.count("split_pending", row.symbol, "has split; its history is not restated yet")
        elif row.bars < needs:
            plan.count("warming_up", row.symbol, f"needs {needs} bars, has {row.bars}")
        elif row.symbol in stale:
            plan.count("stale", row.symbol, f"has no bar since {row.closed_at:%Y-%m-%d %H:%M} UTC")


# --- rechecking pending signals ---------------------------------------------------------------------------


def _recheck(timeframe: Timeframe, configs: Sequence[StrategyConfig], at: datetime) -> Counter[str]:
    """Revalidate the pending signals whose candles have changed since; return how many ended by reason."""
    ended: Counter[str] = Counter()
    symbols = set(Signal.objects.pending(at).filter(timeframe=timeframe).values_list("symbol", flat=True))
    watched = queries.watched(timeframe) if symbols else []
    rows = [row for row in watched if row.symbol in symbols and row.has_changed]
    if not rows:
        return ended
    calendars, todo = _calendars(rows, at), list(_plans(configs, _warn))
    panel = store.panel([row.symbol for row in rows], timeframe, last=_window(todo, calendars, timeframe))
    for plan in todo:
        try:
            with transaction.atomic():
                ideas = ideas_of(plan.strategy, panel)
                ended.update(revalidate.revalidate(plan.config, panel, ideas, calendars, at))
        except (StrategyFailed, *UNSTORABLE) as failure:
            _warn(plan.config, str(failure))
    return ended


def _warn(config: StrategyConfig, failure: str) -> None:
    """Log it alone: the next scan counts the failure."""
    logger.warning("%s cannot recheck its signals: %s", config, failure)
