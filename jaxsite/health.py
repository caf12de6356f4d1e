"""Is Jax doing its work? Each check says in words what is wrong and what to do about it."""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.conf import settings
from django.db import Error, OperationalError, connection

from approvals.models import Gate, Order, TradingHalt
from approvals.switches import CHECKED_WITHIN
from market import changes, feeds
from market.models import IngestionRun, Installation, Instrument, ProviderStatus, TradingSession
from signals.models import Scan

logger = logging.getLogger(__name__)

SHOWN_SYMBOLS = 5
LOST_AFTER = timedelta(minutes=5)


class Status(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True)
class Check:
    name: str
    status: Status
    message: str


def examine(at: datetime) -> list[Check]:
    """All checks, or the database's alone when it does not answer: the others are read from it."""
    try:
        ping()
        return [
            Check("database", Status.HEALTHY, "It answers."),
            _data(),
            _worker(at),
            _scans(at),
            _trading(at),
            _quotes(at),
            *_providers(at),
        ]
    except Error as error:
        # The reason names hosts and users: it is for the log, not for whoever asks.
        logger.error("The database fails its health check: %s", error)
        return [Check("database", Status.UNHEALTHY, _advice(error))]


def worst(checks: Iterable[Check]) -> Status:
    return max((check.status for check in checks), key=list(Status).index)


def ping() -> None:
    """Raise OperationalError when the database does not answer.

    Over a connection of its own: an old one to a server that hangs would wait for ever, a new one gives up.
    """
    fresh = connection.copy()
    try:
        with fresh.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        fresh.close()


def _advice(error: Error) -> str:
    if isinstance(error, OperationalError):
        return "It does not answer. Check that PostgreSQL runs and that DATABASE_URL is right; see the log."
    return "It answers, but its tables are not as expected. Run: python manage.py migrate"


def _data() -> Check:
    row = Installation.objects.first()
    if row is None:
        return Check("data", Status.HEALTHY, "Empty so far: the first cycle decides, simulated or real.")
    if row.data != settings.DATA_KIND:
        return Check(
            "data",
            Status.DEGRADED,
            f"The database holds {row.data} data, the settings ask for {settings.DATA_KIND}. "
            f"Set DATA={row.data}, or point DATABASE_URL at another database.",
        )
    return Check("data", Status.HEALTHY, f"The market data is {row.data}.")


def _worker(at: datetime) -> Check:
    newest = IngestionRun.objects.newest_round()
    advice = "Check that it runs (python manage.py qcluster) and read its log."
    if newest is None:
        message = f"No cycle has finished yet. The worker runs the first one as soon as it starts. {advice}"
        return Check("worker", Status.DEGRADED, message)
    ago = f"The last cycle finished {int((at - newest).total_seconds())} s ago."
    if at - newest > 2 * timedelta(seconds=settings.INGEST_INTERVAL_SECONDS):
        return Check("worker", Status.DEGRADED, f"{ago} The worker seems to be down. {advice}")
    return Check("worker", Status.HEALTHY, ago)


def _scans(at: datetime) -> Check:
    newest = (
        Scan.objects.filter(outcome=Scan.Outcome.FINISHED)
        .order_by("-started_at")
        .values_list("started_at", flat=True)
        .first()
    )
    advice = "Check that the worker runs (python manage.py qcluster) and read its log."
    if newest is None:
        return Check("scans", Status.DEGRADED, f"No scan has finished yet. {advice}")
    ago = f"The last scan was {int((at - newest).total_seconds())} s ago."
    if at - newest > timedelta(seconds=2 * settings.SCAN_INTERVAL_SECONDS + 60):
        return Check("scans", Status.DEGRADED, f"{ago} No new signals are raised. {advice}")
    return Check("scans", Status.HEALTHY, ago)


def _trading(at: datetime) -> Check:
    """Whether orders can be sent. Reasons that people gave are not for everybody: they are in admin."""
    halt = TradingHalt.objects.filter(ended_at=None).order_by("started_at").first()
    if halt:
        since = f"Trading is halted since {halt.started_at:%Y-%m-%d %H:%M} UTC."
        return Check("trading", Status.DEGRADED, f"{since} A person resumes it: python manage.py resume")
    gate = Gate.objects.first()
    if gate is None or at - gate.checked_at > CHECKED_WITHIN:
        ago = "yet" if gate is None else f"since {gate.checked_at:%H:%M:%S} UTC"
        advice = "Check that the worker runs (python manage.py qcluster) and read its log."
        return Check("trading", Status.DEGRADED, f"The broker has not been asked {ago}. {advice}")
    if gate.broker_good_since is None:
        advice = "Nothing is approved or sent until it answers; why is in admin."
        return Check("trading", Status.DEGRADED, f"The broker is away. {advice}")
    return _orders(at)


def _orders(at: datetime) -> Check:
    lost = Order.objects.in_(Order.Status.UNKNOWN).filter(submitted_at__lt=at - LOST_AFTER).count()
    if lost:
        message = f"What became of {lost} orders is not known. Look at the broker's own page."
        return Check("trading", Status.DEGRADED, message)
    return Check("trading", Status.HEALTHY, "Orders can be sent.")


def _quotes(at: datetime) -> Check:
    stale, unknown = changes.stale_symbols(at), _calendars_without_sessions(at)
    if unknown and Installation.objects.exists():
        return Check(
            "quotes",
            Status.DEGRADED,
            f"Whether they are fresh is not known: no trading sessions are stored for {', '.join(unknown)}. "
            "The worker fetches them; its log says what keeps it from that.",
        )
    if not stale:
        return Check("quotes", Status.HEALTHY, "Every watched instrument that trades now has a fresh quote.")
    shown = ", ".join(stale[:SHOWN_SYMBOLS]) + (" and others" if len(stale) > SHOWN_SYMBOLS else "")
    return Check(
        "quotes",
        Status.DEGRADED,
        f"{len(stale)} in session without a quote from the last {settings.STALE_QUOTE_SECONDS} s: {shown}. "
        "Look at the newest ingestion run for what failed, or run: python manage.py doctor",
    )


def _calendars_without_sessions(at: datetime) -> list[str]:
    coming = TradingSession.objects.filter(date__range=(at.date(), at.date() + timedelta(days=15)))
    calendars = Instrument.objects.watched().values_list("calendar", flat=True).distinct()
    return list(calendars.exclude(calendar__in=coming.values("calendar")).order_by("calendar"))


def _providers(at: datetime) -> Iterator[Check]:
    rows = list(ProviderStatus.objects.all())
    names = [provider.name for provider in feeds.enabled()]
    if not names:
        advice = "Set IB_BRIDGE_URL, ALPACA_API_KEY with ALPACA_API_SECRET, or POLYGON_API_KEY."
        yield Check("providers", Status.DEGRADED, f"No provider is switched on. {advice}")
    for name in names:
        cooling = [row for row in rows if row.provider == name and row.cools_off(at)]
        pauses = "; ".join(
            f"{row.kind} until {row.cool_off_until:%H:%M:%S} UTC after {row.consecutive_failures} failures"
            for row in cooling
        )
        status = Status.DEGRADED if cooling else Status.HEALTHY
        message = f"Left alone for a while: {pauses}. It is tried again by itself; why is in admin."
        yield Check(f"provider_{name}", status, message if cooling else "It may be asked.")
