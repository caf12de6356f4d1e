"""What brokers told, as they told it: executions and what followed, charges, each leg of an order."""

from django.db import models
from django.db.models import F, Q

from approvals.models.fills import Fill
from approvals.models.orders import Order
from approvals.models.shares import SharesField
from core.models import TypedModelMeta


class BrokerExecution(models.Model):
    """An execution as the broker told it, once for each time that it said something new. Never edited.

    The fill has what counts now: a correction (`corrects`) is one more row here and other figures there.
    """

    fill = models.ForeignKey(Fill, on_delete=models.PROTECT, related_name="told")
    execution_id = models.CharField(max_length=64, help_text="The broker's.", db_index=True)
    corrects = models.CharField(
        max_length=64, blank=True, help_text="The id of the execution that this one replaces."
    )
    quantity = SharesField()
    price = models.DecimalField(max_digits=18, decimal_places=6)
    commission = models.DecimalField(
        max_digits=12, decimal_places=4, null=True, help_text="Empty: not told. Negative: a rebate."
    )
    commission_currency = models.CharField(
        max_length=3, blank=True, help_text="Empty: that of the instrument."
    )
    executed_at = models.DateTimeField()
    broker_order_id = models.CharField(max_length=64, blank=True)
    told_at = models.DateTimeField(db_index=True)

    class Meta(TypedModelMeta):
        db_table = "broker_executions"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="broker_execution_is_of_something", condition=Q(quantity__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.execution_id}: {self.quantity} at {self.price}"


class Charge(models.Model):
    """Money that moved by itself: a fee that came later than its execution, interest, a dividend."""

    class Kind(models.TextChoices):
        """FEE and BORROW belong to what was traded; the others to the account."""

        FEE = "fee"
        BORROW = "borrow", "borrow fee of a short"
        INTEREST = "interest"
        DIVIDEND = "dividend"
        TAX = "tax", "tax withheld"
        OTHER = "other"

    broker = models.CharField(max_length=20)
    charge_id = models.CharField(max_length=64, help_text="The broker's.")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.OTHER, db_default="other")
    at = models.DateTimeField()
    amount = models.DecimalField(max_digits=18, decimal_places=4, help_text="Below zero: it was paid.")
    currency = models.CharField(max_length=3)
    what = models.TextField(help_text="In the broker's words.")
    execution_id = models.CharField(max_length=64, blank=True, help_text="Of what it is for, where told.")
    symbol = models.CharField(max_length=16, blank=True, db_collation="C")
    is_transfer = models.BooleanField(
        default=False, db_default=False, help_text="Paid in or taken out by the owner: no result."
    )
    recorded_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "charges"
        ordering = ["-at", "-pk"]
        constraints = [
            models.UniqueConstraint(name="charge_is_recorded_once", fields=["broker", "charge_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.amount} {self.currency}: {self.what}"


class OrderLeg(models.Model):
    """How one leg of an order stands at the broker, where that tells them apart."""

    class State(models.TextChoices):
        HELD = "held", "waits for the entry"
        WORKING = "working"
        FILLED = "filled"
        CANCELLED = "cancelled"
        REJECTED = "rejected"
        EXPIRED = "expired"
        REPLACED = "replaced"
        PENDING_CANCEL = "pending_cancel", "being cancelled"
        PENDING_REPLACE = "pending_replace", "being replaced"

    LIVE = (State.HELD, State.WORKING, State.PENDING_CANCEL, State.PENDING_REPLACE)

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="legs")
    leg = models.CharField(max_length=6, choices=Fill.Leg)
    state = models.CharField(max_length=15, choices=State)
    broker_id = models.CharField(max_length=64, blank=True)
    quantity = models.PositiveIntegerField(help_text="What it asks for.")
    filled = models.PositiveIntegerField()
    level = models.DecimalField(
        max_digits=18, decimal_places=6, null=True, help_text="Its limit or stop price. Empty: at the market."
    )
    broker_state = models.CharField(max_length=64, blank=True, help_text="In the broker's word.")
    changed_at = models.DateTimeField(help_text="When the broker was first seen to say so.")

    class Meta(TypedModelMeta):
        db_table = "order_legs"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="order_leg_is_one_row", fields=["order", "leg"]),
            models.CheckConstraint(
                name="order_leg_fills_no_more_than_it_asks", condition=Q(filled__lte=F("quantity"))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.leg} {self.get_state_display()}"
