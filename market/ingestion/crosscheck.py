"""The nightly cross-check: the last sessions of each symbol against a second provider, within its pace.

Closes, volumes and counts of bars that differ are stored as rows; what agrees again by the next check is
forgotten. Whether a source counts volume in shares or in lots is seen by adding its bars up to the day's, and
by what its quotes say of the day after the close. What a provider does not give by failing is left for later.
"""

import logging
import random
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Any, NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import QuerySet

from market import faults, feeds, quality, sessions, store
from market.ingestion import pipeline, schedule
from market.ingestion.asking import UNREADABLE
from market.ingestion.review import agreement
from market.models import Candle, Disagreement, Fault, IngestionRun, Instrument, Quote
from market.prices import Bars, Timeframe, to_instant
from market.providers import registry
from market.providers.base import Provider, ProviderError
from market.quality import Rejections

logger = logging.getLogger(__name__)

SESSIONS = 5
LOOKED_BACK = timedelta(days=12)
CLOSE_DIFFERS = 0.005  # of the price: providers take the close from other trades than the auction
VOLUME_DIFFERS = 2.0  # times: IB leaves out trades that the tape counts
BARS_DIFFER = 2  # bars of a session without a trade at one provider's sources
LOT = 100.0
LIKE_LOTS = 1.6  # times more or less than 100 times is still lots
STORED_IN_LOTS = "the stored one looks like lots of 100 shares"
OTHER_IN_LOTS = "the other one looks like lots of 100 shares"
KEPT = timedelta(days=30)
INTRADAY = Timeframe.M15
DAYS_BAR, DAYS_QUOTES = "the day's bar", "the day's quotes"
NEAR_CLOSE = timedelta(minutes=15)  # from then on a quote's volume is that of nearly the whole session


class Day(NamedTuple):
    """A session as a source has it: the day's bar, how many bars lie inside, and their volume in all.

    `volume`: NaN where it is not known. `bars`: None where the bars inside begin later, or in its midst.
    """

    close: float
    volume: float
    bars: int | None
    traded: float


class Checked(NamedTuple):
    """How many figures differ, and the symbols whose provider failed or was held up by its pace."""

    disagreements: int
    uncompared: list[str]


def check(at: datetime, symbols: Collection[str] | None = None) -> Checked:
    """Compare the last sessions with what lies inside them and with a second provider, of these or of all."""
    Disagreement.objects.filter(found_at__lt=at - KEPT).delete()
    sources = _sources(at, symbols)
    stored = _days(_stored(list(sources), Timeframe.D1, at), _stored(list(sources), INTRADAY, at))
    isolation = faults.Isolation(Fault.Work.COMPARE, at)
    in_units = isolation.together(list(sources), lambda some: _check_units(some, sources, stored, at), str)
    disagreements = list(chain.from_iterable(in_units))
    uncompared: list[str] = []
    for provider, batch in _second_providers(sources, at):
        differing, left = _compare(provider, {symbol: sources[symbol] for symbol in batch}, stored, at)
        disagreements += differing
        uncompared += left
    logger.info(
        "cross-check: %s of %s symbols disagree", len({row.symbol for row in disagreements}), len(sources)
    )
    return Checked(len(disagreements), sorted(uncompared))


def _sources(at: datetime, wanted: Collection[str] | None) -> dict[str, str]:
    """Return the provider of each fetched symbol's newest daily bar, in another order each night."""
    fetched = Instrument.objects.fetched()
    fetched = fetched if wanted is None else fetched.filter(symbol__in=wanted)
    symbols = sorted(fetched.values_list("symbol", flat=True))
    random.Random(at.date().toordinal()).shuffle(symbols)  # the pace may not allow all: each has its turn
    rows = Candle.objects.filter(symbol__in=symbols, timeframe=Timeframe.D1, opened_at__gte=at - LOOKED_BACK)
    newest = dict(rows.order_by("opened_at").values_list("symbol", "provider"))
    return {symbol: newest[symbol] for symbol in symbols if symbol in newest}


def _check_units(
    symbols: Sequence[str], sources: Mapping[str, str], stored: Mapping[str, Mapping[date, Day]], at: datetime
) -> list[Disagreement]:
    """Store and return whose bars or quotes count volume in another unit than the bar of their day."""
    disagreements = _check_quotes(symbols, stored, at)
    for symbol in symbols:
        for newest, day in sorted(stored[symbol].items())[-1:]:
            if day.traded > 0 and day.volume > 0 and (note := scale(day.traded, day.volume)):
                figures = _figure(newest, Disagreement.Figure.UNIT, day.traded, day.volume, note)
                about = {"symbol": symbol, "provider": sources[symbol], "other": DAYS_BAR, "found_at": at}
                disagreements.append(Disagreement(**about, **figures))
    before = Disagreement.objects.filter(symbol__in=symbols, other__in=[DAYS_BAR, DAYS_QUOTES])
    _replace(disagreements, before)
    return disagreements


def _check_quotes(
    symbols: Sequence[str], stored: Mapping[str, Mapping[date, Day]], at: datetime
) -> list[Disagreement]:
    """Return whose quotes after the close give the day's volume in another unit than its bar.

    Only those of the whole market: one exchange's part of it may be a hundredth.
    """
    disagreements = []
    quotes = Quote.objects.filter(symbol__in=symbols, volume__gt=0, provider__in=registry.CONSOLIDATED)
    for calendar, part in pipeline.by_calendar({quote.symbol: quote for quote in quotes}):
        hours = sessions.load(calendar, since=at - LOOKED_BACK, until=at)
        for symbol, quote in part.items():
            day = hours.date_of(quote.as_of)
            is_whole = not hours.near(np.array([to_instant(quote.as_of + NEAR_CLOSE)]))[0]
            bar = stored[symbol].get(day) if day and is_whole else None
            if day and bar and quote.volume and bar.volume > 0 and (note := scale(bar.volume, quote.volume)):
                figures = _figure(day, Disagreement.Figure.UNIT, bar.volume, quote.volume, note)
                about = {"symbol": symbol, "provider": quote.provider, "other": DAYS_QUOTES, "found_at": at}
                disagreements.append(Disagreement(**about, **figures))
    return disagreements


def _replace(disagreements: Sequence[Disagreement], before: QuerySet[Disagreement]) -> None:
    """Put these in place of those before. What a person has seen stays seen while it is the same."""
    with transaction.atomic():
        seen = {(*_key(row), row.stored, row.given): row for row in before.exclude(reviewed_at=None)}
        for row in disagreements:
            if reviewed := seen.get((*_key(row), row.stored, row.given)):
                row.reviewed_by_id, row.reviewed_at, row.why = (
                    reviewed.reviewed_by_id,
                    reviewed.reviewed_at,
                    reviewed.why,
                )
        before.delete()
        Disagreement.objects.bulk_create(disagreements)


def _key(row: Disagreement) -> tuple[str, date, str, str]:
    return row.symbol, row.date, row.figure, row.other


def _second_providers(sources: Mapping[str, str], at: datetime) -> Iterator[tuple[Provider, list[str]]]:
    """Yield each provider with the symbols that it is the second source of: the first that is not theirs."""
    ready = feeds.ready(IngestionRun.Kind.CANDLES, at)
    parts: dict[str, list[str]] = defaultdict(list)
    for symbol, source in sources.items():
        if other := next((provider.name for provider in ready if provider.name != source), None):
            parts[other].append(symbol)
    for provider in ready:
        for start in range(0, len(parts[provider.name]), schedule.ASKED_AT_ONCE):
            yield provider, parts[provider.name][start : start + schedule.ASKED_AT_ONCE]


def _compare(
    provider: Provider, sources: Mapping[str, str], stored: Mapping[str, Mapping[date, Day]], at: datetime
) -> tuple[list[Disagreement], set[str]]:
    """Store and return what one provider says differently, and of which symbols it is to be asked again.

    What it does not have is not compared.
    """
    isolation = faults.Isolation(Fault.Work.COMPARE, at, source=provider.name)
    daily, left = _ask(provider, list(sources), Timeframe.D1, isolation)
    inside: dict[str, Bars] = {}
    if daily and INTRADAY in schedule.fetched():
        inside, left_inside = _ask(provider, list(daily), INTRADAY, isolation)
        left |= left_inside
    given = _days(daily, inside)

    def store_differences(symbols: Sequence[str]) -> list[Disagreement]:
        disagreements = [
            Disagreement(symbol=symbol, provider=sources[symbol], other=provider.name, found_at=at, **figures)
            for symbol in symbols
            for figures in _differences(stored[symbol], given[symbol])
        ]
        _replace(disagreements, Disagreement.objects.filter(symbol__in=symbols, other=provider.name))
        return disagreements

    differing = isolation.together(list(daily), store_differences, str)
    return list(chain.from_iterable(differing)), left | {
        symbol for symbol in daily if isolation.is_paused(symbol)
    }


def _ask(
    provider: Provider, symbols: Sequence[str], timeframe: Timeframe, isolation: faults.Isolation
) -> tuple[dict[str, Bars], set[str]]:
    """Return the bars, and the symbols for which asking again may help."""
    at = isolation.at
    try:
        answer = provider.candles(symbols, timeframe, at - LOOKED_BACK, at)
    except (ProviderError, *UNREADABLE) as failure:
        logger.warning("cross-check: %s gives no %s bars: %s", provider.name, timeframe, failure)
        is_permanent = isinstance(failure, ProviderError) and failure.permanent
        return {}, set() if is_permanent else set(symbols)
    fit = {
        symbol: quality.fit_bars(bars, symbol, to_instant(at), Rejections())
        for symbol, bars in answer.bars.items()
        if symbol in symbols and symbol not in answer.partial
    }
    given = {symbol: bars for symbol, bars in fit.items() if len(bars)}
    isolation.together(
        list(given),
        lambda some: agreement.believe({s: given[s] for s in some}, timeframe, provider.name, at),
        str,
    )
    return _final(given, timeframe, at, answer.delay), {*answer.declined, *answer.partial}


def _stored(symbols: Sequence[str], timeframe: Timeframe, at: datetime) -> dict[str, Bars]:
    bars = store.read_bars(symbols, timeframe, since=at - LOOKED_BACK, until=at)
    return _final({symbol: each for symbol, each in bars.items() if len(each)}, timeframe, at, timedelta(0))


def _final(bars: Mapping[str, Bars], timeframe: Timeframe, at: datetime, delay: timedelta) -> dict[str, Bars]:
    """Return the final bars of trading hours, stamped with the date of their session."""
    dated: dict[str, Bars] = {}
    for calendar, part in pipeline.by_calendar(bars):
        hours = sessions.load(calendar, since=at - 2 * LOOKED_BACK)
        for symbol, given in part.items():
            fit = hours.regular(timeframe, given.opened_at) & hours.final(
                timeframe, given.opened_at, at, delay
            )
            kept = given[fit]
            days = np.searchsorted(hours.opens, kept.opened_at, side="right") - 1
            dates = hours.dates[days] if timeframe.is_intraday else kept.opened_at.astype("datetime64[D]")
            dated[symbol] = Bars.of(dates, kept.open, kept.high, kept.low, kept.close, kept.volume)
    return dated


def _days(daily: Mapping[str, Bars], inside: Mapping[str, Bars]) -> dict[str, dict[date, Day]]:
    """Return close, volume and the count of bars inside, of the last sessions of each symbol."""
    days: dict[str, dict[date, Day]] = defaultdict(dict)
    for symbol, bars in daily.items():
        parts = inside.get(symbol, bars[:0])
        for row in range(max(len(bars) - SESSIONS, 0), len(bars)):
            opened = bars.opened_at[row]
            volumes = parts.volume[parts.opened_at == opened]
            is_whole = len(parts) > 0 and opened > parts.opened_at[0]
            days[symbol][opened.astype("datetime64[D]").item()] = Day(
                close=float(bars.close[row]),
                volume=float(bars.volume[row]),
                bars=len(volumes) if is_whole else None,
                traded=float(volumes.sum()) if is_whole and (volumes >= 0).all() else 0,
            )
    return days


def _differences(stored: Mapping[date, Day], given: Mapping[date, Day]) -> Iterator[dict[str, Any]]:
    """Yield the figures in which two sources differ, of the sessions that both have."""
    for day in sorted(stored.keys() & given.keys()):
        ours, theirs = stored[day], given[day]
        if abs(theirs.close / ours.close - 1) > CLOSE_DIFFERS:
            note = f"{theirs.close / ours.close:.4g} times"
            yield _figure(day, Disagreement.Figure.CLOSE, ours.close, theirs.close, note)
        volumes = (ours.volume, theirs.volume)
        if all(volume > 0 for volume in volumes) and max(volumes) > VOLUME_DIFFERS * min(volumes):
            note = scale(*volumes) or f"{theirs.volume / ours.volume:.3g} times"
            yield _figure(day, Disagreement.Figure.VOLUME, *volumes, note)
        if ours.bars and theirs.bars is not None and abs(ours.bars - theirs.bars) > BARS_DIFFER:
            yield _figure(day, Disagreement.Figure.BARS, ours.bars, theirs.bars, "")


def _figure(day: date, figure: str, stored: float, given: float, note: str) -> dict[str, Any]:
    return {"date": day, "figure": figure, "stored": stored, "given": given, "note": note}


def counted_in_lots(rows: Iterable[Disagreement]) -> dict[str, list[str]]:
    """Return by source (its quotes or its bars) the symbols whose volume looks like a count of lots."""
    by_source: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.note == OTHER_IN_LOTS:
            source = f"{row.provider}'s quotes" if row.other == DAYS_QUOTES else f"{row.other}'s bars"
            by_source[source].add(row.symbol)
        elif row.note == STORED_IN_LOTS:
            by_source[f"{row.provider}'s bars"].add(row.symbol)
    return {source: sorted(symbols) for source, symbols in sorted(by_source.items())}


def scale(volume: float, other: float) -> str:
    """Return which of two volumes of the same trades looks as if it were counted in lots; empty for none."""
    ratio = other / volume
    if 1 / LIKE_LOTS <= ratio / LOT <= LIKE_LOTS:
        return STORED_IN_LOTS
    if 1 / LIKE_LOTS <= ratio * LOT <= LIKE_LOTS:
        return OTHER_IN_LOTS
    return ""
