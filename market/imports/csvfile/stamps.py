"""Dates and times as exports write them. What can be read in two ways is a problem, never a guess."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from market.imports.csvfile.problems import Problems

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The number of digits before the point says the unit, from 2001 to 2286.
EPOCH_UNITS = {10: 1_000_000, 13: 1_000, 16: 1, 19: 0.001}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
CLOCK = r"(?P<clock>\d{1,2}:\d\d(:\d\d(\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?)?"

DIGITS = re.compile(r"(\d{9,19})(\.\d+)?")
NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[/.\-])(?P<second>\d{{1,2}})(?P=mark)(?P<year>\d{{4}})[T,]?\s*{CLOCK}"
)
YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})[/.\-](?P<month>\d{{1,2}})[/.\-](?P<day>\d{{1,2}})[T,]?\s*{CLOCK}"
)
NAMED = re.compile(
    rf"(?:(?P<month>[A-Za-z]{{3,9}})\.?\s+(?P<day>\d{{1,2}}),?|(?P<day2>\d{{1,2}})[\s\-](?P<month2>[A-Za-z]{{3,9}})\.?)"
    rf"[\s,\-]+(?P<year>\d{{4}})[T,]?\s*{CLOCK}"
)
COMPACT = re.compile(r"(?P<date>\d{8})(?:\s+|-)(?P<clock>\d\d:?\d\d(?::?\d\d)?)")
ZONE_NAME = re.compile(r"(?P<rest>.*\d)\s+(?P<zone>[A-Za-z]+(/[A-Za-z_+\-0-9/]+)?)")


class Unreadable(ValueError):
    """A cell is no date. The message says why."""


def read_stamps(
    cells: Sequence[str], lines: Sequence[int], *, month_first: bool | None, problems: Problems
) -> list[datetime | None]:
    """Return each cell as a datetime, aware when the cell says its zone; None where it is a problem.

    `month_first`: whether 03/04/2024 is in March; None: not known, so such a cell is a problem.
    """
    try:
        return list(map(_iso, cells))
    except ValueError:
        pass  # some cell is written in another way: look at each
    stamps: list[datetime | None] = []
    for cell, line in zip(cells, lines, strict=True):
        try:
            stamps.append(read_stamp(cell.strip(), month_first=month_first))
        except ValueError as error:
            stamps.append(None)
            problems.add(line, str(error))
    return stamps


def reads_month_first(cells: Sequence[str]) -> bool | None:
    """Return whether dates like 03/14/2024 are month first, by the cells that can be read in one way only."""
    pairs = [
        (int(match["first"]), int(match["second"]))
        for cell in cells
        if (match := NUMERIC.fullmatch(cell.strip()))
    ]
    if any("." in cell for cell in cells[:1] if NUMERIC.fullmatch(cell.strip())):
        return False  # with points the day always stands first
    month_first = any(second > 12 for _, second in pairs)
    day_first = any(first > 12 for first, _ in pairs)
    return None if month_first == day_first else month_first


def is_day_unclear(cells: Sequence[str]) -> bool:
    """Whether these cells leave open what is the day and what the month."""
    return reads_month_first(cells) is None and any(NUMERIC.fullmatch(cell.strip()) for cell in cells)


def read_stamp(text: str, *, month_first: bool | None) -> datetime:
    """Return the datetime of one cell. Raises ValueError that says what is wrong with it."""
    for read in (_iso, _epoch, _compact, _year_first, _named, _zoned):
        try:
            return read(text)
        except Unreadable:
            raise
        except ValueError:
            continue
    return _numeric(text, month_first)


def to_utc(stamp: datetime, zone: tzinfo | None) -> datetime:
    """Return the instant in UTC.

    Raises Unreadable without a zone, or when its clocks skipped or repeated it.
    """
    if stamp.tzinfo is not None:
        return stamp.astimezone(UTC)
    if zone is None:
        raise Unreadable(f"{stamp} has no time zone: give one, as in --timezone America/New_York")
    early, late = stamp.replace(tzinfo=zone), stamp.replace(tzinfo=zone, fold=1)
    before, after = early.utcoffset(), late.utcoffset()
    assert before is not None
    assert after is not None
    if before > after:
        raise Unreadable(
            f"{stamp} happened twice in {zone} (clocks went back): write it in UTC or with its offset"
        )
    if before < after:
        raise Unreadable(f"{stamp} never was in {zone} (clocks went forward)")
    return early.astimezone(UTC)


def _iso(text: str) -> datetime:
    separator = text[8:9] if text[:8].isdecimal() else text[10:11]
    if separator not in ("", "T", " "):  # Python takes any character there: 2024-01-02-05:00 for five o'clock
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _epoch(text: str) -> datetime:
    match = DIGITS.fullmatch(text)
    if match is None:
        raise ValueError(text)
    digits = len(match[1]) + (len(match[1]) in (9, 12, 15, 18))  # before September 2001
    unit = EPOCH_UNITS.get(digits)
    if unit is None:
        raise Unreadable(f"{text!r} is no time: seconds since 1970 have 10 digits, milliseconds 13")
    microseconds = int(match[1]) * unit if unit >= 1 else int(match[1]) // 1000
    return EPOCH + timedelta(microseconds=int(microseconds))


def _compact(text: str) -> datetime:
    """Read 20240102 09:30:00 and 20240102-14:30:00, as IB writes them (the second is UTC)."""
    match = COMPACT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    clock = match["clock"].replace(":", "")
    stamp = datetime.fromisoformat(f"{match['date']}T{clock}")
    return stamp.replace(tzinfo=UTC) if "-" in text else stamp


def _year_first(text: str) -> datetime:
    match = YEAR_FIRST.fullmatch(text)
    if match is None:
        raise ValueError(text)
    return _at(int(match["year"]), int(match["month"]), int(match["day"]), match["clock"], text)


def _named(text: str) -> datetime:
    match = NAMED.fullmatch(text)
    name = match and (match["month"] or match["month2"])
    if match is None or name is None or name[:3].lower() not in MONTHS:
        raise ValueError(text)
    month = MONTHS.index(name[:3].lower()) + 1
    return _at(int(match["year"]), month, int(match["day"] or match["day2"]), match["clock"], text)


def _zoned(text: str) -> datetime:
    """Return a stamp followed by the name of its zone: 20240102 09:30:00 US/Eastern, 2024-01-02 14:30 UTC."""
    match = ZONE_NAME.fullmatch(text)
    if match is None or match["zone"].upper() in ("AM", "PM"):
        raise ValueError(text)
    name = {"GMT": "UTC", "Z": "UTC"}.get(match["zone"].upper(), match["zone"])
    if name.upper() != "UTC" and "/" not in name:
        raise Unreadable(
            f"{text!r}: {name} is not the name of a time zone; write America/New_York or an offset"
        )
    try:
        zone = ZoneInfo(name)
    except (KeyError, ValueError) as error:
        raise Unreadable(f"{text!r}: there is no time zone {name}") from error
    return to_utc(read_stamp(match["rest"], month_first=None), zone)


def _numeric(text: str, month_first: bool | None) -> datetime:
    match = NUMERIC.fullmatch(text)
    if match is None:
        raise Unreadable(
            f"{text!r} is no date or time that is known: write 2024-01-31 or 2024-01-31T14:30:00Z"
        )
    if month_first is None:
        raise Unreadable(
            f"{text!r} can be read in two ways, and no line tells which: write dates as 2024-01-31"
        )
    first, second = int(match["first"]), int(match["second"])
    month, day = (first, second) if month_first else (second, first)
    return _at(int(match["year"]), month, day, match["clock"], text)


def _at(year: int, month: int, day: int, clock: str | None, text: str) -> datetime:
    try:
        return datetime.combine(date(year, month, day), _clock(clock or "00:00"))
    except ValueError as error:
        raise Unreadable(f"{text!r} is no date: {error}") from error


def _clock(text: str) -> time:
    """Return a time of day: 9:30, 09:30:00, 1:30 PM."""
    digits = re.sub(r"[^\d:.]", "", text).rstrip(".")
    hour, _, rest = digits.partition(":")
    afternoon = "p" in text.lower()
    morning = "a" in text.lower()
    if afternoon or morning:
        if not 1 <= int(hour) <= 12:
            raise ValueError(f"there is no hour {text}")
        hour = str(int(hour) % 12 + 12 * afternoon)
    return time.fromisoformat(f"{int(hour):02d}:{rest}")
