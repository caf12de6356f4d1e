"""Verdicts on bars, as ingestion keeps to them: what is believed, what was dropped or corrected by hand."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from datetime import datetime

import numpy as np
from django.db.models import QuerySet

from market.models import BarVerdict, Candle
from market.prices import Bars, Instants, Timeframe, to_datetime, to_instant
from market.store import BY_HAND, NEAR

PRICES = ("open", "high", "low", "close")
JUDGED = (*PRICES, "volume", "vwap", "provider", "feed", "session", "import_id")
Verdict = BarVerdict.Verdict


def keep_to(bars: Mapping[str, Bars], timeframe: Timeframe) -> dict[str, Bars]:
    """Return the bars but for those that were dropped with these values, and the corrected ones as corrected.

    A dropped bar that comes with other values is another one, which is judged as any.
    """
    kept = dict(bars)
    for verdict in _of(bars, timeframe).exclude(verdict=Verdict.BELIEVED):
        given = kept[verdict.symbol]
        for row in np.flatnonzero(given.opened_at == to_instant(verdict.opened_at)).tolist():
            if verdict.verdict == Verdict.CORRECTED:
                kept[verdict.symbol] = _corrected(given, row, verdict)
            elif is_alike(verdict, given, row):
                kept[verdict.symbol] = given[np.arange(len(given)) != row]
    return {symbol: given for symbol, given in kept.items() if len(given)}


def _of(bars: Mapping[str, Bars], timeframe: Timeframe) -> "QuerySet[BarVerdict]":
    openings = [given.opened_at for given in bars.values() if len(given)]
    if not openings:
        return BarVerdict.objects.none()
    first, last = min(opened.min() for opened in openings), max(opened.max() for opened in openings)
    span = (to_datetime(first), to_datetime(last))
    return BarVerdict.objects.filter(symbol__in=bars, timeframe=timeframe, opened_at__range=span)


def is_alike(verdict: BarVerdict, bars: Bars, row: int) -> bool:
    """Return whether a bar has the prices that were decided on. Restated ones are rounded anew."""
    return all(abs(getattr(bars, name)[row] / getattr(verdict, name) - 1) < NEAR for name in PRICES)


def _corrected(given: Bars, row: int, verdict: BarVerdict) -> Bars:
    if (stored := _own(verdict)) is None:
        return given
    values = {name: getattr(stored, name) for name in PRICES}
    for name in ("volume", "vwap"):
        value = getattr(stored, name)
        values[name] = np.nan if value is None else value
    columns = {name: getattr(given, name).copy() for name in values}
    for name, value in values.items():
        columns[name][row] = value
    return replace(given, **columns)


def _own(verdict: BarVerdict) -> Candle | None:
    """Return the bar as a person has corrected it, if it is still stored."""
    key = {"symbol": verdict.symbol, "timeframe": verdict.timeframe, "opened_at": verdict.opened_at}
    return Candle.objects.filter(**key, provider=BY_HAND).first()


def remembered(doubted: Mapping[str, Bars], timeframe: Timeframe) -> dict[str, Instants]:
    """Return the openings of the bars in doubt that are believed by a verdict, or are a person's own.

    A corrected bar that was deleted since, with its session, is a provider's again.
    """
    believed: dict[str, list[np.datetime64]] = {symbol: [] for symbol in doubted}
    for verdict in _of(doubted, timeframe).exclude(verdict=Verdict.DROPPED):
        bars = doubted[verdict.symbol]
        rows = np.flatnonzero(bars.opened_at == to_instant(verdict.opened_at)).tolist()
        is_own = verdict.verdict == Verdict.CORRECTED and _own(verdict) is not None
        believed[verdict.symbol] += [
            bars.opened_at[row]
            for row in rows
            if is_own or (verdict.verdict == Verdict.BELIEVED and is_alike(verdict, bars, row))
        ]
    return {symbol: np.array(openings, dtype="datetime64[us]") for symbol, openings in believed.items()}


def dropped(symbols: Collection[str], timeframe: Timeframe, since: datetime) -> dict[str, Instants]:
    """Return the openings of the bars that were dropped since then, by symbol: they are no gaps."""
    rows = BarVerdict.objects.filter(
        symbol__in=symbols, timeframe=timeframe, opened_at__gte=since, verdict=Verdict.DROPPED
    ).values_list("symbol", "opened_at")
    openings: dict[str, list[np.datetime64]] = {symbol: [] for symbol in symbols}
    for symbol, opened_at in rows:
        openings[symbol].append(to_instant(opened_at))
    return {symbol: np.array(stamps, dtype="datetime64[us]") for symbol, stamps in openings.items()}


def remember_agreement(
    agreed: Mapping[tuple[str, datetime], str], timeframe: Timeframe, at: datetime
) -> None:
    """Store that stored bars are believed because another source, named for each, gives the same.

    What a person decided about a bar stands.
    """
    candles = list(_stored(agreed, timeframe))
    decided = BarVerdict.objects.filter(
        symbol__in={candle.symbol for candle in candles}, timeframe=timeframe, decided_by__isnull=False
    )
    taken = set(decided.values_list("symbol", "opened_at"))
    rows = [
        BarVerdict(
            symbol=candle.symbol,
            timeframe=timeframe,
            opened_at=candle.opened_at,
            verdict=Verdict.BELIEVED,
            agrees=agreed[candle.symbol, candle.opened_at],
            decided_at=at,
            why=f"{agreed[candle.symbol, candle.opened_at]} gives the same bar.",
            **{name: getattr(candle, name) for name in JUDGED},
        )
        for candle in candles
        if (candle.symbol, candle.opened_at) not in taken
    ]
    BarVerdict.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["symbol", "timeframe", "opened_at"],
        update_fields=["verdict", "agrees", "decided_at", "why", *JUDGED],
    )


def _stored(keys: Collection[tuple[str, datetime]], timeframe: Timeframe) -> Iterator[Candle]:
    candles = Candle.objects.filter(
        symbol__in={symbol for symbol, _ in keys},
        timeframe=timeframe,
        opened_at__in={opened_at for _, opened_at in keys},
    )
    return (candle for candle in candles if (candle.symbol, candle.opened_at) in keys)
