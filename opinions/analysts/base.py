"""What an analyst is: it gets a snapshot, and nothing else, and can do nothing but answer."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any, Protocol

# Plain JSON, as signals.snapshots takes it: the same snapshot is the same question.
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
    """There is no opinion, and why. `bill` was spent all the same; None: nobody knows what it came to."""

    def __init__(
        self, why: str, *, bill: Bill | None = None, exchanges: tuple[Exchange, ...] = (), model: str = ""
    ) -> None:
        self.bill, self.exchanges, self.model = bill, exchanges, model
        super().__init__(why)


class Analyst(Protocol):
    """`name`: as it is configured. `at_once`: how many snapshots may be worked through between two looks.

    `may_invent`: its text is its own, so each number in it must be looked up in the snapshot.
    """

    name: str
    at_once: int
    may_invent: bool

    def most(self, snapshot: Snapshot) -> Bill:
        """What an analysis of it can come to at the most."""
        ...

    def analyse(self, snapshot: Snapshot, seconds: float) -> Opinion:
        """The opinion, within so many seconds. Raises AnalystFailed."""
        ...
