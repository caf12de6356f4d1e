"""What is configured, what answers, what is stale and what to do about it, in plain words."""

import logging
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from django.conf import settings
from django.db import Error, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Count, Exists, Max, OuterRef, Q, Sum
from django_q.models import Failure, OrmQ, Schedule

from market import faults, feeds, worker
from market.ingestion import request_budget, schedule
from market.ingestion.lateness import late_bars
from market.models import (
    Candle,
    Fault,
    Gap,
    IngestionRun,
    Installation,
    Instrument,
    ProviderStatus,
    TradingSession,
)
from market.providers import registry
from market.providers.base import Provider, Report
from market.queries.freshness import stale_symbols
from market.queries.ingestion import lasting_faults

logger = logging.getLogger(__name__)

EMBEDDED = "jaxsite.embedded_postgres"
CLOCK_TOLERANCE = timedelta(seconds=2)
CLOCKS_DIFFER = timedelta(minutes=2)  # of two processes; also the time that a request may take
SESSIONS_AHEAD = timedelta(days=60)
RECENT = timedelta(days=1)
LONG_QUEUE = 50
LEAST_BYTES = 1_000_000_000
SHOWN = 5
LATE_ADVICE = (
    "The newest ingestion runs say what failed or waits; the line on requests, whether the pace allows it."
)
A_WHILE = timedelta(minutes=45)
NOTHING_NEW_ADVICE = (
    "The exchange is open and no provider gives a new bar: restart the program between Jax and the"
    " vendor, if there is one, or see at the vendor's own site whether it has any."
)
SHOWN_FAULTS = 20
CHECK_SYMBOL = "Check the symbol. Misspelt, renamed or delisted: take it off the watchlist. The others go on."
WHAT_TO_DO = {
    Fault.Work.QUOTES: CHECK_SYMBOL,
    Fault.Work.CANDLES: CHECK_SYMBOL,
    Fault.Work.SESSIONS: "Check the calendar of its instruments in admin. The others go on.",
    Fault.Work.SPLIT: "Nothing evaluates it until its history is restated: read the log. The others go on.",
    Fault.Work.GAP: "Its bars stay missing: read the log. The others go on.",
    Fault.Work.SCAN: "This strategy raises no signals on it: read the log. The others go on.",
    Fault.Work.RECORD: "Its record stays as old as it is: read the log. The others go on.",
    Fault.Work.OUTCOME: "It has no result: read the log. The others go on.",
    Fault.Work.OPINION: "No opinion on it comes by itself: read the log. The others go on.",
    Fault.Work.MEMORY: "It is not remembered: read the log. The others go on.",
    Fault.Work.MESSAGE: "Nobody is told of it: look at it yourself, and read the log. The others go on.",
    Fault.Work.RECHECK: "Its signals may wait though they have ended: read the log. The others go on.",
    Fault.Work.CHECK: "What it would have noticed is not: halt trading, and read the log.",
    Fault.Work.SEAL: "It is in admin's log, not in the chain: read the log. The others go on.",
    Fault.Work.PRUNE: "Old rows stay: read the log. The others go on.",
    Fault.Work.ORDER: "Look at it on the broker's own page, and read the log. The others go on.",
}


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. It needs attention when it has `advice`, which says what to do."""

    about: str
    text: str
    advice: str = ""


Part = Callable[[], Iterable[Finding]]
# What apps above this one look at.
MORE: list[Callable[[datetime], Iterable[Finding]]] = []


def examine(at: datetime) -> Iterator[Finding]:
    """Examine everything from the database up; stop there when it does not answer."""
    try:
        database = _database()
    except Error as error:
        reason = str(error).strip().splitlines()[0]
        advice = "Check that PostgreSQL runs and that DATABASE_URL is right."
        yield Finding("database", f"it does not answer: {reason}", advice)
        return
    yield database
    if database.advice:
        return
    for about, part in _parts(at):
        yield from _guarded(about, part)


def _parts(at: datetime) -> Iterator[tuple[str, Part]]:
    """Yield what is looked at, each by itself."""
    yield "disk", lambda: [_disk()]
    yield "data", lambda: [_data()]
    yield "clock", partial(_clock, at)
    yield "providers", partial(_providers, at)
    yield "worker", lambda: [_worker(at)]
    yield "queue", lambda: [_queue(at)]
    yield "periodic tasks", lambda: [_schedules()]
    yield "calendars", partial(_calendars, at)
    yield "quotes", lambda: [_quotes(at)]
    yield "candles", partial(_candles, at)
    yield "requests", lambda: [_requests()]
    yield "gaps", lambda: [_gaps()]
    yield "splits", lambda: [_splits()]
    yield "refused rows", lambda: [_refused(at)]
    yield "what fails by itself", partial(_faults, at)
    for more in MORE:
        yield more.__module__, partial(more, at)


def _guarded(about: str, part: Part) -> Iterator[Finding]:
    """Yield what a part finds. One that breaks keeps no other from being looked at."""
    try:
        yield from part()
    except faults.CONTENT as error:
        logger.exception("%s cannot be examined", about)
        yield Finding(about, f"it cannot be examined: {faults.describe(error)}", "Read the log.")


def _database() -> Finding:
    connection.ensure_connection()
    version = ".".join(map(str, connection.get_database_version()))
    own = connection.settings_dict["ENGINE"] == EMBEDDED
    where = (
        f"our own, under {settings.VAR_DIR}"
        if own
        else f"at {connection.settings_dict['HOST'] or 'a socket'}"
    )
    executor = MigrationExecutor(connection)
    missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return Finding(
        "database",
        f"PostgreSQL {version}, {where}, named {connection.settings_dict['NAME']};"
        f" {len(missing) or 'no'} migrations to run",
        "Run: python manage.py migrate" if missing else "",
    )


def _disk() -> Finding:
    place = next(path for path in (settings.VAR_DIR, *Path(settings.VAR_DIR).parents) if path.exists())
    free = shutil.disk_usage(place).free
    advice = f"Make room on the disk of {place}: a full one stops the database." if free < LEAST_BYTES else ""
    return Finding("disk", f"{free / 1e9:.1f} GB are free at {place}", advice)


def _data() -> Finding:
    held = Installation.objects.first()
    if held and held.data != settings.DATA_KIND:
        return Finding(
            "data",
            f"the database holds {held.data} data, and the settings ask for {settings.DATA_KIND}",
            f"Set DATA={held.data}, or point DATABASE_URL at another database.",
        )
    if settings.DATA_KIND == Installation.Data.SIMULATED:
        return Finding("data", f"simulated. For real prices set {registry.how_to_get_real_prices()}")
    return Finding("data", "real")


def _providers(at: datetime) -> Iterator[Finding]:
    on = {provider.name: provider for provider in feeds.enabled()}
    if unknown := sorted(set(settings.PROVIDERS) - set(registry.NAMES)):
        yield Finding("PROVIDERS", f"nothing is called {', '.join(unknown)}", "Correct PROVIDERS in .env.")
    if not on:
        yield Finding("providers", "none is switched on", f"Set {registry.how_to_get_real_prices()}.")
    for provider in on.values():
        yield from _guarded(provider.name, partial(_provider, provider, at))
    for spec in registry.REAL:
        if spec.name not in on:
            yield Finding(spec.name, f"off; {' and '.join(spec.required)} would switch it on")


def _provider(provider: Provider, at: datetime) -> Iterator[Finding]:
    report = provider.report(at)
    names = ("entitlement", "delay", "volume", "hours", "adjustment")
    facts = [f"{name}: {fact}" for name in names if (fact := getattr(report, name))]
    if report.clock_offset is not None:
        facts.append(f"clock: {report.clock_offset.total_seconds():+.1f} s from ours")
    cooling = [row for row in ProviderStatus.objects.filter(provider=provider.name) if row.cools_off(at)]
    facts += [
        f"left alone at {row.kind} until {row.cool_off_until:%H:%M} UTC: {row.last_error}" for row in cooling
    ]
    answers = "it answers" if report.answers else "it does not answer"
    yield Finding(provider.name, "; ".join([answers, *facts]), _advice(report, cooling))


def _advice(report: Report, cooling: list[ProviderStatus]) -> str:
    if not report.answers:
        return report.advice or "Check its address and key in .env, and that it runs."
    if report.clock_offset is not None and abs(report.clock_offset) > CLOCK_TOLERANCE:
        return "Set this machine's clock: timedatectl set-ntp true."
    if cooling:
        return "It is tried again by itself; the reason says what to do if it does not recover."
    return ""


def _clock(at: datetime) -> Iterator[Finding]:
    """Yield what a clock that was or is ahead has left behind: cycles from the future. They count nowhere."""
    ahead = IngestionRun.objects.filter(started_at__gt=at + CLOCKS_DIFFER).aggregate(last=Max("started_at"))
    if ahead["last"] is None:
        return
    text = f"it was ahead, until {ahead['last']:%Y-%m-%d %H:%M} UTC; what was stored then is passed over"
    is_now = IngestionRun.objects.order_by("-pk").values_list("started_at", flat=True)[0] > at + CLOCKS_DIFFER
    advice = "The worker's clock is ahead of this one: set it (timedatectl set-ntp true)." if is_now else ""
    yield Finding("clock", text, advice)


def _worker(at: datetime) -> Finding:
    finished = IngestionRun.objects.finished(IngestionRun.Kind.QUOTES)
    newest = finished.filter(started_at__lte=at).order_by("-started_at").first()
    start = "Start it: make run, or python manage.py qcluster. Its log says why it stopped."
    if newest is None:
        return Finding("worker", "no cycle has finished yet", start)
    ago = int((at - newest.started_at).total_seconds())
    failed = "; ".join(f"{name}: {why}" for name, why in list(newest.failures.items())[:SHOWN])
    text = f"its last cycle began {ago} s ago: {newest.stored} of {newest.asked} symbols stored"
    advice = start if worker.is_down(newest.finished_at, at) else ""
    if not advice and newest.asked and not newest.stored:
        advice = "Nothing was stored: correct what failed; without a reason, see the log."
    return Finding("worker", f"{text}; failed: {failed}" if failed else text, advice)


def _queue(at: datetime) -> Finding:
    waiting = OrmQ.objects.count()
    broken = Failure.objects.filter(started__gte=at - RECENT).count()
    text = f"{waiting} tasks wait, {broken} failed in the last day"
    if waiting > LONG_QUEUE:
        return Finding("queue", text, "Nobody takes them: is a worker running? Else start more (qcluster).")
    return Finding("queue", text, "Read them in admin, under failed tasks." if broken else "")


def _schedules() -> Finding:
    off = list(Schedule.objects.filter(repeats=0).order_by("name").values_list("name", flat=True))
    text = f"{Schedule.objects.count() - len(off)} are on; off: {', '.join(map(str, off)) or 'none'}"
    return Finding("periodic tasks", text, "Switch them on in admin, under scheduled tasks." if off else "")


def _calendars(at: datetime) -> Iterator[Finding]:
    watched = Instrument.objects.watched().values_list("calendar", flat=True)
    ends = dict(
        TradingSession.objects.filter(calendar__in=set(watched))
        .values_list("calendar")
        .annotate(last=Max("date"))
        .order_by("calendar")
    )
    for calendar in sorted(set(watched)):
        last = ends.get(calendar)
        text = f"sessions are known until {last}" if last else "no session is known"
        short = last is None or last < (at + SESSIONS_AHEAD).date()
        yield Finding(f"calendar {calendar}", text, "The worker fills it in: let it run." if short else "")


def _quotes(at: datetime) -> Finding:
    watched = Instrument.objects.watched().count()
    if not watched:
        return Finding("quotes", "nothing is watched", "Add instruments in admin.")
    stale = stale_symbols(at)
    text = (
        f"{watched} instruments are watched, {len(stale)} of them have no fresh quote though they trade now"
    )
    more = ", ..." if len(stale) > SHOWN else ""
    advice = f"See why in the newest ingestion run: {', '.join(stale[:SHOWN])}{more}." if stale else ""
    return Finding("quotes", text, advice)


def _candles(at: datetime) -> Iterator[Finding]:
    watched, late = Instrument.objects.watched(), late_bars(at)
    for timeframe in schedule.fetched():
        stored = Candle.objects.filter(symbol=OuterRef("symbol"), timeframe=timeframe)
        lacking = list(watched.exclude(Exists(stored)).values_list("symbol", flat=True))
        text = f"{watched.count() - len(lacking)} of {watched.count()} instruments have some"
        advice = (
            f"They come as the providers' pace allows; none yet: {', '.join(lacking[:SHOWN])}."
            if lacking
            else ""
        )
        if late[timeframe]:
            text += (
                f"; the newest bar is late of {len(late[timeframe])}: {', '.join(late[timeframe][:SHOWN])}"
            )
            advice = advice or LATE_ADVICE
        yield Finding(f"candles {timeframe}", text, advice)
    yield _candle_cycles(at, is_late=any(late.values()))
    waiting = Candle.objects.filter(suspect=True).count()
    yield Finding(
        "suspect candles", f"{waiting} hold a jump that no later bar confirms; strategies leave them out"
    )


def _candle_cycles(at: datetime, *, is_late: bool) -> Finding:
    """Look whether anything new is stored while an exchange is open."""
    since = at - A_WHILE
    cycles = IngestionRun.objects.finished(IngestionRun.Kind.CANDLES).filter(started_at__range=(since, at))
    sums = cycles.aggregate(
        asked=Sum("asked", default=0), stored=Sum("stored", default=0), rows=Sum("rows", default=0)
    )
    calendars = Instrument.objects.watched().values("calendar")
    is_open = TradingSession.objects.open_at(since).filter(calendar__in=calendars, closes_at__gt=at).exists()
    text = (
        f"in the last 45 minutes {sums['stored']} of {sums['asked']} that were asked for were answered;"
        f" {sums['rows']} bars were new or changed"
    )
    is_idle = is_late and is_open and sums["asked"] and not sums["rows"]
    return Finding("candle cycles", text, NOTHING_NEW_ADVICE if is_idle else "")


def _requests() -> Finding:
    text, is_enough = request_budget.describe(request_budget.watchlist())
    return Finding("requests", text, "" if is_enough else request_budget.ADVICE)


def _gaps() -> Finding:
    counts = Gap.objects.aggregate(
        total=Count("pk"),
        tried=Count("pk", filter=Q(next_attempt_at__isnull=False)),
        **{reason: Count("pk", filter=Q(reason=reason)) for reason in Gap.Reason.values},
    )
    reasons = ", ".join(f"{counts[reason.value]} {reason.label}" for reason in Gap.Reason)
    return Finding("gaps", f"{counts['total']} ({reasons}); {counts['tried']} are tried again")


def _splits() -> Finding:
    pending = list(
        Instrument.objects.filter(split_pending_since__isnull=False).values_list("symbol", flat=True)
    )
    text = f"{len(pending)} wait for their history on the new basis"
    advice = (
        f"Nothing evaluates {', '.join(pending[:SHOWN])} until a provider gives it again." if pending else ""
    )
    return Finding("splits", text, advice)


def _faults(at: datetime) -> Iterator[Finding]:
    failing = lasting_faults([provider.name for provider in feeds.enabled()], at)
    for fault in failing[:SHOWN_FAULTS]:
        text = f"fails since {fault.since:%Y-%m-%d %H:%M} UTC, {fault.failures} times: {fault.reason}"
        yield Finding(str(fault), text, WHAT_TO_DO[Fault.Work(fault.work)])
    if len(failing) > SHOWN_FAULTS:
        yield Finding("more", f"{len(failing) - SHOWN_FAULTS} others fail", "Read them in the log.")


def _refused(at: datetime) -> Finding:
    counts: dict[str, int] = {}
    runs = IngestionRun.objects.filter(started_at__gte=at - RECENT).exclude(rejected={})
    for rejected in runs.values_list("rejected", flat=True):
        for reason, rows in rejected.items():
            counts[reason] = counts.get(reason, 0) + rows["count"]
    reasons = ", ".join(f"{count} {reason}" for reason, count in sorted(counts.items()))
    return Finding("refused rows", f"in the last day: {reasons or 'none'}")
