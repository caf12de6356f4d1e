"""Times of day as a column of their own has them: 930, 93000, 9.30, 9h30, seconds, parts of a day."""

import re
from collections.abc import Sequence

A_DAY = 24 * 60 * 60
DIGITS = re.compile(r"\d{3,6}")
POINTED = re.compile(r"(\d{1,2})[.h](\d\d)(?:[.m](\d\d))?s?", re.IGNORECASE)
PART = re.compile(r"0?\.\d+|[01](\.0*)?")  # of a day, as spreadsheets keep a time
CLEAR_PART = re.compile(r"0?\.\d{3,}")


def read_clocks(cells: Sequence[str]) -> list[str]:
    """Return times of day as 09:30:00, what is something else as it stands; "" for a column of zeros."""
    clocks = [cell.strip() for cell in cells]
    if any(map(CLEAR_PART.fullmatch, clocks)) and all(map(PART.fullmatch, clocks)):
        return [_of_seconds(round(float(clock) * A_DAY)) for clock in clocks]
    if _are_seconds(clocks):
        return [_of_seconds(int(clock)) for clock in clocks]
    return list(map(_clock, clocks))


def _are_seconds(clocks: Sequence[str]) -> bool:
    """Whether these are seconds since midnight: whole numbers that no clock shows."""
    if not all(clock.isdecimal() and int(clock) < A_DAY for clock in clocks if len(clock) < 6):
        return False
    return any(len(clock) == 5 and max(clock[1:3], clock[3:]) > "59" for clock in clocks)


def _of_seconds(seconds: int) -> str:
    minutes, second = divmod(seconds, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}"


def _clock(clock: str) -> str:
    if set(clock) <= set("0: "):  # some daily files have a column of zeros
        return "" if ":" not in clock else clock
    if DIGITS.fullmatch(clock):
        clock = clock.zfill(len(clock) + len(clock) % 2)
        return ":".join(clock[i : i + 2] for i in range(0, len(clock), 2))
    if match := POINTED.fullmatch(clock):
        return ":".join(part.zfill(2) for part in match.groups() if part)
    return clock
