"""How far ingestion has come, when it stood still, how providers do, and what none of them gives."""

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from core.queries import fetch_all
from market.models import Fault, IngestionRun, ProviderStatus

LAST_HOUR = timedelta(hours=1)

# Few groups, however many instruments: most were answered through the same bar.
BARS_ANSWERED = """
SELECT calendar, timeframe, delay_seconds, answered_through, newest_at, array_agg(symbol::text) AS symbols
FROM candle_progress JOIN instruments USING (symbol)
WHERE watched AND split_pending_since IS NULL AND timeframe = ANY(%(timeframes)s)
GROUP BY calendar, timeframe, delay_seconds, answered_through, newest_at
"""

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

# What is not fetched or tried any more is no news, nor what another provider gives.
LASTING_FAULTS = """
SELECT faults.* FROM faults
WHERE failures >= %(patience)s AND failed_at > %(tried_since)s
  AND (work NOT IN ('quotes', 'candles')
       OR EXISTS (
           SELECT FROM instruments
           WHERE symbol = subject AND (watched OR (in_use AND NOT delisting_followed))
       ))
  AND (work NOT IN ('quotes', 'candles') OR NOT EXISTS (
      SELECT FROM unnest(%(providers)s::text[]) AS provider WHERE NOT EXISTS (
          SELECT FROM faults AS same
          WHERE (same.work, same.part, same.subject) = (faults.work, faults.part, faults.subject)
            AND same.source = provider AND same.failures >= %(patience)s
      )
  ))
ORDER BY subject, work, part, source
"""


@dataclass(frozen=True)
class BarsAnswered:
    """Watched symbols of a calendar that a provider has answered for, through the same bar of a timeframe.

    `newest_at`: the newest final bar that is stored of each. None: there is none.
    """

    calendar: str
    timeframe: str
    delay_seconds: int
    answered_through: datetime
    newest_at: datetime | None
    symbols: list[str]


def bars_answered(timeframes: Sequence[str]) -> list[BarsAnswered]:
    """Return how far providers have answered for the bars of the watchlist."""
    return fetch_all(BarsAnswered, BARS_ANSWERED, {"timeframes": list(timeframes)})


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


def lasting_faults(providers: Collection[str], at: datetime) -> list[Fault]:
    """Return what a person should look at: what fails again and again and no provider gives. One query."""
    return list(Fault.objects.raw(LASTING_FAULTS, lasting_params(providers, at)))


def lasting_params(providers: Collection[str], at: datetime) -> dict[str, Any]:
    tried_since = at - Fault.NO_NEWS_AFTER
    return {"patience": Fault.PATIENCE, "providers": list(providers), "tried_since": tried_since}
