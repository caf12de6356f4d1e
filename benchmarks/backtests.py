"""Strategies over history, from columns to trades that have ended: evaluation and fills."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from benchmarks.measure import Result, alternate, seconds
from market.prices import Bars, Timeframe, to_instant
from market.sessions import Sessions
from signals import backtest
from signals.backtest import Setup
from signals.lifetimes import Calendars
from signals.panel import Panel
from signals.strategies import STRATEGIES
from signals.trades import Rules

START = datetime(2000, 1, 3, tzinfo=UTC)
LENGTH = 2_000  # bars of each symbol: eight years of days
AT_LEAST = 500_000  # bars a second


def evaluate(size: int) -> list[Result]:
    """The daily bars of `size` symbols, past each strategy, on one core."""
    panel = _walks(size)
    calendars = Calendars(dict.fromkeys(panel.symbols, "24/7"), {"24/7": _sessions()})
    setups = {
        name: Setup(strategy(), Timeframe.D1, panel.symbols, 0.0, lifetime_bars=1, rules=Rules(longest=40))
        for name, strategy in STRATEGIES.items()
    }

    def timed(setup: Setup) -> Callable[[], float]:
        return lambda: seconds(lambda: _evaluated(panel, setup, calendars))

    median = alternate({name: timed(setup) for name, setup in setups.items()})
    allowed = len(panel) / AT_LEAST
    return [
        Result(f"backtest {name}", value, allowed, 1.0, note=f"{len(panel) / value:,.0f} bars/s")
        for name, value in median.items()
    ]


def _evaluated(panel: Panel, setup: Setup, calendars: Calendars) -> None:
    without_cache = replace(panel, cache={})
    studies = backtest.evaluate(without_cache, setup, calendars)
    if not sum(len(study.cases) for study in studies):
        raise AssertionError(f"{setup.strategy.id} traded nothing.")


def _walks(size: int) -> Panel:
    random = np.random.default_rng(1)
    moves = random.normal(0, 0.015, (size, LENGTH))
    close = 100 * np.exp(moves.cumsum(axis=1))
    opening = np.concatenate([np.full((size, 1), 100.0), close[:, :-1]], axis=1)
    wick = 1 + 0.01 * random.random((2, size, LENGTH))
    stamps = to_instant(START) + np.arange(LENGTH) * np.timedelta64(1, "D")
    bars = Bars.of(
        np.tile(stamps, size),
        opening.ravel(),
        (np.maximum(opening, close) * wick[0]).ravel(),
        (np.minimum(opening, close) / wick[1]).ravel(),
        close.ravel(),
        random.integers(1_000, 9_000, size * LENGTH),
    )
    number, day = np.repeat(np.arange(size), LENGTH), np.tile(np.arange(LENGTH), size)
    return replace(
        Panel.of(bars),
        starts=np.arange(size) * LENGTH,
        symbol=number.astype(np.int32),
        symbols=tuple(f"B{n:05}" for n in range(size)),
        session=day.astype(np.int32),
    )


def _sessions() -> Sessions:
    days = to_instant(START).astype("datetime64[D]") + np.arange(LENGTH + 10)
    opens = days.astype("datetime64[us]")
    return Sessions("24/7", days, opens, opens + np.timedelta64(1, "D"))
