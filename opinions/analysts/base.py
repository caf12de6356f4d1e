"""What an analyst is: it gets a snapshot, and nothing else, and can do nothing but answer."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

from core.registry import Spec

# Plain JSON, as opinions.snapshots takes it: the same snapshot is the same question.
Snapshot = Mapping[str, Any]

ESCAPES = str.maketrans({"&": r"\u0026", "<": r"\u003c", ">": r"\u003e"})


def wrap(snapshot: Snapshot) -> str:
    """The snapshot as data for a model: nothing inside can end the tags, or is anything but ASCII.

    Raises ValueError for a NaN or an infinity: JSON has neither.
    """
    text = json.dumps(snapshot, allow_nan=False, separators=(",", ":"))
    return f"<data>{text.translate(ESCAPES)}</data>"


class Action(StrEnum):
    """BUY and SELL: take that side now. HOLD: nothing speaks clearly. PASS: leave the trade alone."""

    BUY = "BUY"
    SELL = "SELL"
    HOLD = "HOLD"
    PASS = "PASS"


class Verdict(StrEnum):
    """Whether a factor speaks for the trade, against it, or neither."""

    FOR = "for"
    AGAINST = "against"
    NEUTRAL = "neutral"


@dataclass(frozen=True)
class Factor:
    """One thing that the analyst weighed, in a sentence."""

    verdict: Verdict
    text: str


@dataclass(frozen=True)
class Bill:
    """Tokens, in and out together, and what they cost."""

    tokens: int = 0
    usd: Decimal = Decimal(0)

    def __add__(self, other: "Bill") -> "Bill":
        return Bill(self.tokens + other.tokens, self.usd + other.usd)


@dataclass(frozen=True)
class Exchange:
    """What was sent to a model or service, and what came back, to the letter; never a key."""

    sent: str
    answered: str


@dataclass(frozen=True)
class Opinion:
    """What an analyst says. `confidence`: 0 to 1, a score. `model`: what it was said by, in its own words."""

    action: Action
    confidence: float
    reasoning: str
    factors: tuple[Factor, ...] = ()
    model: str = ""
    bill: Bill = Bill()
    exchanges: tuple[Exchange, ...] = field(default=(), repr=False)


class AnalystFailed(Exception):
    """There is no opinion, and why. `bill` was spent all the same; None: not known."""

    def __init__(
        self, why: str, *, bill: Bill | None = None, exchanges: tuple[Exchange, ...] = (), model: str = ""
    ) -> None:
        self.bill, self.exchanges, self.model = bill, exchanges, model
        super().__init__(why)


class NotConfigured(Exception):
    """The analyst is not known or not set up; what to do."""


class Analyst(Protocol):
    """What can be asked."""

    def most(self, snapshot: Snapshot) -> Bill:
        """What an analysis of it can come to at the most."""
        ...

    def analyse(self, snapshot: Snapshot, seconds: float) -> Opinion:
        """The opinion, within so many seconds. Raises AnalystFailed."""
        ...


@dataclass(frozen=True)
class Problem:
    """What is wrong with the settings of an analyst that is configured, and what to do; `id` as in checks."""

    message: str
    hint: str
    id: str


def no_problems(values: Mapping[str, Any]) -> Iterable[Problem]:
    """Return nothing: no settings contradict each other."""
    return ()


@dataclass(frozen=True, kw_only=True)
class AnalystSpec(Spec):
    """An analyst's presence. `title`: how pages mark its opinions. `noun`: as in "Ask the checklist".

    `build` makes it from the values of its settings; raises NotConfigured. `is_outside`: what it is given
    leaves this machine, or may, so it is redacted first. `may_invent`: its text is its own, so each number in
    it is looked up in the snapshot. `at_once`: how many snapshots one worker gives it together. `problems`:
    what contradicts itself in the settings.
    """

    noun: str
    build: Callable[[Mapping[str, Any]], Analyst]
    is_outside: bool = True
    may_invent: bool = True
    at_once: int = 1
    problems: Callable[[Mapping[str, Any]], Iterable[Problem]] = no_problems
