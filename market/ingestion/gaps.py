"""Bars that a trading session should have and has not: found, explained, tried again, never invented."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta

import numpy as np
from django.db import transaction
from django.db.models import Max, Min

from market import sessions, store
from market.ingestion import verdicts
from market.ingestion.schedule import Ask
from market.models import Gap, Instrument
from market.prices import Bars, Flags, Instants, Timeframe, to_datetime, to_instant
from market.sessions import Sessions

PAUSES = (timedelta(minutes=10), timedelta(hours=2), timedelta(hours=24))
A_WEEK = timedelta(days=7)
MICROSECOND = np.timedelta64(1, "us")
REFILLED_AT_ONCE = 2  # per cycle: what is due now must not wait behind what was missed


def list_missing(
    answer: Mapping[str, Bars],
    timeframe: Timeframe,
    since: datetime,
    trading_sessions: Sessions,
    at: datetime,
    delay: timedelta,
    until: datetime | None = None,
) -> None:
    """Compare what is stored since `since` with the sessions, and list what is missing with its reason.

    `until`: the opening of the last bar that was asked for; None for the newest.
    """
    symbols = list(answer)
    listed = Gap.objects.filter(symbol__in=symbols, timeframe=timeframe, last_at__gte=since)
    listed = listed if until is None else listed.filter(first_at__lte=until)
    edges = listed.aggregate(first=Min("first_at"), last=Max("last_at"))
    since = min(edges["first"] or since, since)
    until = until and max(edges["last"] or until, until)
    end = to_instant(at) if until is None else min(to_instant(until) + MICROSECOND, to_instant(at))
    grid = trading_sessions.grid(timeframe, to_instant(since), end)
    grid = grid[trading_sessions.final(timeframe, grid, at, delay)]
    stored = store.read_bars(symbols, timeframe, since=since, until=at)
    dropped = verdicts.dropped(symbols, timeframe, since)
    oldest = store.oldest(symbols, timeframe)
    missing = {
        symbol: ~np.isin(grid, stored[symbol].opened_at[stored[symbol].final])
        & ~np.isin(grid, dropped[symbol])
        & (grid > first)
        for symbol, first in oldest.items()
        if first is not None
    }
    if missing:
        lacking = np.sum(list(missing.values()), axis=0)
        shared = (lacking >= 2) & (lacking * 2 >= len(missing))
        listed_gaps = [
            _gap(
                symbol,
                timeframe,
                grid[run],
                _reason(timeframe, grid[run], answer[symbol], shared[run], trading_sessions),
                at,
            )
            for symbol, lacks in missing.items()
            for run in _runs(lacks)
        ]
        _list(symbols, timeframe, since, until, listed_gaps)


def _runs(lacks: Flags) -> Iterator[slice]:
    """Return the stretches of consecutive True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], lacks, [False]]).astype(np.int8)))
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        yield slice(int(first), int(end))


def _reason(
    timeframe: Timeframe, lost: Instants, answer: Bars, shared: Flags, trading_sessions: Sessions
) -> Gap.Reason:
    """Return why the bars are missing.

    Ours when no answer reached back so far; the provider's if most symbols or a whole session lack them.
    """
    if not len(answer) or lost[-1] < answer.opened_at[0]:
        return Gap.Reason.OUTAGE
    end = trading_sessions.closes_of(timeframe, lost[-1:])[0]
    whole_session = ((trading_sessions.opens >= lost[0]) & (trading_sessions.closes <= end)).any()
    return Gap.Reason.PROVIDER if shared.all() or whole_session else Gap.Reason.NO_TRADE


def _gap(symbol: str, timeframe: Timeframe, lost: Instants, reason: Gap.Reason, at: datetime) -> Gap:
    return Gap(
        symbol=symbol,
        timeframe=timeframe,
        first_at=to_datetime(lost[0]),
        last_at=to_datetime(lost[-1]),
        bars=len(lost),
        reason=reason,
        found_at=at,
        next_attempt_at=at + PAUSES[0],
    )


@transaction.atomic
def _list(
    symbols: list[str], timeframe: Timeframe, since: datetime, until: datetime | None, missing: list[Gap]
) -> None:
    """List what was found in a stretch. What was known keeps its attempts, what is filled goes."""
    listed = Gap.objects.filter(symbol__in=symbols, timeframe=timeframe, first_at__gte=since)
    listed = listed if until is None else listed.filter(first_at__lte=until)
    remaining = {(gap.symbol, gap.first_at): gap for gap in listed}
    for gap in missing:
        before = remaining.pop((gap.symbol, gap.first_at), None)
        if before is not None:
            # Once a provider was asked for it, a gap is no longer ours; otherwise the first reason stands.
            reason = gap.reason if before.reason == Gap.Reason.OUTAGE else before.reason
            Gap.objects.filter(pk=before.pk).exclude(
                last_at=gap.last_at, bars=gap.bars, reason=reason
            ).update(
                last_at=gap.last_at, bars=gap.bars, reason=reason, reviewed_at=None, reviewed_by=None, why=""
            )
    Gap.objects.filter(pk__in=[gap.pk for gap in remaining.values()]).delete()
    Gap.objects.bulk_create(missing, ignore_conflicts=True)


def end(instrument: Instrument, day: date) -> None:
    """Forget what is missing from a day on: the share trades no more. Fetched again, it is listed again."""
    ends_at = datetime.combine(day, time(), UTC)
    listed = Gap.objects.filter(symbol=instrument.pk, last_at__gte=ends_at)
    listed.filter(first_at__gte=ends_at).delete()
    for gap in listed:
        days = sessions.load(instrument.calendar, gap.first_at - A_WEEK, ends_at)
        before = days.grid(Timeframe(gap.timeframe), to_instant(gap.first_at), to_instant(ends_at))
        if len(before):
            Gap.objects.filter(pk=gap.pk).update(last_at=to_datetime(before[-1]), bars=len(before))


def due(at: datetime) -> list[Gap]:
    """Return the gaps whose time for another attempt has come, a few at once. Of what is delisted none."""
    waiting = Gap.objects.filter(next_attempt_at__lte=at)
    listed = waiting.exclude(symbol__in=Instrument.objects.gone().values("symbol"))
    return list(listed.order_by("next_attempt_at", "symbol", "first_at")[:REFILLED_AT_ONCE])


def request_for(gap: Gap) -> Ask:
    return Ask((gap.symbol,), Timeframe(gap.timeframe), gap.first_at)


def put_off(gap: Gap, at: datetime) -> None:
    """Let the others go first: no provider has answered, which does not count as an attempt."""
    Gap.objects.filter(pk=gap.pk).update(next_attempt_at=at + PAUSES[0])


def put_back(gap: Gap) -> None:
    """Have it tried with the next cycle: the pace did not allow to ask for it now."""
    Gap.objects.filter(pk=gap.pk).update(next_attempt_at=gap.next_attempt_at)


def count_attempt(gap: Gap, at: datetime) -> None:
    """Count an answered attempt: the next pause is longer, and after the last one the gap is left alone."""
    attempts = gap.attempts + 1
    pause = PAUSES[attempts] if attempts < len(PAUSES) else None
    Gap.objects.filter(pk=gap.pk).update(attempts=attempts, next_attempt_at=at + pause if pause else None)
