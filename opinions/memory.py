"""Cases of the past: kept once each, and found again by likeness, never from after the moment that asks.

Where Hindsight is set up they are kept and recalled there, too. It may be away or slow: nothing waits for it.
"""

import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection
from django.db.models import F
from django.db.models.functions import Least

from core import locks, redaction
from market.prices import Timeframe
from opinions import quoting, regimes
from opinions.hindsight import Hindsight, HindsightAway, Retained
from opinions.models import Memory
from signals.models import Signal

logger = logging.getLogger(__name__)

LONGEST_TEXT = 500  # characters of a case
TOLD = 8  # outcomes that are recalled for a case at most
REFUSED = 4  # and decisions
ELSEWHERE = 6  # facts that Hindsight recalls
LISTENED = 5.0  # seconds that a run waits for it
MOST_ATTEMPTS = 1_000  # that are counted
HANDED_ON, PATIENCE = 50, 20.0  # cases at a time that it is given, and seconds

# From the most alike to the least: each tier is the newest few of one index. The words come last.
TIERS = (
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side"
    " AND symbol = asked.symbol AND regime = asked.regime",
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side"
    " AND symbol = asked.symbol",
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side"
    " AND regime = asked.regime",
    "strategy_id = asked.strategy_id AND timeframe = asked.timeframe AND side = asked.side",
    "symbol = asked.symbol",
    "asked.words <> '' AND search @@ websearch_to_tsquery('english', asked.words)",
)
TIER = """
    (SELECT id, known_at, {number} AS tier FROM memories
    WHERE kind = wanted.kind AND bank = %(bank)s AND known_at < asked.before AND {condition}
    ORDER BY known_at DESC LIMIT wanted.most)
"""
RECALL = f"""
    SELECT asked.number, found.id
    FROM unnest(
        %(strategies)s::varchar[], %(timeframes)s::varchar[], %(sides)s::varchar[], %(symbols)s::varchar[],
        %(regimes)s::varchar[], %(befores)s::timestamptz[], %(words)s::text[]
    ) WITH ORDINALITY AS asked (strategy_id, timeframe, side, symbol, regime, before, words, number)
    CROSS JOIN (VALUES ('outcome', {TOLD}), ('decision', {REFUSED})) AS wanted (kind, most)
    CROSS JOIN LATERAL (
        SELECT id FROM (
            {" UNION ALL ".join(TIER.format(number=n, condition=one) for n, one in enumerate(TIERS))}
        ) AS near GROUP BY id ORDER BY min(tier), max(known_at) DESC, id LIMIT wanted.most
    ) AS found
"""


@dataclass(frozen=True)
class Question:
    """What is to be found alike. `before`: what came to be known later is hindsight. `words`: any of them.

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
    """The first words of a text as a search for any of them."""
    words = ["".join(filter(str.isalnum, word)) for word in text.split()[:40]]
    return " or ".join([word for word in words if len(word) > 3][:12])


def recall(questions: Sequence[Question]) -> list[list[Memory]]:
    """For each the cases most alike: outcomes and decisions, the same strategy, symbol and regime first.

    Two queries, however many are asked.
    """
    if not questions:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            RECALL,
            {
                "bank": settings.MEMORY_BANK,
                "strategies": [one.strategy_id for one in questions],
                "timeframes": [one.timeframe for one in questions],
                "sides": [one.side for one in questions],
                "symbols": [one.symbol for one in questions],
                "regimes": [one.regime for one in questions],
                "befores": [one.before for one in questions],
                "words": [one.words for one in questions],
            },
        )
        found = cursor.fetchall()
    memories = Memory.objects.defer("search").in_bulk({pk for _, pk in found})
    recalled: list[list[Memory]] = [[] for _ in questions]
    for number, pk in found:
        recalled[number - 1].append(memories[pk])
    return recalled


def alike(memory: Memory, question: Question) -> list[str]:
    """What a case has in common with the one that is asked about."""
    common = {
        "strategy": memory.strategy_id == question.strategy_id and memory.timeframe == question.timeframe,
        "symbol": memory.symbol == question.symbol,
        "side": memory.side == question.side,
        "regime": memory.regime == question.regime,
    }
    return [name for name, is_so in common.items() if is_so]


def retain(memories: Collection[Memory]) -> int:
    """Keep what is not kept yet; how much was new."""
    references = [one.reference for one in memories]
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
    """A case of this signal: what is `text` is kept as one plain line, `features` as they are."""
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
        text=quoting.plain(text, LONGEST_TEXT),
        features=features,
    )


def recall_elsewhere(question: Question, secrets: Collection[str]) -> list[dict[str, Any]]:
    """What Hindsight recalls of it: outside text, made harmless. Raises HindsightAway.

    What came to be known later, or nobody knows when, is left out.
    """
    if not settings.HINDSIGHT_URL:
        return []
    asked = " ".join([question.side, question.symbol, question.strategy_id, question.regime, question.words])
    found = _hindsight().recall(asked.strip(), LISTENED)
    return [
        {"at": f"{one.at:%Y-%m-%dT%H:%M:%SZ}", "text": quoting.plain(redaction.redact(one.text, secrets))}
        for one in found
        if one.at is not None and one.at < question.before
    ][:ELSEWHERE]


def hand_on(at: datetime) -> int:
    """Give Hindsight what it has not got; how much that was. What it does not take is tried again later.

    The fewer at a time, the oftener they were not taken: one that it never takes keeps no other away.
    """
    with locks.held("signals hindsight") as mine:
        waiting = Memory.objects.filter(retained_at=None).defer("search").order_by("attempts", "id")
        found = list(waiting[:HANDED_ON]) if mine else []
        if not found:
            return 0
        found = found[: max(1, HANDED_ON >> found[0].attempts)]
        these = Memory.objects.filter(pk__in=[one.pk for one in found])
        try:
            _hindsight().retain([_told(one) for one in found], PATIENCE)
        except HindsightAway as away:
            these.update(attempts=Least(F("attempts") + 1, MOST_ATTEMPTS))
            logger.warning("%s; %s cases wait", away, len(found))
            return 0
        return these.update(retained_at=at)


def _hindsight() -> Hindsight:
    return Hindsight(settings.HINDSIGHT_URL, settings.MEMORY_BANK)


def _told(one: Memory) -> Retained:
    about = {"symbol": one.symbol, "strategy": one.strategy_id, "side": one.side, "kind": one.kind}
    return Retained(one.text, one.known_at, one.reference, context=one.get_kind_display(), metadata=about)
