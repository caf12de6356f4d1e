"""Cases of the past: kept once each, and found again by likeness, never from after the moment that asks."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings

from core import sanitize
from market.prices import Timeframe
from opinions import store
from opinions.memory import regimes
from opinions.models import Memory
from signals.models import Signal

LONGEST_TEXT = 500  # characters of a case


@dataclass(frozen=True)
class Question:
    """What a case should be like. `before`: what became known later is hindsight. `words`: any of them.

    Without a strategy, what is known of the symbol.
    """

    symbol: str
    before: datetime
    strategy_id: str = ""
    timeframe: str = ""
    side: str = ""
    regime: str = ""
    words: str = ""

    @classmethod
    def of(cls, signal: Signal, context: str = "") -> "Question":
        regime = regimes.regime(signal.indicators, Timeframe(signal.timeframe))
        about = (signal.strategy_id, signal.timeframe, signal.signal_type, regime)
        return cls(signal.symbol, signal.generated_at, *about, any_of(context))


def any_of(text: str) -> str:
    """Return the first words of a text as a search for any of them."""
    words = ["".join(filter(str.isalnum, word)) for word in text.split()[:40]]
    return " or ".join([word for word in words if len(word) > 3][:12])


def recall(questions: Sequence[Question]) -> list[list[Memory]]:
    """Return the cases most alike to each: outcomes and decisions, same strategy, symbol and regime first.

    Two queries, however many are asked.
    """
    if not questions:
        return []
    columns: dict[str, list[Any]] = {
        "strategies": [question.strategy_id for question in questions],
        "timeframes": [question.timeframe for question in questions],
        "sides": [question.side for question in questions],
        "symbols": [question.symbol for question in questions],
        "regimes": [question.regime for question in questions],
        "befores": [question.before for question in questions],
        "words": [sanitize.search_words(question.words) for question in questions],
    }
    rows = store.recall(settings.MEMORY_BANK, columns)
    memories = Memory.objects.defer("search").in_bulk({row.memory_id for row in rows})
    recalled: list[list[Memory]] = [[] for _ in questions]
    for row in rows:
        recalled[row.number - 1].append(memories[row.memory_id])
    return recalled


def alike(memory: Memory, question: Question) -> list[str]:
    """Return what a case has in common with the question."""
    common = {
        "strategy": memory.strategy_id == question.strategy_id and memory.timeframe == question.timeframe,
        "symbol": memory.symbol == question.symbol,
        "side": memory.side == question.side,
        "regime": memory.regime == question.regime,
    }
    return [name for name, is_so in common.items() if is_so]


def retain(memories: Collection[Memory]) -> int:
    """Store the memories that are not stored yet; return how many were new."""
    references = [memory.reference for memory in memories]
    before = Memory.objects.filter(bank=settings.MEMORY_BANK, reference__in=references).count()
    Memory.objects.bulk_create(memories, batch_size=1_000, ignore_conflicts=True)
    return len(memories) - before


def memory_of(
    signal: Signal,
    kind: Memory.Kind,
    known_at: datetime,
    at: datetime,
    *,
    text: str,
    features: dict[str, Any],
) -> Memory:
    """Return a case of this signal: `text` becomes one plain line, `features` stay as they are."""
    return Memory(
        bank=settings.MEMORY_BANK,
        kind=kind,
        symbol=signal.symbol,
        strategy_id=signal.strategy_id,
        timeframe=signal.timeframe,
        side=signal.signal_type,
        regime=regimes.regime(signal.indicators, Timeframe(signal.timeframe)),
        known_at=known_at,
        created_at=at,
        reference=f"{kind}:{signal.pk}",
        text=sanitize.plain(text, LONGEST_TEXT),
        features=features,
    )
