"""Which facts are of one event, and which say the same."""

from collections import defaultdict
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any, Generic, Protocol, TypeVar

from market.models.facts import Fact


class Given(Protocol):
    """A fact as a provider, a file or a person gives it."""

    @property
    def symbol(self) -> str: ...
    @property
    def reference(self) -> str: ...
    @property
    def problem(self) -> str: ...


T = TypeVar("T", bound=Given)
Key = tuple[Any, ...]


@dataclass(frozen=True)
class Event(Generic[T]):
    """What one source's facts stand for together: a share may pay two dividends on one day."""

    key: Key
    first: date
    last: date
    given: Sequence[T]


@dataclass(frozen=True, kw_only=True)
class Events(Generic[T]):
    """How facts of one kind belong together.

    `key` and `dated` name the event, whose dates are at most `apart`; `terms` tell two facts of one day
    apart; `content` is what a correction may change. `near`: how far apart two sources may date one fact.
    """

    dated: str
    key: Sequence[str]
    terms: Sequence[str]
    content: Sequence[str]
    apart: timedelta = timedelta(0)
    near: timedelta = timedelta(0)

    def _events(self, given: Iterable[T]) -> Iterator[Event[T]]:
        """Yield them by event, each fact once: vendors list some dividends twice, under two ids."""
        once: dict[Key, T] = {}
        for each in given:
            once.setdefault(self._identity(each), each)
        by_key = defaultdict(list)
        for each in once.values():
            by_key[self._key(each)].append(each)
        for key, alike in by_key.items():
            for near in self._near(sorted(alike, key=self._on)):
                yield Event(key, self._on(near[0]), self._on(near[-1]), near)

    def _near(self, given: Sequence[T]) -> Iterator[list[T]]:
        """Yield those whose dates are not apart, of facts by date."""
        near: list[T] = []
        for each in given:
            if near and self._on(each) - self._on(near[-1]) > self.apart:
                yield near
                near = []
            near.append(each)
        yield near

    def _of(self, event: Event[T], stored: Mapping[Key, Sequence[Fact]]) -> list[Fact]:
        first, last = event.first - self.apart, event.last + self.apart
        return [fact for fact in stored.get(event.key, ()) if first <= self._on(fact) <= last]

    def _identities(self, events: Iterable[Event[T]]) -> set[Key]:
        return {self._identity(each) for event in events for each in event.given}

    def _twins(
        self, each: T, source: str, given: Container[Key], stored: Mapping[Key, Sequence[Fact]]
    ) -> list[Fact]:
        """Return the facts of other sources that say the same under a day near by, but for those `given`."""
        return [
            fact
            for fact in stored.get(self._key(each), ())
            if fact.source != source
            and all(map(_is_alike, _values(fact, self.terms), _values(each, self.terms)))
            and timedelta(0) < abs(self._on(fact) - self._on(each)) <= self.near
            and self._identity(fact) not in given
        ]

    def _by_key(self, facts: Iterable[Fact]) -> dict[Key, list[Fact]]:
        by_key: dict[Key, list[Fact]] = defaultdict(list)
        for fact in facts:
            by_key[self._key(fact)].append(fact)
        return by_key

    def _on(self, fact: T | Fact) -> date:
        on: date = getattr(fact, self.dated)
        return on

    def _key(self, fact: T | Fact) -> Key:
        return _values(fact, self.key)

    def _identity(self, fact: T | Fact) -> Key:
        return _values(fact, [*self.key, self.dated, *self.terms])

    def _said(self, fact: T | Fact) -> Key:
        """Return what a person can know of it: not a provider's id."""
        return _values(fact, [self.dated, *self.content])

    def _content(self, fact: T | Fact) -> Key:
        return (*self._said(fact), fact.reference)


def _values(fact: Any, names: Iterable[str]) -> Key:
    return tuple(getattr(fact, name) for name in names)


def _is_alike(one: Any, other: Any) -> bool:
    """Return whether two terms are the same but for rounding, to cents at most."""
    if not (isinstance(one, Decimal) and isinstance(other, Decimal)):
        return bool(one == other)
    places = [int(number.normalize().as_tuple().exponent) for number in (one, other)]
    step = Decimal(1).scaleb(min(max(places), -2))
    return one.quantize(step, ROUND_HALF_UP) == other.quantize(step, ROUND_HALF_UP)
