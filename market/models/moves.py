"""Moves of the size of a share split that nothing explains: each is a question, which a person answers."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta


class UnexplainedMoveQuerySet(models.QuerySet["UnexplainedMove"]):
    def open(self) -> "UnexplainedMoveQuerySet":
        """Return the questions that nobody has answered: no signal of their symbols is raised."""
        return self.filter(answer="")


class UnexplainedMove(models.Model):
    """A move that looks like a split, on a session's date. Stored bars stay as they are until the answer."""

    class Answer(models.TextChoices):
        SPLIT = "split", "a share split"
        REAL = "real", "a real move"
        BAD_DATA = "bad data", "bad data"

    symbol = models.CharField(max_length=16, db_collation="C")
    date = models.DateField(help_text="The session that opened with the move.")
    looks_like = models.FloatField(
        help_text="New shares for one old, were it a split: 7 for 7:1, 0.1 for 1:10."
    )
    close_before = models.FloatField()
    open_after = models.FloatField()
    timeframe = models.CharField(max_length=3, help_text="Of the bars that it was seen in.")
    source = models.CharField(max_length=40, help_text="The provider of these bars.")
    asked_at = models.DateTimeField()
    answer = models.CharField(max_length=10, choices=Answer, blank=True)
    ratio = models.FloatField(null=True, blank=True, help_text="New shares for one old, as answered.")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    answered_at = models.DateTimeField(null=True, blank=True)
    why = models.CharField(max_length=500, blank=True)

    objects = UnexplainedMoveQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "unexplained_moves"
        ordering = ["-date", "symbol"]
        constraints = [
            models.UniqueConstraint(name="move_is_asked_about_once", fields=["symbol", "date"]),
            models.CheckConstraint(
                name="move_answer_is_known", condition=Q(answer__in=["", "split", "real", "bad data"])
            ),
            models.CheckConstraint(
                name="move_answer_has_its_moment",
                condition=Q(answer="", answered_at=None) | (~Q(answer="") & Q(answered_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="move_ratio_is_of_a_split",
                condition=(Q(answer="split") & Q(ratio__gt=0)) | (~Q(answer="split") & Q(ratio=None)),
            ),
        ]
        indexes = [models.Index(name="moves_open", fields=["symbol"], condition=Q(answer=""))]

    def __str__(self) -> str:
        return f"{self.symbol} {self.date}"

    @property
    def is_open(self) -> bool:
        return not self.answer
