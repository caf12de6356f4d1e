"""The days on which New York does not trade, or closes at 13:00, by the exchange's own rules (since 2022)."""

from datetime import date, timedelta
from functools import cache

from dateutil.easter import easter

MONDAY, THURSDAY = 0, 3
DAY = timedelta(days=1)


@cache
def closed(year: int) -> frozenset[date]:
    holidays = [
        _nth(year, 1, MONDAY, 3),  # Martin Luther King
        _nth(year, 2, MONDAY, 3),  # Presidents
        easter(year) - 2 * DAY,  # Good Friday
        _nth(year, 6, MONDAY, 1) - 7 * DAY,  # Memorial: the last Monday of May
        _nth(year, 9, MONDAY, 1),  # Labor
        thanksgiving(year),
        *(_observed(date(year, month, day)) for month, day in [(6, 19), (7, 4), (12, 25)]),
    ]
    new_year = date(year, 1, 1)
    if new_year.weekday() != 5:  # on a Saturday it is not kept on the last day of the old year
        holidays.append(_observed(new_year))
    return frozenset(holidays)


@cache
def short(year: int) -> frozenset[date]:
    """Return the days that end at 13:00, as far as they are no holidays."""
    days = [date(year, 7, 3), thanksgiving(year) + DAY, date(year, 12, 24)]
    return frozenset(day for day in days if day.weekday() < 5) - closed(year)


def thanksgiving(year: int) -> date:
    return _nth(year, 11, THURSDAY, 4)


def _nth(year: int, month: int, weekday: int, number: int) -> date:
    first = date(year, month, 1)
    return first + DAY * ((weekday - first.weekday()) % 7 + 7 * (number - 1))


def _observed(day: date) -> date:
    return day + DAY * {5: -1, 6: 1}.get(day.weekday(), 0)
