"""Facts about shares: asked of the providers each night, or recorded by a person.

What a source says of an event replaces what the same source said before; what another source had recorded of
it stands, for two sources never pay one dividend twice, nor do they when they date it some days apart. A
person's word stands before any.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from functools import partial
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.contrib.auth.models import User
from django.db import transaction

from core import locks
from market import faults, feeds
from market.ingestion.asking import UNREADABLE
from market.ingestion.facts.events import Event, Events, Key, T
from market.models import Fault, IngestionRun, Instrument
from market.models.facts import Fact, FactCheck, FactQuerySet
from market.providers.base import Provider, ProviderError
from market.providers.facts import Answer

logger = logging.getLogger(__name__)

PERSON, FILE = "person", "file"
EVERY = timedelta(hours=20)
OFF_FOR = timedelta(days=7)  # a plan that has none is asked again after it
LOOKED_BACK = timedelta(days=45)  # vendors correct a dividend up to its pay date
LOOKED_AHEAD = timedelta(days=180)
MAY_BE_TAKEN_BACK = timedelta(days=7)  # what is older and no longer given is beyond a plan's history
ASKED_AT_ONCE = 50
IN_ALL = 500  # symbols in one run: the next one comes within the hour
LONGEST_WHY = 500


class FactRefused(ValueError):
    """The fact was not recorded. The message says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Ledger(Events[T]):
    """One table of facts. `ask` returns None for a provider that knows none."""

    noun: str
    work: Fault.Work
    lock: str
    facts: type[Fact]
    checks: type[FactCheck]
    ask: Callable[[Provider, list[str], date, date, datetime], Answer[T] | None]
    begins: date

    # --- from the providers ---------------------------------------------------------------------------------

    def fetch(self, at: datetime) -> int:
        """Ask for the facts of each fetched instrument whose last check is a night old; count the new.

        What cannot be stored of one is remembered, and the others go on.
        """
        due = self._due(at)
        changed = 0
        for provider in feeds.ready(IngestionRun.Kind.CANDLES, at) if due else ():
            isolation = faults.Isolation(self.work, at, source=provider.name)
            changed += self._fetch_from(provider, due, isolation)
        return changed

    def _due(self, at: datetime) -> dict[str, date]:
        """Return since when the facts of each symbol are asked for; those never asked for come first."""
        checks: Any = self.checks._default_manager
        checked = {check.symbol: check for check in checks.all()}
        symbols = Instrument.objects.fetched().values_list("symbol", flat=True)
        due = {
            symbol: checked[symbol].checked_at.date() - LOOKED_BACK if symbol in checked else self.begins
            for symbol in symbols
            if symbol not in checked or at - checked[symbol].checked_at >= _pause(checked[symbol])
        }
        oldest = sorted(due, key=lambda symbol: (due[symbol], symbol))[:IN_ALL]
        return {symbol: due[symbol] for symbol in oldest}

    def _fetch_from(self, provider: Provider, due: dict[str, date], isolation: faults.Isolation) -> int:
        """Ask one provider, and take what it answered for out of `due`."""
        changed, at = 0, isolation.at
        for part, since in _parts({s: first for s, first in due.items() if not isolation.is_paused(s)}):
            try:
                answer = self.ask(provider, part, since, at.date() + LOOKED_AHEAD, at)
            except ProviderError as failure:
                logger.warning("%s gives no %s: %s", provider.name, self.noun, failure)
                return changed
            except (*UNREADABLE, RuntimeError):  # the next part may be readable
                logger.exception("%s gives %s that cannot be read", provider.name, self.noun)
                continue
            if answer is None:
                return changed
            if answer.off:
                logger.info("%s", answer.off)
                isolation.together(list(due), partial(self._check, isolation, problem=answer.off), str)
                return changed
            answered = set(part) - answer.failed.keys() - set(answer.declined)
            changed += self._keep(answer, answered, since, isolation)
            for symbol in answered:
                del due[symbol]
            if answer.declined:  # by the pace: the rest comes with a later run
                return changed
        return changed

    def _keep(
        self, answer: Answer[T], answered: Collection[str], since: date, isolation: faults.Isolation
    ) -> int:
        source, at = isolation.source, isolation.at
        for reason in answer.refused:
            logger.warning("one of the %s that %s gives is refused: %s", self.noun, source, reason)
        for symbol, reason in answer.failed.items():
            logger.warning("%s gives no %s of %s: %s", source, self.noun, symbol, reason)

        @transaction.atomic
        def store(symbols: Sequence[str]) -> int:
            changed = self.record(answer.facts, source, symbols, since, at)
            self._check(isolation, symbols)
            return changed

        return sum(isolation.together(sorted(answered), store, str))

    def _check(self, isolation: faults.Isolation, symbols: Collection[str], problem: str = "") -> None:
        rows: Any = self.checks._default_manager
        said = {"checked_at": isolation.at, "provider": isolation.source, "problem": problem}
        rows.bulk_create(
            [self.checks(symbol=symbol, **said) for symbol in sorted(symbols)],
            update_conflicts=True,
            unique_fields=["symbol"],
            update_fields=["checked_at", "provider", "problem"],
        )

    @transaction.atomic
    def record(
        self, given: Iterable[T], source: str, symbols: Collection[str], since: date, at: datetime
    ) -> int:
        """Store what a source says of these symbols since a date, and end what it no longer says.

        Return how many facts are new. The same again changes nothing.
        """
        locks.transaction(self.lock)
        facts = self._rows().filter(symbol__in=symbols)
        stored = self._by_key(facts.current())
        rejected = {self._identity(fact) for fact in facts.exclude(ended_by=None)}
        events = list(self._events(each for each in given if each.symbol in symbols))
        gone = self._taken_back(stored, events, source, max(since, at.date() - MAY_BE_TAKEN_BACK))
        new: list[Fact] = []
        identities = self._identities(events)
        for event in events:
            current = self._of(event, stored)
            if {fact.source for fact in current} - {source}:
                continue
            wanted = [
                each
                for each in event.given
                if self._identity(each) not in rejected
                and not _was_first(self._twins(each, source, identities, stored), current)
            ]
            gone += [fact for fact in current if self._content(fact) not in map(self._content, wanted)]
            there = {self._content(fact) for fact in current}
            new += [self._fact(each, source, at) for each in wanted if self._content(each) not in there]
        self._rows().filter(pk__in=[fact.pk for fact in gone]).end(at)
        self._add(new)
        return len(new)

    def _taken_back(
        self, stored: Mapping[Key, Sequence[Fact]], events: Sequence[Event[T]], source: str, since: date
    ) -> list[Fact]:
        """Return the source's facts of days that it no longer names: moved to another day, or called off.

        A vendor's id names one fact for good: under another date, it is gone, however long ago it was.
        """
        named = {fact.pk for event in events for fact in self._of(event, stored)}
        moved = {each.reference for event in events for each in event.given if each.reference}
        return [
            fact
            for facts in stored.values()
            for fact in facts
            if fact.source == source
            and fact.pk not in named
            and (self._on(fact) >= since or fact.reference in moved)
        ]

    # --- by a person ----------------------------------------------------------------------------------------

    @transaction.atomic
    def enter(self, given: Sequence[T], source: str, *, by: User | None, why: str, at: datetime) -> int:
        """Record a person's or a file's facts. They stand before what a provider says of the same events.

        Return how many are new: what is recorded so already is left as it is. Raises FactRefused.
        """
        locks.transaction(self.lock)
        self._refuse(given, why)
        stored = self._by_key(self._rows().current().filter(symbol__in={each.symbol for each in given}))
        new: list[Fact] = []
        events = list(self._events(given))
        identities = self._identities(events)
        for event in events:
            twins = [fact for each in event.given for fact in self._twins(each, source, identities, stored)]
            current = [*self._of(event, stored), *twins]
            if set(map(self._said, current)) == set(map(self._said, event.given)):
                continue
            self._rows().filter(pk__in=[fact.pk for fact in current]).update(ended_at=at, ended_by=by)
            new += [self._fact(each, source, at, recorded_by=by, why=why) for each in event.given]
        self._refuse_unknown({fact.symbol for fact in new})
        self._add(new)
        if new and by:
            LogEntry.objects.log_actions(by.pk, new, ADDITION, f"Recorded. {why}"[:LONGEST_WHY])
        return len(new)

    def _refuse(self, given: Sequence[T], why: str) -> None:
        _needs(why)
        for each in given:
            if each.problem:
                raise FactRefused(f"{each.symbol} on {self._on(each)}: {each.problem}.")

    def _refuse_unknown(self, symbols: Collection[str]) -> None:
        known = set(Instrument.objects.filter(pk__in=symbols).values_list("symbol", flat=True))
        if unknown := sorted(set(symbols) - known):
            raise FactRefused(f"{', '.join(unknown)}: no such instrument. Add it to the watchlist first.")

    @transaction.atomic
    def withdraw(self, fact: Fact, *, by: User, why: str, at: datetime) -> None:
        """End a fact that is wrong. A source that gives it again is not believed. Raises FactRefused."""
        _needs(why)
        if not self._rows().current().filter(pk=fact.pk).update(ended_at=at, ended_by=by):
            raise FactRefused(f"{fact} was replaced or withdrawn already.")
        LogEntry.objects.log_actions(by.pk, [fact], CHANGE, f"Withdrawn. {why}"[:LONGEST_WHY])

    # --- what is recorded -----------------------------------------------------------------------------------

    def current(self, symbol: str = "") -> FactQuerySet:
        """Return the facts that stand, of one symbol or of all, oldest first."""
        facts = self._rows().current().order_by(self.dated, "symbol")
        return facts.filter(symbol=symbol) if symbol else facts

    def problems(self) -> list[str]:
        """Return why providers give none at all."""
        checks: Any = self.checks._default_manager
        return sorted(set(checks.exclude(problem="").values_list("problem", flat=True)))

    def _fact(self, given: T, source: str, at: datetime, **by: Any) -> Fact:
        names = {"symbol", "reference", self.dated, *self.key, *self.content}
        said = {name: _plain(getattr(given, name)) for name in names}
        return self.facts(source=source, recorded_at=at, **said, **by)

    def _rows(self) -> FactQuerySet:
        rows: Any = self.facts._default_manager
        found: FactQuerySet = rows.all()
        return found

    def _add(self, facts: Sequence[Fact]) -> None:
        rows: Any = self.facts._default_manager
        rows.bulk_create(facts)


def _was_first(twins: Sequence[Fact], current: Sequence[Fact]) -> bool:
    """Return whether another source's word of the same was recorded before this one's."""
    return bool(twins) and (not current or min(fact.pk for fact in twins) < min(fact.pk for fact in current))


def _pause(check: Any) -> timedelta:
    return OFF_FOR if check.problem else EVERY


def _parts(due: Mapping[str, date]) -> Iterator[tuple[list[str], date]]:
    """Yield symbols that are asked for together, with since when."""
    by_start: dict[date, list[str]] = defaultdict(list)
    for symbol, since in due.items():
        by_start[since].append(symbol)
    for since, symbols in sorted(by_start.items()):
        for start in range(0, len(symbols), ASKED_AT_ONCE):
            yield symbols[start : start + ASKED_AT_ONCE], since


def _needs(why: str) -> None:
    if not why.strip() or len(why) > LONGEST_WHY:
        raise FactRefused(f"Say why, in at most {LONGEST_WHY} characters.")


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value
