"""The scan: every strategy that is switched on evaluates the closed bars that are new and raises signals.

One scan at a time, timeframe by timeframe: what has changed is read as panels, evaluated, and its signals are
stored. A sweep only ends signals, and rechecks those whose bars have changed.
"""

import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django_q.tasks import async_task

from core import locks
from market import faults
from market.models import Fault
from market.prices import Timeframe
from signals import lifecycle, queries, store
from signals.lifetimes import Calendars
from signals.models import Scan, Signal, StrategyConfig
from signals.panel import DIGESTED, Panel, sessions_of
from signals.queries import Watched
from signals.scan import failures, revalidate, suspects
from signals.scan.evaluate import UNSTORABLE, Part, Plan, TimeframeScan, evaluate, is_stale
from signals.strategies import DIED, StrategyBroke, StrategyFailed, ideas_of

logger = logging.getLogger(__name__)

LOCK = "signals scan"
PATIENCE = 5.0  # seconds: a sweep is over by then
LOST_AFTER = timedelta(hours=1)
ROWS_AT_ONCE = 750_000  # bars in memory at once: they take some 100 MB while they are evaluated
UNANSWERED = "has moved as by a split that nothing explains; answer what it was"
SESSIONS_BEFORE, SESSIONS_AFTER = timedelta(days=60), timedelta(days=30)


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
            lost = _mark_lost_scans(at)
            current.outcome = Scan.Outcome.RUNNING
            current.save()
            with suspects.noted(current, lost) as note:
                _scan(current, at, suspects.of(lost), note)
            current.outcome = Scan.Outcome.FINISHED
        current.finished_at = at + timedelta(seconds=time.monotonic() - begun)
        current.save()
    if current.stored or current.ended:
        logger.info("scan: %s signals raised; ended: %s", current.stored, current.ended or "none")
    return current


def _mark_lost_scans(at: datetime) -> list[Scan]:
    """Mark other running scans as broken, and return them: the lock is ours, so none of them is running."""
    running, queued = Q(outcome=Scan.Outcome.RUNNING), Q(outcome=Scan.Outcome.QUEUED)
    lost = list(Scan.objects.filter(running))
    is_lost = running | (queued & Q(started_at__lt=at - LOST_AFTER))
    Scan.objects.filter(is_lost).update(outcome=Scan.Outcome.BROKEN, finished_at=at)
    return lost


def _scan(scan: Scan, at: datetime, suspected: Collection[str], note: suspects.Note) -> None:
    ended = Counter(lifecycle.sweep(at))
    for timeframe, configs in _by_timeframe():
        evaluated = _evaluate_timeframe(timeframe, configs, at, suspected, note)
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


def _evaluate_timeframe(
    timeframe: Timeframe,
    configs: Sequence[StrategyConfig],
    at: datetime,
    suspected: Collection[str],
    note: suspects.Note,
) -> TimeframeScan:
    """Evaluate the configurations of one timeframe on all bars that are new, and store their signals."""
    rows = queries.watched(timeframe)
    calendars, todo = _calendars(rows, at), list(_plans(configs, partial(failures.record, at=at)))
    for plan in todo:
        if str(plan.config) in suspected:
            plan.failure = plan.reasons["failed"] = DIED
    window, stale_before = _window(todo, calendars, timeframe), calendars.stale_before(timeframe, at)
    known_faults = faults.read(Fault.Work.SCAN)
    scan = TimeframeScan(
        timeframe, todo, calendars, window, stale_before, at, note=note, known_faults=known_faults
    )
    all_again = any(plan.config.needs_all_bars for plan in scan.plans)
    changed = [row for row in rows if not row.is_on_hold and (all_again or row.has_changed)]
    reached = {row.symbol: row for row in rows}
    isolation = faults.Isolation(Fault.Work.SCAN, at, part=timeframe, before=known_faults)
    for chunk in _chunks(changed, scan.window):
        for part in isolation.together(chunk, partial(_evaluate_chunk, scan), lambda row: row.symbol):
            reached |= {row.symbol: row for row in part}
    stale = {symbol for symbol, row in reached.items() if is_stale(scan, row)}
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


def _evaluate_chunk(scan: TimeframeScan, rows: Sequence[Watched]) -> Sequence[Watched]:
    """Evaluate these instruments; return how far they are evaluated now."""
    part = Part.read(scan, rows)
    with transaction.atomic():
        for plan in scan.plans:
            if not plan.failure:
                scan.note(plan.config)
                evaluate(scan, plan, part)
        store.advance(scan.timeframe, part.reached)
    return part.reached


def _count_silent(plan: Plan, rows: Sequence[Watched], stale: Collection[str]) -> None:
    """Count the instruments that can have no ideas whatever their newest bars are, by reason."""
    plan.counts["symbols"], needs = len(rows), plan.needs
    for row in rows:
        if row.is_split_pending:
            plan.count("split_pending", row.symbol, "has split; its history is not restated yet")
        elif row.has_unexplained_move:
            plan.count("unexplained_move", row.symbol, UNANSWERED)
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
    rows = [row for row in watched if row.symbol in symbols and row.has_changed and not row.is_on_hold]
    if not rows:
        return ended
    calendars, todo = _calendars(rows, at), list(_plans(configs, _warn))
    window, known_faults = _window(todo, calendars, timeframe), faults.read(Fault.Work.RECHECK)
    scan = TimeframeScan(timeframe, todo, calendars, window, {}, at, known_faults=known_faults)
    panel = store.panel([row.symbol for row in rows], timeframe, last=scan.window)
    for plan in todo:
        ended.update(_recheck_plan(scan, plan, rows, panel))
    return ended


def _recheck_plan(scan: TimeframeScan, plan: Plan, rows: Sequence[Watched], panel: Panel) -> Counter[str]:
    """Revalidate a plan's signals on these symbols, without those that it fails on."""

    def recheck(part: Sequence[Watched]) -> Counter[str]:
        symbols = [row.symbol for row in part]
        bars = panel if len(part) == len(rows) else store.panel(symbols, scan.timeframe, last=scan.window)
        with transaction.atomic():
            ideas = ideas_of(plan.strategy, bars)
            return revalidate.revalidate(plan.config, bars, ideas, scan.calendars, scan.at)

    isolation = plan.isolation(Fault.Work.RECHECK, scan.at, scan.known_faults)
    common = (StrategyBroke, *UNSTORABLE)
    try:
        return sum(isolation.together(rows, recheck, lambda row: row.symbol, common=common), Counter())
    except (StrategyFailed, *UNSTORABLE) as failure:
        _warn(plan.config, str(failure))
        return Counter()


def _warn(config: StrategyConfig, failure: str) -> None:
    """Log it alone: the next scan counts the failure."""
    logger.warning("%s cannot recheck its signals: %s", config, failure)
