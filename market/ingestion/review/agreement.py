"""Bars in doubt that another source gives alike: believed, and remembered with its name."""

from collections.abc import Mapping
from datetime import datetime

import numpy as np
from django.db import transaction

from market import store
from market.ingestion import verdicts
from market.ingestion.review.rebuild import rebuild
from market.models import Candle
from market.prices import Bars, Feed, Timeframe, to_instant

COMPARED = ("low", "high", "close")


def believe(bars: Mapping[str, Bars], timeframe: Timeframe, provider: str, at: datetime) -> list[Candle]:
    """Believe the stored bars in doubt that another provider gives alike; return them."""
    doubted = Candle.objects.filter(symbol__in=bars, timeframe=timeframe, suspect=True)
    doubted = doubted.exclude(provider__in=[provider, store.BY_HAND])
    symbols = set(doubted.values_list("symbol", flat=True))
    if not symbols:
        return []
    with transaction.atomic():
        store.lock(symbols)
        agreed = [candle for candle in doubted.order_by("symbol", "opened_at") if _agrees(candle, bars)]
        verdicts.remember_agreement({(row.symbol, row.opened_at): provider for row in agreed}, timeframe, at)
        for candle in agreed:
            clear(candle, at)
    return agreed


def clear(candle: Candle, at: datetime) -> None:
    """Take the mark of doubt from a stored bar, and build what is built from it."""
    timeframe = Timeframe(candle.timeframe)
    store.set_suspect(
        timeframe, cleared={candle.symbol: np.array([to_instant(candle.opened_at)])}, flagged={}
    )
    rebuild(candle.symbol, timeframe, candle.opened_at, Feed(candle.feed), at)


def _agrees(candle: Candle, bars: Mapping[str, Bars]) -> bool:
    given = bars[candle.symbol]
    rows = np.flatnonzero(given.opened_at == to_instant(candle.opened_at))
    return bool(len(rows)) and is_near(candle, given, int(rows[-1]))


def is_near(candle: Candle, bars: Bars, row: int) -> bool:
    """Return whether a bar has the low, high and close of a stored one."""
    return all(abs(getattr(bars, name)[row] / getattr(candle, name) - 1) < store.NEAR for name in COMPARED)
