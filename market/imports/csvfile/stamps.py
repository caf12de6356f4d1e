"""Dates and times as exports write them. What can be read in two ways is a problem, never a guess."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo

from market.imports.csvfile.numbered import NoNumber, are_year_first, is_short, read_number
from market.imports.csvfile.problems import Problems
from market.imports.csvfile.zones import SHORT, in_short

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
GERMAN_MONTHS = {"m\u00e4r": 3, "mrz": 3, "mai": 5, "okt": 10, "dez": 12}
MONTH_OF = {name: number for number, name in enumerate(MONTHS, 1)} | GERMAN_MONTHS
CLOCK = r"(?P<clock>\d{1,2}:\d\d(:\d\d(\.\d+)?)?\s*([AaPp]\.?[Mm]\.?)?)?"
YEAR = r"(?P<year>\d{4}|\d{2})"
CENTURY_TURNS = 69  # POSIX: 68 is 2068, 69 is 1969

MONTH_NAME = r"[^\W\d_]{3,9}"
NUMERIC = re.compile(
    rf"(?P<first>\d{{1,2}})(?P<mark>[/.\-])(?P<second>\d{{1,2}})(?P=mark){YEAR}[T,]?\s*{CLOCK}"
)
YEAR_FIRST = re.compile(
    rf"(?P<year>\d{{4}})[/.\-\s](?P<month>\d{{1,2}}|{MONTH_NAME})[/.\-\s](?P<day>\d{{1,2}})[T,_]?\s*{CLOCK}"
)
NAMED = re.compile(
    rf"(?:{MONTH_NAME},?\s+)??(?:(?P<month>{MONTH_NAME})\.?[\s\-/]+(?P<day>\d{{1,2}})(?:st|nd|rd|th)?,?[\s,\-'/]+"
    rf"|(?P<day2>\d{{1,2}})(?:st|nd|rd|th)?\.?[\s\-/]?(?P<month2>{MONTH_NAME})\.?[\s,\-'/]*)"
    rf"{YEAR}[T,]?\s*{CLOCK}"
)
COMPACT = re.compile(r"(?P<date>\d{8})(?:\s+|[-;,])(?P<clock>\d\d:?\d\d(?::?\d\d(?:\.0+)?)?)")
# As ctime and Java print it, Tue Oct  1 09:30:00 EDT 2024; JavaScript explains the offset, GMT-0400 (EDT).
PRINTED = re.compile(
    r"[A-Za-z]{3}\s+(?P<date>[A-Za-z]{3}\s+\d{1,2})\s+(?P<clock>\d\d:\d\d(:\d\d)?)(?P<zone>\s+[A-Z]{2,5})?\s+(?P<year>\d{4})"
)
EXPLAINED = re.compile(r"(?P<rest>.+\S)\s+\([^)]+\)")
DASHED = re.compile(r"(?P<date>\d{4}-\d\d-\d\d)[-_ ](?P<clock>\d\d[-_]\d\d([-_]\d\d)?)")
ZONE_NAME = re.compile(r"(?P<rest>.*\d)\s+(?P<zone>[A-Za-z]+(/[A-Za-z_+\-0-9/]+)?)")
OFFSET = re.compile(r"(?P<rest>.*\d)\s+(?:GMT|UTC)?(?P<offset>[+-]\d\d):?(?P<minutes>\d\d)")


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
    cells = _with_centuries(cells, month_first) if any(map(is_short, cells)) else cells
    for cell, line in zip(cells, lines, strict=True):
        try:
            stamps.append(read_stamp(cell.strip(), month_first=month_first))
        except ValueError as error:
            stamps.append(None)
            problems.add(line, str(error))
    return stamps


def _with_centuries(cells: Sequence[str], month_first: bool | None) -> list[str]:
    """Return dates of six digits with marks between: 24-10-01 is 2024-10-01 where the column shows that."""
    is_year_first = month_first is None and are_year_first(cells)
    return [_parted(cell.strip(), is_year_first) if is_short(cell) else cell for cell in cells]


def _parted(cell: str, is_year_first: bool) -> str:
    first, second, third, rest = cell[:2], cell[2:4], cell[4:6], cell[6:]
    return f"{_year(first)}-{second}-{third}{rest}" if is_year_first else f"{first}/{second}/{third}{rest}"


def reads_month_first(cells: Sequence[str]) -> bool | None:
    """Return whether dates like 03/14/2024 are month first, by the cells that can be read in one way only."""
    dates = [match for cell in cells if (match := NUMERIC.fullmatch(cell.strip()))]
    pairs = [(int(match["first"]), int(match["second"])) for match in dates]
    if any("." in cell for cell in cells[:1] if NUMERIC.fullmatch(cell.strip())):
        return False  # with points the day always stands first
    if _may_be_year_first(dates):
        return None
    month_first = any(second > 12 for _, second in pairs)
    day_first = any(first > 12 for first, _ in pairs)
    return None if month_first == day_first else month_first


def _may_be_year_first(dates: Sequence[re.Match[str]]) -> bool:
    """Whether the first of two digits may be a year, as in 24/10/21: years change less often than days."""
    if any(
        len(match["year"]) == 4 or int(match["year"]) > 31 or int(match["second"]) > 12 for match in dates
    ):
        return False
    firsts, lasts = ({match[part] for match in dates} for part in ("first", "year"))
    return len(firsts) < len(lasts) or len(firsts) == len(lasts) == 1


def begins_with_month(text: str) -> bool:
    """Whether a text may be a date with a name, from its beginning: `Nov 2`."""
    match = re.match(rf"({MONTH_NAME})\.?\s+\d", text.strip())
    return match is not None and match[1][:3].lower() in MONTH_OF


def is_day_unclear(cells: Sequence[str]) -> bool:
    """Whether these cells leave open what is the day and what the month."""
    return reads_month_first(cells) is None and any(NUMERIC.fullmatch(cell.strip()) for cell in cells)


def read_stamp(text: str, *, month_first: bool | None) -> datetime:
    """Return the datetime of one cell. Raises ValueError that says what is wrong with it."""
    for read in (_iso, _number, _compact, _year_first, _named, _offset, _zoned, _of_a_program):
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
    if text[13:14] == "." or text[11:12] == ".":  # Python reads 09.30 as nine o'clock
        raise ValueError(text)
    separator = text[8:9] if text[:8].isdecimal() else text[10:11]
    if separator not in ("", "T", " "):  # Python takes any character there: 2024-01-02-05:00 for five o'clock
        raise ValueError(text)
    return datetime.fromisoformat(text)


def _number(text: str) -> datetime:
    try:
        return read_number(text)
    except NoNumber as reason:
        raise Unreadable(str(reason)) from reason


def _compact(text: str) -> datetime:
    """Read 20240102 09:30:00 and 20240102-14:30:00, as IB writes them (the second is UTC)."""
    match = COMPACT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    clock = match["clock"].partition(".")[0].replace(":", "")
    stamp = datetime.fromisoformat(f"{match['date']}T{clock}")
    return stamp.replace(tzinfo=UTC) if "-" in text else stamp


def _year_first(text: str) -> datetime:
    match = YEAR_FIRST.fullmatch(text)
    if match is None:
        raise ValueError(text)
    month = int(match["month"]) if match["month"].isdecimal() else MONTH_OF.get(match["month"][:3].lower(), 0)
    return _at(int(match["year"]), month, int(match["day"]), match["clock"], text)


def _named(text: str) -> datetime:
    match = NAMED.fullmatch(text)
    name = match and (match["month"] or match["month2"])
    if match is None or name is None or name[:3].lower() not in MONTH_OF:
        raise ValueError(text)
    month = MONTH_OF[name[:3].lower()]
    return _at(_year(match["year"]), month, int(match["day"] or match["day2"]), match["clock"], text)


def _year(digits: str) -> int:
    year = int(digits)
    if len(digits) == 4:
        return year
    return year + (1900 if year >= CENTURY_TURNS else 2000)


def _offset(text: str) -> datetime:
    """Return a stamp followed by its offset, as Dukascopy writes it: 29.11.2024 00:00:00.000 GMT+0100."""
    match = OFFSET.fullmatch(text)
    if match is None:
        raise ValueError(text)
    stamp = read_stamp(match["rest"], month_first=None)
    return datetime.fromisoformat(f"{stamp.isoformat()}{match['offset']}:{match['minutes']}")


def _zoned(text: str) -> datetime:
    """Return a stamp followed by the name of its zone: 20240102 09:30:00 US/Eastern, 2024-01-02 14:30 UTC."""
    match = ZONE_NAME.fullmatch(text)
    if match is None or match["zone"].upper() in ("AM", "PM"):
        raise ValueError(text)
    if match["zone"].upper() in SHORT:
        return in_short(read_stamp(match["rest"], month_first=None), match["zone"])
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


def _of_a_program(text: str) -> datetime:
    if match := PRINTED.fullmatch(text):
        return read_stamp(
            f"{match['date']} {match['year']} {match['clock']}{match['zone'] or ''}", month_first=None
        )
    if match := EXPLAINED.fullmatch(text):
        return read_stamp(match["rest"], month_first=None)
    if match := DASHED.fullmatch(text):
        return _iso(f"{match['date']} {re.sub('[-_]', ':', match['clock'])}")
    raise ValueError(text)


def _numeric(text: str, month_first: bool | None) -> datetime:
    match = NUMERIC.fullmatch(text)
    if match is None:
        raise Unreadable(
            f"{text!r} is no date or time that is known: write 2024-01-31 or 2024-01-31T14:30:00Z"
        )
    if month_first is None and match["mark"] != ".":
        raise Unreadable(
            f"{text!r} can be read in two ways, and no line tells which: write dates as 2024-01-31,"
            " or say --dates month or --dates day"
        )
    first, second = int(match["first"]), int(match["second"])
    month, day = (first, second) if month_first else (second, first)
    return _at(_year(match["year"]), month, day, match["clock"], text)


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
