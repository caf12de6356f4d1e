"""Whether Jax does its work: checks, providers, cycles, coverage, scans, queue and versions."""

import platform
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version
from typing import Any

from django.core.paginator import Page, Paginator
from django.db import InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.views.page import page, show
from approvals.views.paging import LARGEST
from jaxsite import health
from market import coverage, feeds
from market.models import IngestionRun, ProviderStatus
from signals import words
from signals.models import Scan

CYCLES = 12
LIBRARIES = ("Django", "django-q2", "psycopg", "numpy", "TA-Lib")

# A task that is taken is locked into the future; one that waits, since when it was put there.
QUEUES = """
SELECT key, count(*) FILTER (WHERE lock <= %(at)s), count(*) FILTER (WHERE lock > %(at)s),
       min(lock) FILTER (WHERE lock <= %(at)s)
FROM django_q_ormq GROUP BY key ORDER BY key
"""
FAILURES = """
SELECT func, count(*), max(stopped) FROM django_q_task
WHERE NOT success AND stopped > %(at)s - interval '1 day'
GROUP BY func ORDER BY max(stopped) DESC LIMIT 10
"""


@dataclass(frozen=True)
class Queue:
    cluster: str
    waits: int
    runs: int
    since: datetime | None


@dataclass(frozen=True)
class Failure:
    task: str
    times: int
    last: datetime


@require_GET
def status(request: HttpRequest) -> HttpResponse:
    """The page; without a database what can be said without one: nobody is known to be logged in then."""
    try:
        return _status(request)
    except (OperationalError, InterfaceError):
        checks = health.examine(timezone.now())
        said = {"checks": checks, "verdict": _verdict(checks)}
        return HttpResponse(render_to_string("status_down.html", said), status=503)


@page
def _status(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    return show(request, "status.html", at, _context(request, at))


@page
@require_GET
def update(request: HttpRequest) -> HttpResponse:
    """The same without its frame, for a page that stays open."""
    at = timezone.now()
    return render(request, "_status.html", {"now": at, **_context(request, at)})


def _context(request: HttpRequest, at: datetime) -> dict[str, Any]:
    checks = health.examine(at)
    grid = coverage.grid(at, _number(request.GET.get("page")))
    return {
        "checks": checks,
        "verdict": _verdict(checks),
        "providers": _providers(at),
        "cycles": IngestionRun.objects.order_by("-started_at", "-pk")[:CYCLES],
        "grid": grid,
        "page": _page(grid, _number(request.GET.get("page"))),
        "scan": _scan(),
        "queues": [Queue(*row) for row in _rows(QUEUES, at)],
        "failures": [Failure(*row) for row in _rows(FAILURES, at)],
        "versions": _versions(),
    }


def _verdict(checks: list[health.Check]) -> str:
    wrong = [check for check in checks if check.status != health.Status.HEALTHY]
    if not wrong:
        return "Everything works."
    return f"{len(wrong)} of {len(checks)} checks say that something is wrong."


def _number(asked: str | None) -> int:
    return min(max(int(asked), 1), LARGEST) if asked and asked.isdecimal() else 1


def _page(grid: coverage.Grid, number: int) -> Page[int]:
    return Paginator(range(grid.in_all), coverage.PER_PAGE).get_page(number)


def _providers(at: datetime) -> list[dict[str, Any]]:
    """Those that are switched on, in the order in which they are asked, each with how it does."""
    rows = list(ProviderStatus.objects.all())
    return [
        {
            "name": provider.name,
            "works": [
                {"row": row, "rests": row.cools_off(at)} for row in rows if row.provider == provider.name
            ],
        }
        for provider in feeds.enabled()
    ]


def _scan() -> dict[str, Any] | None:
    """The newest scan in which a bar had closed: what it made of it, by strategy and timeframe."""
    scan = Scan.objects.filter(outcome=Scan.Outcome.FINISHED, evaluated__gt=0).order_by("-started_at").first()
    if scan is None:
        return None
    entries = [
        {
            "strategy": entry["strategy_id"],
            "timeframe": entry["timeframe"],
            "counts": words.counts(entry),
            "reasons": words.reasons(entry),
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
    libraries = [(name, version(name)) for name in LIBRARIES]
    return [("Python", platform.python_version()), ("PostgreSQL", server), *libraries]
