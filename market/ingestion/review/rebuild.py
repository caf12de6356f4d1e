"""The bar that is built from one which a person, or another source, has changed."""

from datetime import datetime, timedelta

import numpy as np

from market import sessions, store
from market.ingestion import pipeline
from market.models import Candle, Instrument
from market.prices import Feed, Timeframe, to_datetime, to_instant

MICROSECOND = timedelta(microseconds=1)


def rebuild(symbol: str, timeframe: Timeframe, opened_at: datetime, feed: Feed, at: datetime) -> None:
    """Build the coarser bar anew that holds this one. It goes when nothing is left of it."""
    if (built := pipeline.BUILT.get(timeframe)) is None:
        return
    calendar = Instrument.objects.values_list("calendar", flat=True).get(pk=symbol)
    hours = sessions.load(calendar, since=opened_at - timedelta(days=8))
    first = to_datetime(hours.buckets(built, np.array([to_instant(opened_at)]))[0])
    stored = store.read_bars([symbol], timeframe, since=first, until=first + built.length)[symbol]
    if stored.regular.any():
        pipeline.build({symbol: stored}, built, feed=feed, at=at, delay=timedelta(0))
    elif _is_built(symbol, built, first):
        store.delete(symbol, [built], first, first + MICROSECOND)


def _is_built(symbol: str, timeframe: Timeframe, opened_at: datetime) -> bool:
    bars = Candle.objects.filter(symbol=symbol, timeframe=timeframe, opened_at=opened_at)
    return bars.filter(provider=pipeline.BUILT_HERE).exists()
