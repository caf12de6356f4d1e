"""Panels and ideas with prices typed in, for the tests of what became of them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from market.prices import Bars, to_instant
from signals.panel import Panel
from signals.strategies import BUY, SELL, Ideas
from signals.strategies.rsi_momentum import RsiMomentum

Price = tuple[float, float, float, float]
FIRST = to_instant(datetime(2024, 1, 1, tzinfo=UTC))


def panel(*rows: Price, symbol: str = "AAPL") -> Panel:
    """One symbol, a day after the other: open, high, low and close of each."""
    open_, high, low, close = np.array(rows, dtype=np.float64).reshape(-1, 4).T
    opened_at = FIRST + np.arange(len(rows)) * np.timedelta64(1, "D")
    return Panel.of(Bars.of(opened_at, open_, high, low, close, np.full(len(rows), 1_000)), symbol)


def beside(*panels: Panel) -> Panel:
    """The bars of several symbols end to end."""
    sizes = [len(panel) for panel in panels]
    number = np.repeat(np.arange(len(panels)), sizes).astype(np.int32)
    return Panel(
        bars=Bars.join(panel.bars for panel in panels),
        starts=np.concatenate([panel.starts + sum(sizes[:n]) for n, panel in enumerate(panels)]),
        symbol=number,
        symbols=tuple(panel.symbols[0] for panel in panels),
        source=np.concatenate([panel.source for panel in panels]),
        session=np.concatenate([panel.session for panel in panels]),
        slot=np.concatenate([panel.slot for panel in panels]),
        tick=np.concatenate([panel.tick for panel in panels]),
        late=np.concatenate([panel.late for panel in panels]),
    )


def broken(panel: Panel, *starts: int) -> Panel:
    """The same bars in runs that start at these rows."""
    return replace(panel, starts=np.array([0, *starts], dtype=np.intp), cache={})


def in_sessions(panel: Panel, *lengths: int) -> Panel:
    """The same bars, so many in each session."""
    return replace(panel, session=np.repeat(np.arange(len(lengths)), lengths).astype(np.int32), cache={})


def ideas(rows: Sequence[int], sides: Sequence[int], levels: Sequence[tuple[float, float, float]]) -> Ideas:
    """Ideas at these rows; entry, stop and target of each."""
    entry, stop, target = np.array(levels, dtype=np.float64).reshape(-1, 3).T
    return Ideas(
        strategy=RsiMomentum(),
        row=np.array(rows, dtype=np.intp),
        side=np.array(sides, dtype=np.int8),
        confidence=np.full(len(entry), 0.7),
        entry=entry,
        stop=stop,
        target=target,
        second_target=target,
        late=np.zeros(len(entry), dtype=np.bool_),
        columns={},
    )


def buy(row: int = 0, entry: float = 100, stop: float = 90, target: float = 120) -> Ideas:
    return ideas([row], [BUY], [(entry, stop, target)])


def sell(row: int = 0, entry: float = 100, stop: float = 110, target: float = 80) -> Ideas:
    return ideas([row], [SELL], [(entry, stop, target)])


def joined_ideas(*parts: Ideas) -> Ideas:
    """Several ideas, in the order of their rows."""
    joined = ideas(
        np.concatenate([part.row for part in parts]).tolist(),
        np.concatenate([part.side for part in parts]).tolist(),
        [
            (float(part.entry[i]), float(part.stop[i]), float(part.target[i]))
            for part in parts
            for i in range(len(part))
        ],
    )
    return joined[np.argsort(joined.row, kind="stable")]


def shifted(given: Ideas, rows: int) -> Ideas:
    """The same so many rows further on."""
    return replace(given, row=given.row + rows)
