"""Print the sessions of an exchange calendar: `python -m market.calendars XNYS 1990-01-01 2027-01-01`.

A program of its own because exchange-calendars brings pandas, which no worker should carry.
"""

import json
import sys
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any
from zoneinfo import ZoneInfo

# Its date; when it opens, breaks for lunch, goes on and closes, in Unix seconds, None for no break.
Session = tuple[str, int | None, int | None, int | None, int | None]

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
# Names that people and brokers use, beside those that exchange-calendars knows.
ALIASES = {
    "AMEX": "XNYS",
    "IBIS": "XETR",
    "IEX": "XNYS",
    "KRX": "XKRX",
    "NSE": "XBOM",  # the same hours and holidays
    "SEHK": "XHKG",
    "SGX": "XSES",
    "SZSE": "XSHG",  # the same hours and holidays
    "TSE": "XTKS",
    "TSEJ": "XTKS",
    "TWSE": "XTAI",
    "XETRA": "XETR",
    "XNSE": "XBOM",
    "XSHE": "XSHG",
}
LIBRARY_NAMES = """
24/5 24/7 AIXK ARCX ASEX ASX BATS BMF BSE BVB BVMF CBOT CFE CME CMES COMEX FWB HKEX ICE ICEUS IEPA JKT JPX
LSE LUXSE NASDAQ NYFE NYMEX NYSE OOTC OSE SIX SSE TASE TSX XAMS XASE XASX XBDA XBEL XBKK XBOG XBOM XBRA XBRU
XBSE XBUD XBUE XCBF XCSE XCYS XDUB XDUS XEEE XETR XEUR XFRA XHAM XHEL XHKG XICE XIDX XIST XJSE XKAR XKLS
XKRX XLIM XLIS XLIT XLJU XLON XLUX XMAD XMEX XMIL XMOS XNAS XNYS XNZE XOSL XPAR XPHS XPRA XRIS XSAU XSES
XSGO XSHG XSTO XSTU XSWX XTAE XTAI XTAL XTKS XTSE XTSX XWAR XWBO XZAG us_futures
"""
# Written down, so that no process has to be started to refuse another.
NAMES = frozenset(LIBRARY_NAMES.split())
LONGEST_REASON = 300  # characters: the library lists every day that it stumbles over
ZONES = {calendar: place for place, calendars in PLACES.items() for calendar in calendars}


def zone(calendar: str) -> ZoneInfo | None:
    """Return the time zone of an exchange's own clocks.

    None for round the clock, and where we do not know.
    """
    place = ZONES.get(ALIASES.get(calendar, calendar))
    return ZoneInfo(place) if place else None


def is_known(calendar: str) -> bool:
    """Return whether an exchange calendar has this name."""
    return calendar in NAMES or calendar in ALIASES


def unknown(calendar: str) -> str:
    """Return that no calendar has this name, and the names that are most like it."""
    similar = get_close_matches(calendar.upper(), sorted(NAMES | ALIASES.keys()), n=3, cutoff=0.7)
    hint = f": {' or '.join(similar)}?" if similar else ""
    return f"no exchange calendar is called {calendar!r}{hint}"


def sessions(calendar: str, first: str, last: str) -> list[Session]:
    """Return the sessions from `first` to `last`.

    Fewer where the exchange's own are recorded for a shorter time. Raises ValueError for an unknown calendar.
    """
    import exchange_calendars

    name = ALIASES.get(calendar, calendar)
    try:
        published = exchange_calendars.get_calendar(name)
    except exchange_calendars.errors.InvalidCalendarName as error:
        raise ValueError(unknown(calendar)) from error
    begins, ends = published.bound_min(), published.bound_max()
    start = first if begins is None else max(first, begins.date().isoformat())
    end = last if ends is None else min(last, ends.date().isoformat())
    schedule = exchange_calendars.get_calendar(name, start=start, end=end).schedule
    moments = (_seconds(schedule[column]) for column in ("open", "break_start", "break_end", "close"))
    return list(zip([day.date().isoformat() for day in schedule.index], *moments, strict=True))


def _seconds(column: Iterable[Any]) -> list[int | None]:
    """Return instants in Unix seconds; None for none, as a break where there is none."""
    return [None if at != at else int(at.timestamp()) for at in column]  # NaT differs from itself


def main() -> int:
    try:
        json.dump(sessions(*sys.argv[1:4]), sys.stdout)
    except ValueError as error:
        sys.stderr.write(f"{str(error)[:LONGEST_REASON]}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
