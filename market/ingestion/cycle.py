"""One cycle of ingestion: ask the providers in their order, judge, store, and record the run."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction

from core.halves import by_halves
from market import faults, feeds, quality, sessions
from market.ingestion import gaps, pipeline, schedule, splits
from market.ingestion.asking import ask
from market.ingestion.quoting import store_quotes
from market.ingestion.run import Cycle, Kind, RestatementAnswer, cycle
from market.ingestion.schedule import Ask
from market.models import Fault, Gap, IngestionRun, Instrument, Quote
from market.prices import Bars, Timeframe
from market.providers import registry
from market.providers.base import Candles, Provider, Quotes
from market.quality import Rejections

__all__ = ["Cycle", "backfill", "cycle", "fetch", "ingest_candles", "ingest_quotes"]

# After it no further bars are asked for; the queue ends a task after five.
LONGEST_CYCLE = timedelta(minutes=2)


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
            for answer in ask(
                current, provider, dict(zip(left, left, strict=True)), _quotes_of(provider, current)
            ):
                _store_quotes(current, provider, answer, set(left))
            left = [s for s in left if s not in current.stored and s not in current.waiting]
        _fail_unasked(current, left)
        Quote.objects.end_old_halts(at)
    return current.run


def _quotes_of(provider: Provider, current: Cycle) -> Callable[[Sequence[str]], Quotes]:
    return lambda symbols: provider.quotes(symbols, current.now)


def _fail_unasked(current: Cycle, left: Iterable[str]) -> None:
    current.failures |= {name: "no provider is ready" for name in left if name not in current.failures}


def _longest_waiting_first() -> list[str]:
    received = dict(Quote.objects.values_list("symbol", "received_at"))
    fetched = Instrument.objects.fetched().values_list("symbol", flat=True)
    return sorted(fetched, key=lambda symbol: (symbol in received, received.get(symbol), symbol))


def _store_quotes(current: Cycle, provider: Provider, answer: Quotes, requested: set[str]) -> None:
    """Judge and store the ticks of an answer, without the symbols whose tick cannot be."""
    stored = store_quotes(answer, requested, provider=provider.name, at=current.now)
    current.rejections.join(stored.rejections)
    for symbol, error in stored.failed.items():
        current.refuse(provider.name, [symbol], error)
    current.stored |= stored.symbols
    current.run.rows += len(stored.symbols)
    current.note(provider.name, stored=len(stored.symbols))
    current.failures |= dict.fromkeys(stored.unfit, f"{provider.name}: its quote was refused")


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
            with faults.isolated(faults.key(Fault.Work.SPLIT, symbol), current.now):
                _restate(current, symbol, answers)
        current.restatements = {}
        filling = faults.Isolation(Fault.Work.GAP, current.now)
        for gap in [] if current.waiting else gaps.due(at):
            with filling.of(f"{gap.symbol} {gap.timeframe}", in_savepoint=False):
                _fill(current, gap, at)
    return current.run


def _fill(current: Cycle, gap: Gap, at: datetime) -> None:
    gaps.put_off(gap, at)  # first: whatever goes wrong, the others have their turn
    request = gaps.request_for(gap)
    if gap.symbol in fetch(current, request, choice=gap.attempts):
        gaps.count_attempt(gap, at)
    elif request.name(gap.symbol) in current.waiting:
        gaps.put_back(gap)


def backfill(
    symbols: Sequence[str],
    timeframe: Timeframe,
    since: datetime,
    at: datetime,
    until: datetime | None = None,
) -> Iterator[Cycle]:
    """Fetch the bars of each symbol since then, whatever is stored. Yields after each symbol.

    What a provider's pace does not allow now is in the cycle's `waiting`: ask for it again later.
    """
    with cycle(Kind.BACKFILL, at) as current:
        if current is None:
            return
        sessions.ensure_each(set(Instrument.objects.values_list("calendar", flat=True)), at)
        for symbol in symbols:
            fetch(current, Ask((symbol,), timeframe, since, until))
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
        question = _candles_of(provider, request, current)
        for answer in ask(current, provider, names, question, request.timeframe):
            _store_candles(current, provider, request, answer)
            done |= answer.bars.keys() - answer.partial.keys()
        left = [symbol for symbol in left if symbol not in done and names[symbol] not in current.waiting]
    _fail_unasked(current, (request.name(symbol) for symbol in left))
    return done


def _candles_of(provider: Provider, request: Ask, current: Cycle) -> Callable[[Sequence[str]], Candles]:
    def ask_for(symbols: Sequence[str]) -> Candles:
        end = _end(request) if provider.name in registry.BOUNDED else None
        at = current.now if end is None else min(end, current.now)
        return provider.candles(symbols, request.timeframe, request.since, at)

    return ask_for


def _end(request: Ask) -> datetime | None:
    """Return a moment after the last bar that is asked for has closed: vendors cut or round the end."""
    length = max(request.timeframe.length, timedelta(days=1))
    return None if request.until is None else request.until + 2 * length


def _store_candles(current: Cycle, provider: Provider, request: Ask, answer: Candles) -> None:
    usable = dict(answer.bars)
    for symbol in usable.keys() - set(request.symbols):
        _refuse_unasked(current, Rejections(provider.name, answer.feed, request.timeframe), symbol, usable)
    for symbol in usable.keys() & current.restatements.keys():
        bars = {symbol: usable.pop(symbol)}
        if symbol not in answer.partial:
            current.restatements[symbol].append(
                RestatementAnswer(provider.name, request, replace(answer, bars=bars))
            )
    _store_each(current, provider.name, request, replace(answer, bars=usable))


def _refuse_unasked(current: Cycle, rejections: Rejections, symbol: str, usable: dict[str, Bars]) -> None:
    rejections.add(quality.NOT_ASKED, symbol)
    rejections.keep(quality.NOT_ASKED, symbol, "", {"bars": len(usable.pop(symbol))})
    current.rejections.join(rejections)


def _store_each(current: Cycle, provider: str, request: Ask, answer: Candles) -> None:
    """Store an answer, without the symbols whose bars cannot be."""

    def store_some(symbols: Sequence[str]) -> None:
        rejections = Rejections(provider, answer.feed, request.timeframe)
        bars = {symbol: answer.bars[symbol] for symbol in symbols}
        with transaction.atomic():
            bars = splits.in_new_shares(bars, request.timeframe)
            unsplit = _without_splits(current, request, bars)
            _record(current, provider, request, replace(answer, bars=unsplit), rejections)
        current.rejections.join(rejections)

    for symbol, error in by_halves(list(answer.bars), store_some, faults.CONTENT).failed:
        current.refuse(provider, [symbol], error, request.timeframe)


def _without_splits(current: Cycle, request: Ask, bars: Mapping[str, Bars]) -> dict[str, Bars]:
    """Return the bars but for those of instruments that were split, whose history is fetched again."""
    split = splits.detect(bars, request.timeframe)
    for symbol in split:
        splits.begin(symbol, current.now)
        current.waiting.add(request.name(symbol))
    return {symbol: given for symbol, given in bars.items() if symbol not in split}


def _record(current: Cycle, provider: str, request: Ask, answer: Candles, rejections: Rejections) -> None:
    """Store an answer, record how far it reaches, and list what it lacks.

    Nothing has answered for the older bars of a partial one: they are asked for again, or are gaps.
    """
    now = current.now
    if answer.regular_only and request.timeframe.is_intraday:
        pipeline.refuse_outside_sessions(answer.bars, now)
    written = pipeline.record(
        answer.bars,
        request.timeframe,
        provider=provider,
        feed=answer.feed,
        delay=answer.delay,
        at=now,
        rejections=rejections,
    )
    for calendar, part in pipeline.by_calendar(answer.bars):
        trading_sessions = sessions.load(
            calendar, since=request.since - timedelta(days=30), until=now + timedelta(days=7)
        )
        whole = {symbol: bars for symbol, bars in part.items() if symbol not in answer.partial}
        if request.until is None:  # else it says nothing of the newest
            schedule.record_answer(whole, request.timeframe, trading_sessions, now, answer.delay)
        gaps.list_missing(
            part, request.timeframe, request.since, trading_sessions, now, answer.delay, request.until
        )
    current.stored |= {request.name(symbol) for symbol in answer.bars.keys() - answer.partial.keys()}
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
            rejections = Rejections(part.provider, part.answer.feed, part.ask.timeframe)
            _record(current, part.provider, part.ask, part.answer, rejections)
            current.rejections.join(rejections)
