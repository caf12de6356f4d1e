"""Dates as numbers: days of a spreadsheet, seconds since 1970, 241001, 202410010930."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The number of digits before the point says the unit, from 2001 to 2286.
EPOCH_UNITS = {10: 1_000_000, 13: 1_000, 16: 1, 19: 0.001}
FIRST_DAY = datetime(1899, 12, 30)  # noqa: DTZ001 - a spreadsheet knows no zone
DAYS = re.compile(r"[2-6]\d{4}(\.\d+)?")  # from 1954 to 2091
DIGITS = re.compile(r"(\d{9,19})(\.\d+)?")
SHORT = re.compile(r"\d{6}(?=$|[ ,T])")
FORMS = {8: "%Y%m%d", 12: "%Y%m%d%H%M", 14: "%Y%m%d%H%M%S"}


class NoNumber(ValueError):
    """A number that is no time. The message says why."""


def is_short(cell: str) -> bool:
    """Whether a cell begins with a date of six digits."""
    return bool(SHORT.match(cell.strip()))


def are_year_first(cells: Sequence[str]) -> bool:
    """Whether dates of six digits begin with the year: it changes less often than the day at the end."""
    dates = [cell.strip()[:6] for cell in cells if is_short(cell)]
    first, last = ({date[part] for date in dates} for part in (slice(0, 2), slice(4, 6)))
    return len(first) < len(last)


def read_number(text: str) -> datetime:
    """Return what a number says. Raises ValueError for another text, NoNumber where it is no time."""
    if DAYS.fullmatch(text):
        days = FIRST_DAY + timedelta(days=float(text))
        return (days + timedelta(microseconds=500_000)).replace(microsecond=0)
    whole = text.removesuffix(".0")
    if len(whole) in FORMS and whole.isdecimal() and whole[:2] in ("19", "20"):
        try:
            return datetime.strptime(whole, FORMS[len(whole)])  # noqa: DTZ007 - it names no zone
        except ValueError:
            pass  # a count of milliseconds
    return _since_1970(text)


def _since_1970(text: str) -> datetime:
    match = DIGITS.fullmatch(text)
    if match is None:
        raise ValueError(text)
    digits = len(match[1]) + (len(match[1]) in (9, 12, 15, 18))  # before September 2001
    unit = EPOCH_UNITS.get(digits)
    if unit is None:
        raise NoNumber(f"{text!r} is no time: seconds since 1970 have 10 digits, milliseconds 13")
    microseconds = int(match[1]) * unit if unit >= 1 else int(match[1]) // 1000
    return EPOCH + timedelta(microseconds=int(microseconds))
