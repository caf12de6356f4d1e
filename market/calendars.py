"""Prints the sessions of an exchange calendar: `python -m market.calendars XNYS 1990-01-01 2027-01-01`.

A program of its own because exchange-calendars brings pandas, which no worker should carry.
"""

import json
import sys


def sessions(calendar: str, first: str, last: str) -> list[tuple[str, int, int]]:
    """(date, opens, closes) of each session from `first` to `last`, instants in Unix seconds.

    Raises ValueError for a calendar that nobody knows.
    """
    import exchange_calendars

    try:
        schedule = exchange_calendars.get_calendar(calendar, start=first, end=last).schedule
    except exchange_calendars.errors.InvalidCalendarName as unknown:
        raise ValueError(f"no exchange calendar is called {calendar!r}") from unknown
    return [
        (day.date().isoformat(), int(row.open.timestamp()), int(row.close.timestamp()))
        for day, row in zip(schedule.index, schedule.itertuples(), strict=True)
    ]


def main() -> int:
    try:
        json.dump(sessions(*sys.argv[1:4]), sys.stdout)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
