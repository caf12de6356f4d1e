"""One timeframe of a scan: what has changed is read as one panel, evaluated, and its signals are stored."""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import transaction

from market.prices import Flags, Instants, Timeframe, to_datetime, to_instant
from signals import queries, store
from signals.lifetimes import NEVER, Calendars
from signals.models import Signal, StrategyConfig
from signals.panel import DIGESTED, Panel, sessions_of
from signals.queries import Watched
from signals.scan import raise_, revalidate
from signals.strategies import BadParameters, Strategy

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 750_000  # bars in memory at once: they take some 100 MB while they are evaluated
SESSIONS_BEFORE, SESSIONS_AFTER = timedelta(days=60), timedelta(days=30)
COUNTED = (
    *("symbols", "evaluated", "warming_up", "stale", "split_pending"),
    *("ideas", "below_minimum", "late", "expired", "superseded", "stored"),
)


@dataclass
class Plan:
    """A configuration that is switched on, its strategy, and what a scan counts for it."""

    config: StrategyConfig
    strategy: Strategy
    counts: Counter[str] = field(default_factory=Counter)
    reasons: dict[str, str] = field(default_factory=dict)  # an example for each count that needs one

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


def plans(configs: Sequence[StrategyConfig]) -> Iterator[Plan]:
    """Yield a plan for each; a configuration with bad parameters is left out, and the log says why."""
    for config in configs:
        try:
            yield Plan(config, config.strategy)
        except BadParameters as error:
            logger.error("%s is not evaluated: %s Change it in admin.", config, error)


def evaluate(timeframe: Timeframe, configs: Sequence[StrategyConfig], at: datetime) -> TimeframeScan:
    """Evaluate the configurations of one timeframe on all bars that are new, and store their signals."""
    rows = queries.watched(timeframe)
    calendars, todo = _calendars(rows, at), list(plans(configs))
    window, stale_before = _window(todo, calendars, timeframe), calendars.stale_before(timeframe, at)
    scan = TimeframeScan(timeframe, todo, calendars, window, stale_before, at)
    all_again = any(plan.config.is_fresh for plan in scan.plans)
    changed = [row for row in rows if not row.is_split_pending and (all_again or row.has_changed)]
    reached = {row.symbol: row for row in rows}
    for chunk in _chunks(changed, scan.window):
        reached |= {row.symbol: row for row in _evaluate(scan, chunk)}
    stale = {symbol for symbol, row in reached.items() if _is_stale(scan, row)}
    for plan in scan.plans:
        _count_silent(plan, list(reached.values()), stale)
    if changed:
        StrategyConfig.objects.filter(pk__in=[plan.config.pk for plan in scan.plans]).update(scanned_at=at)
    return scan


def recheck(timeframe: Timeframe, configs: Sequence[StrategyConfig], at: datetime) -> Counter[str]:
    """Revalidate the pending signals whose candles have changed since; return how many ended by reason."""
    ended: Counter[str] = Counter()
    symbols = set(Signal.objects.pending(at).filter(timeframe=timeframe).values_list("symbol", flat=True))
    watched = queries.watched(timeframe) if symbols else []
    rows = [row for row in watched if row.symbol in symbols and row.has_changed]
    if not rows:
        return ended
    calendars, todo = _calendars(rows, at), list(plans(configs))
    panel = store.panel([row.symbol for row in rows], timeframe, last=_window(todo, calendars, timeframe))
    for plan in todo:
        ended.update(revalidate.revalidate(plan.config, panel, plan.strategy.ideas(panel), calendars, at))
    return ended


def _calendars(rows: Sequence[Watched], at: datetime) -> Calendars:
    return Calendars.load(
        {row.symbol: row.calendar for row in rows}, at - SESSIONS_BEFORE, at + SESSIONS_AFTER
    )


def _window(todo: Sequence[Plan], calendars: Calendars, timeframe: Timeframe) -> int:
    """Return how many bars of a symbol give the same ideas as its whole history."""
    slots = calendars.most_slots(timeframe)
    volumes = (sessions_of(plan.strategy.volume_period) * slots for plan in todo)
    needed = max([DIGESTED, *volumes, *(plan.strategy.remembers for plan in todo)])
    return needed + max((plan.config.lifetime_bars for plan in todo), default=0) + 2


def _chunks(rows: Sequence[Watched], window: int) -> Iterator[Sequence[Watched]]:
    size = max(1, ROWS_AT_ONCE // window)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _evaluate(scan: TimeframeScan, rows: Sequence[Watched]) -> list[Watched]:
    """Evaluate these instruments; return how far they are evaluated now."""
    panel = store.panel([row.symbol for row in rows], scan.timeframe, last=scan.window)
    reached = _reached(scan, panel, rows)
    current = np.array([not _is_stale(scan, row) for row in reached])
    through = np.array([NEVER if row.through is None else to_instant(row.through) for row in rows])
    with transaction.atomic():
        for plan in scan.plans:
            ideas = plan.strategy.ideas(panel)
            scan.ended.update(revalidate.revalidate(plan.config, panel, ideas, scan.calendars, scan.at))
            decidable, new = (
                bars & current[panel.symbol] for bars in _decidable_and_new(scan, plan, panel, through)
            )
            plan.counts["evaluated"] += int(new.sum())
            ideas = ideas[(decidable | new)[ideas.row]]
            sifted = raise_.sift(plan.config, panel, ideas, scan.calendars, scan.at)
            plan.counts.update(sifted.counted(new[ideas.row]))
            plan.counts.update(raise_.store(plan.config, panel, sifted, scan.at))
        store.advance(scan.timeframe, reached)
    return reached


def _decidable_and_new(
    scan: TimeframeScan, plan: Plan, panel: Panel, through: Instants
) -> tuple[Flags, Flags]:
    """Return the bars whose signals may still be decided on, and those that are not evaluated yet.

    All of the former may raise signals: an older bar that was refilled or revised is as good as a new one.
    The first time they are the new ones, too.
    """
    recent = scan.calendars.decidable_since(scan.timeframe, plan.config.lifetime_bars, scan.at)
    first = np.array([recent[symbol] for symbol in panel.symbols])
    since = np.where(np.isnat(through) | plan.config.is_fresh, first, through)
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
    plan.counts["symbols"], needs = len(rows), plan.strategy.needs
    for row in rows:
        if row.is_split_pending:
            plan.count("split_pending", row.symbol, "has split; its history is not restated yet")
        elif row.bars < needs:
            plan.count("warming_up", row.symbol, f"needs {needs} bars, has {row.bars}")
        elif row.symbol in stale:
            plan.count("stale", row.symbol, f"has no bar since {row.closed_at:%Y-%m-%d %H:%M} UTC")
