"""What of orders was executed, and what an account's owner traded beside them."""

from decimal import Decimal

from django.db import models
from django.db.models import Case, F, Q, Sum, When
from django.db.models.functions import Floor

from approvals.models.orders import Order
from approvals.models.shares import SharesField
from core.models import TypedModelMeta
from signals.models import Signal

ADOPTED = "/adopted"  # ends the id of a fill that stands for an execution of the account's owner
SIGNED_QUANTITY = Case(When(side=Signal.Type.BUY, then=F("quantity")), default=-F("quantity"))


class FillQuerySet(models.QuerySet["Fill"]):
    def ours(self, is_ours: bool = True) -> "FillQuerySet":
        """Return those that one of our orders caused, or the others."""
        return self.filter(order__isnull=not is_ours)

    def shares(self) -> "FillQuerySet":
        """Return the `total` of the shares of each symbol, bought less sold; splits do not count."""
        by_symbol = self.order_by().values("symbol").annotate(total=Sum(SIGNED_QUANTITY))
        return by_symbol.values("total")  # type: ignore[return-value]  # a QuerySet of rows


class Fill(models.Model):
    """Shares that changed hands, as the broker says now. Without an order: we did not cause it.

    It is changed to nothing but what a row of `broker_executions` says that the broker told.
    """

    class Leg(models.TextChoices):
        ENTRY = "entry"
        STOP = "stop"
        TARGET = "target"
        CLOSE = "close"
        FLAT = "flat", "flat at the close"

    order = models.ForeignKey(Order, null=True, blank=True, on_delete=models.PROTECT, related_name="fills")
    leg = models.CharField(max_length=6, choices=Leg)
    broker = models.CharField(max_length=20)
    execution_id = models.CharField(max_length=64, help_text="The broker's.")
    symbol = models.CharField(max_length=16, db_collation="C")
    side = models.CharField(max_length=4, choices=Signal.Type)
    quantity = SharesField(help_text="Whole shares where it is ours: Jax trades no parts of one.")
    price = models.DecimalField(max_digits=18, decimal_places=6)
    commission = models.DecimalField(
        max_digits=12,
        decimal_places=4,
        default=Decimal(0),
        help_text="In the instrument's currency; below zero for a rebate, 0 while it is not known.",
    )
    commission_unknown = models.CharField(
        max_length=300,
        blank=True,
        default="",
        db_default="",
        help_text="Why the commission is not known. Empty: it is.",
    )
    commission_rate = models.DecimalField(
        max_digits=20,
        decimal_places=10,
        null=True,
        help_text="What one unit of the currency that it was told in counted as. Empty: it needed no rate.",
    )
    commission_rate_as_of = models.DateTimeField(null=True, help_text="Of when that rate is.")
    commission_rate_age = models.DurationField(
        null=True, help_text="How old the rate was when the commission was counted, while currencies traded."
    )
    executed_at = models.DateTimeField()
    recorded_at = models.DateTimeField()

    objects = FillQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "fills"
        ordering = ["-executed_at", "-pk"]
        constraints = [
            models.UniqueConstraint(name="fill_is_recorded_once", fields=["broker", "execution_id"]),
            models.CheckConstraint(
                name="fill_is_of_something",
                condition=Q(quantity__gt=0) & (Q(price__gt=0) | Q(price=0, leg="close")),  # worthless
            ),
            models.CheckConstraint(
                name="fill_of_ours_is_whole", condition=Q(order=None) | Q(quantity=Floor("quantity"))
            ),
        ]
        indexes = [models.Index(name="fill_by_symbol", fields=["symbol", "executed_at"])]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} at {self.price}"

    @property
    def adopted_id(self) -> str:
        """Return the id of the fill that closes shares of ours by this execution of their owner."""
        return f"{self.execution_id[:56]}{ADOPTED}"

    @property
    def signed_quantity(self) -> Decimal:
        return self.quantity if self.side == Signal.Type.BUY else -self.quantity
