"""One run of ingestion at a time: what happens in it, and the row that is left of it."""

import logging
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F

from core import locks
from market import faults, feeds, store
from market.ingestion.schedule import Ask
from market.models import Fault, IngestionRun, IngestionTotal
from market.providers.base import Candles
from market.quality import Rejections

logger = logging.getLogger(__name__)

Kind = IngestionRun.Kind
SHOWN_FAILURES = 100


@dataclass(frozen=True)
class RestatementAnswer:
    """An answer for a split instrument: it counts only together with those of the other timeframes."""

    provider: str
    ask: Ask
    answer: Candles


@dataclass
class Cycle:
    """What happens during one cycle, until it is stored as its run."""

    run: IngestionRun
    started: float = field(default_factory=time.monotonic)
    rejections: Rejections = field(default_factory=Rejections)
    failures: dict[str, str] = field(default_factory=dict)
    requested: set[str] = field(default_factory=set)
    stored: set[str] = field(default_factory=set)
    waiting: set[str] = field(default_factory=set)
    dead: set[str] = field(default_factory=set)
    answered: set[str] = field(default_factory=set)  # providers, for any symbol
    # By symbol whose split is pending.
    restatements: dict[str, list[RestatementAnswer]] = field(default_factory=dict)
    # By provider: the symbols that it gave nothing for since its last answer.
    doubted: dict[str, set[str]] = field(default_factory=dict)
    known_faults: dict[faults.Key, Fault] = field(default_factory=dict)
    faulty: dict[faults.Key, str] = field(default_factory=dict)
    sound: set[faults.Key] = field(default_factory=set)

    @property
    def work(self) -> Kind:
        """What the cycle asks of providers: a backfill asks for candles too."""
        return Kind.QUOTES if self.run.kind == Kind.QUOTES else Kind.CANDLES

    @property
    def now(self) -> datetime:
        """The cycle's start plus what has gone by since: answers arrive after the cycle began."""
        return self.run.started_at + timedelta(seconds=time.monotonic() - self.started)

    def key(self, provider: str, symbol: str, part: str) -> faults.Key:
        return faults.key(Fault.Work(self.work.value), symbol, part=part, source=provider)

    def askable(self, provider: str, symbols: Collection[str], part: str) -> list[str]:
        """Return the symbols but for those that a provider is not asked for now, those that failed last."""
        if self.run.kind == Kind.BACKFILL:  # a person asks
            return list(symbols)
        faults_by_symbol = {s: self.known_faults.get(self.key(provider, s, part)) for s in symbols}
        sound = [symbol for symbol, fault in faults_by_symbol.items() if fault is None]
        return sound + [s for s, fault in faults_by_symbol.items() if fault and not fault.is_paused(self.now)]

    def note_paused(self, provider: str, symbols: Collection[str], part: str) -> None:
        """Note why a provider is not asked for these symbols now."""
        for symbol in symbols:
            if fault := self.known_faults.get(self.key(provider, symbol, part)):
                why = f"{provider}: {fault.reason} (asked again at {fault.retry_at:%H:%M} UTC)"
                self.failures[f"{symbol} {part}".strip()] = why

    def blame(self, provider: str, reasons: Mapping[str, str], part: str) -> None:
        """Note that a provider gives nothing for these symbols, which is their own fault."""
        for symbol, why in reasons.items():
            self.faulty[self.key(provider, symbol, part)] = why

    def refuse(self, provider: str, symbols: Collection[str], error: Exception, part: str = "") -> None:
        """Note that what a provider gave for these symbols cannot be stored."""
        logger.error("what %s gave for %s cannot be stored", provider, list(symbols), exc_info=error)
        why = f"its answer cannot be stored ({faults.describe(error)})"
        self.blame(provider, dict.fromkeys(symbols, why), part)
        self.failures |= {f"{symbol} {part}".strip(): f"{provider}: {why}" for symbol in symbols}

    def acquit(self, provider: str) -> None:
        """Blame no symbol for what this provider did not give: it is at fault itself."""
        self.faulty = {key: why for key, why in self.faulty.items() if key[-1] != provider}

    def clear(self, provider: str, symbols: Collection[str], part: str) -> None:
        self.sound |= {self.key(provider, symbol, part) for symbol in symbols}

    def note(self, provider: str, **figures: Any) -> None:
        line = self.run.providers.setdefault(provider, {"asked": 0, "stored": 0, "failed": 0, "seconds": 0.0})
        for name, value in figures.items():
            line[name] = round(line[name] + value, 3) if isinstance(value, int | float) else value


@contextmanager
def cycle(kind: Kind, at: datetime) -> Iterator[Cycle | None]:
    """Run one cycle of a kind at a time over all clusters; None when another one runs (that is counted)."""
    with locks.held(f"ingest {kind}") as is_held:
        if not is_held:
            skip = IngestionRun(
                kind=kind, outcome=IngestionRun.Outcome.SKIPPED, started_at=at, finished_at=at
            )
            _write(skip, skipped=1)
            yield None
            return
        feeds.settle_installation(settings.DATA_KIND, at)
        IngestionRun.objects.filter(kind=kind, outcome=IngestionRun.Outcome.RUNNING).update(
            outcome=IngestionRun.Outcome.BROKEN, finished_at=at
        )
        current = Cycle(IngestionRun.objects.create(kind=kind, started_at=at))
        current.known_faults = faults.read(Fault.Work(current.work.value))
        yield current
        _finish(current)


def _finish(current: Cycle) -> None:
    run = current.run
    failed = {s: why for s, why in current.failures.items() if s not in current.stored | current.waiting}
    run.outcome, run.finished_at = IngestionRun.Outcome.FINISHED, current.now
    run.asked, run.stored, run.failed = len(current.requested), len(current.stored), len(failed)
    run.waiting = len(current.waiting - current.stored)
    run.failures = dict(sorted(failed.items())[:SHOWN_FAILURES])
    run.rejected = current.rejections.as_json()
    faults.record(current.faulty, current.now)
    faults.clear(current.sound & current.known_faults.keys() - current.faulty.keys())
    store.keep_refused(current.rejections.rows, run.pk, current.now)
    _write(run, stored=run.stored, failed=run.failed, rejected=current.rejections.total)
    level = logging.WARNING if failed else logging.INFO if run.asked else logging.DEBUG
    logger.log(level, "%s: %s stored, %s failed of %s", run.kind, run.stored, run.failed, run.asked)


def _write(run: IngestionRun, **sums: int) -> None:
    with transaction.atomic():
        run.save()
        IngestionTotal.objects.get_or_create(kind=run.kind)
        IngestionTotal.objects.filter(kind=run.kind).update(
            runs=F("runs") + 1, **{name: F(name) + value for name, value in sums.items()}
        )
