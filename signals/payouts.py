"""Recorded dividends as a panel holds them: on its bars' share basis, at the moments of its bars."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from math import prod

import numpy as np
from django.db.models import F, OuterRef, Subquery

from market import sessions
from market.models import CorporateAction, Instrument, Split
from market.prices import Instants, Timeframe, to_datetime
from signals.panel import Payouts


def of(calendars: Mapping[str, str], timeframe: Timeframe, opened_at: Instants) -> dict[str, Payouts]:
    """Return the dividends of each symbol whose calendar is given, in its currency. Two queries at most."""
    if not len(opened_at):
        return {}
    since = to_datetime(opened_at.min())
    declared = _declared(list(calendars), since.date())
    splits = _splits(list(declared))
    span = np.timedelta64(timeframe.length if timeframe is Timeframe.W1 else timedelta(0))
    return {
        symbol: Payouts(
            at=_moments([day for day, _ in dividends], calendars[symbol], timeframe, since),
            # Stored prices are of today's shares: so must the dividends be.
            amount=np.array([amount / _shares(splits[symbol], day) for day, amount in dividends]),
            span=span,
        )
        for symbol, dividends in declared.items()
    }


def _declared(symbols: list[str], since: date) -> dict[str, list[tuple[date, float]]]:
    currency = Instrument.objects.filter(pk=OuterRef("symbol")).values("currency")
    facts = CorporateAction.objects.dividends().filter(symbol__in=symbols, ex_date__gte=since)
    facts = (
        facts.annotate(of_share=Subquery(currency)).filter(currency=F("of_share")).order_by("ex_date", "pk")
    )
    by_symbol = defaultdict(list)
    for symbol, day, amount in facts.values_list("symbol", "ex_date", "amount"):
        by_symbol[symbol].append((day, float(amount)))
    return by_symbol


def _splits(symbols: list[str]) -> dict[str, list[tuple[date, float]]]:
    by_symbol = defaultdict(list)
    rows = Split.objects.filter(symbol__in=symbols).values_list("symbol", "date", "ratio") if symbols else ()
    for symbol, day, ratio in rows:
        by_symbol[symbol].append((day, ratio))
    return by_symbol


def _shares(splits: Sequence[tuple[date, float]], ex_date: date) -> float:
    """Return how many of today's shares one of the ex-date is."""
    return prod(ratio for day, ratio in splits if day > ex_date)


def _moments(days: Sequence[date], calendar: str, timeframe: Timeframe, since: datetime) -> Instants:
    """Return when the session of each day, or the next one, opens; its date for bars stamped with dates."""
    dates = np.array(days, dtype="datetime64[D]")
    midnights: Instants = dates.astype("datetime64[us]")
    if not timeframe.is_intraday:
        return midnights
    known = sessions.load(calendar, since=since)
    rows = np.searchsorted(known.dates, dates)
    is_known = rows < len(known.opens)
    return np.where(
        is_known, np.append(known.opens, midnights[:1])[np.minimum(rows, len(known.opens))], midnights
    )
