"""How bars become candles: judged, given their session, marked when suspect, stored, built upon."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TypeVar

import numpy as np
from django.db import transaction

from market import quality, sessions, store
from market.ingestion import doubts, questions, verdicts
from market.models import Candle, Instrument, Quote
from market.prices import Bars, Feed, QuoteTick, Timeframe, aggregate, to_datetime, to_instant
from market.providers.base import Quotes
from market.quality import Rejections, quote_doubt
from market.quality.quote_doubt import LastPrice

BUILT = {built.built_from: built for built in Timeframe if built.built_from}
BUILT_HERE = "built"  # the provider of bars that we build: any of our own may revise them
T = TypeVar("T")
# A late auction is no sign of a wrong zone, and neither is the odd session that no calendar knew of.
NEAR_SESSION, STRAY_SHARE = timedelta(minutes=30), 0.1


class OutsideSessions(ValueError):
    """Bars that are said to be of trading hours lie outside them: their stamps are of another zone."""


def by_calendar(values: Mapping[str, T]) -> Iterator[tuple[str, dict[str, T]]]:
    """Return values by symbol, dealt out by exchange calendar. Raises UnknownSymbols for strangers."""
    calendars = dict(Instrument.objects.filter(symbol__in=values).values_list("symbol", "calendar"))
    if unknown := values.keys() - calendars.keys():
        raise store.UnknownSymbols(sorted(unknown))
    for calendar in sorted(set(calendars.values())):
        yield calendar, {symbol: value for symbol, value in values.items() if calendars[symbol] == calendar}


def cap_to_sessions(ticks: Sequence[QuoteTick]) -> list[QuoteTick]:
    """Return the ticks, none of them later than the session it can be from.

    For a provider that stamps prices with its own clock: between two sessions it repeats the last price, and
    that is as old as the close at least.
    """
    capped: list[QuoteTick] = []
    for calendar, part in by_calendar({tick.symbol: tick for tick in ticks}):
        oldest = min(tick.as_of for tick in part.values())
        trading_sessions = sessions.load(calendar, since=oldest - timedelta(days=15))
        capped += [replace(tick, as_of=trading_sessions.traded_until(tick.as_of)) for tick in part.values()]
    return capped


def refuse_outside_sessions(bars: Mapping[str, Bars], at: datetime) -> None:
    """Refuse intraday bars of which more than a tenth lie far outside every session.

    For a provider that gives trading hours only. Those after `at` or without a time are refused anyway.
    Raises OutsideSessions.
    """
    stamps = {symbol: given.opened_at[given.opened_at <= to_instant(at)] for symbol, given in bars.items()}
    for calendar, part in by_calendar({symbol: opened for symbol, opened in stamps.items() if len(opened)}):
        first = min(opened.min() for opened in part.values())
        trading_sessions = sessions.load(calendar, since=to_datetime(first) - timedelta(days=1))
        for symbol, opened in part.items():
            strays = int((~trading_sessions.near(opened, NEAR_SESSION)).sum())
            if strays > STRAY_SHARE * len(opened) and len(trading_sessions.dates):
                raise OutsideSessions(
                    f"{strays} of {len(opened)} bars of {symbol} lie outside the hours of {calendar}: is that"
                    " its exchange, and does the gateway send times in the right zone (best: UTC format)?"
                )


def record_quotes(
    ticks: Sequence[QuoteTick],
    answer: Quotes,
    *,
    provider: str,
    at: datetime,
    apart: timedelta | None = None,
) -> None:
    """Store the ticks of an answer, each judged by the last believed price of its symbol.

    `apart`: how far apart the quotes of the history are at least.
    """
    last = _last_prices([tick.symbol for tick in ticks])
    far = quote_doubt.far_moves(ticks, last, clocked=answer.clocked)
    judged = list(ticks)
    if far:
        judged = quote_doubt.with_doubts(ticks, last, _typical_moves(far), clocked=answer.clocked)
    store.write_quotes(judged, provider=provider, feed=answer.feed, delay=answer.delay, at=at, apart=apart)
    if believed := quote_doubt.believed_again(judged, last):
        store.believe_quotes(believed, provider=provider, at=at)


def _last_prices(symbols: Sequence[str]) -> dict[str, LastPrice]:
    """Return what is known of each symbol's price; the first one of a symbol may never have been believed."""
    names = ("symbol", "price", "as_of", "doubtful_price", "doubtful_as_of")
    rows = Quote.objects.filter(symbol__in=symbols).values_list(*names)
    return {
        symbol: LastPrice(None if doubted == as_of else price, as_of, doubtful, doubted)
        for symbol, price, as_of, doubtful, doubted in rows
    }


def _typical_moves(symbols: Sequence[str]) -> dict[str, float]:
    """Return the median log range of each symbol's newest 15-minute bars, where it has enough."""
    bars = store.read_bars(symbols, Timeframe.M15, last=quality.CONTEXT_BARS)
    return {
        symbol: float(np.median(np.log(stored.high / stored.low)))
        for symbol, stored in bars.items()
        if len(stored) >= quality.LEAST_BARS
    }


def record(
    bars: Mapping[str, Bars],
    timeframe: Timeframe,
    *,
    provider: str,
    feed: Feed,
    at: datetime,
    rejections: Rejections,
    delay: timedelta = timedelta(0),
    import_id: int | None = None,
) -> store.Written:
    """Judge and store what a provider answered, and build the coarser timeframe from it. One transaction.

    Rows that are unfit are left out and counted in `rejections`; bars without a row stay as they are.
    """
    until = to_instant(at)
    fit = {symbol: quality.fit_bars(given, symbol, until, rejections) for symbol, given in bars.items()}
    kept = {symbol: given for symbol, given in fit.items() if len(given)}
    with transaction.atomic():
        placed: dict[str, Bars] = {}
        for calendar, part in by_calendar(kept):
            placed |= _with_sessions(part, timeframe, calendar, at, delay)
        placed = questions.without_bad(placed, timeframe, rejections)
        store.lock(placed)  # what a person decides from here on comes after these bars
        placed = verdicts.keep_to(placed, timeframe)
        around = store.context(placed, timeframe, before=quality.CONTEXT_BARS)
        judged, touched = doubts.judge(placed, around, timeframe, provider, at)
        written = store.write_candles(judged, timeframe, provider=provider, feed=feed, import_id=import_id)
        if timeframe in BUILT:
            build(touched, BUILT[timeframe], feed=feed, at=at, delay=delay)
        questions.ask(placed, around, timeframe, provider, at)
    return written


def reconsider(symbol: str, *, at: datetime) -> None:
    """Believe the stored bars in doubt that finer bars now support: these may have come last."""
    for timeframe in (Timeframe.M5, Timeframe.M15, Timeframe.D1):
        believed = doubts.reconsider(symbol, timeframe)
        if timeframe in BUILT and len(believed):
            newest = Candle.objects.filter(symbol=symbol, timeframe=timeframe).latest("opened_at")
            build({symbol: believed}, BUILT[timeframe], feed=Feed(newest.feed), at=at, delay=timedelta(0))


def _with_sessions(
    bars: Mapping[str, Bars], timeframe: Timeframe, calendar: str, at: datetime, delay: timedelta
) -> dict[str, Bars]:
    """Return the bars with their session and whether they are final, by the sessions of their calendar."""
    first = min(given.opened_at[0] for given in bars.values())
    trading_sessions = sessions.load(calendar, since=to_datetime(first) - timedelta(days=8))
    return {
        symbol: replace(
            given,
            regular=trading_sessions.regular(timeframe, given.opened_at),
            final=trading_sessions.final(timeframe, given.opened_at, at, delay),
        )
        for symbol, given in bars.items()
    }


def build(
    bars: Mapping[str, Bars], timeframe: Timeframe, *, feed: Feed, at: datetime, delay: timedelta
) -> None:
    """Rebuild every bar of the coarser `timeframe` that the given finer bars are part of."""
    finer = Timeframe(timeframe.built_from or timeframe)
    for calendar, part in by_calendar(bars):
        touched = [given.opened_at[given.regular] for given in part.values() if given.regular.any()]
        if not touched:
            continue
        first, last = min(stamps[0] for stamps in touched), max(stamps[-1] for stamps in touched)
        trading_sessions = sessions.load(calendar, since=to_datetime(first) - timedelta(days=8))
        since = trading_sessions.buckets(timeframe, np.array([first]))[0]
        stored = store.read_bars(
            list(part), finer, since=to_datetime(since), until=to_datetime(last) + timeframe.length
        )
        built: dict[str, Bars] = {}
        for symbol, finer_bars in stored.items():
            regular = finer_bars[finer_bars.regular]
            if len(regular):
                aggregated = aggregate(regular, trading_sessions.buckets(timeframe, regular.opened_at))
                built[symbol] = replace(
                    aggregated, final=trading_sessions.final(timeframe, aggregated.opened_at, at, delay)
                )
        store.write_candles(built, timeframe, provider=BUILT_HERE, feed=feed)
