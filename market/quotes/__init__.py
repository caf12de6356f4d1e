"""The meaning of a quote: its change against the previous close, its age, and whether it is stale.

A quote belongs to the session it lies in; between two sessions, to the nearer one. So a price before the open
is compared with yesterday's close, and a price after the close with the close before that session.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings

from market.models import ALWAYS_OPEN, Quote
from market.queries.prices import PreviousClose, with_previous_close


def is_too_old(quote: Quote, at: datetime) -> bool:
    """Return whether a quote is older than STALE_QUOTE_SECONDS beyond what its feed's delay explains.

    `at`: now, or the close of the last session while none is open, so that closed hours do not count.
    """
    return quote.age(at) > timedelta(seconds=settings.STALE_QUOTE_SECONDS)


def is_ahead(quote: Quote, now: datetime) -> bool:
    """Return whether a quote is from the future: it came while the clock was ahead, and says nothing now."""
    return quote.as_of - now > timedelta(seconds=settings.STALE_QUOTE_SECONDS)


def is_stale(quote: Quote | None, calendar: str, opened_at: datetime | None, at: datetime) -> bool:
    """Return whether a quote is missing or too old while its exchange is open. Nothing is while it is closed.

    Counted from the open: nothing trades overnight, so the first minutes of a session are not stale by a
    night. `opened_at`: of the open session, None when none is.
    `market.queries.freshness.stale_symbols` says the same of many instruments.
    """
    is_good = quote is not None and not is_too_old(quote, at) and not is_ahead(quote, at)
    if opened_at is None or is_good:
        return False
    delay = timedelta(seconds=quote.delay_seconds if quote else 0)
    open_for = at - opened_at - delay
    return calendar == ALWAYS_OPEN or open_for > timedelta(seconds=settings.STALE_QUOTE_SECONDS)


@dataclass(frozen=True)
class QuoteView:
    """A quote with what is known about it. `previous_close`: on the quote's own share basis."""

    quote: Quote
    previous_close: float | None
    previous_close_on: date | None
    age: timedelta
    stale: bool

    @property
    def age_seconds(self) -> float:
        return self.age.total_seconds()

    @property
    def change(self) -> float | None:
        """None also while the price was never believed."""
        if self.previous_close is None or not self.quote.is_believed:
            return None
        return round(self.quote.price - self.previous_close, 6)

    @property
    def change_percent(self) -> float | None:
        if self.previous_close is None or not self.quote.is_believed:
            return None
        return round((self.quote.price / self.previous_close - 1) * 100, 4)


def quotes_with_change(symbols: Collection[str], at: datetime) -> dict[str, QuoteView]:
    """Return the newest quote of each symbol that has one, as it looks at `at`. One query."""
    return {quote.symbol: _view(quote, previous, at) for quote, previous in with_previous_close(symbols, at)}


def _view(quote: Quote, previous: PreviousClose, at: datetime) -> QuoteView:
    """Compare a quote with its previous close.

    The history has the share basis of today; a quote from before a split still has the old one, so the splits
    after its session are taken back. While a split is pending no close is known.
    """
    close = None if previous.close is None else previous.close * math.prod(previous.later_splits)
    stale = is_stale(quote, previous.calendar, previous.session_opened_at, at)
    return QuoteView(quote, close, previous.date, max(quote.age(at), timedelta(0)), stale)
