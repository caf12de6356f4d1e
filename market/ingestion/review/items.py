"""What waits under data to review: found by its name, decided about alone or with others."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from django.contrib.auth.models import User
from django.db import models, transaction

from market import faults
from market.ingestion import answers
from market.ingestion.review import bars, refetch, rows
from market.ingestion.review.bars import Decision, Key, ReviewRefused
from market.models import BarVerdict, Candle, Disagreement, Gap, RefusedRow, ReviewItem, UnexplainedMove
from market.prices import Timeframe

logger = logging.getLogger(__name__)

MOST_AT_ONCE = 300  # Django takes a thousand fields of a form
Kind = ReviewItem.Kind
NOT_WAITING = "It does not wait any more."
# By the first word of an item's name.
MODELS: dict[str, tuple[Kind, type[models.Model]]] = {
    "move": (Kind.MOVE, UnexplainedMove),
    "refused": (Kind.REFUSED, RefusedRow),
    "gap": (Kind.GAP, Gap),
    "disagreement": (Kind.DISAGREEMENT, Disagreement),
}
Row = Candle | UnexplainedMove | RefusedRow | Gap | Disagreement


class Act(models.TextChoices):
    """What can be done about it."""

    ACCEPT = "accept", "Accept: believe bars, leave the others as they are"
    DROP = "drop", "Drop bars"
    FETCH = "fetch", "Fetch again"
    REAL = "real", "Answer moves: a real move"
    SPLIT = "split", "Answer moves: a split, as each looks like"
    BAD = "bad", "Answer moves: bad data"


class NoSuchItem(LookupError):
    """Nothing is called so, or it is gone."""


@dataclass(frozen=True)
class Item:
    """One thing to look at. `key`: the bar that it is about, or lies at; `row`: None for a bar not stored."""

    name: str
    kind: Kind
    key: Key | None
    row: Row | None
    verdict: BarVerdict | None
    version: str

    @classmethod
    def load(cls, name: str) -> "Item":
        """Return what is called so, whether it still waits or not. Raises NoSuchItem."""
        first, _, rest = name.partition(":")
        try:
            return cls._bar(name, bars.parse(rest)) if first == "bar" else cls._row(name, first, int(rest))
        except (ValueError, OverflowError, KeyError) as error:
            raise NoSuchItem(name) from error

    @classmethod
    def _bar(cls, name: str, key: Key) -> "Item":
        candle, verdict = key.candle(), key.verdict()
        if candle is None and verdict is None:
            raise NoSuchItem(name)
        return cls(name, Kind.SUSPECT, key, candle, verdict, bars.version(candle, verdict))

    @classmethod
    def _row(cls, name: str, first: str, pk: int) -> "Item":
        kind, model = MODELS[first]
        row = model._default_manager.filter(pk=pk).first()
        if not isinstance(row, UnexplainedMove | RefusedRow | Gap | Disagreement):
            raise NoSuchItem(name)
        return cls(name, kind, _place(row), row, None, rows.version(row))

    @property
    def acts(self) -> list[Act]:
        """Return what can be done about it."""
        if self.kind == Kind.MOVE:
            return [Act.REAL, Act.SPLIT, Act.BAD]
        if self.kind == Kind.SUSPECT:
            return [Act.ACCEPT, Act.DROP, Act.FETCH]
        return [Act.ACCEPT, Act.FETCH] if self.key else [Act.ACCEPT]

    def decide(self, act: Act, decision: Decision) -> None:
        """Do it, in one transaction. Raises ReviewRefused, and then nothing was done."""
        if act not in self.acts:
            raise ReviewRefused(f"That is not done with a {self.kind.label}.")
        if decision.seen != self.version:
            raise ReviewRefused(bars.CHANGED)
        ACTS[act](self, decision)


def _place(row: UnexplainedMove | RefusedRow | Gap | Disagreement) -> Key | None:
    """Return the bar at which it lies."""
    if isinstance(row, Gap):
        return Key(row.symbol, Timeframe(row.timeframe), row.first_at)
    if isinstance(row, RefusedRow):
        known = row.timeframe and row.stamp
        return Key(row.symbol, Timeframe(row.timeframe), datetime.fromisoformat(row.stamp)) if known else None
    is_inside = isinstance(row, Disagreement) and row.figure == Disagreement.Figure.BARS
    timeframe = Timeframe(row.timeframe) if isinstance(row, UnexplainedMove) else Timeframe.D1
    return Key(row.symbol, Timeframe.M15 if is_inside else timeframe, _midnight(row.date))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _accept(item: Item, decision: Decision) -> None:
    if isinstance(item.row, Gap | RefusedRow | Disagreement):
        rows.leave(item.row, decision)
    elif item.key:
        bars.accept(item.key, decision)


def _drop(item: Item, decision: Decision) -> None:
    if item.key:
        bars.drop(item.key, decision)


def _fetch(item: Item, decision: Decision) -> None:
    if item.key:
        refetch.request(item.key, decision, _last(item, item.key))


def _last(item: Item, key: Key) -> datetime:
    """Return the opening of the last bar that an item is about."""
    if isinstance(item.row, Gap):
        return item.row.last_at
    # A difference in the count of bars is one of a whole session.
    is_session = isinstance(item.row, Disagreement) and key.timeframe.is_intraday
    return key.opened_at + timedelta(days=1) if is_session else key.opened_at


def _answer(kind: answers.Kind) -> Callable[[Item, Decision], None]:
    def act(item: Item, decision: Decision) -> None:
        if not isinstance(item.row, UnexplainedMove):
            return
        ratio = item.row.looks_like if kind == answers.Kind.SPLIT else None
        try:
            given = answers.Answer(kind, decision.why, ratio)
            answers.answer(item.row, given, by=decision.by, at=decision.at)
        except answers.AnswerRefused as refusal:
            raise ReviewRefused(str(refusal)) from refusal

    return act


ACTS: dict[Act, Callable[[Item, Decision], None]] = {
    Act.ACCEPT: _accept,
    Act.DROP: _drop,
    Act.FETCH: _fetch,
    Act.REAL: _answer(answers.Kind.REAL),
    Act.SPLIT: _answer(answers.Kind.SPLIT),
    Act.BAD: _answer(answers.Kind.BAD_DATA),
}


@dataclass(frozen=True)
class Outcome:
    """What was done, and why the others were not, by name."""

    done: Sequence[str]
    refused: Mapping[str, str]


def decide_about(seen: Mapping[str, str], act: Act, why: str, *, by: User, at: datetime) -> Outcome:
    """Do the same about several, each in a transaction of its own. `seen`: the version of each, by name.

    One that cannot be stored keeps back no other. Raises ReviewRefused when there are too many, or without a
    reason.
    """
    if len(seen) > MOST_AT_ONCE:
        raise ReviewRefused(f"At most {MOST_AT_ONCE} at once.")
    Decision(by, why, at, "")  # without a reason nothing is begun
    done, refused = [], {}
    for name, version in seen.items():
        try:
            with transaction.atomic():
                Item.load(name).decide(act, Decision(by, why, at, version))
            done.append(name)
        except NoSuchItem:
            refused[name] = NOT_WAITING
        except ReviewRefused as refusal:
            refused[name] = str(refusal)
        except faults.CONTENT as error:
            logger.exception("%s of %s failed", act, name)
            refused[name] = f"It could not be done ({faults.describe(error)})."
    return Outcome(done, refused)
