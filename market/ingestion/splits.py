"""Share splits: seen when old and new bars of the overlap differ by one factor. All history is restated."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import numpy as np
from django.db import transaction

from market import share_basis, store
from market.ingestion import questions
from market.models import Instrument, Split
from market.prices import Bars, Timeframe, to_datetime

logger = logging.getLogger(__name__)

PERSON = "person"  # the source of a split that one recorded


@dataclass(frozen=True)
class Change:
    """From `date` on one old share is `ratio` new ones."""

    ratio: float
    date: date


def detect(answer: Mapping[str, Bars], timeframe: Timeframe) -> dict[str, Change]:
    """Return the symbols whose stored bars differ from the same bars in the answer by one common factor."""
    given = {symbol: bars for symbol, bars in answer.items() if len(bars)}
    if not given:
        return {}
    since = to_datetime(min(bars.opened_at.min() for bars in given.values()))
    stored = store.read_bars(list(given), timeframe, since=since)
    changes = {}
    for symbol, bars in given.items():
        factor = share_basis.common_factor(stored[symbol], bars)
        if factor is not None:
            changes[symbol] = Change(factor, _first_day(stored[symbol], bars, factor))
    return changes


def in_new_shares(answer: Mapping[str, Bars], timeframe: Timeframe) -> dict[str, Bars]:
    """Return the bars, those from before a split that a person recorded in new shares.

    A provider may give old shares for some days more. To take that for another split would undo the person's.
    """
    bars = dict(answer)
    recorded = Split.objects.filter(symbol__in=answer, source=PERSON).order_by("date")
    for symbol, day, ratio in recorded.values_list("symbol", "date", "ratio"):
        given = bars[symbol]
        is_old = given.opened_at < np.datetime64(day, "us")
        if is_old.any() and _is_in_old_shares(symbol, timeframe, given[is_old], ratio):
            bars[symbol] = share_basis.in_shares(given, np.where(is_old, ratio, 1.0))
    return bars


def _is_in_old_shares(symbol: str, timeframe: Timeframe, given: Bars, ratio: float) -> bool:
    """Whether bars from before a split are nearer to the stored ones in old shares than in new ones."""
    since, until = to_datetime(given.opened_at.min()), to_datetime(given.opened_at.max())
    stored = store.read_bars([symbol], timeframe, since=since, until=until + timeframe.length)[symbol]
    _, rows, same = np.intersect1d(stored.opened_at, given.opened_at, return_indices=True)
    if not len(rows):
        return False
    off = np.log(given.close[same] / stored.close[rows])
    return bool(np.median(np.abs(off - np.log(ratio))) < np.median(np.abs(off)))


def _first_day(old: Bars, new: Bars, factor: float) -> date:
    """Return the date of the first bar that was stored on the new basis, or was not stored as final yet."""
    old = old[old.final & ~old.suspect]
    stamps, old_rows, new_rows = np.intersect1d(old.opened_at, new.opened_at, return_indices=True)
    ratio = old.close[old_rows] / new.close[new_rows]
    last = stamps[np.abs(ratio / factor - 1) < np.abs(ratio - 1)][-1]
    later = new.opened_at[new.opened_at > last]
    return to_datetime(later[0]).date() if len(later) else to_datetime(last).date() + timedelta(days=1)


def begin(symbol: str, at: datetime) -> None:
    """Keep the instrument from being evaluated until its history is restated."""
    Instrument.objects.filter(symbol=symbol, split_pending_since=None).update(split_pending_since=at)


def pending() -> list[str]:
    """Return the symbols whose history waits to be restated."""
    waiting = Instrument.objects.exclude(split_pending_since=None).order_by("symbol")
    return list(waiting.values_list("symbol", flat=True))


@transaction.atomic
def finish(symbol: str, change: Change | None, source: str, at: datetime) -> None:
    """Restate the stored history of all timeframes and record the split.

    `change` is None when the whole history, fetched again, shows none: a provider took its split back.
    """
    Instrument.objects.filter(symbol=symbol).update(split_pending_since=None)
    if change is None:
        logger.warning("%s: the split that %s showed is gone", symbol, source)
        return
    store.rescale(symbol, change.ratio, before=np.datetime64(change.date, "us"))
    Split.objects.update_or_create(
        symbol=symbol,
        date=change.date,
        defaults={"ratio": change.ratio, "source": source, "recorded_at": at},
    )
    questions.explain(symbol, change.date, change.ratio, source, at)
    logger.info("%s: split %g:1 on %s, history restated", symbol, change.ratio, change.date)
