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
from signals import store
from signals.lifetimes import NEVER, Calendars
from signals.models import Signal, StrategyConfig
from signals.panel import DIGESTED, Panel, sessions_of
from signals.scan import progress, raise_, revalidate
from signals.scan.progress import Watched
from signals.strategies import BadParameters, Strategy

logger = logging.getLogger(__name__)

ROWS_AT_ONCE = 750_000  # bars in memory at once: they take some 100 MB while they are evaluated
KNOWN_BEFORE, KNOWN_AFTER = timedelta(days=60), timedelta(days=30)
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
    reasons: dict[str, str] = field(default_factory=dict)  # an example for each count that asks for one

    def as_json(self) -> dict[str, Any]:
        key = {"strategy_id": self.config.strategy_id, "timeframe": self.config.timeframe}
        return key | {name: self.counts[name] for name in COUNTED} | {"reasons": self.reasons}

    def silent(self, count: str, symbol: str, why: str) -> None:
        self.counts[count] += 1
        self.reasons.setdefault(count, f"{symbol} {why}")


@dataclass(frozen=True)
class Round:
    """What the scan of one timeframe knows.

    `window`: how many bars of a symbol are read. `ended`: why pending signals ended, and how many.
    """

    timeframe: Timeframe
    plans: Sequence[Plan]
    calendars: Calendars
    window: int
    stale_before: Mapping[str, np.datetime64]
    at: datetime
    ended: Counter[str] = field(default_factory=Counter)


def plans(configs: Sequence[StrategyConfig]) -> Iterator[Plan]:
    """What is to be done for each; a configuration that cannot work is left out, and the log says why."""
    for config in configs:
        try:
            yield Plan(config, config.strategy)
        except BadParameters as error:
            logger.error("%s is not evaluated: %s Change it in admin.", config, error)


def evaluate(timeframe: Timeframe, configs: Sequence[StrategyConfig], at: datetime) -> Round:
    """Evaluate the configurations of one timeframe on all bars that are new, and store their signals."""
    rows = progress.watched(timeframe)
    calendars, todo = _calendars(rows, at), list(plans(configs))
    window, stale_before = _window(todo, calendars, timeframe), calendars.stale_before(timeframe, at)
    this = Round(timeframe, todo, calendars, window, stale_before, at)
    all_again = any(plan.config.is_fresh for plan in this.plans)
    changed = [row for row in rows if not row.is_split_pending and (all_again or row.has_changed)]
    reached = {row.symbol: row for row in rows}
    for chunk in _chunks(changed, this.window):
        reached |= {row.symbol: row for row in _evaluate(this, chunk)}
    stale = {symbol for symbol, row in reached.items() if _is_stale(this, row)}
    for plan in this.plans:
        _count_silent(plan, list(reached.values()), stale)
    if changed:
        StrategyConfig.objects.filter(pk__in=[plan.config.pk for plan in this.plans]).update(scanned_at=at)
    return this


def recheck(timeframe: Timeframe, configs: Sequence[StrategyConfig], at: datetime) -> Counter[str]:
    """Review the pending signals whose candles have changed since they were evaluated; why how many ended."""
    ended: Counter[str] = Counter()
    waiting = Signal.objects.pending(at).filter(timeframe=timeframe).values_list("symbol", flat=True)
    behind = progress.behind(list(waiting), timeframe)
    if not behind:
        return ended
    rows = [row for row in progress.watched(timeframe) if row.symbol in set(behind)]
    calendars, todo = _calendars(rows, at), list(plans(configs))
    panel = store.panel(behind, timeframe, last=_window(todo, calendars, timeframe))
    for plan in todo:
        ended.update(revalidate.review(plan.config, panel, plan.strategy.ideas(panel), calendars, at))
    return ended


def _calendars(rows: Sequence[Watched], at: datetime) -> Calendars:
    return Calendars.load({row.symbol: row.calendar for row in rows}, at - KNOWN_BEFORE, at + KNOWN_AFTER)


def _window(todo: Sequence[Plan], calendars: Calendars, timeframe: Timeframe) -> int:
    """How many bars of a symbol make the answers what they would be over its whole history."""
    slots = calendars.most_slots(timeframe)
    volumes = (sessions_of(plan.strategy.volume_period) * slots for plan in todo)
    needed = max([DIGESTED, *volumes, *(plan.strategy.remembers for plan in todo)])
    return needed + max((plan.config.lifetime_bars for plan in todo), default=0) + 2


def _chunks(rows: Sequence[Watched], window: int) -> Iterator[Sequence[Watched]]:
    size = max(1, ROWS_AT_ONCE // window)
    for start in range(0, len(rows), size):
        yield rows[start : start + size]


def _evaluate(this: Round, rows: Sequence[Watched]) -> list[Watched]:
    """Evaluate these instruments; how far they are evaluated now."""
    panel = store.panel([row.symbol for row in rows], this.timeframe, last=this.window)
    reached = _reached(this, panel, rows)
    current = np.array([not _is_stale(this, row) for row in reached])
    through = np.array([NEVER if row.through is None else to_instant(row.through) for row in rows])
    with transaction.atomic():
        for plan in this.plans:
            ideas = plan.strategy.ideas(panel)
            this.ended.update(revalidate.review(plan.config, panel, ideas, this.calendars, this.at))
            decidable, new = (
                bars & current[panel.symbol] for bars in _decidable_and_new(this, plan, panel, through)
            )
            plan.counts["evaluated"] += int(new.sum())
            ideas = ideas[(decidable | new)[ideas.row]]
            sifted = raise_.sift(plan.config, panel, ideas, this.calendars, this.at)
            plan.counts.update(sifted.counted(new[ideas.row]))
            plan.counts.update(raise_.store(plan.config, panel, sifted, this.at))
        progress.advance(this.timeframe, reached)
    return reached


def _decidable_and_new(this: Round, plan: Plan, panel: Panel, through: Instants) -> tuple[Flags, Flags]:
    """The bars whose signals may be decided on, and those after the ones that were evaluated.

    All of the former may speak: an older bar that was refilled or revised is as good as a new one. The first
    time they are the new ones, too.
    """
    recent = this.calendars.decidable_since(this.timeframe, plan.config.lifetime_bars, this.at)
    first = np.array([recent[symbol] for symbol in panel.symbols])
    since = np.where(np.isnat(through) | plan.config.is_fresh, first, through)
    opened_at = panel.bars.opened_at
    return opened_at > first[panel.symbol], opened_at > since[panel.symbol]


def _reached(this: Round, panel: Panel, rows: Sequence[Watched]) -> list[Watched]:
    """The instruments with what the panel holds of them. One whose data is stale stays where it was."""
    last = np.searchsorted(panel.symbol, np.arange(len(rows)), side="right") - 1
    filled = np.flatnonzero(np.bincount(panel.symbol, minlength=len(rows)))
    sizes = np.zeros(len(rows), dtype=np.intp)  # of the run that the newest bar is in
    sizes[filled] = last[filled] - panel.starts[panel.run[last[filled]]] + 1
    closed_at, _ = this.calendars.times(this.timeframe, panel, last[filled], lifetime=1)
    closes = dict(zip(filled.tolist(), map(to_datetime, closed_at), strict=True))
    reached = []
    for number, row in enumerate(rows):
        seen = row._replace(evaluated=row.version, bars=int(sizes[number]), closed_at=closes.get(number))
        if seen.bars and not _is_stale(this, seen):
            seen = seen._replace(through=to_datetime(panel.bars.opened_at[last[number]]))
        reached.append(seen)
    return reached


def _is_stale(this: Round, row: Watched) -> bool:
    """Whether the newest bar is too old; also when that cannot be told."""
    return row.closed_at is not None and not to_instant(row.closed_at) >= this.stale_before[row.symbol]


def _count_silent(plan: Plan, rows: Sequence[Watched], stale: Collection[str]) -> None:
    """Why instruments say nothing whatever their newest bars are."""
    plan.counts["symbols"], needs = len(rows), plan.strategy.needs
    for row in rows:
        if row.is_split_pending:
            plan.silent("split_pending", row.symbol, "has split; its history is not restated yet")
        elif row.bars < needs:
            plan.silent("warming_up", row.symbol, f"needs {needs} bars, has {row.bars}")
        elif row.symbol in stale:
            plan.silent("stale", row.symbol, f"has no bar since {row.closed_at:%Y-%m-%d %H:%M} UTC")
