"""What a strategy did on stored bars, symbol by symbol: the cases and counts behind all figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from market.models import Instrument
from market.prices import INSTANT, Flags, Floats, Instants, to_datetime, to_instant
from signals import indicators, store
from signals.backtest import chance
from signals.backtest.holding import Held, hold, mean
from signals.backtest.setup import Setup
from signals.lifetimes import Calendars
from signals.panel import Jump, Panel
from signals.strategies import HISTORY_SECONDS, Ideas, ideas_of
from signals.trades import End, Rows, Trades, play

FIRST_SYMBOLS = 4
BARS_AT_ONCE = 200_000  # about 60 MB with their indicators


@dataclass(frozen=True)
class Cases:
    """Trades that have ended, as columns.

    `spoke_at`, `ended_at` datetime64[us]: openings of the bar of the idea and of the bar of its end. `r`
    float64, over the risk really taken; `planned_r` over the planned one. `end` int8: one of End. `race`
    int8: which was first, TARGET or STOP, when no opposite event ends anything; other values for neither.
    `held` int32: bars. `luck` float64: stop over stop plus target, as planned. `across`: an unexplained move
    lies between the idea and the end. `dividend_r`: what dividends made of `r`.
    """

    spoke_at: Instants
    ended_at: Instants
    r: Floats
    end: NDArray[np.int8]
    race: NDArray[np.int8]
    held: NDArray[np.int32]
    luck: Floats
    across: Flags
    dividend_r: Floats
    planned_r: Floats

    def __len__(self) -> int:
        return len(self.r)

    def __getitem__(self, rows: "slice | Flags") -> "Cases":
        return Cases(*(getattr(self, column.name)[rows] for column in fields(self)))

    @classmethod
    def join(cls, parts: Sequence["Cases"]) -> "Cases":
        return cls(
            *(np.concatenate([getattr(part, column.name) for part in parts]) for column in fields(cls))
        )

    @classmethod
    def none(cls) -> "Cases":
        moments, numbers = np.empty(0, dtype=INSTANT), np.empty(0)
        ends = np.empty(0, dtype=np.int8)
        across = np.empty(0, dtype=np.bool_)
        held = np.empty(0, dtype=np.int32)
        return cls(moments, moments, numbers, ends, ends, held, numbers, across, numbers, numbers)


class Doubted(NamedTuple):
    """A bar in doubt."""

    symbol: str
    opened_at: datetime


@dataclass(frozen=True)
class Study:
    """What the strategy did on one symbol, or (`symbol` empty) on several.

    `ideas` counts all events of the days tested: `late` ones after an outage of ours, those `below_minimum`,
    `void`, `missed`, still `open`, and the cases. `exposed`: bars inside a trade. `dividends`: bars with the
    ex-date of a recorded one. `chance`: for each draw of
    random entries the sum of R and the number of cases. `held_still`: holding, had the price stood still over
    the `jumps`. `doubted`: the bars in doubt, which gave no ideas and count with the worse reading of their
    prices.
    """

    symbol: str
    bars: int
    first_at: datetime | None
    last_at: datetime | None
    ideas: int
    late: int
    below_minimum: int
    void: int
    missed: int
    open: int
    exposed: int
    dividends: int
    cases: Cases
    held: Held
    held_still: Held
    chance: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    jumps: tuple[Jump, ...] = ()
    doubted: tuple[Doubted, ...] = ()

    def without_jumps(self) -> "Study":
        """Return it without the trades open over an unexplained move, the price of holding standing still."""
        return replace(self, cases=self.cases[~self.cases.across], held=self.held_still, jumps=())


COUNTS = ("bars", "ideas", "late", "below_minimum", "void", "missed", "open", "exposed", "dividends")


def studies(setup: Setup, *, draws: int = 0) -> Iterator[Study]:
    """Yield a study of each symbol of the setup, read and evaluated some symbols at a time."""
    of = Instrument.objects.filter(symbol__in=setup.symbols).values_list("symbol", "calendar")
    calendars = Calendars.load(dict(of))
    left, size = list(setup.symbols), FIRST_SYMBOLS
    while left:
        panel = store.panel(left[:size], setup.timeframe, until=setup.ends, doubted=True)
        yield from evaluate(panel, setup, calendars, draws=draws)
        left = left[size:]
        size = max(1, min(4 * size, size * BARS_AT_ONCE // max(len(panel), 1)))


def pooled(studies_of_symbols: Sequence[Study]) -> Study:
    """Return all of them as one. Holding is the mean: the same money in each."""
    first = [study.first_at for study in studies_of_symbols if study.first_at]
    last = [study.last_at for study in studies_of_symbols if study.last_at]
    return Study(
        symbol="",
        first_at=min(first, default=None),
        last_at=max(last, default=None),
        cases=Cases.join([Cases.none(), *(study.cases for study in studies_of_symbols)]),
        held=mean([study.held for study in studies_of_symbols]),
        held_still=mean([study.held_still for study in studies_of_symbols]),
        chance=np.sum([study.chance for study in studies_of_symbols], axis=0)
        if studies_of_symbols
        else np.zeros((0, 2)),
        jumps=tuple(jump for study in studies_of_symbols for jump in study.jumps),
        doubted=tuple(bar for study in studies_of_symbols for bar in study.doubted),
        **{name: sum(getattr(study, name) for study in studies_of_symbols) for name in COUNTS},
    )


def evaluate(panel: Panel, setup: Setup, calendars: Calendars, *, draws: int = 0) -> list[Study]:
    """Return what the strategy did on each symbol of the panel. Raises StrategyFailed.

    It sees no bar that is in doubt, as in a scan; what it holds is at risk on all of them.
    """
    inside = _inside(panel, setup)
    seen, rows_seen = panel.seen
    events = ideas_of(setup.strategy, seen, HISTORY_SECONDS)
    events = replace(events, row=rows_seen[events.row])
    events_inside = events[inside[events.row]]
    is_wanted = events_inside.reaching(setup.minimum_confidence)
    is_played = is_wanted & ~events_inside.late
    ideas = events_inside[is_played]
    _, until = calendars.times(setup.timeframe, panel, ideas.row, setup.lifetime_bars)
    trades = play(panel, ideas, setup.rules, opposing=events, expires=until)
    # An opposite event comes when a trade goes wrong: to stop the race there would hide stops, not targets.
    race = play(panel, ideas, setup.rules, expires=until)
    rows = {
        "bars": np.flatnonzero(inside),
        "ideas": events_inside.row,
        "late": events_inside.row[events_inside.late],
        "below_minimum": events_inside.row[~is_wanted & ~events_inside.late],
        "void": ideas.row[trades.end == End.VOID],
        "missed": ideas.row[trades.end == End.MISSED],
        "open": ideas.row[trades.end == End.OPEN],
        "exposed": _exposed(trades, len(panel)),
        "dividends": np.flatnonzero(inside & (panel.payouts[0] + panel.payouts[1] > 0)),
    }
    chances = np.zeros((len(panel.symbols), 0, 2))
    if draws:
        places = _places(panel, setup, calendars, inside)
        atr = _atr(panel, setup)
        chances = chance.draw(panel, events_inside, is_played, places, atr, setup.rules, draws=draws)
    return _by_symbol(panel, inside, rows, _cases(panel, ideas, trades, race.end), setup, chances)


def _inside(panel: Panel, setup: Setup) -> Flags:
    """Return which bars are of the days tested; earlier ones only warm the indicators up."""
    if setup.begins is None:
        return np.ones(len(panel), dtype=np.bool_)
    inside: Flags = panel.bars.opened_at >= to_instant(setup.begins)
    return inside


def _exposed(trades: Trades, size: int) -> Rows:
    """Return the rows inside at least one trade."""
    steps = np.zeros(size + 1, dtype=np.int64)
    held = trades.held > 0
    np.add.at(steps, trades.entered[held], 1)
    np.add.at(steps, trades.entered[held] + trades.held[held], -1)
    return np.flatnonzero(np.cumsum(steps[:-1]))


def _places(panel: Panel, setup: Setup, calendars: Calendars, inside: Flags) -> Rows:
    """Return the rows where the strategy could have had an idea that is entered in time."""
    seen, rows = panel.seen
    behind = np.arange(len(seen)) - seen.starts[seen.run]
    rows = rows[(behind >= setup.strategy.needs) & inside[rows] & (_atr(panel, setup)[rows] > 0)]
    rows = rows[rows + 1 < panel.ends[panel.run[rows]]]
    _, until = calendars.times(setup.timeframe, panel, rows, setup.lifetime_bars)
    in_time: Rows = rows[~(panel.bars.opened_at[rows + 1] >= until)]
    return in_time


def _atr(panel: Panel, setup: Setup) -> Floats:
    """Return the average true range of the bars that are seen; NaN on those in doubt."""
    seen, rows = panel.seen
    atr = np.full(len(panel), np.nan)
    atr[rows] = seen.indicator(indicators.atr, "high", "low", "close", period=setup.strategy.atr_period)
    return atr


def _cases(panel: Panel, ideas: Ideas, trades: Trades, race: NDArray[np.int8]) -> tuple[Rows, Cases]:
    """Return the rows of the ideas whose trades have ended, and these trades."""
    ended = trades.is_result
    ideas = ideas[ended]
    stop, target = np.abs(ideas.entry - ideas.stop), np.abs(ideas.target - ideas.entry)
    opened_at = panel.bars.opened_at
    return ideas.row, Cases(
        spoke_at=opened_at[ideas.row],
        ended_at=opened_at[trades.exited[ended]],
        r=trades.r[ended],
        end=trades.end[ended],
        race=race[ended],
        held=trades.held[ended],
        luck=stop / (stop + target),
        across=_across(panel, ideas.row, trades.exited[ended]),
        dividend_r=trades.dividend_r[ended],
        planned_r=trades.planned_r[ended],
    )


def _jump_rows(panel: Panel) -> Rows:
    rows = [panel.find(jump.symbol, jump.opened_at) for jump in panel.jumps]
    return np.array([row for row in rows if row is not None], dtype=np.intp)


def _across(panel: Panel, first: Rows, last: Rows) -> Flags:
    """Return whether an unexplained move lies after one row and no later than the other."""
    is_jump = np.zeros(len(panel), dtype=np.intp)
    is_jump[_jump_rows(panel)] = 1
    jumps = np.cumsum(is_jump)
    return jumps[last] > jumps[first]


def _by_symbol(
    panel: Panel,
    inside: Flags,
    rows: dict[str, Rows],
    ended: tuple[Rows, Cases],
    setup: Setup,
    chances: Floats,
) -> list[Study]:
    of, every = panel.symbol, np.arange(len(panel.symbols) + 1)
    counts = {
        name: np.bincount(of[rows_of_count], minlength=len(every) - 1).tolist()
        for name, rows_of_count in rows.items()
    }
    bars, cases = np.searchsorted(of, every).tolist(), np.searchsorted(of[ended[0]], every).tolist()
    held = hold(panel, inside, setup.rules.cost_bps)
    held_still = hold(panel, inside, setup.rules.cost_bps, still=_jump_rows(panel)) if panel.jumps else held
    jumps = [jump for jump in panel.jumps if _counts(jump, panel, setup)]
    doubted = [
        Doubted(panel.symbols[panel.symbol[row]], _at(panel, row))
        for row in np.flatnonzero(panel.bars.suspect & inside).tolist()
    ]
    return [
        Study(
            symbol=symbol,
            first_at=_at(panel, bars[i + 1] - counts["bars"][i]) if counts["bars"][i] else None,
            last_at=_at(panel, bars[i + 1] - 1) if counts["bars"][i] else None,
            cases=ended[1][cases[i] : cases[i + 1]],
            held=held[i],
            held_still=held_still[i],
            chance=chances[i],
            jumps=tuple(jump for jump in jumps if jump.symbol == symbol),
            doubted=tuple(bar for bar in doubted if bar.symbol == symbol),
            **{name: counts[name][i] for name in COUNTS},
        )
        for i, symbol in enumerate(panel.symbols)
    ]


def _at(panel: Panel, row: int) -> datetime:
    return to_datetime(panel.bars.opened_at[row])


def _counts(jump: Jump, panel: Panel, setup: Setup) -> bool:
    """Whether a jump matters: it lies in the tested days, or so shortly before that they begin cold."""
    row = panel.find(jump.symbol, jump.opened_at)
    warm = None if row is None else row + setup.strategy.remembers
    if setup.begins is None or warm is None or warm >= len(panel):
        return True
    same_symbol = panel.symbol[warm] == panel.symbol[row]
    return not same_symbol or _at(panel, warm) >= setup.begins
