"""What the broker says that the account holds and is worth."""

from decimal import Decimal

from django.db import models

from approvals.models.shares import SharesField
from core.models import TypedModelMeta
from signals.models import Signal


class BrokerPosition(models.Model):
    """What the broker says the account holds of a symbol, and how much of it we caused."""

    symbol = models.CharField(max_length=16, primary_key=True, db_collation="C")
    quantity = SharesField(help_text="Negative when short. It may have a part of a share.")
    average_cost = models.DecimalField(max_digits=18, decimal_places=6)
    ours = models.IntegerField(help_text="The sum of the fills of our own orders.")
    seen_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "broker_positions"
        ordering = ["symbol"]

    def __str__(self) -> str:
        return f"{self.quantity} {self.symbol}"

    @property
    def foreign(self) -> Decimal:
        """What of it we did not cause."""
        return self.quantity - self.ours

    def keeps_from(self, side: str) -> bool:
        """Return whether an entry on this side has to wait for what is not ours.

        A part of a share on the same side is in nobody's way: orders are of whole shares.
        """
        return bool(self.foreign) and not is_part(self.foreign, side)


def is_part(foreign: Decimal, side: str) -> bool:
    """Return whether shares that are not ours are a part of one, on the side of an order of ours."""
    return abs(foreign) < 1 and (foreign > 0) == (side == Signal.Type.BUY)


class AccountSnapshot(models.Model):
    """What the account was worth at an instant, as its broker said."""

    broker = models.CharField(max_length=20)
    at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    equity = models.DecimalField(max_digits=18, decimal_places=2)
    cash = models.DecimalField(max_digits=18, decimal_places=2)
    buying_power = models.DecimalField(max_digits=18, decimal_places=2)

    class Meta(TypedModelMeta):
        db_table = "account_snapshots"
        ordering = ["-at"]
        get_latest_by = "at"
        constraints = [models.UniqueConstraint(name="account_is_seen_once", fields=["broker", "at"])]

    def __str__(self) -> str:
        return f"{self.equity} {self.currency} at {self.at}"
