"""What the stream asks of the database, and what it writes there. Each is one short piece of work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from market import sessions
from market.ingestion.quoting import StoredQuotes, store_quotes
from market.models import Instrument, Quote, StreamStatus
from market.prices import QuoteTick
from market.providers.base import Quotes
from market.providers.streams.base import Stream

HISTORY_APART = timedelta(minutes=1)
SAME_DAY = timedelta(hours=6)  # no night is so short
LATEST, NEXT = timedelta(days=1), timedelta(days=2)


@dataclass(frozen=True)
class Look:
    """What the stream must know of the rest of the site. All by symbol.

    `wanted`: what is to be streamed, the most important first. `trading_since`: of those whose exchange is
    open. `quotes`: what is stored of this provider.
    """

    wanted: Sequence[str]
    trading_since: Mapping[str, datetime]
    quotes: Mapping[str, QuoteTick]


def look(provider: str, at: datetime) -> Look:
    """Three queries."""
    rows = Instrument.objects.fetched().order_by("-in_use", "symbol").values_list("symbol", "calendar")
    calendars = dict(rows)
    by_calendar = sessions.load_all(set(calendars.values()), at - LATEST, at + NEXT)
    since = {calendar: stored.trading_since(at) for calendar, stored in by_calendar.items()}
    open_since = {symbol: opened for symbol, name in calendars.items() if (opened := since[name]) is not None}
    quotes = Quote.objects.filter(provider=provider, symbol__in=calendars)
    believed = {quote.symbol: _tick(quote) for quote in quotes if quote.is_believed}
    return Look(list(calendars), open_since, believed)


def _tick(quote: Quote) -> QuoteTick:
    return QuoteTick(
        quote.symbol,
        quote.price,
        quote.as_of,
        bid=quote.bid,
        ask=quote.ask,
        bid_size=quote.bid_size,
        ask_size=quote.ask_size,
        volume=quote.volume,
        exchange=quote.exchange,
        halt=quote.halt,
    )


def store(
    ticks: Sequence[QuoteTick], wanted: Sequence[str], provider: str, stream: Stream, at: datetime
) -> StoredQuotes:
    """Judge and store what was pushed, as what is asked for is; the history gets a quote a minute."""
    answer = Quotes(_with_volumes(ticks, provider, at), stream.feed, stream.delay)
    return store_quotes(answer, wanted, provider=provider, at=at, apart=HISTORY_APART)


def _with_volumes(ticks: Sequence[QuoteTick], provider: str, at: datetime) -> list[QuoteTick]:
    """Return the ticks, those without a volume with the day's that a poll has stored."""
    lacking = [tick.symbol for tick in ticks if tick.volume is None]
    if not lacking:
        return list(ticks)
    stored = Quote.objects.filter(provider=provider, symbol__in=lacking, as_of__gt=at - SAME_DAY)
    volumes = dict(stored.values_list("symbol", "volume"))
    return [replace(tick, volume=volumes.get(tick.symbol)) if tick.volume is None else tick for tick in ticks]


def write_status(status: StreamStatus) -> None:
    """Store how the stream is doing. One statement; another provider's row from before goes."""
    fields = [field.name for field in StreamStatus._meta.concrete_fields if not field.primary_key]
    StreamStatus.objects.bulk_create(
        [status], update_conflicts=True, unique_fields=["provider"], update_fields=fields
    )
    StreamStatus.objects.exclude(provider=status.provider).delete()
