"""What is configured, what answers, what is stale and what to do about it, in plain words."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from functools import partial

from django.db import Error

from market.doctor import failing, prices, site, vendors
from market.doctor.findings import Finding, Part, guarded
from market.doctor.site import CLOCKS_DIFFER

__all__ = ["CLOCKS_DIFFER", "MORE", "Finding", "examine"]

# What apps above this one look at.
MORE: list[Callable[[datetime], Iterable[Finding]]] = []


def examine(at: datetime) -> Iterator[Finding]:
    """Examine everything from the database up; stop there when it does not answer."""
    try:
        database = site.database()
    except Error as error:
        reason = str(error).strip().splitlines()[0]
        advice = "Check that PostgreSQL runs and that DATABASE_URL is right."
        yield Finding("database", f"it does not answer: {reason}", advice)
        return
    yield database
    if database.advice:
        return
    for about, part in _parts(at):
        yield from guarded(about, part)


def _parts(at: datetime) -> Iterator[tuple[str, Part]]:
    """Yield what is looked at, each by itself."""
    yield "disk", lambda: [site.disk()]
    yield "data", lambda: [site.data()]
    yield "clock", partial(site.clock, at)
    yield "time zones", lambda: [site.zones()]
    yield "providers", partial(vendors.providers, at)
    yield "stream", lambda: [vendors.stream(at)]
    yield "worker", lambda: [site.worker(at)]
    yield "queue", lambda: [site.queue(at)]
    yield "periodic tasks", lambda: [site.schedules()]
    yield "calendars", partial(prices.calendars, at)
    yield "quotes", lambda: [prices.quotes(at)]
    yield "quote states", lambda: [prices.quote_states()]
    yield "candles", partial(prices.candles, at)
    yield "details of instruments", lambda: [prices.details(at)]
    yield "earnings dates", vendors.earnings_dates
    yield "exchange rates", partial(prices.exchange_rates, at)
    yield "requests", lambda: [prices.requests()]
    yield "gaps", lambda: [prices.gaps()]
    yield "cross-check", lambda: [prices.disagreements()]
    yield "splits", lambda: [prices.splits()]
    yield "moves", lambda: [prices.moves()]
    yield "data to review", lambda: [prices.to_review()]
    yield "refused rows", lambda: [prices.refused(at)]
    yield "what fails by itself", partial(failing.findings, at)
    for more in MORE:
        yield more.__module__, partial(more, at)
