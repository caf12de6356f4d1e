"""Where the account holds another number of shares than our orders made."""

from decimal import ROUND_FLOOR, Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models.shares import SharesField
from core.models import TypedModelMeta


class DriftQuerySet(models.QuerySet["Drift"]):
    def open(self) -> "DriftQuerySet":
        """Return those that wait for a person, or were seen once only."""
        return self.filter(ended_at=None)


class Drift(models.Model):
    """A symbol of which the account holds more or fewer shares than our orders made. Never deleted.

    What the broker's executions explain is closed by Jax; what nothing explains waits for a person, and no
    entry is made in its symbol meanwhile. It also ends when the account agrees again.
    """

    class Cause(models.TextChoices):
        SOLD = "sold", "sold at the broker"
        BOUGHT = "bought", "bought at the broker"
        SPLIT = "split", "as by a share split"
        RENAMED = "renamed", "as by a change of symbol"
        PART = "part", "a part of a share, which Jax does not trade"
        UNKNOWN = "unknown", "nothing explains it"

    class Answer(models.TextChoices):
        ADOPTED = "adopted", "closed at what it was sold at"
        ASSIGNED = "assigned", "closed at the price of an assignment or delivery"
        WRITTEN_OFF = "written off", "closed without proceeds"
        NOT_OURS = "not ours", "shares of the account's owner: they are left alone"

    CLOSES = (Answer.ADOPTED, Answer.ASSIGNED, Answer.WRITTEN_OFF)

    symbol = models.CharField(max_length=16, db_collation="C")
    broker = models.CharField(max_length=20)
    ours = models.IntegerField(help_text="The shares that our orders made; negative when short.")
    held = SharesField(help_text="The shares that the account holds, a part of one included.")
    cause = models.CharField(max_length=7, choices=Cause)
    detail = models.TextField(blank=True, help_text="What it looks like, and what to do.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Empty while it is open.")
    answer = models.CharField(
        max_length=11, choices=Answer, blank=True, help_text="Empty once over: the account agreed again."
    )
    price = models.DecimalField(
        max_digits=18, decimal_places=6, null=True, blank=True, help_text="What the missing shares made."
    )
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty: the broker's executions answered it.",
    )
    why = models.CharField(max_length=500, blank=True)
    exits_end = models.BooleanField(
        default=False, help_text="Stops and targets of what is gone still have to be ended at the broker."
    )

    objects = DriftQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "drifts"
        verbose_name = "drift of a position"
        verbose_name_plural = "drifts of positions"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="drift_is_open_once", fields=["broker", "symbol"], condition=Q(ended_at=None)
            ),
            models.CheckConstraint(
                name="drift_answer_is_known",
                condition=Q(answer__in=["", "adopted", "assigned", "written off", "not ours"]),
            ),
            models.CheckConstraint(
                name="drift_is_answered_at_an_end", condition=Q(answer="") | Q(ended_at__isnull=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol}: the account holds {self.held}, our orders made {self.ours}"

    @property
    def gone(self) -> int:
        """Return how many of our shares the account does not hold; one of which it holds a part is gone."""
        return gone(self.ours, self.held)


def gone(ours: int, held: Decimal) -> int:
    """Return how many of our shares are missing; 0 where the account holds them all, and others beside.

    Jax trades whole shares: of one that is there in part only, the part is the owner's from then on.
    """
    sign = 1 if ours > 0 else -1
    whole = int((sign * held).to_integral_value(ROUND_FLOOR))
    return max(sign * ours - max(whole, 0), 0)
