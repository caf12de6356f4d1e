"""The short names of time zones: what they say, and where they say nothing that is certain."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

# The zone whose clocks people mean, and the hours of the name itself; None where it is said all the year.
# CST, IST and the like are of several countries and are no names here.
SHORT: dict[str, tuple[str, float | None]] = {
    "ET": ("America/New_York", None),
    "EST": ("America/New_York", -5),
    "EDT": ("America/New_York", -4),
    "CT": ("America/Chicago", None),
    "CDT": ("America/Chicago", -5),
    "PT": ("America/Los_Angeles", None),
    "PST": ("America/Los_Angeles", -8),
    "PDT": ("America/Los_Angeles", -7),
    "BST": ("Europe/London", 1),
    "WET": ("Europe/Lisbon", 0),
    "WEST": ("Europe/Lisbon", 1),
    "CET": ("Europe/Berlin", 1),
    "CEST": ("Europe/Berlin", 2),
    "EET": ("Europe/Athens", 2),
    "EEST": ("Europe/Athens", 3),
    "JST": ("Asia/Tokyo", 9),
    "HKT": ("Asia/Hong_Kong", 8),
    "SGT": ("Asia/Singapore", 8),
    "KST": ("Asia/Seoul", 9),
    "AEST": ("Australia/Sydney", 10),
    "AEDT": ("Australia/Sydney", 11),
}


def in_short(stamp: datetime, name: str) -> datetime:
    """Return a stamp in the zone of a short name.

    It stays without one where the name contradicts the season: EST in July is New York's time for some
    and five hours behind UTC for others, so the user must say. Raises KeyError for another name.
    """
    place, hours = SHORT[name.upper()]
    offset = stamp.replace(tzinfo=ZoneInfo(place)).utcoffset()
    is_clear = stamp.replace(tzinfo=ZoneInfo(place), fold=1).utcoffset() == offset
    if hours is None:
        return stamp.replace(tzinfo=ZoneInfo(place)) if is_clear else stamp
    of_name = timedelta(hours=hours)
    if is_clear and offset != of_name:
        return stamp
    return stamp.replace(tzinfo=timezone(of_name))
