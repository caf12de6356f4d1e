"""When currencies trade: Sunday to Friday, 17:00 in New York, but for Christmas and New Year's Day. Pure."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

NEW_YORK = ZoneInfo("America/New_York")
TURN = time(17)  # of the day, as currencies count it
DAY = timedelta(days=1)
HOLIDAYS = ((1, 1), (12, 25))
SATURDAY, SUNDAY = 5, 6
COUNTED = timedelta(days=30)  # beyond it every hour counts: what is so old is old


def traded(since: datetime, until: datetime) -> timedelta:
    """Return for how long currencies have traded between two moments."""
    if until <= since:
        return timedelta(0)
    if until - since > COUNTED:
        return until - since
    parts = (min(until, closes) - max(since, opens) for opens, closes in _days(since, until))
    return sum((part for part in parts if part > timedelta(0)), timedelta(0))


def _days(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield the trading days around a time; each begins on the evening before."""
    day = since.astimezone(NEW_YORK).date()
    while day <= until.astimezone(NEW_YORK).date() + DAY:
        if day.weekday() not in (SATURDAY, SUNDAY) and (day.month, day.day) not in HOLIDAYS:
            yield _turn(day - DAY), _turn(day)
        day += DAY


def _turn(day: date) -> datetime:
    return datetime.combine(day, TURN, NEW_YORK)
