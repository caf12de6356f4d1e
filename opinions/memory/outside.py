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
    """Return what Hindsight recalls of it: outside text, made harmless. Raises HindsightAway.

    What became known later, or at an unknown time, is left out.
    """
    if not settings.HINDSIGHT_URL:
        return []
    query = " ".join([question.side, question.symbol, question.strategy_id, question.regime, question.words])
    facts = _hindsight().recall(query.strip(), LISTENED)
    return [
        {"at": f"{fact.at:%Y-%m-%dT%H:%M:%SZ}", "text": sanitize.plain(redaction.redact(fact.text, secrets))}
        for fact in facts
        if fact.at is not None and fact.at < question.before
    ][:ELSEWHERE]


def hand_on(at: datetime) -> int:
    """Send Hindsight the cases it has not got; return how many. What it does not take is tried again later.

    The fewer at a time, the oftener they were not taken: one that it never takes keeps no other away.
    """
    with locks.held("signals hindsight") as is_locked:
        waiting = Memory.objects.filter(retained_at=None).defer("search").order_by("attempts", "id")
        cases = list(waiting[:HANDED_ON]) if is_locked else []
        if not cases:
            return 0
        cases = cases[: max(1, HANDED_ON >> cases[0].attempts)]
        rows = Memory.objects.filter(pk__in=[case.pk for case in cases])
        try:
            _hindsight().retain([_document(case) for case in cases], PATIENCE)
        except HindsightAway as away:
            rows.update(attempts=Least(F("attempts") + 1, MOST_ATTEMPTS))
            logger.warning("%s; %s cases wait", away, len(cases))
            return 0
        return rows.update(retained_at=at)


def _hindsight() -> Hindsight:
    return Hindsight(settings.HINDSIGHT_URL, settings.MEMORY_BANK)


def _document(case: Memory) -> Retained:
    about = {"symbol": case.symbol, "strategy": case.strategy_id, "side": case.side, "kind": case.kind}
    return Retained(case.text, case.known_at, case.reference, context=case.get_kind_display(), metadata=about)
