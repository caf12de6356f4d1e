"""Whether Jax does its work: checks, providers, cycles, coverage, scans, queue and versions."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import wraps
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET

from core.paging import LARGEST
from desk.page import page, show, without_page
from jaxsite import __version__, health
from jaxsite.views.context import simulated
from market import feeds
from market.ingestion import coverage, schedule
from market.models import IngestionRun
from market.providers import registry
from signals import formatting as signal_formatting
from signals.models import Scan

View = Callable[[HttpRequest], HttpResponse]

CYCLES = 12
# A page that is open becomes the one without a database, and that one looks again: without scripts, too.
LOOK_AGAIN = {"HX-Refresh": "true", "Refresh": "15", "Retry-After": "15"}
# Of this process, whatever has been installed since it started.
LIBRARIES = [(name, version(name)) for name in ("Django", "django-q2", "psycopg", "numpy", "TA-Lib")]

# A task that is taken is locked into the future; one that waits, since when it was put there. Second opinions
# have a queue of their own, the last row: few wait or work, and an index holds those and no others.
QUEUES = """
(SELECT key, count(*) FILTER (WHERE lock <= %(at)s), count(*) FILTER (WHERE lock > %(at)s),
        min(lock) FILTER (WHERE lock <= %(at)s), 0
 FROM django_q_ormq GROUP BY key ORDER BY key)
UNION ALL
SELECT NULL, count(*) FILTER (WHERE status = 'queued'), count(*) FILTER (WHERE status = 'running'),
       min(queued_at) FILTER (WHERE status = 'queued'), count(*) FILTER (WHERE status = 'failed')
FROM orchestration_runs
WHERE status IN ('queued', 'running') OR status = 'failed' AND queued_at >= date_trunc('day', %(at)s, 'UTC')
"""
FAILURES = """
SELECT func, count(*), max(stopped) FROM django_q_task
WHERE NOT success AND stopped > %(at)s - interval '1 day'
GROUP BY func ORDER BY max(stopped) DESC LIMIT 10
"""


# How each provider does at each of its works, with the sums of the cycles of the last hour.
WORKS = """
SELECT provider, kind, coalesce(consecutive_failures, 0), last_success_at, last_failure_at,
       coalesce(last_error, ''), cool_off_until, coalesce(asked, 0), coalesce(stored, 0), coalesce(failed, 0)
FROM provider_status FULL JOIN (
    SELECT name AS provider, CASE WHEN kind = 'quotes' THEN kind ELSE 'candles' END AS kind,
           sum((figures ->> 'asked')::int) AS asked, sum((figures ->> 'stored')::int) AS stored,
           sum((figures ->> 'failed')::int) AS failed
    FROM ingestion_runs, jsonb_each(providers) AS by_provider (name, figures)
    WHERE started_at > %(at)s - interval '1 hour'
    GROUP BY 1, 2
) AS last_hour USING (provider, kind)
ORDER BY kind DESC, provider
"""


@dataclass(frozen=True)
class Work:
    """What a provider does, quotes or candles. The last three are counts of the last hour."""

    provider: str
    kind: str
    consecutive_failures: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    last_error: str
    cool_off_until: datetime | None
    asked: int
    stored: int
    failed: int


@dataclass(frozen=True)
class Queue:
    """A cluster's, or that of second opinions, which alone counts what failed today (UTC)."""

    cluster: str | None
    waits: int
    runs: int
    since: datetime | None
    failed: int


@dataclass(frozen=True)
class Failure:
    task: str
    times: int
    last: datetime


def without_database(view: View) -> View:
    """Answer for a database that is away: nobody is known to be logged in then, so with what all may know.

    It is asked first over a connection of its own, which gives up where an old one would wait for ever.
    """

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            health.ping()
            return view(request)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            checks = health.away(error)
            cannot = "used" if isinstance(error, ProgrammingError) else "reached"
            said = {"checks": checks, "verdict": f"The database cannot be {cannot}."} | simulated()
            html = render_to_string("jaxsite/status_down.html", said)
            answer = HttpResponse(html, status=503, headers=LOOK_AGAIN)
            add_never_cache_headers(answer)
            return answer

    return wrapped


@require_GET
@without_database
@page
def status(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    return show(request, "jaxsite/status.html", at, _context(request, at))


@require_GET
@without_database
@page
def update(request: HttpRequest) -> HttpResponse:
    """The same without its frame, for a page that stays open."""
    at = timezone.now()
    return render(request, "jaxsite/_status.html", {"now": at, **_context(request, at)})


def _context(request: HttpRequest, at: datetime) -> dict[str, Any]:
    checks = health.look(at)
    grid = _grid(request, at)
    *queues, opinions = (Queue(*row) for row in _rows(QUEUES, at))
    return {
        "checks": checks,
        "verdict": _verdict(checks),
        "providers": _providers(at),
        "unconfigured": _unconfigured(),
        "real_prices": registry.how_to_get_real_prices(),
        "cycles": IngestionRun.objects.order_by("-started_at", "-pk")[:CYCLES],
        "grid": grid,
        "timeframes": schedule.fetched(),
        "page": Paginator(range(grid.in_all), coverage.PER_PAGE).get_page(grid.page),
        "others": without_page(request),
        "scan": _scan(),
        "queues": queues,
        "opinions": opinions,
        "failures": [Failure(*row) for row in _rows(FAILURES, at)],
        "versions": _versions(),
    }


def _verdict(checks: list[health.Check]) -> str:
    wrong = [check for check in checks if check.status != health.Status.HEALTHY]
    if not wrong:
        return "Everything works."
    return f"{len(wrong)} of {len(checks)} checks say that something is wrong."


def _grid(request: HttpRequest, at: datetime) -> coverage.Grid:
    """The page asked for; the first one when there are not so many."""
    asked, number = request.GET.get("timeframe"), _number(request.GET.get("page"))
    fetched = sorted(schedule.fetched(), key=lambda one: one.length)
    timeframe = next((one for one in fetched if one == asked), fetched[0])
    found = coverage.grid(at, timeframe, number)
    return found if found.rows or number == 1 else coverage.grid(at, timeframe)


def _number(asked: str | None) -> int:
    return min(max(int(asked), 1), LARGEST) if asked and asked.isdecimal() else 1


def _providers(at: datetime) -> list[dict[str, Any]]:
    """Those that are switched on, in the order in which they are asked, each with how it does."""
    works = [Work(*row) for row in _rows(WORKS, at)]
    return [
        {
            "name": provider.name,
            "works": [
                {"row": work, "rests": work.cool_off_until is not None and work.cool_off_until > at}
                for work in works
                if work.provider == provider.name
            ],
        }
        for provider in feeds.enabled()
    ]


def _unconfigured() -> list[str]:
    """The providers of real data that are not set up."""
    return [name for name, is_set in settings.CONFIGURED.items() if not is_set]


def _scan() -> dict[str, Any] | None:
    """The newest scan in which a bar had closed: what it made of it, by strategy and timeframe."""
    scan = Scan.objects.filter(outcome=Scan.Outcome.FINISHED, evaluated__gt=0).order_by("-started_at").first()
    if scan is None:
        return None
    entries = [
        {
            "strategy": entry["strategy_id"],
            "timeframe": entry["timeframe"],
            "counts": signal_formatting.counts(entry),
            "reasons": signal_formatting.reasons(entry),
        }
        for entry in scan.counts
    ]
    return {"scan": scan, "entries": entries}


def _rows(query: str, at: datetime) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(query, {"at": at})
        return list(cursor.fetchall())


def _versions() -> list[tuple[str, str]]:
    server = connection.connection.info.parameter_status("server_version").split()[0]
    return [("Jax", __version__), ("Python", platform.python_version()), ("PostgreSQL", server), *LIBRARIES]
