"""One plan on the bars of some symbols: its ideas are judged and stored, and one symbol fails alone."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db import DataError, IntegrityError, transaction

from market import faults
from market.models import Fault
from market.prices import Flags, Instants, Timeframe, to_datetime, to_instant
from signals import store
from signals.lifetimes import NEVER, Calendars
from signals.models import StrategyConfig
from signals.panel import Panel
from signals.queries import Watched
from signals.scan import raise_, revalidate, suspects
from signals.strategies import Strategy, StrategyBroke, StrategyFailed, failing_alone, ideas_of, reach_of

UNSTORABLE = (DataError, IntegrityError)  # what a strategy said fits no column, or breaks a constraint
COUNTED = (
    *("symbols", "evaluated", "warming_up", "stale", "split_pending", "unexplained_move"),
    *("ideas", "below_minimum", "late", "expired", "superseded", "stored"),
)


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
        return cls(config, strategy, *reach_of(strategy))

    def isolation(self, work: Fault.Work, at: datetime, known: dict[faults.Key, Fault]) -> faults.Isolation:
        """Return what keeps the failure of one symbol from the others."""
        config = self.config
        return faults.Isolation(work, at, part=config.timeframe, source=config.strategy_id, before=known)

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

    `window`: how many bars of a symbol are read. `note`: called before a strategy is. `ended`: how many
    pending signals ended, by reason.
    """

    timeframe: Timeframe
    plans: Sequence[Plan]
    calendars: Calendars
    window: int
    stale_before: Mapping[str, np.datetime64]
    at: datetime
    note: suspects.Note = suspects.not_noted
    ended: Counter[str] = field(default_factory=Counter)
    known_faults: dict[faults.Key, Fault] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """Some instruments of a scan with their bars.

    `reached`: how far they are evaluated then. `current`: which of them are not stale. `through`: up to which
    bar each is evaluated already.
    """

    rows: Sequence[Watched]
    panel: Panel
    reached: Sequence[Watched]
    current: Flags
    through: Instants

    @classmethod
    def read(cls, scan: TimeframeScan, rows: Sequence[Watched]) -> "Part":
        panel = store.panel([row.symbol for row in rows], scan.timeframe, last=scan.window)
        reached = _reached(scan, panel, rows)
        current = np.array([not is_stale(scan, row) for row in reached])
        through = np.array([NEVER if row.through is None else to_instant(row.through) for row in rows])
        return cls(rows, panel, reached, current, through)


def evaluate(scan: TimeframeScan, plan: Plan, part: Part) -> None:
    """Evaluate a plan. If it fails, nothing of it is stored for these bars, and its plan says why.

    If it fails on single symbols only, these are left out and recorded: it may be their bars.
    """

    def evaluate_rows(rows: Sequence[Watched]) -> tuple[Counter[str], Counter[str]]:
        with transaction.atomic():
            return _evaluate(scan, plan, part if len(rows) == len(part.rows) else Part.read(scan, rows))

    isolation = plan.isolation(Fault.Work.SCAN, scan.at, scan.known_faults)
    common = (StrategyBroke, *UNSTORABLE)
    try:
        done = isolation.together(part.rows, evaluate_rows, lambda row: row.symbol, common=common)
    except (StrategyFailed, *UNSTORABLE) as failure:
        plan.failure = plan.reasons["failed"] = str(failure).partition("\n")[0]
        return
    for ended, counts in done:
        scan.ended.update(ended)
        plan.counts.update(counts)


def _evaluate(scan: TimeframeScan, plan: Plan, part: Part) -> tuple[Counter[str], Counter[str]]:
    """Store a plan's signals; return how many pending ones ended by reason, and what is counted for it."""
    panel, ideas = part.panel, ideas_of(plan.strategy, part.panel)
    ended = revalidate.revalidate(plan.config, panel, ideas, scan.calendars, scan.at)
    decidable, new = (bars & part.current[panel.symbol] for bars in _decidable_and_new(scan, plan, part))
    counts = Counter(evaluated=int(new.sum()))
    ideas = ideas[(decidable | new)[ideas.row]]
    sifted = raise_.sift(plan.config, panel, ideas, scan.calendars, scan.at)
    counts.update(sifted.counted(new[ideas.row]))
    counts.update(raise_.store(plan.config, panel, sifted, scan.at))
    return ended, counts


def _decidable_and_new(scan: TimeframeScan, plan: Plan, part: Part) -> tuple[Flags, Flags]:
    """Return the bars whose signals may still be decided on, and those that are not evaluated yet.

    All of the former may raise signals: an older bar that was refilled or revised is as good as a new one.
    The first time they are the new ones, too.
    """
    panel, through = part.panel, part.through
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
        if current.bars and not is_stale(scan, current):
            current = current._replace(through=to_datetime(panel.bars.opened_at[last[number]]))
        reached.append(current)
    return reached


def is_stale(scan: TimeframeScan, row: Watched) -> bool:
    """Whether the newest bar is too old, or when it closed is unknown."""
    return row.closed_at is not None and not to_instant(row.closed_at) >= scan.stale_before[row.symbol]
