"""Ask a provider, find out which of the symbols it fails on, and keep its record."""

import logging
import random
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Generic, TypeVar

from django.db.models import Max

from market import feeds
from market.ingestion import blame
from market.ingestion.run import Cycle
from market.models import CandleProgress, Instrument, Quote
from market.providers.base import Candles, Provider, ProviderError, Quotes

logger = logging.getLogger(__name__)

Answer = TypeVar("Answer", Quotes, Candles)
# What an answer of an unforeseen shape raises while it is read.
UNREADABLE = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
PERMANENT_PAUSE = timedelta(hours=1)
MOST_PARTS = 24  # of an ask that fails: enough to find one symbol among a thousand
LONGEST_SEARCH = 45.0  # seconds: two requests that are never answered
CONTROLS = 4  # symbols, each asked for alone, before a provider is blamed
ALIKE = timedelta(hours=1)  # symbols answered for within it are as likely to be answered for again
NEVER = 10**9  # times ALIKE ago


@dataclass(frozen=True)
class Trouble:
    """Why nothing came. `is_general`: whatever symbol were asked for. `failed`: why by symbol, where each was
    asked for by itself."""

    error: str
    is_general: bool = False
    failed: Mapping[str, str] = field(default_factory=dict)
    pause: timedelta | None = None


def ask(
    current: Cycle,
    provider: Provider,
    names: Mapping[str, str],
    question: Callable[[Sequence[str]], Answer],
    part: str = "",
) -> Iterator[Answer]:
    """Ask one provider and keep its record; yield what it answers, in parts when one symbol fails for all.

    `names`: what each asked symbol is called in the cycle's own record. A provider that is at fault is not
    asked again in this cycle.
    """
    yield from _Search(current, provider, names, question, part).run()


@dataclass
class _Search(Generic[Answer]):
    """One provider's turn at some symbols: ask, and find those that it fails on.

    A request for several that fails is sent again in halves. Before that, and when several symbols failed,
    a few others are asked for, each alone: the provider is well when one of these controls is answered.
    """

    current: Cycle
    provider: Provider
    names: Mapping[str, str]
    question: Callable[[Sequence[str]], Answer]
    part: str
    parts: deque[list[str]] = field(default_factory=deque)
    settled: set[str] = field(default_factory=set)  # answered for, failed alone, or declined
    unsent: set[str] = field(default_factory=set)
    trouble: Trouble | None = None  # the last one
    as_one: bool = False
    has_answered: bool = False
    has_failed_control: bool = False
    is_decided: bool = False
    asked: int = 0
    began: float = field(default_factory=time.monotonic)

    def run(self) -> Iterator[Answer]:
        askable = self.current.askable(self.provider.name, list(self.names), self.part)
        self.current.note_paused(self.provider.name, self.names.keys() - set(askable), self.part)
        self.parts.append(askable)
        while symbols := self._next():
            outcome, self.asked = self._ask_once(symbols), self.asked + 1
            if isinstance(outcome, Trouble):
                self._note_trouble(symbols, outcome)
            else:
                self._keep(symbols, outcome)
                if symbols[0] in self.names:
                    yield outcome
        self._note_unasked()

    def _next(self) -> list[str]:
        """Return the symbols of the next request, none when it is over."""
        if self.provider.name in self.current.dead:
            return []
        if self._is_in_doubt():
            if self._controls and not self._is_over():
                return [self._controls.pop(0)]
            self._decide()
        while self.parts and not self._is_over() and self.provider.name not in self.current.dead:
            if symbols := [symbol for symbol in self.parts.popleft() if symbol not in self.settled]:
                return symbols
        return []

    def _is_over(self) -> bool:
        return self.asked >= MOST_PARTS or time.monotonic() - self.began > LONGEST_SEARCH

    def _is_in_doubt(self) -> bool:
        if self.has_answered or self.is_decided or self.trouble is None:
            return False
        return blame.is_doubtful(self._doubted, proven=self._proven, as_one=self.as_one)

    @property
    def _doubted(self) -> set[str]:
        """What the provider gave nothing for since its last answer, in the cycle."""
        return self.current.doubted.setdefault(self.provider.name, set())

    @cached_property
    def _last_answers(self) -> dict[str, datetime]:
        """When each symbol was last answered for, without those that fail by themselves."""
        rows: Iterable[tuple[str, datetime]]
        if self.current.work == self.current.work.QUOTES:
            rows = Quote.objects.values_list("symbol", "received_at")
        else:
            grouped = CandleProgress.objects.order_by().values("symbol")
            rows = grouped.annotate(last=Max("answered_at")).values_list("symbol", "last")
        failing = {subject for _, _, subject, _ in self.current.known_faults}
        return {symbol: at for symbol, at in rows if symbol not in failing}

    @property
    def _proven(self) -> set[str]:
        return set(self._last_answers)

    @cached_property
    def _controls(self) -> list[str]:
        """Symbols to ask for alone, other ones in each cycle: those answered for last, then the others."""
        fetched = set(Instrument.objects.fetched().values_list("symbol", flat=True)) | self.names.keys()
        last: dict[str, datetime] = {
            symbol: at for symbol, at in self._last_answers.items() if symbol in fetched
        }
        newest = max(last.values(), default=self.current.now)
        candidates = sorted({*last, *self.names} - self.settled - self._doubted)
        random.Random(self.current.run.started_at.timestamp()).shuffle(candidates)
        candidates.sort(key=lambda symbol: (newest - last[symbol]) // ALIKE if symbol in last else NEVER)
        return self.current.askable(self.provider.name, candidates, self.part)[:CONTROLS]

    def _ask_once(self, symbols: Sequence[str]) -> Answer | Trouble:
        begun = time.monotonic()
        try:
            return self.question(symbols)
        except ProviderError as refusal:
            pause = PERMANENT_PAUSE if refusal.permanent else refusal.retry_after
            return Trouble(str(refusal), refusal.is_general, refusal.failed, pause)
        except UNREADABLE as failure:
            logger.exception("%s gave an answer we cannot read", self.provider.name)
            return Trouble(f"an answer we cannot read ({type(failure).__name__}: {failure})")
        finally:
            self.current.note(self.provider.name, asked=len(symbols), seconds=time.monotonic() - begun)

    def _note_trouble(self, symbols: Sequence[str], trouble: Trouble) -> None:
        self.trouble = trouble
        self.current.note(self.provider.name, error=trouble.error)
        if trouble.is_general:
            self._decide()
        elif len(symbols) > 1 and not trouble.failed:
            self._halve(symbols)
        else:
            failed = trouble.failed or {symbols[0]: trouble.error}
            self.unsent |= set(symbols) - failed.keys()
            self.settled |= set(symbols)
            self._note_failures(failed)
            self._doubt(failed)

    def _halve(self, symbols: Sequence[str]) -> None:
        self.as_one = True
        middle = (len(symbols) + 1) // 2
        self.parts += [list(symbols[:middle]), list(symbols[middle:])]

    def _doubt(self, reasons: Mapping[str, str]) -> None:
        """Note that nothing came for these symbols, nor for any other yet. It is theirs until others fail."""
        self.has_failed_control = self.has_failed_control or self._is_in_doubt()
        self._doubted.update(reasons)
        self.current.blame(self.provider.name, reasons, self.part)

    def _note_failures(self, reasons: Mapping[str, str]) -> None:
        failed = {self.names[symbol]: why for symbol, why in reasons.items() if symbol in self.names}
        self.current.failures |= {name: f"{self.provider.name}: {why}" for name, why in failed.items()}
        self.current.note(self.provider.name, failed=len(failed))

    def _decide(self) -> None:
        """Blame the provider when it is at fault."""
        self.is_decided = True
        answered_before = self.provider.name in self.current.answered and not self.has_failed_control
        trouble = self.trouble
        if trouble is None or not blame.is_providers(
            self._doubted,
            proven=self._proven,
            as_one=self.as_one,
            has_answered=self.has_answered or answered_before,
            is_general=trouble.is_general,
        ):
            return
        logger.warning("%s: %s", self.provider.name, trouble.error)
        self.current.dead.add(self.provider.name)
        self.current.acquit(self.provider.name)
        feeds.status(self.provider.name, self.current.work).failed(
            self.current.now, trouble.error, pause=trouble.pause
        )

    def _note_unasked(self) -> None:
        """Note what was not asked for, or failed with others: it waits, or is asked from another provider."""
        if self.trouble is None:
            return
        left = {symbol for part in self.parts for symbol in part} - self.settled
        if self.provider.name in self.current.dead:
            left |= self.names.keys() - self.settled | self.unsent
        else:
            self.current.waiting |= {self.names[symbol] for symbol in self.unsent if symbol in self.names}
        self._note_failures(dict.fromkeys(sorted(left), self.trouble.error))

    def _keep(self, symbols: Sequence[str], answer: Answer) -> None:
        """Note what an answer says of each symbol."""
        came = {tick.symbol for tick in answer.ticks} if isinstance(answer, Quotes) else set(answer.bars)
        came &= set(symbols)
        partial = answer.partial if isinstance(answer, Candles) else {}
        failed = {symbol: why for symbol, why in {**partial, **answer.failed}.items() if symbol in symbols}
        together = [symbol for symbol in answer.together if symbol in failed]
        alone = {symbol: why for symbol, why in failed.items() if symbol not in together}
        blamed = {symbol: why for symbol, why in alone.items() if symbol not in answer.blameless}
        self.settled |= set(symbols) - set(together)
        self.current.waiting |= {self.names[symbol] for symbol in answer.declined if symbol in self.names}
        if failed:
            self.trouble = Trouble(next(iter(failed.values())))
        self._note_failures(alone)
        if came:
            self._note_answer(came)
            self.current.blame(self.provider.name, blamed, self.part)
        else:
            self._doubt(blamed)
        if came or (alone and not blamed and not together):
            feeds.status(self.provider.name, self.current.work).succeeded(self.current.now)
        if together:
            self._halve(together)

    def _note_answer(self, came: Collection[str]) -> None:
        self.has_answered = True
        self.current.answered.add(self.provider.name)
        self._doubted.clear()
        self.current.clear(self.provider.name, came, self.part)
