"""Figures as people read them."""

from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache, lru_cache
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from market.models import Instrument
from market.prices import Timeframe

NOTHING = "–"  # noqa: RUF001  a dash, where a figure could be
UNITS = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)]


def ago(age: timedelta) -> str:
    """5 s, 12 min, 3 h, 4 d: in the largest unit of which there are two, so that little is lost."""
    seconds = max(age.total_seconds(), 0)
    unit, length = next((unit for unit in UNITS if seconds >= 2 * unit[1]), UNITS[-1])
    return f"{int(seconds / length)} {unit}"


def duration(started: datetime, finished: datetime | None) -> str:
    if finished is None:
        return NOTHING
    seconds = (finished - started).total_seconds()
    return f"{seconds:.1f} s" if seconds < 120 else ago(finished - started)


def decimals(instrument: Instrument) -> int:
    """How many decimals a price has: two, or as many as the tick size."""
    return _decimals(instrument.tick_size)


@cache
def _decimals(tick_size: Decimal) -> int:
    exponent = Decimal(tick_size).normalize().as_tuple().exponent
    return max(2, -int(exponent))


def price(value: float | None, instrument: Instrument) -> str:
    return NOTHING if value is None else f"{value:,.{decimals(instrument)}f}"


def level(price: Decimal) -> str:
    """A price with its own decimals, two at least."""
    exponent = price.normalize().as_tuple().exponent
    return f"{price:,.{max(2, -int(exponent))}f}"


def count(value: float | None) -> str:
    return NOTHING if value is None else f"{value:,.0f}"


def change(value: float | None, places: int, unit: str = "") -> SafeString | str:
    """A signed figure with an arrow, so that its direction does not hang on its colour."""
    if value is None:
        return NOTHING
    shown = round(value, places)
    if shown == 0:
        return f"{0:.{places}f}{unit}"
    tone, arrow, sign = ("up", "▲", "+") if shown > 0 else ("down", "▼", "−")  # noqa: RUF001  a minus
    return format_html('<span class="{}">{}</span>', tone, f"{arrow} {sign}{abs(shown):,.{places}f}{unit}")


def dot(tone: str, text: str) -> SafeString:
    return format_html('<span class="dot {}">{}</span>', tone, text)


def stamp(at: datetime | None, timeframe: Timeframe | str | None = None) -> str:
    """An instant in UTC. A daily or weekly bar is a date, in every time zone."""
    if at is None:
        return NOTHING
    if timeframe is not None and not Timeframe(timeframe).is_intraday:
        return f"{at:%Y-%m-%d}"
    return f"{at:%Y-%m-%d %H:%M}"


def here(at: datetime | None, timeframe: Timeframe | str | None = None) -> str:
    """The same in the active zone, the viewer's."""
    is_date = timeframe is not None and not Timeframe(timeframe).is_intraday
    return stamp(at if at is None or is_date else timezone.localtime(at), timeframe)


def viewer() -> str:
    """The name of the active zone, as browsers know it."""
    active = timezone.get_current_timezone()
    return active.key if isinstance(active, ZoneInfo) else "UTC"


def city(zone: ZoneInfo | None) -> str:
    """Where the clocks of a zone hang; empty without one."""
    return zone.key.rpartition("/")[2].replace("_", " ") if zone else ""


@lru_cache(maxsize=4096)  # a page has many, and each is looked for among all addresses
def chart_address(symbol: str, timeframe: str | None = None) -> str:
    address = reverse("instrument", args=[symbol])
    return f"{address}?{urlencode({'timeframe': timeframe})}" if timeframe else address


def chart_link(symbol: str, timeframe: str | None = None) -> SafeString:
    return format_html('<a href="{}">{}</a>', chart_address(symbol, timeframe), symbol)
