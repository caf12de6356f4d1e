"""What became of signals, and of decisions on them."""

from django.db import models

from approvals.models.decisions import TradeApproval
from market.models.meta import TypedModelMeta
from signals.models import Signal
from signals.trades import End


class Outcome(models.Model):
    """How one signal turned out on stored bars, in one of two ledgers.

    The signal's is entered at the open of the bar after it, whatever became of it. The decision's is entered
    at the first price after it was approved, rejected or expired: what a person added is read from there.
    """

    class Ledger(models.TextChoices):
        SIGNAL = "signal"
        DECISION = "decision"

    class Group(models.TextChoices):
        """What was decided. A signal that is still pending, or was cancelled, has none."""

        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        NONE = "none"

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="outcomes")
    ledger = models.CharField(max_length=8, choices=Ledger)
    group = models.CharField(max_length=8, choices=Group, default=Group.NONE)
    approval = models.ForeignKey(TradeApproval, null=True, on_delete=models.PROTECT, related_name="+")
    since = models.DateTimeField(help_text="From when on it is counted.")
    end = models.SmallIntegerField(choices=[(end.value, end.name.lower()) for end in End])
    entered_at = models.DateTimeField(null=True, help_text="Opening of the bar it was entered in.")
    exited_at = models.DateTimeField(null=True, help_text="Opening of the bar it ended in.")
    entry = models.FloatField(null=True)
    exit = models.FloatField(null=True)
    r = models.FloatField(null=True, help_text="The result over the planned risk, costs included.")
    is_final = models.BooleanField(default=False, help_text="Later bars change nothing any more.")
    computed_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "outcomes"
        ordering = ["-since", "pk"]
        constraints = [
            models.UniqueConstraint(name="outcome_is_one_in_each_ledger", fields=["signal", "ledger"]),
        ]
        indexes = [
            models.Index(
                name="outcome_unfinished", fields=["ledger", "since"], condition=models.Q(is_final=False)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ledger} ledger: {self.signal} {self.get_end_display()}"
