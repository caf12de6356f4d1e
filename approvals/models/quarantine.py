"""Rows of a broker that could not be recorded."""

from django.db import models
from django.db.models import Q

from approvals.models.orders import Order
from core.models import TypedModelMeta


class QuarantinedRowQuerySet(models.QuerySet["QuarantinedRow"]):
    def open(self) -> "QuarantinedRowQuerySet":
        """Return those that are not over: figures may lack what they say."""
        return self.filter(ended_at=None)


class QuarantinedRow(models.Model):
    """A row that a broker sent and that does not fit our tables, as it came. Never deleted.

    It is open until it fits, is reported no more, or a person resumed trading after it. An execution that
    came with other figures is another row; of the account's state the newest is kept.
    """

    class Kind(models.TextChoices):
        EXECUTION = "execution"
        ORDER = "order", "how an order stands"
        HOLDING = "holding", "what is held of a symbol"
        ACCOUNT = "account", "what the account is worth"
        CHARGE = "charge", "what was charged"

    broker = models.CharField(max_length=20)
    kind = models.CharField(max_length=9, choices=Kind)
    name = models.CharField(max_length=200, help_text="The broker's id or symbol of it, cut where longer.")
    row = models.TextField(help_text="JSON; values of more than 1,000 characters are cut.")
    reason = models.TextField(help_text="Why it does not fit.")
    order = models.ForeignKey(
        Order,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The order of ours that it names.",
    )
    is_foreign = models.BooleanField(help_text="It says that none of our orders caused it.")
    digest = models.CharField(max_length=64, unique=True, help_text="Identifies it: SHA-256.")
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    times_seen = models.PositiveIntegerField(default=1)
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Empty while it is open.")

    objects = QuarantinedRowQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "quarantined_rows"
        verbose_name = "quarantined broker row"
        ordering = ["-pk"]
        indexes = [
            models.Index(name="quarantined_row_open", fields=["broker", "kind"], condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"
