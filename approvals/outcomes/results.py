"""The result of a case, and whether later bars can still change it."""

import math
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import numpy as np

from market.prices import Flags, to_datetime
from signals.panel import Panel
from signals.strategies import Ideas
from signals.trades import End, Trades


class Result(NamedTuple):
    """The columns of an outcome that playing it gives."""

    end: int
    race: int
    is_final: bool
    is_race_final: bool
    entered_at: datetime | None = None
    exited_at: datetime | None = None
    entry: float | None = None
    exit: float | None = None
    r: float | None = None
    planned_r: float | None = None


WAITING = Result(End.MISSED, End.MISSED, is_final=False, is_race_final=False)


def results(panel: Panel, played: Ideas, trades: Trades, race: Trades) -> list[Result]:
    """Return one for each idea. `race`: the same trades without opposite events."""
    final = _is_final(panel, played, trades)
    race_final = _is_final(panel, played, race)
    opened_at, is_entered = panel.bars.opened_at, ~np.isnan(trades.entry)
    return [
        Result(
            end=int(trades.end[i]),
            race=int(race.end[i]),
            is_final=bool(final[i]),
            is_race_final=bool(race_final[i]),
            entered_at=to_datetime(opened_at[trades.entered[i]]) if is_entered[i] else None,
            exited_at=to_datetime(opened_at[trades.exited[i]]) if is_result else None,
            entry=_known(trades.entry[i]),
            exit=_known(trades.exit[i]),
            r=_known(trades.r[i]),
            planned_r=_known(trades.planned_r[i]),
        )
        for i, is_result in enumerate(trades.is_result.tolist())
    ]


def _is_final(panel: Panel, played: Ideas, trades: Trades) -> Flags:
    """Return whether it has ended, or never began though there was a bar to enter in."""
    waits = trades.entered >= panel.ends[panel.run[played.row]]
    final: Flags = trades.is_result | (trades.end == End.VOID) | ((trades.end == End.MISSED) & ~waits)
    return final


def _known(price: np.float64) -> float | None:
    return None if math.isnan(price) else float(price)


def spread(size: int, places: Sequence[int], results: Sequence[Result]) -> list[Result]:
    """Return the results at their places among all cases; those without a bar to stand on wait."""
    every = [WAITING] * size
    for place, result in zip(places, results, strict=True):
        every[place] = result
    return every
