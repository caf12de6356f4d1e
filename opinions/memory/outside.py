"""Hindsight as a second memory: cases are handed on to it, and what it recalls is treated as outside text.

It may be away or slow: nothing waits for it.
"""

import logging
from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import F
from django.db.models.functions import Least

from core import locks, redaction, sanitize
from opinions.memory.cases import Question
from opinions.memory.hindsight import Hindsight, HindsightAway, Retained
from opinions.models import Memory

logger = logging.getLogger(__name__)

ELSEWHERE = 6  # facts that Hindsight recalls
LISTENED = 5.0  # seconds that a run waits for it
MOST_ATTEMPTS = 1_000  # that are counted
HANDED_ON, PATIENCE = 50, 20.0  # cases at a time that it is given, and seconds


def recall_elsewhere(question: Question, secrets: Collection[str]) -> list[dict[str, Any]]:
    """What Hindsight recalls of it: outside text, made harmless. Raises HindsightAway.

    What came to be known later, or nobody knows when, is left out.
    """
    if not settings.HINDSIGHT_URL:
        return []
    asked = " ".join([question.side, question.symbol, question.strategy_id, question.regime, question.words])
    found = _hindsight().recall(asked.strip(), LISTENED)
    return [
        {"at": f"{one.at:%Y-%m-%dT%H:%M:%SZ}", "text": sanitize.plain(redaction.redact(one.text, secrets))}
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
