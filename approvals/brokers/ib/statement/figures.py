"""Numbers and times as IB writes them, in any setting of a Flex query. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

EASTERN = ZoneInfo("America/New_York")  # of all times in IB's statements
NOTHING = ("", "-", "--", "---", "N/A", "null")
DATES = ("%Y%m%d", "%Y-%m-%d", "%d-%b-%y", "%d-%b-%Y", "%B %d, %Y", "%b %d, %Y")
TIMES = ("%H%M%S", "%H:%M:%S", "%H:%M")
ZONE = re.compile(r"\s+(EST|EDT|ET|US/Eastern)$")
A_NUMBER = re.compile(r"[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?")


def number(text: str) -> Decimal | None:
    """Return a number with or without marks for thousands; None where there is none. Raises ValueError."""
    plain = text.strip().replace("\u00a0", "").replace(" ", "").replace("'", "")
    if plain in NOTHING:
        return None
    if "," in plain and "." in plain:
        mark = max(",", ".", key=plain.rfind)
        plain = plain.replace("," if mark == "." else ".", "").replace(",", ".")
    elif "," in plain:
        groups = plain.lstrip("-+").split(",")
        is_grouped = all(len(group) == 3 for group in groups[1:]) and 0 < len(groups[0]) <= 3
        plain = plain.replace(",", "" if is_grouped else ".")
    if not A_NUMBER.fullmatch(plain):
        raise ValueError(f"{text[:40]!r} is no number")
    return Decimal(plain)


def day(text: str) -> date | None:
    """Return a day; None where there is none. Raises ValueError, also for what may be two days."""
    text = text.strip()
    if text in NOTHING:
        return None
    if "/" in text:
        raise ValueError(f"{text[:40]!r} may be two days: set the query's date format to yyyy-MM-dd")
    for form in DATES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC).date()
        except ValueError:
            continue
    raise ValueError(f"{text[:40]!r} is no day")


def moment(text: str) -> datetime | None:
    """Return an instant; a day alone is its beginning in New York. Raises ValueError."""
    text = ZONE.sub("", text.strip())
    if text in NOTHING:
        return None
    parts = re.split(r"\s*[;,T]\s*|\s+", text, maxsplit=1) if not _is_long_date(text) else [text]
    on = day(parts[0])
    if on is None:
        return None
    return datetime.combine(on, _time(parts[1]) if len(parts) > 1 else time(), EASTERN).astimezone(UTC)


def _is_long_date(text: str) -> bool:
    return re.fullmatch(r"[A-Za-z]+ \d{1,2}, \d{4}", text) is not None


def _time(text: str) -> time:
    for form in TIMES:
        try:
            return datetime.strptime(text.strip(), form).replace(tzinfo=UTC).time()
        except ValueError:
            continue
    raise ValueError(f"{text[:40]!r} is no time")


def begin_of(on: date) -> datetime:
    return datetime.combine(on, time(), EASTERN).astimezone(UTC)


def end_of(on: date) -> datetime:
    return begin_of(on + timedelta(days=1))
