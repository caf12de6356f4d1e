"""Random entries: as many ideas, on the same sides and at the same distances, but anywhere.

All its events are moved, also those too weak to be played, for they end trades of the other side. The rules
of the trades are the same. What is left between the two is what the strategy's moments are worth. Pure.
"""

from dataclasses import replace
from zlib import crc32

import numpy as np

from market.prices import Flags, Floats
from signals.panel import Integers, Panel
from signals.strategies import Ideas
from signals.trades import Rows, Rules, play

SEED = 20_100_101


def draw(
    panel: Panel, events: Ideas, is_played: Flags, places: Rows, atr: Floats, rules: Rules, *, draws: int
) -> Floats:
    """Return the sum of R and the number of results, (symbols, draws, 2) float64.

    `places`: the rows at which an event may fall, in order; each symbol's events fall on its own. `atr`:
    the average true range of each row. The draws of a symbol depend on nothing but its name and these.
    """
    totals = np.zeros((len(panel.symbols), draws, 2))
    owner = panel.symbol[events.row]
    rows = _rows(panel, owner, places, draws)
    has_place = rows[:, 0] >= 0
    moving, is_played, rows, owner = (
        events[has_place],
        is_played[has_place],
        rows[has_place],
        owner[has_place],
    )
    for n in range(draws):
        moved = _moved(panel, moving, rows[:, n], atr)
        order = np.argsort(moved.row, kind="stable")
        order = order[_possible(moved)[order]]
        played = order[is_played[order]]
        r = play(panel, moved[played], rules, opposing=moved[order]).r
        ended = ~np.isnan(r)
        totals[:, n, 0] = np.bincount(owner[played][ended], r[ended], minlength=len(panel.symbols))
        totals[:, n, 1] = np.bincount(owner[played][ended], minlength=len(panel.symbols))
    return totals


def _rows(panel: Panel, owner: Integers, places: Rows, draws: int) -> Rows:
    """Return where each event falls in each draw, (events, draws); -1 where its symbol has no place."""
    rows = np.full((len(owner), draws), -1, dtype=np.intp)
    every = np.arange(len(panel.symbols) + 1)
    first_events = np.searchsorted(owner, every)
    free = np.searchsorted(panel.symbol[places], every)
    for number, symbol in enumerate(panel.symbols):
        symbol_places = places[free[number] : free[number + 1]]
        first, last = first_events[number], first_events[number + 1]
        if len(symbol_places) and last > first:
            random = np.random.default_rng([SEED, crc32(symbol.encode())])
            rows[first:last] = symbol_places[random.integers(0, len(symbol_places), (last - first, draws))]
    return rows


def _moved(panel: Panel, events: Ideas, rows: Rows, atr: Floats) -> Ideas:
    """Move the events to other rows: entered at the close there, levels as many ATR away as before."""
    scale = atr[rows] / atr[events.row]
    price = panel.bars.close[rows]
    return replace(
        events,
        row=rows,
        entry=price,
        stop=price + (events.stop - events.entry) * scale,
        target=price + (events.target - events.entry) * scale,
        columns={},
    )


def _possible(ideas: Ideas) -> Flags:
    possible: Flags = (ideas.stop > 0) & (ideas.target > 0)
    return possible
