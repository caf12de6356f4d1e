"""How the services do, by their own signs of life: for health, doctor and metrics alike."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from approvals import execution
from jaxsite.models import Beat
from jaxsite.processes import streaming
from market import feeds
from market.doctor import Finding
from market.providers import registry as providers

START = {
    "web": "python -m jaxsite.web",
    "worker": "python manage.py qcluster",
    "slow": "Q_CLUSTER_NAME=slow python manage.py qcluster",
    "stream": "python manage.py stream",
}
WEB = "web"
FORGOTTEN = timedelta(hours=1)  # how long one host's silence counts while another has the same service


@dataclass(frozen=True)
class Service:
    """One service: its beats on all hosts, the newest first."""

    name: str
    beats: list[Beat]

    def is_alive(self, at: datetime) -> bool:
        return any(beat.is_fresh(at) for beat in self.beats)

    def silent(self, at: datetime) -> list[Beat]:
        """Return those that ended without a word: all when none lives, else those of the last hour."""
        ended = [beat for beat in self.beats if not beat.is_fresh(at) and not beat.stopped]
        return [beat for beat in ended if not self.is_alive(at) or at - beat.beat_at < FORGOTTEN]

    def finished_at(self) -> datetime | None:
        return max((beat.finished_at for beat in self.beats if beat.finished_at), default=None)

    def needs_attention(self, at: datetime) -> bool:
        return not self.is_alive(at) or bool(self.silent(at))

    def text(self, at: datetime) -> str:
        """Return what it does, or since when it does nothing."""
        if not self.beats:
            return "It has given no sign of life yet."
        if not self.is_alive(at):
            last = self.beats[0]
            word = "It was stopped at" if last.stopped else "No sign of life since"
            return f"{word} {last.beat_at:%Y-%m-%d %H:%M:%S} UTC."
        silent = "".join(
            f" On {beat.host} no sign of life since {beat.beat_at:%H:%M:%S} UTC." for beat in self.silent(at)
        )
        return f"{self._work(at)}{silent}"

    def _work(self, at: datetime) -> str:
        fresh = [beat for beat in self.beats if beat.is_fresh(at)]
        waiting, busy = sum(beat.waiting for beat in fresh), sum(beat.busy for beat in fresh)
        finished = self.finished_at()
        if not waiting and not busy:
            return f"It lives. It last finished work {_age(finished, at)} ago." if finished else "It lives."
        since = min((beat.busy_since for beat in fresh if beat.busy_since), default=None)
        longest = f", the longest since {_age(since, at)}" if since else ""
        last = f" Its last task ended {_age(finished, at)} ago." if finished else " No task has ended yet."
        return f"It lives: {busy} at work{longest}, {waiting} free.{last}"


def _age(since: datetime, at: datetime) -> str:
    return f"{max(0, int((at - since).total_seconds()))} s"


def needed() -> list[str]:
    """Return the services that must run here, as the Procfile names them."""
    has_stream = feeds.can_stream() or execution.can_listen() is not None
    return [name for name in START if name != streaming.SERVICE or has_stream]


def to_run() -> list[str]:
    """Return what `make run` starts: with the processes of vendors, which say themselves how they are."""
    return [*needed(), *providers.processes(settings)]


def read(must_run: Iterable[str] | None = None) -> list[Service]:
    """Return the services that must run, and others that gave signs of life: one query.

    A web server that answers has shown that it lives, so only who is asked for without one misses it.
    """
    names = [name for name in needed() if name != WEB] if must_run is None else must_run
    beats: dict[str, list[Beat]] = {name: [] for name in names}
    for beat in Beat.objects.order_by("-beat_at", "service", "host"):
        beats.setdefault(beat.service, []).append(beat)
    return [Service(name, rows) for name, rows in sorted(beats.items())]


def advice(service: Service) -> str:
    command = START.get(service.name, f"Q_CLUSTER_NAME={service.name} python manage.py qcluster")
    return f"Read its log. Start it: make run, your supervisor, or {command}"


def findings(at: datetime) -> Iterator[Finding]:
    for service in read():
        needed = advice(service) if service.needs_attention(at) else ""
        yield Finding(f"process {service.name}", service.text(at), needed)
