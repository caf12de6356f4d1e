"""Rows of figures as two tables that fit a terminal of some 100 columns. Pure."""

import math
from collections.abc import Callable, Sequence

from signals.backtest.figures import Figures

UNKNOWN = "-"
Column = tuple[str, str, Callable[[Figures], str]]  # two lines of heading, and the cell


def laid_out(rows: Sequence[Figures]) -> list[str]:
    """Return the lines of two tables: how the trades ended, and their results beside chance and holding."""
    return [*_table(ENDINGS, rows), "", *_table(RESULTS, rows)]


def percent(share: float) -> str:
    return UNKNOWN if math.isnan(share) else f"{100 * share:.0f} %"


def signed(r: float, digits: int = 2) -> str:
    return UNKNOWN if math.isnan(r) else f"{round(r, digits) + 0.0:+.{digits}f}"  # no -0.00


def plain(value: float, digits: int = 1) -> str:
    if math.isinf(value):
        return "no loss"
    return UNKNOWN if math.isnan(value) else f"{value:,.{digits}f}"


def _gain(share: float) -> str:
    return UNKNOWN if math.isnan(share) else f"{100 * share:+,.0f} %"


def _rate(row: Figures) -> str:
    if not row.targets + row.stops:
        return UNKNOWN
    low, high = 100 * row.target_rate_low, 100 * row.target_rate_high
    return f"{percent(row.target_rate)} ({low:.0f} to {high:.0f})"


def _ranged(value: float, low: float, high: float) -> str:
    if math.isnan(low):
        return signed(value)
    return f"{signed(value)} ({signed(low)} to {signed(high)})"


NAME: Column = ("", "", lambda row: row.symbol or "all")
ENDINGS: list[Column] = [
    NAME,
    ("", "bars", lambda row: f"{row.bars:,}"),
    ("", "ideas", lambda row: f"{row.ideas:,}"),
    ("", "trades", lambda row: f"{row.trades:,}"),
    ("hit", "rate", lambda row: percent(row.hit_rate)),
    ("target before", "stop (95 %)", _rate),
    ("", "luck", lambda row: percent(row.luck)),
    ("oppo-", "site", lambda row: percent(row.opposite_rate)),
    ("time-", "outs", lambda row: percent(row.timeout_rate)),
    ("bars", "held", lambda row: plain(row.average_held)),
    ("expo-", "sure", lambda row: percent(row.exposure)),
]
RESULTS: list[Column] = [
    NAME,
    ("average R", "(95 %)", lambda row: _ranged(row.average_r, row.average_r_low, row.average_r_high)),
    ("as", "planned", lambda row: signed(row.average_planned_r)),
    ("total", "R", lambda row: signed(row.total_r, 1)),
    ("profit", "factor", lambda row: plain(row.profit_factor, 2)),
    ("largest", "drawdown", lambda row: f"{row.drawdown_r:,.1f} R"),
    ("gain", "at 1 %", lambda row: _gain(row.risked_gain)),
    ("random entries:", "R (95 %)", lambda row: _ranged(row.random_r, row.random_r_low, row.random_r_high)),
    ("holding:", "gain", lambda row: _gain(row.hold_gain)),
    ("", "fall", lambda row: percent(row.hold_fall)),
]


def _table(columns: Sequence[Column], rows: Sequence[Figures]) -> list[str]:
    cells = [[top for top, _, _ in columns], [below for _, below, _ in columns]]
    cells += [[cell(row) for _, _, cell in columns] for row in rows]
    widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
    return [_line(line, widths) for line in cells]


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    name, *figures = cells
    aligned = (f"{cell:>{width}}" for cell, width in zip(figures, widths[1:], strict=True))
    return "  ".join([f"{name:<{widths[0]}}", *aligned]).rstrip()
