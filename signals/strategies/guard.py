"""A call of a strategy's own code: whatever goes wrong in it is the failure of that strategy alone."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import numpy as np

from signals.panel import Panel
from signals.strategies.base import STORED_DIGITS, Ideas, Strategy

MOST_BARS = 100_000  # that a strategy may look back on
SECONDS = 30.0  # that a strategy may take for the newest bars
HISTORY_SECONDS = 240.0  # and for the whole history of some symbols
DIED = "Its worker died in it: it ended the process, ran out of memory, or did not end."
AGAIN = 1.0  # seconds after which one that has caught the deadline meets it again
PRICES = ("entry", "stop", "target", "second_target")
KINDS = {"row": "iu", "side": "i", "confidence": "f", "late": "b"} | dict.fromkeys(PRICES, "f")  # of numpy


class StrategyFailed(Exception):
    """A strategy raised, took too long, or returned what are no ideas. The text is one line."""


class StrategyBroke(StrategyFailed):
    """It raised or returned what are no ideas: perhaps for one of the symbols alone."""


class StrategyTooSlow(StrategyFailed):
    """It took too long."""


class _TooLong(BaseException):
    """The deadline has passed. No `except Exception` of a strategy keeps it."""


def ideas_of(strategy: Strategy, panel: Panel, seconds: float = SECONDS) -> Ideas:
    """Return the strategy's ideas on a panel. Raises StrategyFailed, whatever goes wrong."""
    with failing_alone(seconds):
        ideas = strategy.ideas(panel)
        _refuse_unfit(ideas, panel)
    return ideas


def reach_of(strategy: Strategy) -> tuple[int, int]:
    """Return how many bars the strategy needs and remembers. Raises StrategyFailed, whatever goes wrong."""
    with failing_alone():
        return _bars("needs", strategy.needs), _bars("remembers", strategy.remembers)


def _bars(name: str, given: object) -> int:
    if not isinstance(given, int | np.integer) or not 0 <= given <= MOST_BARS:
        raise ValueError(f"{name} is {given!r:.40}, and no number of bars from 0 to {MOST_BARS:,}")
    return int(given)


@contextmanager
def failing_alone(seconds: float = SECONDS) -> Iterator[None]:
    """Turn what a strategy's code raises, and more than so many seconds of it, into StrategyFailed.

    The deadline is kept by a signal: in the main thread alone, where every task of the queue runs, and
    between two steps of Python. A call into numpy that does not return is ended by the task's time limit, and
    the next scan knows whose it was (scan/suspects.py).
    """
    try:
        with _deadline(seconds):
            yield
    except _TooLong:
        raise StrategyTooSlow(f"It took longer than {seconds:g} s.") from None
    except (Exception, SystemExit) as error:
        line = f"{type(error).__name__}: {error}".partition("\n")[0]
        raise StrategyBroke(line) from error


@contextmanager
def _deadline(seconds: float) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _raise_too_long)
    earlier = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)  # first: a late alarm must not meet the other handler
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *earlier)


def _raise_too_long(number: int, frame: FrameType | None) -> None:
    raise _TooLong


def _refuse_unfit(ideas: Ideas, panel: Panel) -> None:
    """Raise ValueError unless there is one sane idea for each row: a bar of the panel, a side, fit prices."""
    rows, count = ideas.row, len(ideas.row)
    columns = {name: getattr(ideas, name) for name in ("side", "confidence", "late", *PRICES)} | ideas.columns
    for name, column in columns.items():
        if np.shape(column) != (count,):
            raise ValueError(f"{name} has the shape {np.shape(column)} for {count} ideas")
    for name, kinds in KINDS.items():
        if getattr(ideas, name).dtype.kind not in kinds:
            raise ValueError(f"{name} is of the type {getattr(ideas, name).dtype}")
    if any(np.isinf(column).any() for column in ideas.columns.values()):
        raise ValueError("a column is infinite at an idea")
    if count and not (rows[0] >= 0 and rows[-1] < len(panel) and (np.diff(rows) > 0).all()):
        raise ValueError("the rows of its ideas are not bars of the panel in their order")
    if not np.isin(ideas.side, (-1, 1)).all():
        raise ValueError("a side is neither 1 (buy) nor -1 (sell)")
    if not ((ideas.confidence >= 0) & (ideas.confidence <= 1)).all():
        raise ValueError("a confidence is not between 0 and 1")
    for name in PRICES:
        prices = getattr(ideas, name)
        if not (np.isfinite(prices) & (prices > 0)).all():
            raise ValueError(f"{name.replace('_', ' ')} is not a price above 0 everywhere")
    levels = np.round(np.stack([ideas.stop, ideas.entry, ideas.target, ideas.second_target]), STORED_DIGITS)
    distances = ideas.side * np.diff(levels, axis=0)
    if not ((distances[:2] > 0).all() and (distances[2] >= 0).all()):
        raise ValueError(
            "stop, entry, target and second target do not follow each other in the trade's direction"
        )
