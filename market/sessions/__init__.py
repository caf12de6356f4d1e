"""The stored sessions of exchange calendars: read, filled in from what is published, kept a year ahead."""

import subprocess
import sys
from collections.abc import Collection, Iterable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from django.conf import settings

from market import calendars as exchange_calendars
from market import faults
from market.models import Fault, TradingSession
from market.prices import INSTANT, Instants, to_instant
from market.sessions import queries
from market.sessions.hours import FIRST_DAY, SETTLES_AFTER, Sessions

__all__ = [
    "SETTLES_AFTER",
    "Sessions",
    "UnknownCalendar",
    "ensure",
    "ensure_each",
    "load",
    "load_all",
    "refresh",
    "refresh_each",
]

AHEAD = timedelta(days=366)
ENOUGH_AHEAD = timedelta(days=300)
MOMENTS = ("opens_at", "break_starts_at", "break_ends_at", "closes_at")
NOT_A_TIME = np.datetime64("NaT", "us")
LONGEST = 60  # seconds to compute a calendar
SHORT = (
    "Its sessions are recorded for less than 300 days ahead so far. The worker looks for them again; a newer"
    " version of Jax may have them."
)


class UnknownCalendar(ValueError):
    """No exchange calendar has this name, or its sessions cannot be computed."""


def load(calendar: str, since: datetime | None = None, until: datetime | None = None) -> Sessions:
    """Return the stored sessions of a calendar that close after `since` and open before `until`."""
    return load_all([calendar], since, until)[calendar]


def load_all(
    calendars: Collection[str], since: datetime | None = None, until: datetime | None = None
) -> dict[str, Sessions]:
    """Return the stored sessions of several calendars, as `load` does. One query."""
    rows = TradingSession.objects.filter(calendar__in=calendars, closed=False)
    if since:
        rows = rows.filter(closes_at__gt=since)
    if until:
        rows = rows.filter(opens_at__lt=until)
    by_calendar: dict[str, list[Day]] = {calendar: [] for calendar in calendars}
    for calendar, *day in rows.order_by("date").values_list("calendar", "date", *MOMENTS):
        by_calendar[calendar].append(Day(*day))
    return {calendar: _sessions(calendar, days) for calendar, days in by_calendar.items()}


class Day(NamedTuple):
    """A row of a calendar, as it is read."""

    date: date
    opens_at: datetime
    break_starts_at: datetime | None
    break_ends_at: datetime | None
    closes_at: datetime


def _sessions(calendar: str, days: Collection[Day]) -> Sessions:
    return Sessions(
        calendar,
        dates=np.array([day.date for day in days], dtype="datetime64[D]"),
        opens=_instants(day.opens_at for day in days),
        closes=_instants(day.closes_at for day in days),
        rests=_instants(day.break_starts_at for day in days),
        resumes=_instants(day.break_ends_at for day in days),
    )


def _instants(moments: Iterable[datetime | None]) -> Instants:
    return np.array([NOT_A_TIME if at is None else to_instant(at) for at in moments], dtype=INSTANT)


def ensure(calendars: Collection[str], at: datetime) -> None:
    """Fill in the calendars that are not stored yet, or end too soon. Raises UnknownCalendar."""
    stored = set(TradingSession.objects.filter(calendar__in=calendars).values_list("calendar", flat=True))
    looked_for = stored & faults.paused(Fault.Work.SESSIONS, at)  # published for the current year only
    refresh(set(calendars) - _complete(calendars, at) - looked_for, at)


def _complete(calendars: Collection[str], at: datetime) -> set[str]:
    ahead = TradingSession.objects.filter(calendar__in=calendars, date__gte=at.date() + ENOUGH_AHEAD)
    return set(ahead.values_list("calendar", flat=True).distinct())


def ensure_each(calendars: Collection[str], at: datetime) -> None:
    """Fill them in one by one: one that cannot be filled in keeps no other and is left alone for a while."""
    missing = set(calendars) - _complete(calendars, at)
    due = missing - faults.paused(Fault.Work.SESSIONS, at)
    before = faults.read(Fault.Work.SESSIONS) if due else {}
    refresh_each(due, at)
    # Some are published for the current year only: they are looked for again as rarely as what fails.
    short = due - _complete(due, at) - faults.paused(Fault.Work.SESSIONS, at) if due else set()
    faults.record({faults.key(Fault.Work.SESSIONS, calendar): SHORT for calendar in short}, at, before)


def refresh_each(calendars: Collection[str], at: datetime) -> None:
    """Refresh them one by one: one that cannot be extended keeps no other."""
    for calendar in sorted(set(calendars)):
        with faults.isolated(faults.key(Fault.Work.SESSIONS, calendar), at):
            refresh([calendar], at)


def refresh(calendars: Collection[str], at: datetime) -> None:
    """Write each calendar's sessions from 1990 to a year ahead. Days an operator closed stay closed.

    Raises UnknownCalendar.
    """
    for calendar in sorted(set(calendars)):
        if not exchange_calendars.is_known(calendar):  # a process that says so would bring pandas
            raise UnknownCalendar(exchange_calendars.unknown(calendar))
        printed = _printed(calendar, at.date() + AHEAD)
        queries.write(calendar, printed)
        queries.delete_unpublished(calendar, printed, at.date())


@lru_cache(maxsize=4)  # what the library knows does not change while a process lives
def _printed(calendar: str, last: date) -> str:
    command = [sys.executable, "-m", "market.calendars", calendar, FIRST_DAY.isoformat(), last.isoformat()]
    try:
        printed = subprocess.run(
            command, capture_output=True, text=True, timeout=LONGEST, check=False, cwd=settings.BASE_DIR
        )
    except subprocess.TimeoutExpired as late:
        raise UnknownCalendar(f"the calendar {calendar} was not computed in {LONGEST} s") from late
    if printed.returncode:
        raise UnknownCalendar(printed.stderr.strip().splitlines()[-1])
    return printed.stdout
