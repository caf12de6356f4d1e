"""Which bars to ask for: those that should have closed since the last answer, the longest wait first."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

import numpy as np
from django.conf import settings
from django.db import transaction

from market import sessions, store
from market.models import CandleProgress, Fault, Instrument
from market.prices import Bars, Timeframe, to_datetime, to_instant
from market.sessions import Sessions

ASKED_AT_ONCE = 100  # symbols: a first history of each then fits into a worker's memory
OVERLAP = 5  # bars fetched again each time: they show corrections and splits
CORRECTIONS_BEFORE_OPEN = timedelta(hours=2)
# A bar that is not in the answer right after its close may still come: it is asked for again this long.
PATIENCE = timedelta(minutes=5)
RECENT = timedelta(days=120)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Ask:
    """Bars of some symbols and one timeframe, opened from `since` to `until` (None: to the newest)."""

    symbols: tuple[str, ...]
    timeframe: Timeframe
    since: datetime
    until: datetime | None = None

    def name(self, symbol: str) -> str:
        return f"{symbol} {self.timeframe}"


def fetched() -> list[Timeframe]:
    return [Timeframe(name) for name in settings.CANDLE_TIMEFRAMES]


def nothing_stored(instrument: Instrument, timeframe: Timeframe) -> str:
    """Return what to show where no bar is stored: that, and what brings some."""
    if not instrument.watched:
        comes = "It is not watched: add it to the watchlist, or load a file."
    elif (timeframe.built_from or timeframe) in fetched():
        comes = "The worker fetches them with its next cycles."
    else:
        comes = "The worker does not fetch this timeframe (CANDLE_TIMEFRAMES): load a file."
    return f"No {timeframe} bars of {instrument} are stored. {comes}"


def prepare(at: datetime) -> None:
    """See to it that the calendars of all watched instruments are known."""
    sessions.ensure_each(set(Instrument.objects.fetched().values_list("calendar", flat=True)), at)


def due(at: datetime) -> list[Ask]:
    """Return what to ask for now. What has waited longest comes first, among the asks and inside each.

    What fails by itself comes last, in asks of its own: it takes nothing from the others.
    """
    waiting: dict[tuple[bool, Timeframe, datetime], list[tuple[datetime, str]]] = defaultdict(list)
    faults = Fault.objects.filter(work=Fault.Work.CANDLES).values_list("subject", "part")
    failing = set(faults)
    calendars: dict[str, list[Instrument]] = defaultdict(list)
    for instrument in Instrument.objects.fetched():
        calendars[instrument.calendar].append(instrument)
    for name, instruments in calendars.items():
        calendar = _Calendar(name, at)
        for timeframe in fetched():
            for since, answered, symbol in _due(instruments, timeframe, calendar, at):
                waiting[(symbol, timeframe) in failing, timeframe, since].append((answered, symbol))
    groups = sorted(waiting.items(), key=lambda group: (group[0][0], min(group[1])))
    return [
        Ask(tuple(symbol for _, symbol in part), timeframe, since)
        for (_, timeframe, since), members in groups
        for part in _parts(sorted(members))
    ]


def _parts(members: list[tuple[datetime, str]]) -> Iterator[list[tuple[datetime, str]]]:
    for start in range(0, len(members), ASKED_AT_ONCE):
        yield members[start : start + ASKED_AT_ONCE]


class _Calendar:
    """A calendar's sessions of the last months, and of all years when someone needs them."""

    def __init__(self, name: str, at: datetime) -> None:
        self.name, self.at = name, at
        self.recent = sessions.load(name, since=at - RECENT, until=at + timedelta(days=7))

    @cached_property
    def all_sessions(self) -> Sessions:
        return sessions.load(self.name, until=self.at + timedelta(days=7))

    def beginning(self, timeframe: Timeframe) -> datetime:
        return self.all_sessions.back(timeframe, settings.CANDLE_BACKFILL, self.at)

    def overlapping(self, timeframe: Timeframe, last: np.datetime64) -> datetime:
        """Return the opening of the first of the few bars up to the `last` one."""
        first = last - np.timedelta64(30, "D")
        trading_sessions = self.recent if first > to_instant(self.at - RECENT) else self.all_sessions
        grid = trading_sessions.grid(timeframe, first, last + np.timedelta64(1, "us"))
        return to_datetime(grid[-OVERLAP:][0] if len(grid) else last)


def _due(
    instruments: list[Instrument], timeframe: Timeframe, calendar: _Calendar, at: datetime
) -> list[tuple[datetime, datetime, str]]:
    """Return (since, when last answered, symbol) of every instrument whose bars of this timeframe are due."""
    symbols = [instrument.symbol for instrument in instruments]
    progress = {
        row.symbol: row for row in CandleProgress.objects.filter(symbol__in=symbols, timeframe=timeframe)
    }
    newest = store.newest(symbols, timeframe)
    expected = {
        delay: calendar.recent.newest_final(timeframe, at, timedelta(seconds=delay))
        for delay in {row.delay_seconds for row in progress.values()}
    }
    corrections = _corrections_due(calendar.recent, at) if timeframe is Timeframe.D1 else NEVER
    waiting = []
    for instrument in instruments:
        row, last = progress.get(instrument.symbol), newest[instrument.symbol]
        if row is None:
            waiting.append((calendar.beginning(timeframe), NEVER, instrument.symbol))
        elif (
            instrument.split_pending_since
            or _is_new(row, expected[row.delay_seconds])
            or (row.corrected_at or NEVER) < corrections
        ):
            if last is None or instrument.split_pending_since:
                since = calendar.beginning(timeframe)
            else:
                since = calendar.overlapping(timeframe, last)
            waiting.append((since, row.answered_at, instrument.symbol))
    return waiting


def _is_new(row: CandleProgress, expected: datetime | None) -> bool:
    """Return whether another bar should be the newest. A later one was, while the clock was ahead."""
    return expected is not None and expected != row.answered_through


def _corrections_due(trading_sessions: Sessions, at: datetime) -> datetime:
    """Return the last moment, some time before an open, at which the daily bars were to be fetched again."""
    moments = trading_sessions.opens - np.timedelta64(CORRECTIONS_BEFORE_OPEN)
    past = moments[moments <= to_instant(at)]
    return to_datetime(past[-1]) if len(past) else NEVER


def record_answer(
    bars: Mapping[str, Bars], timeframe: Timeframe, trading_sessions: Sessions, at: datetime, delay: timedelta
) -> None:
    """Record that a provider has answered for these symbols, through which bar, and the newest stored."""
    expected = trading_sessions.newest_final(timeframe, at, delay) or NEVER
    late = trading_sessions.newest_final(timeframe, at - PATIENCE, delay) or NEVER
    stored = store.newest(list(bars), timeframe)
    rows = []
    for symbol, given in bars.items():
        newest_stored = stored[symbol]
        newest_bar = to_datetime(given.opened_at.max()) if len(given) else NEVER
        rows.append(
            CandleProgress(
                symbol=symbol,
                timeframe=timeframe,
                answered_at=at,
                answered_through=max(min(newest_bar, expected), late),
                newest_at=None if newest_stored is None else to_datetime(newest_stored),
                delay_seconds=int(delay.total_seconds()),
                corrected_at=at,
            )
        )
    CandleProgress.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["symbol", "timeframe"],
        update_fields=["answered_at", "answered_through", "newest_at", "delay_seconds", "corrected_at"],
    )


@transaction.atomic
def forget(symbols: list[str]) -> None:
    """Have the whole history of these symbols fetched again, from the next cycle on."""
    CandleProgress.objects.filter(symbol__in=symbols).delete()
    Fault.objects.filter(subject__in=symbols).delete()  # a person asks: they are not left alone any longer
