"""What closed trades made."""

from datetime import timedelta
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from approvals.models.fills import Fill
from approvals.models.orders import Order
from core.models import TypedModelMeta
from opinions.models import Stance
from signals.models import Signal


class Trade(models.Model):
    """A closed round trip in one instrument at one broker: from flat to flat. Derived from our fills.

    Shares and prices are stated in the shares of the day on which each lot was closed. What comes of the
    signal and its decision is that of the first entry; `signals` counts those of all entries.
    """

    class Exit(models.TextChoices):
        """What closed it; several when not all shares went the same way."""

        STOP = "stop"
        TARGET = "target"
        CLOSE = "close", "closed"
        FLAT = "flat", "flat at the close"
        SEVERAL = "several"

    class NoRisk(models.TextChoices):
        """Why the risk that was taken cannot be told, and so no R."""

        NO_STOP = "no_stop", "no R: an entry had no stop"
        BEYOND_STOP = "beyond_stop", "no R: an entry was filled beyond its stop"

    broker = models.CharField(max_length=20)
    symbol = models.CharField(max_length=16, db_collation="C")
    currency = models.CharField(max_length=3)
    side = models.CharField(max_length=4, choices=Signal.Type, help_text="Of the entry.")
    quantity = models.DecimalField(max_digits=18, decimal_places=6, help_text="Shares bought and sold.")
    entries = models.PositiveIntegerField(help_text="Fills that opened it.")
    exits = models.PositiveIntegerField(help_text="Fills that closed it.")
    entry_price = models.DecimalField(max_digits=18, decimal_places=6, help_text="Average of the entries.")
    exit_price = models.DecimalField(max_digits=18, decimal_places=6, help_text="Average of the exits.")
    gross = models.DecimalField(max_digits=20, decimal_places=6)
    commission = models.DecimalField(max_digits=20, decimal_places=6)
    dividends = models.DecimalField(
        max_digits=20,
        decimal_places=6,
        default=Decimal(0),
        help_text="Of what was held over their ex-dates; a short pays them.",
    )
    charges = models.DecimalField(
        max_digits=20,
        decimal_places=6,
        default=Decimal(0),
        db_default=Decimal(0),
        help_text="Fees that came later, and those of borrowing; below zero: they were paid.",
    )
    net = models.DecimalField(
        max_digits=20, decimal_places=6, help_text="Gross, dividends and charges, less commission."
    )
    commissions_unknown = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Fills whose commission is not yet known: it is not in `net`."
    )
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(db_index=True)
    exit = models.CharField(max_length=7, choices=Exit)
    planned_risk = models.DecimalField(
        max_digits=20, decimal_places=6, null=True, help_text="From limit to stop, of what was filled."
    )
    risk = models.DecimalField(
        max_digits=20,
        decimal_places=6,
        null=True,
        help_text="Really taken: from the price of each entry to its stop then.",
    )
    no_risk = models.CharField(
        max_length=11, choices=NoRisk, blank=True, help_text="Why that is not known. Empty: it is."
    )
    lowest = models.DecimalField(
        max_digits=18, decimal_places=6, help_text="Of the fills and of the bars that lie in it."
    )
    highest = models.DecimalField(
        max_digits=18, decimal_places=6, help_text="Of the fills and of the bars that lie in it."
    )
    first_fill = models.OneToOneField(Fill, on_delete=models.PROTECT, related_name="+")
    signal = models.ForeignKey(Signal, null=True, on_delete=models.PROTECT, related_name="+")
    signals = models.PositiveIntegerField(help_text="How many signals its entries are of.")
    strategy_id = models.CharField("strategy", max_length=40, db_collation="C", blank=True)
    timeframe = models.CharField(max_length=3, db_collation="C", blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    stance = models.CharField(
        max_length=9,
        choices=Stance,
        blank=True,
        help_text="What the analyst had said when it was decided.",
    )
    computed_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "trades"
        ordering = ["-closed_at", "-pk"]
        constraints = [
            models.CheckConstraint(name="trade_is_of_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="trade_ends_after_it_began", condition=Q(closed_at__gte=F("opened_at"))
            ),
            models.CheckConstraint(
                name="trade_makes_what_is_left",
                condition=Q(net=F("gross") + F("dividends") + F("charges") - F("commission")),
            ),
        ]
        indexes = [models.Index(name="trade_by_symbol", fields=["symbol", "-closed_at"])]

    def __str__(self) -> str:
        return f"{self.side} {self.shares} {self.symbol}"

    @property
    def shares(self) -> str:
        return f"{self.quantity.normalize():f}"

    @property
    def sign(self) -> int:
        return 1 if self.side == Signal.Type.BUY else -1

    @property
    def note(self) -> str:
        """What its figures wait for, in words; empty when nothing is missing."""
        if not self.commissions_unknown:
            return ""
        return f"commission not yet known of {self.commissions_unknown} of {self.entries + self.exits} fills"

    @property
    def r(self) -> Decimal | None:
        """The result in units of the risk that was really taken."""
        return self.net / self.risk if self.risk else None

    @property
    def planned_r(self) -> Decimal | None:
        """The result in units of the risk that was planned."""
        return self.net / self.planned_risk if self.planned_risk else None

    @property
    def adverse(self) -> Decimal:
        """The farthest that a share was against us, from the average entry (MAE); never negative."""
        worst = self.lowest if self.sign > 0 else self.highest
        return max((self.entry_price - worst) * self.sign, Decimal(0))

    @property
    def favourable(self) -> Decimal:
        """The farthest that a share was for us, from the average entry (MFE); never negative."""
        best = self.highest if self.sign > 0 else self.lowest
        return max((best - self.entry_price) * self.sign, Decimal(0))

    @property
    def held_for(self) -> timedelta:
        return self.closed_at - self.opened_at


class NamedLot(models.Model):
    """Shares of one purchase that a closing is to sell, as a person named them. Never edited, never deleted.

    Who named them, when and why is in the decision of the closing.
    """

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="named_lots")
    opened = models.ForeignKey(
        Fill, on_delete=models.PROTECT, related_name="+", help_text="What brought the shares."
    )
    shares = models.PositiveIntegerField(help_text="How many of them, in shares of the closing.")

    class Meta(TypedModelMeta):
        db_table = "named_lots"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="lot_is_named_once", fields=["order", "opened"]),
            models.CheckConstraint(name="lot_is_of_something", condition=Q(shares__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.shares} of {self.opened}"
