"""Whether the providers can keep up with the watchlist: requests in a minute of a session."""

from django.conf import settings

from market import feeds
from market.ingestion import schedule
from market.models import Instrument
from market.providers import registry
from market.providers.base import Watchlist

ADVICE = (
    "Watch fewer instruments, fetch fewer timeframes (CANDLE_TIMEFRAMES), or put a provider that allows more "
    "first (PROVIDERS)."
)


def watchlist() -> Watchlist:
    """Return what is asked for by now. One query."""
    instruments = Instrument.objects.fetched().count()
    every = settings.INGEST_INTERVAL_SECONDS
    return Watchlist(instruments, schedule.fetched(), every, schedule.ASKED_AT_ONCE)


def describe(requested: Watchlist) -> tuple[str, bool]:
    """Return in words what the first provider is asked for and allows, and whether that is enough.

    It is asked for everything; those after it only for what it failed.
    """
    provider = next(iter(feeds.enabled()), None)
    spec = next((spec for spec in registry.SPECS if provider and spec.name == provider.name), None)
    if spec is None or spec.request_rate is None:
        return "no limit", True
    rate = spec.request_rate(spec.values(settings), requested)
    timeframes = ", ".join(requested.timeframes)
    need = f"{requested.instruments} instruments on {timeframes} need {rate.needed:.1f} requests a minute"
    return f"{need}; {spec.title} allows {rate.allowed:.1f}", rate.needed <= rate.allowed


def warning() -> str:
    """Return what the watchlist asks too much of, with advice; empty when the provider can keep up."""
    text, is_enough = describe(watchlist())
    return "" if is_enough else f"{text}: bars come late. {ADVICE}"
