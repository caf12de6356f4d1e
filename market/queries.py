"""What pages read of the market, of many instruments at once."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings

from core.queries import fetch_all
from market.models import ALWAYS_OPEN, Fault, IngestionRun, ProviderStatus, Quote
from market.prices import Timeframe

LAST_HOUR = timedelta(hours=1)

# The session of each calendar in which an instant lies, as `TradingSession.objects.open_at`.
OPEN_SESSIONS = """
SELECT calendar, opens_at, closes_at FROM trading_sessions
WHERE NOT closed AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 2
  AND opens_at <= %(at)s AND closes_at > %(at)s
"""

# As `market.quotes.is_stale`, of many instruments.
STALE_SYMBOLS = f"""
SELECT symbol
FROM instruments
JOIN ({OPEN_SESSIONS}) AS open_sessions USING (calendar)
LEFT JOIN quotes USING (symbol)
WHERE CASE WHEN %(symbols)s::text[] IS NULL THEN watched ELSE symbol = ANY(%(symbols)s) END
  AND (quotes.as_of IS NULL OR quotes.as_of > %(ahead)s
       OR quotes.as_of < %(before)s - delay_seconds * interval '1 second')
  AND (calendar = %(always_open)s
       OR opens_at < %(before)s - coalesce(delay_seconds, 0) * interval '1 second')
ORDER BY symbol
"""

# Ten days reach over the longest holidays; without a bound each row would look at every session since 1990.
WITH_PREVIOUS_CLOSE = f"""
SELECT quotes.*, calendar, open_sessions.opens_at AS session_opened_at, previous.close, previous.date,
    ARRAY(
        SELECT ratio FROM splits WHERE splits.symbol = quotes.symbol AND splits.date > previous.session
    ) AS later_splits
FROM quotes
JOIN instruments USING (symbol)
LEFT JOIN ({OPEN_SESSIONS}) AS open_sessions USING (calendar)
LEFT JOIN LATERAL (
    SELECT close, opened_at::date AS date, nearest.date AS session
    FROM (
        SELECT date FROM trading_sessions
        WHERE trading_sessions.calendar = instruments.calendar AND NOT closed
          AND date BETWEEN quotes.as_of::date - 10 AND quotes.as_of::date + 10
        ORDER BY greatest(opens_at - quotes.as_of, quotes.as_of - closes_at, interval '0'), date DESC
        LIMIT 1
    ) AS nearest
    JOIN candles ON candles.symbol = quotes.symbol AND timeframe = '1d' AND is_final
     AND opened_at < nearest.date::timestamptz
    WHERE instruments.split_pending_since IS NULL
    ORDER BY opened_at DESC
    LIMIT 1
) AS previous ON true
WHERE quotes.symbol = ANY(%(symbols)s)
"""

# The range is that of the newest session: since it opened.
PRICE_LINES = """
SELECT symbol, coalesce(line.closes, '{}') AS closes, day.low, day.high
FROM unnest(%(symbols)s::text[]) AS wanted (symbol)
JOIN instruments USING (symbol)
CROSS JOIN LATERAL (
    SELECT array_agg(close ORDER BY opened_at) AS closes FROM (
        SELECT close, opened_at FROM candles
        WHERE candles.symbol = wanted.symbol AND timeframe = '15m' ORDER BY opened_at DESC LIMIT %(points)s
    ) AS newest
) AS line
CROSS JOIN LATERAL (
    SELECT min(low) AS low, max(high) AS high FROM candles
    WHERE candles.symbol = wanted.symbol AND timeframe = '15m' AND opened_at >= (
        SELECT opens_at FROM trading_sessions
        WHERE trading_sessions.calendar = instruments.calendar AND NOT closed
          AND date BETWEEN %(at)s::date - 15 AND %(at)s::date + 2 AND opens_at <= %(at)s
        ORDER BY opens_at DESC LIMIT 1
    )
) AS day
"""

PRICE_RANGES = """
SELECT wanted.symbol,
    least(min(low), min(quotes.price)) AS low, greatest(max(high), max(quotes.price)) AS high
FROM unnest(%(symbols)s::text[], %(since)s::timestamptz[]) AS wanted (symbol, since)
LEFT JOIN quotes USING (symbol)
LEFT JOIN candles ON candles.symbol = wanted.symbol AND timeframe = '15m' AND opened_at >= since
GROUP BY wanted.symbol
"""


# What is not fetched any more is no news, nor what another provider gives.
LASTING_FAULTS = """
SELECT faults.* FROM faults
WHERE failures >= %(patience)s
  AND (work NOT IN ('quotes', 'candles')
       OR EXISTS (SELECT FROM instruments WHERE symbol = subject AND (watched OR in_use)))
  AND (source = '' OR NOT EXISTS (
      SELECT FROM unnest(%(providers)s::text[]) AS provider WHERE NOT EXISTS (
          SELECT FROM faults AS same
          WHERE (same.work, same.part, same.subject) = (faults.work, faults.part, faults.subject)
            AND same.source = provider AND same.failures >= %(patience)s
      )
  ))
ORDER BY subject, work, part, source
"""

# What the bar on top of every page shows of the watchlist.
TRADING_HOURS = f"""
SELECT calendar, instruments, closes_at, (
        SELECT min(opens_at) FROM trading_sessions
        WHERE trading_sessions.calendar = watchlist.calendar AND NOT closed AND opens_at > %(at)s
          AND date BETWEEN %(at)s::date - 2 AND %(at)s::date + 15
    ) AS opens_at
FROM (
    SELECT calendar, count(*) AS instruments FROM instruments WHERE watched GROUP BY calendar
) AS watchlist
LEFT JOIN ({OPEN_SESSIONS}) AS open_sessions USING (calendar)
ORDER BY instruments DESC, calendar
"""

WATCHED_FEEDS = """
SELECT feed, max(delay_seconds) AS delay FROM quotes JOIN instruments USING (symbol)
WHERE watched GROUP BY feed
"""

# Few groups, however many instruments: most were answered through the same bar.
BARS_ANSWERED = """
SELECT calendar, timeframe, delay_seconds, answered_through, array_agg(symbol::text) AS symbols
FROM candle_progress JOIN instruments USING (symbol)
WHERE watched AND split_pending_since IS NULL AND timeframe = ANY(%(timeframes)s)
GROUP BY calendar, timeframe, delay_seconds, answered_through
"""


@dataclass(frozen=True)
class BarsAnswered:
    """Watched symbols of a calendar that a provider has answered for, through the same bar of a timeframe."""

    calendar: str
    timeframe: str
    delay_seconds: int
    answered_through: datetime
    symbols: list[str]


def bars_answered(timeframes: Sequence[str]) -> list[BarsAnswered]:
    """Return how far providers have answered for the bars of the watchlist."""
    return fetch_all(BarsAnswered, BARS_ANSWERED, {"timeframes": list(timeframes)})


@dataclass(frozen=True)
class PreviousClose:
    """The daily close before the session of a quote, on the share basis of today.

    `session_opened_at`: when the session that is open on its calendar began; None when none is.
    `later_splits`: the ratios of the splits since the quote's session. `close` is None where none is stored,
    and while a split is pending.
    """

    calendar: str
    session_opened_at: datetime | None
    close: float | None
    date: date | None
    later_splits: Sequence[float]


@dataclass(frozen=True)
class Symbol:
    """An instrument by its key."""

    symbol: str


def stale_symbols(at: datetime, symbols: Collection[str] | None = None) -> list[str]:
    """Return those of the symbols, else of the watched ones, whose quote is missing or stale. One query."""
    values = {
        "at": at,
        "before": at - timedelta(seconds=settings.STALE_QUOTE_SECONDS),
        "ahead": at + timedelta(seconds=settings.STALE_QUOTE_SECONDS),
        "symbols": None if symbols is None else list(symbols),
        "always_open": ALWAYS_OPEN,
    }
    return [row.symbol for row in fetch_all(Symbol, STALE_SYMBOLS, values)]


def with_previous_close(symbols: Collection[str], at: datetime) -> list[tuple[Quote, PreviousClose]]:
    """Return the newest quote of each symbol that has one, with its previous close. One query."""
    columns = [field.name for field in fields(PreviousClose)]
    return [
        (quote, PreviousClose(**{column: getattr(quote, column) for column in columns}))
        for quote in Quote.objects.raw(WITH_PREVIOUS_CLOSE, {"symbols": list(symbols), "at": at})
    ]


@dataclass(frozen=True)
class PriceLine:
    """A symbol's newest 15-minute closes, oldest first, and the range of its newest session."""

    symbol: str
    closes: Sequence[float] = ()
    low: float | None = None
    high: float | None = None


def price_lines(symbols: Collection[str], points: int, at: datetime) -> dict[str, PriceLine]:
    """Return the last `points` closes of each symbol, and the day's range; None where nothing is stored."""
    values = {"symbols": list(symbols), "points": points, "at": at}
    return {line.symbol: line for line in fetch_all(PriceLine, PRICE_LINES, values)}


@dataclass(frozen=True)
class PriceRange:
    """The lowest and the highest price of a symbol, by bars and the newest quote; None where neither is."""

    symbol: str
    low: float | None
    high: float | None


def price_ranges(since: Mapping[str, datetime]) -> dict[str, PriceRange]:
    """Return the price range of each symbol since its instant. One query, none without symbols."""
    if not since:
        return {}
    values = {"symbols": list(since), "since": list(since.values())}
    return {prices.symbol: prices for prices in fetch_all(PriceRange, PRICE_RANGES, values)}


@dataclass(frozen=True)
class TradingHours:
    """A calendar of the watchlist, with how many instruments trade on it.

    `closes_at`: of the session that is open; None when none is. `opens_at`: of the next one that is stored.
    """

    calendar: str
    instruments: int
    closes_at: datetime | None
    opens_at: datetime | None


def trading_hours(at: datetime) -> list[TradingHours]:
    """Return the hours around `at` of each watched calendar, that of most instruments first. One query."""
    return fetch_all(TradingHours, TRADING_HOURS, {"at": at})


@dataclass(frozen=True)
class FeedDelay:
    """A feed that quotes come from, and the longest delay that is stated for it, in seconds."""

    feed: str
    delay: int


def watched_feeds() -> dict[str, int]:
    """Return the feeds of the watchlist's quotes, with the longest stated delay of each in seconds."""
    return {row.feed: row.delay for row in fetch_all(FeedDelay, WATCHED_FEEDS)}


# From the first round there ever was on.
SILENCES = """
SELECT began_at, ended_at FROM (
    SELECT started_at AS ended_at, lag(started_at, 1, (
        SELECT greatest(%(since)s, started_at) FROM ingestion_runs
        WHERE kind = 'quotes' AND outcome = 'finished' ORDER BY started_at LIMIT 1
    )) OVER (ORDER BY started_at) AS began_at
    FROM (
        SELECT started_at FROM ingestion_runs
        WHERE kind = 'quotes' AND outcome = 'finished' AND started_at BETWEEN %(since)s AND %(at)s
        UNION ALL SELECT %(at)s
    ) AS rounds
) AS steps
WHERE ended_at - began_at > %(longer_than)s
ORDER BY began_at
"""


@dataclass(frozen=True)
class Silence:
    """A time in which no cycle of quotes began."""

    began_at: datetime
    ended_at: datetime


def silences(since: datetime, at: datetime, longer_than: timedelta) -> list[Silence]:
    """Return the times from `since` to `at` in which no cycle of quotes began, oldest first.

    None from before the first cycle ever; none at all while there was no cycle yet.
    """
    return fetch_all(Silence, SILENCES, {"since": since, "at": at, "longer_than": longer_than})


# What lacks bars stands first. That is told from what was noted, never by counting the bars of all: a gap, no
# answer yet or none since a session that is over, a history that begins inside these sessions.
COVERAGE = """
WITH recent AS (
    SELECT calendar, date, opens_at, closes_at,
        CASE WHEN %(intraday)s THEN opens_at ELSE date::timestamptz END AS starts_at,
        CASE WHEN %(intraday)s THEN closes_at ELSE date::timestamptz + interval '1 day' END AS ends_at
    FROM (
        SELECT *, row_number() OVER (PARTITION BY calendar ORDER BY date DESC) AS back
        FROM trading_sessions
        WHERE NOT closed AND opens_at <= %(at)s AND date > %(at)s::date - 20
          AND calendar IN (SELECT calendar FROM instruments WHERE watched OR in_use)
    ) AS numbered
    WHERE back <= %(sessions)s
), gapped AS MATERIALIZED (
    SELECT DISTINCT gaps.symbol
    FROM gaps JOIN instruments USING (symbol) JOIN recent USING (calendar)
    WHERE timeframe = %(timeframe)s AND last_at >= starts_at AND first_at < ends_at
), judged AS MATERIALIZED (
    SELECT instruments.symbol, calendar, answered_through, coalesce(delay_seconds, 0) AS delay,
        answered_through IS NULL OR gapped.symbol IS NOT NULL OR EXISTS (
            SELECT FROM recent
            WHERE recent.calendar = instruments.calendar AND answered_through < ends_at - %(length)s
              AND closes_at + %(settles)s + delay_seconds * interval '1 second' <= %(at)s
        ) OR coalesce((
            SELECT min(opened_at) FROM candles
            WHERE candles.symbol = instruments.symbol AND timeframe = %(timeframe)s
        ) > (SELECT min(starts_at) FROM recent WHERE recent.calendar = instruments.calendar), true
        ) AS lacks
    FROM instruments
    LEFT JOIN gapped ON gapped.symbol = instruments.symbol
    LEFT JOIN candle_progress AS progress
      ON progress.symbol = instruments.symbol AND timeframe = %(timeframe)s
    WHERE watched OR in_use
), listed AS (
    SELECT *, count(*) OVER () AS in_all, count(*) FILTER (WHERE NOT lacks) OVER () AS complete
    FROM judged ORDER BY lacks DESC, symbol LIMIT %(limit)s OFFSET %(offset)s
)
SELECT
    symbol, in_all, complete, delay, coalesce(answered_through >= starts_at, false) AS is_answered,
    date, opens_at, closes_at,
    (
        SELECT count(*) FROM candles
        WHERE candles.symbol = listed.symbol AND timeframe = %(timeframe)s AND is_final
          AND opened_at >= starts_at AND opened_at < ends_at
    ) AS stored,
    ARRAY(
        SELECT DISTINCT reason FROM gaps
        WHERE gaps.symbol = listed.symbol AND timeframe = %(timeframe)s
          AND last_at >= starts_at AND first_at < ends_at
        ORDER BY reason
    ) AS reasons
FROM listed LEFT JOIN recent USING (calendar)
ORDER BY lacks DESC, symbol, date
"""


@dataclass(frozen=True)
class SessionBars:
    """How many final bars of an instrument's session are stored, and why some are not.

    `in_all`: how many instruments are listed; `complete`: how many of them lack nothing. `delay`: that of the
    feed, in seconds. `is_answered`: whether a provider has answered for bars of this session. An instrument
    whose calendar is not known has one row, without a session.
    """

    symbol: str
    in_all: int
    complete: int
    delay: int
    is_answered: bool
    date: date | None
    opens_at: datetime
    closes_at: datetime
    stored: int
    reasons: Sequence[str]


def coverage(
    at: datetime, timeframe: Timeframe, settles: timedelta, *, sessions: int, limit: int, offset: int
) -> list[SessionBars]:
    """Return the bars of the last sessions of a page of instruments, those that lack some first. One query.

    `settles`: how long after its close a bar is there at the latest.
    """
    values = {
        "at": at,
        "sessions": sessions,
        "timeframe": timeframe.value,
        "intraday": timeframe.is_intraday,
        "length": timeframe.length,
        "settles": settles,
        "limit": limit,
        "offset": offset,
    }
    return fetch_all(SessionBars, COVERAGE, values)


@dataclass(frozen=True)
class ProviderWork:
    """How a provider does at quotes or candles. `asked`, `stored` and `failed`: counts of the last hour."""

    status: ProviderStatus
    asked: int
    stored: int
    failed: int


def provider_works(at: datetime) -> list[ProviderWork]:
    """Return each provider's works, quotes first, with the sums of the last hour's cycles. Two queries."""
    cycles = IngestionRun.objects.filter(started_at__gt=at - LAST_HOUR).order_by()
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for cycle_kind, figures in cycles.values_list("kind", "providers"):
        kind = cycle_kind if cycle_kind == IngestionRun.Kind.QUOTES else IngestionRun.Kind.CANDLES
        for provider, figures_of_provider in figures.items():
            counts[provider, str(kind)].update(figures_of_provider)
    statuses = {(row.provider, row.kind): row for row in ProviderStatus.objects.all()}
    works = []
    for provider, kind in sorted({*counts, *statuses}, key=lambda work: (work[1] != "quotes", work[0])):
        status = statuses.get((provider, kind)) or ProviderStatus(provider=provider, kind=kind)
        sums = counts[provider, kind]
        works.append(ProviderWork(status, sums["asked"], sums["stored"], sums["failed"]))
    return works


def lasting_faults(providers: Collection[str]) -> list[Fault]:
    """Return what a person should look at: what fails again and again and no provider gives. One query."""
    return list(Fault.objects.raw(LASTING_FAULTS, lasting_params(providers)))


def lasting_params(providers: Collection[str]) -> dict[str, Any]:
    return {"patience": Fault.PATIENCE, "providers": list(providers)}
