"""One cycle of ingestion: ask the providers in their order, judge, store, and record the run."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, TypeVar

from django.conf import settings
from django.db import transaction
from django.db.models import F

from core import locks
from market import feeds, quality, sessions, store
from market.ingestion import gaps, pipeline, schedule, splits
from market.ingestion.schedule import Ask
from market.models import IngestionRun, IngestionTotal, Instrument, Quote
from market.prices import Timeframe
from market.providers.base import Candles, Provider, ProviderError, Quotes
from market.quality import Rejections

logger = logging.getLogger(__name__)

Kind = IngestionRun.Kind
Answer = TypeVar("Answer", Quotes, Candles)

# What an answer of an unforeseen shape raises while it is read.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
PERMANENT_PAUSE = timedelta(hours=1)
LONGEST_CYCLE = timedelta(
    minutes=2
)  # after it no further bars are asked for; the queue ends a task after five
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
    # By symbol whose split is pending.
    restatements: dict[str, list[RestatementAnswer]] = field(default_factory=dict)

    @property
    def work(self) -> Kind:
        """What the cycle asks of providers: a backfill asks for candles too."""
        return Kind.QUOTES if self.run.kind == Kind.QUOTES else Kind.CANDLES

    @property
    def now(self) -> datetime:
        """The cycle's start plus what has gone by since: answers arrive after the cycle began."""
        return self.run.started_at + timedelta(seconds=time.monotonic() - self.started)

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


def ask(
    current: Cycle, provider: Provider, names: Mapping[str, str], question: Callable[[], Answer]
) -> Answer | None:
    """Ask one provider and keep its record; None when it gives nothing, and it is not asked again this cycle.

    `names`: what each asked symbol is called in the cycle's own record.
    """
    status, begun = feeds.status(provider.name, current.work), time.monotonic()
    answer, error = None, ""
    try:
        answer = question()
    except ProviderError as refusal:
        error = str(refusal)
        pause = PERMANENT_PAUSE if refusal.permanent else refusal.retry_after
        status.failed(current.now, error, pause=pause)
    except UNREADABLE as failure:
        error = f"an answer we cannot read ({type(failure).__name__}: {failure})"
        logger.exception("%s gave an answer we cannot read", provider.name)
        status.failed(current.now, error)
    current.note(provider.name, asked=len(names), seconds=time.monotonic() - begun)
    if answer is None:
        logger.warning("%s: %s", provider.name, error)
        current.dead.add(provider.name)
        current.failures |= dict.fromkeys(names.values(), f"{provider.name}: {error}")
        current.note(provider.name, failed=len(names), error=error)
        return None
    status.succeeded(current.now)
    current.waiting |= {names[symbol] for symbol in answer.declined}
    current.failures |= {names[symbol]: f"{provider.name}: {why}" for symbol, why in answer.failed.items()}
    current.note(provider.name, failed=len(answer.failed))
    return answer


def ingest_quotes(at: datetime) -> IngestionRun | None:
    """Fetch and store the newest quote of every watched instrument. None when another cycle is at work."""
    with cycle(Kind.QUOTES, at) as current:
        if current is None:
            return None
        left = _longest_waiting_first()
        current.requested = set(left)
        for provider in feeds.ready(Kind.QUOTES, at):
            if not left:
                break
            question = partial(provider.quotes, left, current.now)
            answer = ask(current, provider, dict(zip(left, left, strict=True)), question)
            if answer is not None:
                _store_quotes(current, provider, answer, set(left))
                left = [s for s in left if s not in current.stored and s not in current.waiting]
        _fail_unasked(current, left)
    return current.run


def _fail_unasked(current: Cycle, left: Iterable[str]) -> None:
    current.failures |= {name: "no provider is ready" for name in left if name not in current.failures}


def _longest_waiting_first() -> list[str]:
    received = dict(Quote.objects.values_list("symbol", "received_at"))
    fetched = Instrument.objects.fetched().values_list("symbol", flat=True)
    return sorted(fetched, key=lambda symbol: (symbol in received, received.get(symbol), symbol))


def _store_quotes(current: Cycle, provider: Provider, answer: Quotes, requested: set[str]) -> None:
    ticks = quality.fit_quotes(answer.ticks, requested, current.now, current.rejections)
    if answer.clocked:
        ticks = pipeline.cap_to_sessions(ticks)
    store.write_quotes(ticks, provider=provider.name, feed=answer.feed, delay=answer.delay, at=current.now)
    quoted = {tick.symbol for tick in ticks}
    current.stored |= quoted
    current.run.rows += len(ticks)
    current.note(provider.name, stored=len(quoted))
    unfit = {tick.symbol for tick in answer.ticks if tick.symbol in requested} - quoted
    current.failures |= dict.fromkeys(unfit, f"{provider.name}: its quote was refused")


def ingest_candles(at: datetime) -> IngestionRun | None:
    """Fetch the bars that should have closed by now, and try a few gaps again. None: a cycle is at work."""
    with cycle(Kind.CANDLES, at) as current:
        if current is None:
            return None
        schedule.prepare(at)
        current.restatements = {symbol: [] for symbol in splits.pending()}
        for request in schedule.due(at):
            if current.now - at > LONGEST_CYCLE:
                current.waiting |= {request.name(symbol) for symbol in request.symbols}
            else:
                fetch(current, request)
        for symbol, answers in current.restatements.items():
            _restate(current, symbol, answers)
        current.restatements = {}
        for gap in [] if current.waiting else gaps.due(at):
            if gap.symbol in fetch(current, gaps.request_for(gap), choice=gap.attempts):
                gaps.count_attempt(gap, at)
    return current.run


def backfill(symbols: Sequence[str], timeframe: Timeframe, since: datetime, at: datetime) -> Iterator[Cycle]:
    """Fetch the bars of each symbol since then, whatever is stored. Yields after each symbol.

    What a provider's pace does not allow now is in the cycle's `waiting`: ask for it again later.
    """
    with cycle(Kind.BACKFILL, at) as current:
        if current is None:
            return
        sessions.ensure(set(Instrument.objects.values_list("calendar", flat=True)), at)
        for symbol in symbols:
            fetch(current, Ask((symbol,), timeframe, since))
            yield current


def fetch(current: Cycle, request: Ask, choice: int = 0) -> set[str]:
    """Fetch the bars of an ask from the first ready provider, and from others what that one failed.

    `choice`: begin with the second provider (1), the third (2) and so on, around. Returns those
    symbols that were answered.
    """
    left, done = list(request.symbols), set[str]()
    current.requested |= {request.name(symbol) for symbol in left}
    ready = feeds.ready(Kind.CANDLES, current.run.started_at)
    first = choice % len(ready) if ready else 0
    for provider in ready[first:] + ready[:first]:
        if not left or provider.name in current.dead:
            continue
        names = {symbol: request.name(symbol) for symbol in left}
        answer = ask(
            current,
            provider,
            names,
            partial(provider.candles, left, request.timeframe, request.since, current.now),
        )
        if answer is not None:
            _store_candles(current, provider, request, answer)
            done |= answer.bars.keys()
            left = [symbol for symbol in left if symbol in answer.failed]
    _fail_unasked(current, (request.name(symbol) for symbol in left))
    return done


def _store_candles(current: Cycle, provider: Provider, request: Ask, answer: Candles) -> None:
    usable = dict(answer.bars)
    for symbol in usable.keys() - set(request.symbols):
        del usable[symbol]
        current.rejections.add(quality.NOT_ASKED, symbol)
    for symbol in usable.keys() & current.restatements.keys():
        bars = {symbol: usable.pop(symbol)}
        current.restatements[symbol].append(
            RestatementAnswer(provider.name, request, replace(answer, bars=bars))
        )
    for symbol in splits.detect(usable, request.timeframe):
        del usable[symbol]
        splits.begin(symbol, current.now)
        current.waiting.add(request.name(symbol))
    _record(current, provider.name, request, replace(answer, bars=usable))


def _record(current: Cycle, provider: str, request: Ask, answer: Candles) -> None:
    """Store an answer, record how far it reaches, and list what it lacks."""
    now = current.now
    written = pipeline.record(
        answer.bars,
        request.timeframe,
        provider=provider,
        feed=answer.feed,
        delay=answer.delay,
        at=now,
        rejections=current.rejections,
    )
    for calendar, part in pipeline.by_calendar(answer.bars):
        trading_sessions = sessions.load(
            calendar, since=request.since - timedelta(days=30), until=now + timedelta(days=7)
        )
        schedule.record_answer(part, request.timeframe, trading_sessions, now, answer.delay)
        gaps.list_missing(part, request.timeframe, request.since, trading_sessions, now, answer.delay)
    current.stored |= {request.name(symbol) for symbol in answer.bars}
    current.run.rows += written.new + written.changed
    current.note(provider, stored=len(answer.bars))


def _restate(current: Cycle, symbol: str, answers: Sequence[RestatementAnswer]) -> None:
    """Put a split instrument's whole history, fetched again, in place of the old: all or nothing.

    It stays as it is while a timeframe is missing or two providers may have different share bases.
    """
    complete = {part.ask.timeframe for part in answers} == set(schedule.fetched())
    if not complete or len({part.provider for part in answers}) > 1:
        current.waiting |= {part.ask.name(symbol) for part in answers}
        return
    ratios = [splits.detect(part.answer.bars, part.ask.timeframe).get(symbol) for part in answers]
    change = next((change for change in ratios if change is not None), None)
    with transaction.atomic():
        splits.finish(symbol, change, answers[0].provider, current.now)
        for part in answers:
            _record(current, part.provider, part.ask, part.answer)
