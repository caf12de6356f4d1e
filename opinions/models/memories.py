"""Memories: cases of the past, told so that they can be found again."""

from django.contrib.postgres.indexes import GinIndex
from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorField
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta, choices
from core.sanitize import search_words
from market.prices import Timeframe
from signals.models.signals import Signal


class MemoryQuerySet(models.QuerySet["Memory"]):
    def saying(self, words: str) -> "MemoryQuerySet":
        """Those that hold all these words, in any form; quotes, OR and - work as in search engines."""
        return self.filter(search=SearchQuery(search_words(words), config="english", search_type="websearch"))


class Memory(models.Model):
    """A case of the past, told so that it can be found again: what was decided, or how something turned out.

    `known_at`: from when on anybody could know it; nothing earlier may recall it. `features`: the figures
    ("r", "end", "confidence" ...). `reference`: what it was made from, once.
    """

    class Kind(models.TextChoices):
        DECISION = "decision", "what a person decided"
        OUTCOME = "outcome", "how a signal turned out"
        RESULT = "result", "what a decision came to"

    bank = models.CharField(max_length=40)
    kind = models.CharField(max_length=8, choices=Kind)
    symbol = models.CharField(max_length=16, db_collation="C")
    strategy_id = models.CharField("strategy", max_length=40, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    side = models.CharField(max_length=4, choices=Signal.Type)
    regime = models.CharField(max_length=24, db_collation="C")
    known_at = models.DateTimeField()
    text = models.TextField()
    features = models.JSONField(default=dict)
    reference = models.CharField(max_length=60)
    created_at = models.DateTimeField()
    retained_at = models.DateTimeField(null=True, help_text="When Hindsight got it, too.")
    attempts = models.SmallIntegerField(default=0, help_text="How often Hindsight did not take it.")
    search = models.GeneratedField(
        expression=SearchVector("text", config="english"),
        output_field=SearchVectorField(),
        db_persist=True,
    )

    objects = MemoryQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "memories"
        ordering = ["-known_at", "id"]
        verbose_name_plural = "memories"
        constraints = [
            models.UniqueConstraint(name="memory_is_made_once", fields=["bank", "reference"]),
        ]
        indexes = [
            models.Index(
                name="memory_by_symbol",
                fields=["strategy_id", "timeframe", "side", "symbol", "kind", "-known_at"],
            ),
            models.Index(
                name="memory_by_regime",
                fields=["strategy_id", "timeframe", "side", "regime", "kind", "-known_at"],
            ),
            models.Index(
                name="memory_by_strategy", fields=["strategy_id", "timeframe", "side", "kind", "-known_at"]
            ),
            models.Index(name="memory_of_symbol", fields=["symbol", "kind", "-known_at"]),
            models.Index(name="memory_by_time", fields=["-known_at", "id"]),
            models.Index(name="memory_to_retain", fields=["attempts", "id"], condition=Q(retained_at=None)),
            GinIndex(name="memory_words", fields=["search"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.known_at:%Y-%m-%d}: {self.symbol} {self.strategy_id}"
