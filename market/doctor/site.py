"""The site itself: its database and disk, its clock, its worker and queue."""

import shutil
import zoneinfo
from collections.abc import Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from importlib.metadata import version
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Max
from django_q.models import Failure, OrmQ, Schedule

from market import worker as workers
from market.doctor.findings import RECENT, SHOWN, Finding
from market.models import IngestionRun, Installation
from market.providers import registry

EMBEDDED = "jaxsite.embedded_postgres"
CLOCKS_DIFFER = timedelta(minutes=2)  # of two processes; also the time that a request may take
LONG_QUEUE = 50
LEAST_BYTES = 1_000_000_000


def database() -> Finding:
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


def disk() -> Finding:
    place = next(path for path in (settings.VAR_DIR, *Path(settings.VAR_DIR).parents) if path.exists())
    free = shutil.disk_usage(place).free
    advice = f"Make room on the disk of {place}: a full one stops the database." if free < LEAST_BYTES else ""
    return Finding("disk", f"{free / 1e9:.1f} GB are free at {place}", advice)


def data() -> Finding:
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


def clock(at: datetime) -> Iterator[Finding]:
    """Yield what a clock that was or is ahead has left behind: cycles from the future. They count nowhere."""
    ahead = IngestionRun.objects.filter(started_at__gt=at + CLOCKS_DIFFER).aggregate(last=Max("started_at"))
    if ahead["last"] is None:
        return
    text = f"it was ahead, until {ahead['last']:%Y-%m-%d %H:%M} UTC; what was stored then is passed over"
    is_now = IngestionRun.objects.order_by("-pk").values_list("started_at", flat=True)[0] > at + CLOCKS_DIFFER
    advice = "The worker's clock is ahead of this one: set it (timedatectl set-ntp true)." if is_now else ""
    yield Finding("clock", text, advice)


def zones() -> Finding:
    """Say whose time zones are used: the sessions of exchanges are computed with them, those of 2027 too.

    Python and pandas read the system's before those of the package tzdata, which ib_async holds at 2025.3.
    """
    folder = next(
        (Path(path) for path in zoneinfo.TZPATH if (Path(path) / "America/New_York").exists()), None
    )
    if folder is None:
        text = f"those of the package tzdata {version('tzdata')}: the system has none"
        advice = "Install the system's, which are kept current: apt install tzdata. Then start Jax again."
        return Finding("time zones", text, advice)
    with suppress(OSError, UnicodeDecodeError), (folder / "tzdata.zi").open() as database:
        return Finding("time zones", f"the system's, {database.readline().removeprefix('# ').strip()}")
    return Finding("time zones", f"the system's, in {folder}")


def worker(at: datetime) -> Finding:
    finished = IngestionRun.objects.finished(IngestionRun.Kind.QUOTES)
    newest = finished.filter(started_at__lte=at).order_by("-started_at").first()
    start = "Start it: make run, or python manage.py qcluster. Its log says why it stopped."
    if newest is None:
        return Finding("worker", "no cycle has finished yet", start)
    ago = int((at - newest.started_at).total_seconds())
    failed = "; ".join(f"{name}: {why}" for name, why in list(newest.failures.items())[:SHOWN])
    text = f"its last cycle began {ago} s ago: {newest.stored} of {newest.asked} symbols stored"
    advice = start if workers.is_down(newest.finished_at, at) else ""
    if not advice and newest.asked and not newest.stored:
        advice = "Nothing was stored: correct what failed; without a reason, see the log."
    return Finding("worker", f"{text}; failed: {failed}" if failed else text, advice)


def queue(at: datetime) -> Finding:
    waiting = OrmQ.objects.count()
    broken = Failure.objects.filter(started__gte=at - RECENT).count()
    text = f"{waiting} tasks wait, {broken} failed in the last day"
    if waiting > LONG_QUEUE:
        return Finding("queue", text, "Nobody takes them: is a worker running? Else start more (qcluster).")
    return Finding("queue", text, "Read them in admin, under failed tasks." if broken else "")


def schedules() -> Finding:
    off = list(Schedule.objects.filter(repeats=0).order_by("name").values_list("name", flat=True))
    text = f"{Schedule.objects.count() - len(off)} are on; off: {', '.join(map(str, off)) or 'none'}"
    return Finding("periodic tasks", text, "Switch them on in admin, under scheduled tasks." if off else "")
