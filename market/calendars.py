"""Print the sessions of an exchange calendar: `python -m market.calendars XNYS 1990-01-01 2027-01-01`.

A program of its own because exchange-calendars brings pandas, which no worker should carry.
"""

import json
import sys
from zoneinfo import ZoneInfo

# The larger exchanges and what they are also called. For others no local time is shown.
PLACES = {
    "America/Chicago": ["CMES", "CME", "CBOT", "COMEX", "NYMEX", "XCBF", "CFE"],
    "America/New_York": ["XNYS", "NYSE", "XNAS", "NASDAQ", "ARCX", "BATS", "XASE", "us_futures"],
    "America/Sao_Paulo": ["BVMF"],
    "America/Toronto": ["XTSE", "TSX", "XTSX"],
    "Asia/Hong_Kong": ["XHKG", "HKEX"],
    "Asia/Kolkata": ["XBOM", "BSE"],
    "Asia/Seoul": ["XKRX"],
    "Asia/Shanghai": ["XSHG", "SSE"],
    "Asia/Singapore": ["XSES"],
    "Asia/Taipei": ["XTAI"],
    "Asia/Tokyo": ["XTKS", "JPX"],
    "Australia/Sydney": ["XASX", "ASX"],
    "Europe/Amsterdam": ["XAMS"],
    "Europe/Berlin": ["XETR", "XFRA", "FWB", "XEUR", "XSTU"],
    "Europe/Brussels": ["XBRU"],
    "Europe/Copenhagen": ["XCSE"],
    "Europe/Dublin": ["XDUB"],
    "Europe/Helsinki": ["XHEL"],
    "Europe/Lisbon": ["XLIS"],
    "Europe/London": ["XLON", "LSE"],
    "Europe/Madrid": ["XMAD"],
    "Europe/Oslo": ["XOSL", "OSE"],
    "Europe/Paris": ["XPAR"],
    "Europe/Rome": ["XMIL"],
    "Europe/Stockholm": ["XSTO"],
    "Europe/Vienna": ["XWBO"],
    "Europe/Warsaw": ["XWAR"],
    "Europe/Zurich": ["XSWX", "SIX"],
    "Pacific/Auckland": ["XNZE"],
}
ZONES = {calendar: place for place, calendars in PLACES.items() for calendar in calendars}


def zone(calendar: str) -> ZoneInfo | None:
    """Return the time zone of an exchange's own clocks.

    None for round the clock, and where we do not know.
    """
    return ZoneInfo(ZONES[calendar]) if calendar in ZONES else None


def sessions(calendar: str, first: str, last: str) -> list[tuple[str, int, int]]:
    """Return (date, opens, closes) of each session from `first` to `last`, instants in Unix seconds.

    Fewer where the exchange's own are recorded for a shorter time. Raises ValueError for an unknown calendar.
    """
    import exchange_calendars

    try:
        calendar_data = exchange_calendars.get_calendar(calendar)
    except exchange_calendars.errors.InvalidCalendarName as unknown:
        raise ValueError(f"no exchange calendar is called {calendar!r}") from unknown
    begins, ends = calendar_data.bound_min(), calendar_data.bound_max()
    start = first if begins is None else max(first, begins.date().isoformat())
    end = last if ends is None else min(last, ends.date().isoformat())
    schedule = exchange_calendars.get_calendar(calendar, start=start, end=end).schedule
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
