"""Whether Jax does its work: checks, providers, cycles, coverage, scans, queue and versions."""

import logging
import platform
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial, wraps
from importlib.metadata import version
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.db import InterfaceError, OperationalError, ProgrammingError, connection
from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import require_GET

from approvals.brokers.ib import setup
from core.paging import page_number
from desk.page import page_by_the_clock, show, without_page
from jaxsite import __version__
from jaxsite.monitoring import health
from jaxsite.queries import work
from jaxsite.views.context import constants
from market import faults, feeds
from market.ingestion import coverage, schedule
from market.models import CorporateAction, IngestionRun, Instrument, ReviewItem
from market.prices import Timeframe
from market.providers import registry
from market.queries.ingestion import provider_works
from signals import formatting as signal_formatting
from signals.models import Scan

logger = logging.getLogger(__name__)

View = Callable[[HttpRequest], HttpResponse]

CYCLES = 12
# A page that is open becomes the one without a database, and that one looks again: without scripts, too.
LOOK_AGAIN = {"HX-Refresh": "true", "Refresh": "15", "Retry-After": "15"}
# Of this process, whatever has been installed since it started.
LIBRARIES = [(name, version(name)) for name in ("Django", "django-q2", "psycopg", "numpy", "TA-Lib")]

A_DAY = timedelta(days=1)
NO_GRID = coverage.Grid(Timeframe.D1, 1, [], 0, 0)
FAILURES = 10


def without_database(view: View) -> View:
    """Answer for a database that is down with what everyone may know: no login can be read then.

    It is asked first over a connection of its own, which gives up where an old one would wait for ever.
    """

    @wraps(view)
    def wrapped(request: HttpRequest) -> HttpResponse:
        try:
            health.ping()
            return view(request)
        except (OperationalError, InterfaceError, ProgrammingError) as error:
            checks = health.database_down(error)
            cannot = "used" if isinstance(error, ProgrammingError) else "reached"
            context = {"checks": checks, "verdict": f"The database cannot be {cannot}."} | constants()
            html = render_to_string("jaxsite/status_down.html", context)
            answer = HttpResponse(html, status=503, headers=LOOK_AGAIN)
            add_never_cache_headers(answer)
            return answer

    return wrapped


@require_GET
@without_database
@page_by_the_clock
def status(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    return show(request, "jaxsite/status.html", at, _context(request, at))


def _context(request: HttpRequest, at: datetime) -> dict[str, Any]:
    checks, parts = health.run_checks(at), Parts()
    grid = parts.read("coverage", partial(_grid, request, at), NO_GRID)
    pages = Paginator(range(grid.in_all), coverage.PER_PAGE)
    return {
        "checks": checks,
        "verdict": _verdict(checks),
        "providers": parts.read("providers", partial(_providers, at), []),
        "unconfigured": _unconfigured(),
        "has_ib": setup.is_switched_on(settings),
        "real_prices": registry.how_to_get_real_prices(),
        "cycles": parts.read("cycles", _cycles, []),
        "grid": grid,
        "timeframes": schedule.fetched(),
        "page": pages.get_page(grid.page),
        "others": without_page(request),
        "to_review": parts.read("data to review", _to_review, None),
        "delisted": parts.read("delisted shares", _delisted, []),
        "asking": parts.read("corporate actions", partial(_asking, at), []),
        "scan": parts.read("scan", _scan, None),
        "work": parts.read("queue", partial(work, at, at - A_DAY, FAILURES), None),
        "versions": _versions(),
        "unreadable": parts.unreadable,
    }


class Parts:
    """Reads the parts of the page. One that breaks is named, and the others are shown."""

    def __init__(self) -> None:
        self.unreadable: list[str] = []

    def read(self, name: str, part: Callable[[], Any], otherwise: Any) -> Any:
        try:
            return part()
        except faults.CONTENT:
            logger.exception("%s cannot be shown", name)
            self.unreadable.append(name)
            return otherwise


def _to_review() -> dict[str, Any]:
    """Return how many moves are unexplained, how much data waits for a person, and of which kinds."""
    counts = ReviewItem.objects.counts()
    kinds = [(kind.label, counts[kind.value]) for kind in ReviewItem.Kind if kind.value in counts]
    return {"moves": counts.get(ReviewItem.Kind.MOVE, 0), "total": sum(counts.values()), "kinds": kinds}


def _delisted() -> list[str]:
    """Return the delisted shares that are still held or on order."""
    return list(Instrument.objects.gone().filter(in_use=True).values_list("symbol", flat=True))


def _asking(at: datetime) -> list[str]:
    """Return the corporate actions that a person has to deal with, in words."""
    return [str(fact) for fact in CorporateAction.objects.asking(at)]


def _cycles() -> list[IngestionRun]:
    return list(IngestionRun.objects.order_by("-started_at", "-pk")[:CYCLES])


def _verdict(checks: list[health.Check]) -> str:
    failing = [check for check in checks if check.status != health.Status.HEALTHY]
    if not failing:
        return "Everything works."
    return f"{len(failing)} of {len(checks)} checks say that something is wrong."


def _grid(request: HttpRequest, at: datetime) -> coverage.Grid:
    """Return the page of the grid that the request names; the first one when there are not so many."""
    number = page_number(request.GET.get("page"))
    timeframes = sorted(schedule.fetched(), key=lambda timeframe: timeframe.length)
    named = (timeframe for timeframe in timeframes if timeframe == request.GET.get("timeframe"))
    timeframe = next(named, timeframes[0])
    grid = coverage.grid(at, timeframe, number)
    return grid if grid.rows or number == 1 else coverage.grid(at, timeframe)


def _providers(at: datetime) -> list[dict[str, Any]]:
    """Return the providers that are switched on, in the order of use, each with how it does."""
    works = provider_works(at)
    return [
        {
            "name": provider.name,
            "works": [
                {"work": work, "cools_off": work.status.cools_off(at)}
                for work in works
                if work.status.provider == provider.name
            ],
        }
        for provider in feeds.enabled()
    ]


def _unconfigured() -> list[str]:
    """Return the providers of real data that are not set up."""
    return [name for name, is_set in settings.CONFIGURED.items() if not is_set]


def _scan() -> dict[str, Any] | None:
    """Return the newest scan in which a bar had closed, with its counts by strategy and timeframe."""
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


def _versions() -> list[tuple[str, str]]:
    server = connection.connection.info.parameter_status("server_version").split()[0]
    return [("Jax", __version__), ("Python", platform.python_version()), ("PostgreSQL", server), *LIBRARIES]
