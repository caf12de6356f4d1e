"""The outcomes of ideas: each one played on the bars that followed. Pure.

One function for backtests, records and the outcomes of signals. Its rules:

- An idea is entered at the open of the next bar of its run. When that open is at or beyond its stop or its
  target, it is void; when there is no such bar, or the idea has expired when it opens, it is missed.
- From the entry bar on, each bar's range is compared with stop and target. With both inside one bar, the stop
  was first. A bar that opens beyond the stop fills at its open; one that opens beyond the target too, for a
  target is a limit order.
- An opposite event ends a trade at the open of the bar after it. Where that open is beyond stop or target as
  well, it counts as that: the price is the same.
- The longest holding ends a trade at the close of its last bar, the session at the close of its own last bar.
- A trade that has not ended on the last bar of its run is open: no result.
- A dividend whose ex-date lies between entry and exit is in the result: a BUY has it, a SELL pays it. Stop
  and target are prices, which fall by it.
- In a bar without volume nothing trades: it is no bar to enter in and hits no level, and what would end a
  trade there ends it in the next bar that has some, at its open when the time for it is over.
- A bar in doubt has two readings, with its doubted prices and without them, and of each price the worse one
  counts: a low that is doubted hits the stop of a BUY, a high that is doubted not its target.
"""

from dataclasses import dataclass, fields, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from market.prices import Bars, Flags, Floats, Instants
from signals.panel import Panel
from signals.strategies.base import BUY, ROUNDING, SELL, Ideas

Rows = NDArray[np.intp]
Ends = NDArray[np.int8]


class End(IntEnum):
    """How an idea ended. Those above OPEN are results, those below it were never entered."""

    MISSED = -2
    VOID = -1
    OPEN = 0
    TARGET = 1
    STOP = 2
    OPPOSITE = 3
    TIMEOUT = 4
    SESSION_CLOSE = 5


@dataclass(frozen=True)
class Rules:
    """What ends a trade besides its levels, and what it costs.

    `longest`: bars after which it ends, the entry bar counted. `flat_at_close`: it ends with the session of
    its entry. `cost_bps`: costs of each fill in basis points of its price.
    """

    longest: int
    flat_at_close: bool = False
    cost_bps: float = 2.0


@dataclass(frozen=True)
class Trades:
    """The outcome of each idea, in the order of the ideas.

    `end` int8: one of End. `entered` intp: the row after the idea's, whether it was entered there or not.
    `exited` intp: the row of its end; the last row of its run where there is none. `entry`, `exit` float64:
    the fills, NaN where there is none. `held` int32: in how many bars it was held, 0 when never entered. `r`
    float64: the result in units of the risk that was really taken, from the fill to the stop, costs and
    dividends included; NaN where there is none. `dividend_r` float64: the part of it that dividends made.
    `planned_r` float64: the same result over the planned risk, from the idea's entry to its stop.
    """

    end: Ends
    entered: Rows
    exited: Rows
    entry: Floats
    exit: Floats
    held: NDArray[np.int32]
    r: Floats
    dividend_r: Floats
    planned_r: Floats

    def __len__(self) -> int:
        return len(self.end)

    @property
    def is_result(self) -> Flags:
        return self.end > End.OPEN


@dataclass(frozen=True)
class _Orders:
    """Trades that are still open, at one bar of theirs: `row`. `trade`: which of all trades each is.

    `stop` and `target` are prices times the side, so that a SELL is a BUY upside down. `opposed`: the row at
    whose open the opposite event ends it. `out_of_time`, `session_end`: the rows at whose close they do.
    """

    trade: Rows
    row: Rows
    behind: Rows  # the row after the last one of the run
    side: NDArray[np.int8]
    stop: Floats
    target: Floats
    opposed: Rows
    out_of_time: Rows
    session_end: Rows

    def __len__(self) -> int:
        return len(self.trade)

    def __getitem__(self, kept: Flags) -> "_Orders":
        return _Orders(*(getattr(self, column.name)[kept] for column in fields(self)))

    def next(self) -> "_Orders":
        """Return the same a bar later, without those whose run has ended."""
        following = replace(self, row=self.row + 1)
        return following[following.row < self.behind]

    def check_bar(self, bars: Bars, plain: Bars) -> tuple[Ends, Flags]:
        """Return how each ends at its bar (OPEN: it does not), and whether at the bar's open.

        `plain`: the bars without their doubted prices, whose range is never the wider one.
        """
        buys = self.side > 0
        opening = _worse(self.side, bars.open, plain.open, self.row)
        worst = self.side * np.where(buys, bars.low[self.row], bars.high[self.row])
        best = self.side * np.where(buys, plain.high[self.row], plain.low[self.row])
        at_open = {
            End.STOP: opening <= self.stop,
            End.TARGET: opening >= self.target,
            End.OPPOSITE: self.row >= self.opposed,
            End.TIMEOUT: self.row > self.out_of_time,
            End.SESSION_CLOSE: self.row > self.session_end,
        }
        later = {
            End.STOP: worst <= self.stop,
            End.TARGET: best >= self.target,
            End.TIMEOUT: self.row == self.out_of_time,
            End.SESSION_CLOSE: self.row == self.session_end,
        }
        end = np.select([*at_open.values(), *later.values()], [*at_open, *later], End.OPEN)
        end[bars.volume[self.row] == 0] = End.OPEN
        return end.astype(np.int8), np.logical_or.reduce([*at_open.values()])


def play(
    panel: Panel,
    ideas: Ideas,
    rules: Rules,
    opposing: Ideas | None = None,
    expires: Instants | None = None,
    longest: Rows | None = None,
) -> Trades:
    """Play each idea as a trade of its own, by the rules of this module.

    `opposing`: the events that end trades of the other side, in the order of their rows; without them none
    does. `expires`: until when each idea can be entered; NaT or not given for any time. `longest`: after how
    many bars each ends, in place of that of the rules.
    """
    behind = panel.ends[panel.run[ideas.row]]
    entered = _traded(panel, ideas.row + 1, behind)
    entry = _openings(panel, entered, behind, expires)
    orders = _Orders(
        trade=np.arange(len(ideas)),
        row=entered.copy(),
        behind=behind,
        side=ideas.side,
        stop=ideas.stop * (ideas.side + ROUNDING),
        target=ideas.target * (ideas.side - ROUNDING),
        opposed=_first_opposite(ideas, opposing, len(panel)) + 1,
        out_of_time=entered + (rules.longest if longest is None else longest) - 1,
        session_end=_session_ends(panel, entered) if rules.flat_at_close else np.full(len(ideas), len(panel)),
    )
    is_void = (ideas.side * entry <= orders.stop) | (ideas.side * entry >= orders.target)
    end = np.select([np.isnan(entry), is_void], [End.MISSED, End.VOID], End.OPEN).astype(np.int8)
    entry[is_void] = np.nan
    exited, at_open = _walk(panel, orders[end == End.OPEN], end, behind - 1)
    exit = _fills(panel, ideas, end, exited, at_open)
    held = np.where(np.isnan(entry), 0, exited - entered + ~at_open).astype(np.int32)
    cost = rules.cost_bps / 10_000 * (entry + exit)
    dividends = ideas.side * panel.earned(entered, exited, at_open)
    made = ideas.side * (exit - entry) - cost + dividends
    risk, planned = ideas.side * (entry - ideas.stop), np.abs(ideas.entry - ideas.stop)  # void without risk
    return Trades(end, entered, exited, entry, exit, held, made / risk, dividends / risk, made / planned)


def _traded(panel: Panel, rows: Rows, behind: Rows) -> Rows:
    """Return the first row from each of these on in which anything traded; `behind` where there is none."""
    untraded = panel.bars.volume == 0
    if not untraded.any():
        return rows
    traded = np.append(np.flatnonzero(~untraded), len(panel))
    first: Rows = np.minimum(traded[np.searchsorted(traded, rows)], behind)
    return first


def _openings(panel: Panel, entered: Rows, behind: Rows, expires: Instants | None) -> Floats:
    """Return the open at which each idea is entered, NaN where it is missed."""
    openings = np.full(len(entered), np.nan)
    in_time = entered < behind
    if expires is not None:
        in_time[in_time] = ~(panel.bars.opened_at[entered[in_time]] >= expires[in_time])
    openings[in_time] = panel.bars.open[entered[in_time]]
    return openings


def _first_opposite(ideas: Ideas, opposing: Ideas | None, never: int) -> Rows:
    """Return the row of the first event of the other side after each idea, be it in another run."""
    first = np.full(len(ideas), never)
    if opposing is None:
        return first
    for side in (BUY, SELL):
        is_on_side = ideas.side == side
        events = np.append(opposing.row[opposing.side == -side], never)
        first[is_on_side] = events[np.searchsorted(events, ideas.row[is_on_side], side="right")]
    return first


def _session_ends(panel: Panel, rows: Rows) -> Rows:
    """Return the last row of each row's session; the panel's length where no later session has begun."""
    is_last = (panel.session[1:] != panel.session[:-1]) & (panel.symbol[1:] == panel.symbol[:-1])
    lasts = np.append(np.flatnonzero(is_last), len(panel))
    return lasts[np.searchsorted(lasts, rows)]


def _worse(side: NDArray[np.int8], column: Floats, other: Floats, rows: Rows) -> Floats:
    """Return the worse of two readings of a price to get out at, times the side."""
    prices: Floats = side * column[rows]
    return prices if column is other else np.minimum(prices, side * other[rows])


def _walk(panel: Panel, orders: _Orders, end: Ends, last: Rows) -> tuple[Rows, Flags]:
    """Step through the bars until every trade or its run has ended; writes into `end`.

    Returns the row at which each trade ended (`last` where it did not), and whether at the open.
    """
    exited, at_open = last.copy(), np.zeros(len(last), dtype=np.bool_)
    while len(orders):
        how, is_early = orders.check_bar(panel.bars, panel.without_doubt)
        is_ended = how != End.OPEN
        trades = orders.trade[is_ended]
        end[trades], exited[trades], at_open[trades] = how[is_ended], orders.row[is_ended], is_early[is_ended]
        orders = orders[~is_ended].next()
    return exited, at_open


def _fills(panel: Panel, ideas: Ideas, end: Ends, exited: Rows, at_open: Flags) -> Floats:
    """Return the price at which each trade ended, NaN where it has not."""
    bars, plain, side = panel.bars, panel.without_doubt, ideas.side
    return np.select(
        [end <= End.OPEN, at_open, end == End.STOP, end == End.TARGET],
        [
            np.nan,
            side * _worse(side, bars.open, plain.open, exited),
            ideas.stop,
            ideas.target,
        ],
        side * _worse(side, bars.close, plain.close, exited),
    )
