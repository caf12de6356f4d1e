"""Where settings meet providers: which are on, in which order, at what pace, which are left alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from core.http import Patience
from market.models import ALWAYS_OPEN, IngestionRun, Installation, Instrument, ProviderPace, ProviderStatus
from market.providers import registry
from market.providers.base import Limit, Provider, ProviderSpec
from market.providers.listings import Directory
from market.providers.streams.base import Clock, Stream

LONGEST_WAIT = 10.0  # seconds until a request's slot; what cannot be sent by then waits for the next run


class WrongData(Exception):
    """Simulated and real market data would meet in one database."""


def enabled(patience: Patience | None = None) -> list[Provider]:
    """Return the providers that are switched on, first choice first; `patience`: None for the usual one."""
    patience = patience or Patience(pause=settings.RETRY_PAUSE)
    return [spec.build(values, DatabasePace(spec.name), patience) for spec, values in _configured()]


def directories() -> list[Directory]:
    """Return what can be asked which instruments there are, first choice first."""
    return [_directory(spec.name, tuple(values.items())) for spec, values in _configured() if spec.directory]


def without_directory() -> list[str]:
    """Return the titles of the providers that are switched on and cannot be asked."""
    return [spec.title for spec, _ in _configured() if spec.directory is None]


def title(name: str) -> str:
    """Return a provider's name as people write it."""
    return next((spec.title for spec in registry.SPECS if spec.name == name), name)


def _configured() -> Iterator[tuple[ProviderSpec, Mapping[str, Any]]]:
    simulated = settings.DATA_KIND == Installation.Data.SIMULATED
    specs = {spec.name: spec for spec in (registry.SIMULATED if simulated else registry.REAL)}
    for name in settings.PROVIDERS:
        if (spec := specs.get(name)) and spec.is_configured(values := spec.values(settings)):
            yield spec, values


@lru_cache(maxsize=8)  # one may keep a list that takes seconds to fetch
def _directory(name: str, values: tuple[tuple[str, Any], ...]) -> Directory:
    build = next(spec.directory for spec in registry.SPECS if spec.name == name)
    assert build is not None  # `directories` asks only for those that have one
    return build(dict(values), DatabasePace(name))


@dataclass(frozen=True)
class Source:
    """A stream and whose it is."""

    provider: str
    title: str
    stream: Stream


def streaming(clock: Clock) -> Source | None:
    """Return the stream of the first provider that has one; None without one, and while streaming is off."""
    if settings.STREAMING == "off":
        return None
    for spec, values in _configured():
        if spec.stream is not None and _has_its_process(spec, values):
            return Source(spec.name, spec.title, spec.stream(values, clock))
    return None


def _has_its_process(spec: ProviderSpec, values: Mapping[str, Any]) -> bool:
    """Return whether what streams is there: of a vendor behind a process of Jax's own, that process."""
    return spec.process is None or bool(values[spec.process.switch])


def can_stream() -> bool:
    """Return whether quotes should be streamed here."""
    able = (spec for spec, values in _configured() if spec.stream and _has_its_process(spec, values))
    return settings.STREAMING != "off" and any(able)


def status(provider: str, kind: IngestionRun.Kind) -> ProviderStatus:
    row, _ = ProviderStatus.objects.get_or_create(provider=provider, kind=kind)
    return row


def ready(kind: IngestionRun.Kind, at: datetime, *, patience: Patience | None = None) -> list[Provider]:
    """Return the enabled providers that are not cooling off from failures at this kind of work."""
    return [provider for provider in enabled(patience) if not status(provider.name, kind).cools_off(at)]


@dataclass(frozen=True)
class DatabasePace:
    """A provider's pace, kept in rows: every worker of every host draws from the same slots.

    Slots are reserved in one short transaction by the clock of the database, before any request is sent.
    """

    provider: str

    def reserve(self, limits: Sequence[Limit], wanted: int, *, spare: int = 0) -> list[float]:
        with transaction.atomic():
            rows = [self._locked(limit) for limit in sorted(limits, key=lambda limit: limit.name)]
            # Asked once the rows are locked: their owner before may have taken its time.
            now = ProviderPace.objects.values_list(Now(), flat=True)[0].timestamp()
            granted = slots(
                {limit: _possible(row, now) for row in rows for limit in limits if limit.name == row.limit},
                wanted,
                now=now,
                spare=spare,
            )
            for row in rows:
                window = next(limit.seconds for limit in limits if limit.name == row.limit)
                row.slots = [slot for slot in _possible(row, now) if slot > now - window] + granted
                row.save(update_fields=["slots"])
        return [slot - now for slot in granted]

    def _locked(self, limit: Limit) -> ProviderPace:
        ProviderPace.objects.get_or_create(provider=self.provider, limit=limit.name)
        return ProviderPace.objects.select_for_update().get(provider=self.provider, limit=limit.name)


def _possible(pace: ProviderPace, now: float) -> list[float]:
    """Return its moments but for those that were given out while the clock was ahead."""
    return [slot for slot in pace.slots if slot <= now + LONGEST_WAIT]


def slots(
    taken: dict[Limit, list[float]], wanted: int, *, now: float, spare: int = 0, wait: float = LONGEST_WAIT
) -> list[float]:
    """Return the earliest moments (seconds, like `now`) for up to `wanted` more requests under every limit.

    `taken`: for each limit the moments already given out. A moment is free under a limit when fewer than
    its count less `spare` lie in the window before it. Moments more than `wait` away are not given.
    """
    slots_by_limit = {limit: sorted(moments) for limit, moments in taken.items()}
    given: list[float] = []
    while len(given) < wanted:
        moment = max([now, *(_free(limit, moments, spare, now) for limit, moments in slots_by_limit.items())])
        if moment > now + wait:
            break
        given.append(moment)
        for moments in slots_by_limit.values():
            moments.append(moment)
    return given


def _free(limit: Limit, moments: list[float], spare: int, now: float) -> float:
    allowed = max(limit.count - spare, 1)
    return now if len(moments) < allowed else max(moments[-1], moments[-allowed] + limit.seconds)


def settle_installation(data: str, at: datetime) -> None:
    """Let this database hold `data`, simulated or real, for good. Raises WrongData if it holds the other."""
    Installation.objects.get_or_create(pk=1, defaults={"data": Installation.Data(data), "decided_at": at})
    refuse_wrong_data(data)
    if data == Installation.Data.SIMULATED:
        Instrument.objects.exclude(calendar=ALWAYS_OPEN).update(calendar=ALWAYS_OPEN)


def refuse_wrong_data(data: str) -> None:
    """Raises WrongData when this database holds the other kind of market data. Undecided is fine."""
    stored = Installation.objects.values_list("data", flat=True).first()
    if stored not in (None, data):
        raise WrongData(
            f"This database holds {stored} market data and would now get {data}. They never share one: "
            f"set DATA={stored} to go on with this one, or point DATABASE_URL at an empty database "
            f"for {data} data (without DATABASE_URL, Jax keeps one database for each by itself)."
        )
