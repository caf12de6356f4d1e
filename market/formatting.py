"""Figures as people read them."""

import math
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from urllib.parse import urlencode

from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.formatting import NOTHING, Figure
from market.models import CorporateAction, EarningsDate, Instrument, Quote
from market.prices import Doubt, Timeframe

DOUBTS: dict[str, str] = {
    Doubt.OUTSIDE_BOOK: "far outside its own bid and ask",
    Doubt.FAR_FROM_LAST: "far from the last believed one",
    Doubt.OFF_SCALE: "not of the size of that pair's rate",
}
BOOKS: dict[str, str] = {
    Quote.Book.CROSSED: "crossed: the bid is above the ask",
    Quote.Book.LOCKED: "locked: bid and ask are equal",
}

LARGEST_DENOMINATOR = 1_000  # of a split


def decimals(instrument: Instrument) -> int:
    """Return how many decimals a price has: two, or as many as the tick size."""
    return _decimals(instrument.tick_size)


@cache
def _decimals(tick_size: Decimal) -> int:
    exponent = Decimal(tick_size).normalize().as_tuple().exponent
    return max(2, -int(exponent))


def price(value: float | None, instrument: Instrument) -> Figure:
    return NOTHING if value is None else Figure(f"{value:,.{decimals(instrument)}f}")


def volume(shares: float | None) -> Figure:
    """Return shares with as many decimals as four digits need: 12,500, 0.5, 0.00031."""
    if shares is None:
        return NOTHING
    decimals = 0 if shares == 0 else max(0, 3 - math.floor(math.log10(abs(shares))))
    shown = f"{shares:,.{decimals}f}"
    return Figure(shown.rstrip("0").rstrip(".") if decimals else shown)


def split_ratio(ratio: float) -> str:
    """Return new shares for one old as people say it: 7:1, 3:2, 1:10."""
    plain = Fraction(ratio).limit_denominator(LARGEST_DENOMINATOR)
    return f"{plain.numerator}:{plain.denominator}"


def amount(value: Decimal) -> str:
    """Return an amount for a share: two decimals, more where it has them."""
    plain = f"{value.normalize():f}"
    return plain if len(plain.partition(".")[2]) > 2 else f"{value:.2f}"


def action_terms(action: CorporateAction) -> str:
    """Return what a share brings: 0.24 USD, 4:1, META; empty for a delisting."""
    kinds = CorporateAction.Kind
    if action.kind == kinds.SYMBOL_CHANGE:
        return action.new_symbol
    if action.kind == kinds.SPLIT:
        return split_ratio(float(action.ratio))
    cash = f"{amount(action.amount)} {action.currency}" if action.amount else ""
    shares = f"{amount(action.ratio)} {action.new_symbol}".strip() if action.ratio else ""
    return " and ".join(part for part in (cash, shares) if part)


def announcement(action: CorporateAction, today: date) -> str:
    """Return what is to come, as in "goes ex-dividend 0.24 USD on Fri 4 Dec"."""
    kinds = CorporateAction.Kind
    terms, on = action_terms(action), near_day(action.ex_date, today)
    verbs: dict[str, str] = {
        kinds.DIVIDEND: f"goes ex-dividend {terms}",
        kinds.SPLIT: f"is split {terms}",
        kinds.SYMBOL_CHANGE: f"becomes {terms}",
        kinds.MERGER: f"is merged for {terms} a share",
        kinds.DELISTING: "is delisted",
        kinds.WORTHLESS: "is removed as worthless",
        kinds.SPIN_OFF: f"spins off {terms} for a share",
        kinds.RIGHTS: f"distributes rights, {terms} for a share",
        kinds.UNIT_SPLIT: f"is split into its parts, {terms} for a unit",
    }
    return f"{verbs[action.kind]} on {on}"


def earnings_terms(report: EarningsDate) -> str:
    """Return when in the day and how surely: "after the close, estimated"."""
    surely = "confirmed" if report.is_confirmed else "estimated"
    return f"{report.get_time_display()}, {surely}"


def earnings_announcement(report: EarningsDate, today: date) -> str:
    """Return what is to come, as in "reports earnings on Thu 4 Dec after the close, estimated"."""
    comma = "," if report.time == EarningsDate.ReportTime.UNKNOWN else ""
    return f"reports earnings on {near_day(report.date, today)}{comma} {earnings_terms(report)}"


def near_day(day: date, today: date) -> str:
    """Return a date as "Fri 4 Dec", with its year when that is not this one."""
    year = f" {day.year}" if day.year != today.year else ""
    return f"{day:%a} {day.day} {day:%b}{year}"


def quote_states(quote: Quote, instrument: Instrument | None = None) -> list[str]:
    """Return what is out of the ordinary with a quote; empty when nothing is.

    Without the instrument a doubtful price is not named.
    """
    states = [f"halted: {quote.halt}"] if quote.halt else []
    if quote.doubt:
        newest = price(quote.doubtful_price, instrument) if instrument else "the newest price"
        states.append(f"doubtful: {newest} is {DOUBTS[quote.doubt]}")
    return states + ([BOOKS[quote.book]] if quote.book else [])


def stamp(at: datetime | None, timeframe: Timeframe | str | None = None) -> Figure:
    """Return an instant in UTC. A daily or weekly bar is a date, in every time zone."""
    if at is None:
        return NOTHING
    if timeframe is not None and not Timeframe(timeframe).is_intraday:
        return Figure(at.date().isoformat())
    return Figure(at.replace(tzinfo=None).isoformat(" ", "minutes"))


def here(at: datetime | None, timeframe: Timeframe | str | None = None) -> Figure:
    """Return the same in the active zone, the viewer's."""
    is_date = timeframe is not None and not Timeframe(timeframe).is_intraday
    return stamp(at if at is None or is_date else timezone.localtime(at), timeframe)


@lru_cache(maxsize=4096)  # a page has many, and each is looked for among all addresses
def chart_address(symbol: str, timeframe: str | None = None) -> str:
    address = reverse("instrument", args=[symbol])
    return f"{address}?{urlencode({'timeframe': timeframe})}" if timeframe else address


def chart_link(symbol: str, timeframe: str | None = None) -> SafeString:
    return format_html('<a href="{}">{}</a>', chart_address(symbol, timeframe), symbol)
