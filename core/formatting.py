"""Figures, times and names as people read them; what needs no knowledge of trading."""

import math
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

# Text of digits, signs and units alone. Templates need not look for what to escape in it, which takes half of
# a cell's time; a page has hundreds.
Figure = SafeString

NOTHING = Figure("–")  # noqa: RUF001  a dash, where a figure could be

UNITS = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]


def ago(age: timedelta) -> Figure:
    """Return an age as 5 s, 12 min, 3 h or 4 d: in the largest unit of which there are two."""
    seconds = max(age.total_seconds(), 0)
    unit, length = next((unit for unit in UNITS if seconds >= 2 * unit[1]), UNITS[-1])
    return Figure(f"{int(seconds / length)} {unit}")


def duration(started: datetime, finished: datetime | None) -> Figure:
    if finished is None:
        return NOTHING
    seconds = (finished - started).total_seconds()
    return Figure(f"{seconds:.1f} s") if seconds < 120 else ago(finished - started)


def level(price: Decimal) -> Figure:
    """Return a price with its own decimals, two at least."""
    exponent = price.normalize().as_tuple().exponent
    return Figure(f"{price:,.{max(2, -int(exponent))}f}")


def count(value: float | None) -> Figure:
    return NOTHING if value is None else Figure(f"{value:,.0f}")


def plain(value: float | None) -> float | None:
    """Return a number that is whole as one: 1200, not 1200.0, as JSON and CSV are to show it."""
    return int(value) if value is not None and value.is_integer() else value


def change(value: float | None, places: int, unit: str = "") -> SafeString:
    """Return a signed figure with an arrow, so that its direction does not hang on its colour."""
    if value is None:
        return NOTHING
    shown = round(value, places)
    if shown == 0:
        return Figure(f"{0:.{places}f}{escape(unit)}")
    tone, arrow, sign = ("up", "▲", "+") if shown > 0 else ("down", "▼", "−")  # noqa: RUF001  a minus
    return SafeString(f'<span class="{tone}">{arrow} {sign}{abs(shown):,.{places}f}{escape(unit)}</span>')


def dot(tone: str, text: str) -> SafeString:
    return format_html('<span class="dot {}">{}</span>', tone, text)


def viewer() -> str:
    """Return the name of the active zone, as browsers know it."""
    active = timezone.get_current_timezone()
    return active.key if isinstance(active, ZoneInfo) else "UTC"


def city(zone: ZoneInfo | None) -> str:
    """Return the city that a zone is named after; empty without one."""
    return zone.key.rpartition("/")[2].replace("_", " ") if zone else ""


ACRONYMS = {"atr", "ema", "macd", "rsi", "sma"}


def label(name: str) -> str:
    """Return a parameter's name as one reads it: rsi_period is RSI period."""
    return capfirst(" ".join(word.upper() if word in ACRONYMS else word for word in name.split("_")))


def moment(at: datetime | None) -> str:
    return NOTHING if at is None else f"{at:%Y-%m-%d %H:%M:%S}"


def axis_ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Return round numbers from `low` to `high`, some `about` of them, in steps of 1, 2 or 5 times 10^n."""
    if not high > low:
        return [low]
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(nice * power for nice in (1, 2, 5, 10) if nice * power >= rough)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
