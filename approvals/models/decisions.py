"""What people decided, and on what they saw."""

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta
from signals.models import Signal


class SignalView(models.Model):
    """When a user first looked at what approving a signal would do."""

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    first_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "signal_views"
        constraints = [
            models.UniqueConstraint(name="signal_is_first_seen_once", fields=["signal", "user"]),
        ]

    def __str__(self) -> str:
        return f"{self.user} saw {self.signal} at {self.first_at}"


class TradeApproval(models.Model):
    """One decision on one signal: yes or no, by whom, on what. Never edited, never deleted.

    `proposed` is what Jax would have done by itself, `decided` what the person made of it, `shown` what was
    on the screen: the quote, the levels, the analyst's run, the figures of the fresh look.
    """

    class Reason(models.TextChoices):
        PRICE_MOVED = "price moved"
        WEAK_EVIDENCE = "weak evidence"
        NEWS = "news"
        RISK = "risk"
        ALREADY_EXPOSED = "already exposed"
        OTHER = "other"

    signal = models.OneToOneField(Signal, on_delete=models.PROTECT, related_name="approval")
    approved = models.BooleanField()
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", verbose_name="decided by"
    )
    approved_at = models.DateTimeField("decided at", db_index=True)
    reason = models.CharField(max_length=16, choices=Reason, blank=True, help_text="Why it was rejected.")
    modification_notes = models.TextField("notes", blank=True)
    etag = models.CharField(max_length=64, help_text="Stands for what the decision was made on.")
    proposed = models.JSONField(default=dict)
    decided = models.JSONField(default=dict)
    shown = models.JSONField(default=dict)
    seconds_to_decide = models.FloatField(null=True, help_text="From the first look. Empty: never looked.")

    class Meta(TypedModelMeta):
        db_table = "trade_approvals"
        ordering = ["-approved_at", "-pk"]
        # Apart from that to add one: saying no takes no risk, so less is asked of who says it.
        permissions = [("reject_signal", "Can reject a signal")]
        constraints = [
            models.CheckConstraint(
                name="rejection_has_a_reason",
                condition=Q(approved=True, reason="") | (Q(approved=False) & ~Q(reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} {self.signal}"

    @property
    def verdict(self) -> str:
        return "approved" if self.approved else "rejected"
