"""Whose code a scan was in when its worker died: out of memory, ended by a library, stuck past its limit.

A scan that follows one which died, or in which a strategy counts as failed for that, notes each strategy
before it calls it. The note is committed at once, past the scan's own transactions: it outlives the worker.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial

from django.db import connection

from signals.models import Scan, StrategyConfig
from signals.strategies import DIED

Note = Callable[[StrategyConfig], None]


def of(lost: Collection[Scan]) -> set[str]:
    """Return the configurations that scans which died were at, as far as they have noted it."""
    return {scan.evaluating for scan in lost} - {""}


@contextmanager
def noted(scan: Scan, lost: Collection[Scan]) -> Iterator[Note]:
    """Yield what to call with each configuration before its strategy is."""
    if not lost and not StrategyConfig.objects.failing().filter(failure=DIED).exists():
        yield not_noted
        return
    with ThreadPoolExecutor(1) as beside:  # a thread has a connection, and so transactions, of its own
        try:
            yield lambda config: beside.submit(partial(_note, scan, config)).result()
        finally:
            beside.submit(_close).result()


def not_noted(config: StrategyConfig) -> None:
    """Note nothing."""


def _note(scan: Scan, config: StrategyConfig) -> None:
    Scan.objects.filter(pk=scan.pk).update(evaluating=str(config))


def _close() -> None:
    connection.close()
