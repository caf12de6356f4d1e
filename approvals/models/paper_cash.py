"""The paper account's cash beside fills and dividends: borrow fees, parts of shares, what people moved."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models.paper import FIRST
from core.models import TypedModelMeta


class PaperCharge(models.Model):
    """A night's borrow fee of a short, or cash for the part of a share that a split left. Never edited.

    What is known better later is a further row of the difference: `number` counts those of one day.
    """

    class Kind(models.TextChoices):
        BORROW = "borrow fee", "borrow fee"
        LIEU = "cash in lieu", "cash in lieu"

    account = models.CharField(max_length=20, default=FIRST, db_default=FIRST)
    kind = models.CharField(max_length=12, choices=Kind)
    symbol = models.CharField(max_length=16, db_collation="C")
    day = models.DateField(help_text="Of the session before the night, or of the split.")
    number = models.PositiveSmallIntegerField()
    quantity = models.DecimalField(
        max_digits=18, decimal_places=6, help_text="Shares, or the part of one; below zero for a short."
    )
    price = models.DecimalField(
        max_digits=18,
        decimal_places=6,
        help_text="For one share: of the close, or of the last one before the split.",
    )
    rate = models.DecimalField(
        max_digits=9, decimal_places=6, default=Decimal(0), help_text="What borrowing costs a year; 0.05: 5%."
    )
    nights = models.PositiveSmallIntegerField(default=0, help_text="Until the next session.")
    cash = models.DecimalField(max_digits=18, decimal_places=2, help_text="Below zero: it was paid.")
    recorded_at = models.DateTimeField(help_text="When it was charged: an outage is caught up afterwards.")

    class Meta(TypedModelMeta):
        db_table = "paper_charges"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="paper_charge_is_made_once", fields=["account", "kind", "symbol", "day", "number"]
            ),
            models.CheckConstraint(name="paper_charge_is_of_something", condition=~Q(quantity=0)),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.symbol} {self.day}: {self.cash} on paper"


class PaperTransfer(models.Model):
    """Cash that a person paid in to an account on paper, took out, or set it back to. Never edited."""

    class Kind(models.TextChoices):
        DEPOSIT = "deposit", "deposit"
        WITHDRAWAL = "withdrawal", "withdrawal"
        RESET = "reset", "reset"

    account = models.CharField(max_length=20, default=FIRST, db_default=FIRST)
    kind = models.CharField(max_length=10, choices=Kind)
    cash = models.DecimalField(max_digits=18, decimal_places=2, help_text="Below zero: it was taken out.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=300)
    at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "paper_transfers"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="paper_transfer_moves_cash_its_way",
                condition=Q(kind="deposit", cash__gt=0)
                | Q(kind="withdrawal", cash__lt=0)
                | (Q(kind="reset") & ~Q(cash=0)),
            ),
            models.CheckConstraint(name="paper_transfer_has_a_reason", condition=~Q(reason="")),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.cash} on paper"


class BorrowRate(models.Model):
    """What borrowing a share to sell it short costs a year on paper, instead of PAPER_BORROW_RATE."""

    symbol = models.CharField(max_length=16, unique=True, db_collation="C")
    rate = models.DecimalField(
        max_digits=9, decimal_places=6, help_text="Of the value, for a year; 0.05: 5%."
    )

    class Meta(TypedModelMeta):
        db_table = "borrow_rates"
        ordering = ["symbol"]
        constraints = [
            models.CheckConstraint(name="borrow_rate_is_no_gain", condition=Q(rate__gte=0, rate__lte=100)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol}: {self.rate * 100:.2f}% a year"
