"""Figures, prices and times as the pages show them. Times are in the active zone: the viewer's."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import formatting
from core.formatting import Figure
from market import calendars
from market import formatting as market_formatting
from market.models import Instrument
from market.prices import Timeframe

register = template.Library()
register.simple_tag(market_formatting.chart_address)


@register.filter
def price(value: float | Decimal | None, instrument: Instrument | None = None) -> Figure:
    """Return a price with the decimals of its tick; without an instrument, its own, two at least."""
    if value is None:
        return formatting.NOTHING
    if instrument is not None:
        return market_formatting.price(float(value), instrument)
    return formatting.level(value if isinstance(value, Decimal) else Decimal(str(value)))


@register.filter
def fixed(value: float | Decimal | None, places: int) -> Figure:
    """Return so many decimals. For tables: Django's `floatformat` looks up the language for every cell."""
    return formatting.NOTHING if value is None else Figure(f"{value:.{places}f}")


@register.filter
def short(text: str, most: int) -> str:
    """Return at most so many characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


@register.filter
def money(value: float | Decimal | None, currency: str = "") -> str:
    if value is None:
        return formatting.NOTHING
    return f"{value:,.2f} {currency}" if currency else Figure(f"{value:,.2f}")


@register.simple_tag
def change(value: float | Decimal | None, places: int = 2, unit: str = "") -> SafeString:
    """Return a signed figure with an arrow: `{% change view.change_percent 2 " %" %}`."""
    return formatting.change(None if value is None else float(value), places, unit)


@register.filter
def signed(value: float | None) -> str:
    """Return a figure with its sign, in two decimals: -0.25 as it is written."""
    return "" if value is None else Figure(f"{value:+.2f}".replace("-", "\N{MINUS SIGN}"))


@register.filter
def percent(share: float | Decimal | None, places: int = 0) -> Figure:
    """Return a share from 0 to 1 as per cent."""
    return formatting.NOTHING if share is None else Figure(f"{100 * share:.{places}f} %")


@register.simple_tag
def moment(at: datetime | None, calendar: str = "", *, seconds: bool = False) -> SafeString:
    """Return an instant in the viewer's zone, the exchange's clock beside it where a calendar is given."""
    if at is None:
        return formatting.NOTHING
    here, utc = timezone.localtime(at), _utc(at)
    # As in `_counting`.
    shown = SafeString(
        f'<time datetime="{utc.isoformat()}Z" title="{utc} UTC">{_short(here, seconds)}</time>'
    )
    zone = calendars.zone(calendar) if calendar else None
    return shown if zone is None else format_html("{} {}", shown, _at_exchange(at, here, zone))


@register.simple_tag
def bar(opened_at: datetime, timeframe: str, calendar: str = "") -> SafeString:
    """Return when a bar opened: daily and weekly bars are dates, the same in every zone."""
    if Timeframe(timeframe).is_intraday:
        return moment(opened_at, calendar)
    return format_html('<time datetime="{0}">{0}</time>', f"{opened_at.astimezone(UTC):%Y-%m-%d}")


@register.simple_tag
def age(since: datetime | None, now: datetime, delay: int = 0) -> SafeString:
    """Return how long ago that was, beyond a feed's delay in seconds. The page's script keeps it counting."""
    if since is None:
        return formatting.NOTHING
    since += timedelta(seconds=delay)
    return _counting("since", since, formatting.ago(now - since))


@register.filter
def lasting(length: timedelta) -> str:
    return formatting.ago(length)


@register.simple_tag
def took(since: datetime, until: datetime) -> Figure:
    return formatting.duration(since, until)


@register.simple_tag
def left(until: datetime | None, now: datetime) -> SafeString:
    """Return how long until then. The page's script keeps it counting."""
    if until is None:
        return formatting.NOTHING
    return _counting("until", until, formatting.ago(until - now))


def _counting(name: str, at: datetime, shown: str) -> SafeString:
    # A table has one in every row, and nothing in it has to be escaped.
    return SafeString(f'<span data-{name}="{_utc(at).isoformat()}Z">{shown}</span>')


def _utc(at: datetime) -> datetime:
    """Return an instant in UTC to the second, without the zone: as text in half the time of `strftime`."""
    return at.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _short(here: datetime, seconds: bool) -> str:
    """Return the time alone today, with the weekday within six days, else with the date."""
    clock = here.time().isoformat("seconds" if seconds else "minutes")
    days = (here.date() - timezone.now().astimezone(here.tzinfo).date()).days
    if days == 0:
        return clock
    return f"{here:%a} {clock}" if abs(days) < 6 else f"{here:%Y-%m-%d} {clock}"


def _at_exchange(at: datetime, here: datetime, zone: ZoneInfo) -> SafeString:
    local = at.astimezone(zone)
    day = "" if local.date() == here.date() else f"{local:%a} "
    return format_html(
        '<span class="annotation">{}{} {}</span>', day, f"{local:%H:%M}", formatting.city(zone)
    )
