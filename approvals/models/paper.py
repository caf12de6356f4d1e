"""The paper broker's own rows: what a broker would keep, so that Jax asks for it like for any other's."""

from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q, Value

from core.models import TypedModelMeta
from signals.models import Signal

FIRST = "paper"  # the account without a name of its own


class PaperAccount(models.Model):
    """An account on paper: what it was opened with, whatever the settings say later.

    `name` is the broker's, for each account is one: `paper`, or `paper:` and the account's own.
    """

    name = models.CharField(max_length=20, unique=True, default=FIRST, db_default=FIRST)
    currency = models.CharField(max_length=3, default="USD")
    start_equity = models.DecimalField(max_digits=18, decimal_places=2)
    opened_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "paper_account"
        constraints = [
            models.CheckConstraint(name="paper_account_starts_with_money", condition=Q(start_equity__gt=0)),
        ]

    def __str__(self) -> str:
        return f"{self.name}: {self.start_equity} {self.currency} since {self.opened_at:%Y-%m-%d}"


class PaperOrder(models.Model):
    """An order as the paper broker keeps it: a bracket, exits alone, or without levels a closing.

    Its levels are those it was placed with; `PaperChange` has those since. Never deleted.
    """

    class State(models.TextChoices):
        WORKING = "working"
        FILLED = "filled"
        CANCELLED = "cancelled"

    account = models.CharField(max_length=20, default=FIRST, db_default=FIRST)
    client_id = models.UUIDField(unique=True, help_text="The id that whoever placed it chose.")
    symbol = models.CharField(max_length=16, db_collation="C")
    side = models.CharField(max_length=4, choices=Signal.Type)
    quantity = models.PositiveIntegerField()
    limit_price = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    stop_loss = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    take_profit = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    settlement_price = models.DecimalField(
        max_digits=18,
        decimal_places=6,
        null=True,
        help_text="What a closing settles a share at that does not trade any more.",
    )
    guards = models.JSONField(
        default=list,
        db_default=Value([], models.JSONField()),
        help_text="The ids of the orders whose exits stay beside a closing.",
    )
    good_until = models.DateTimeField(null=True)
    flat_at = models.DateTimeField(null=True)
    placed_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=State, help_text="Of the entry, or of the closing.")
    reason = models.TextField(blank=True)
    ended_at = models.DateTimeField(null=True)
    entered_at = models.DateTimeField(
        null=True, help_text="The time of the quote that first filled the entry."
    )
    covered = models.PositiveIntegerField(
        default=0, help_text="Shares that stop and target still wait to close, as of covered_at."
    )
    covered_at = models.DateTimeField(null=True)
    quotes_until = models.DateTimeField(
        null=True, help_text="When the bar of the fill closes: later bars work the exits, too."
    )
    looked_until = models.DateTimeField(null=True, help_text="The close of the last bar that worked them.")
    filled = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Shares of the entry, or of the closing as it was placed."
    )
    exited = models.PositiveIntegerField(
        default=0, db_default=0, help_text="Shares that stop and target have closed."
    )
    is_stopped = models.BooleanField(
        default=False, db_default=False, help_text="The stop was hit: what is left goes at the market."
    )
    worked_until = models.DateTimeField(null=True, help_text="What traded by then has done its part.")

    class Meta(TypedModelMeta):
        db_table = "paper_orders"
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="paper_order_is_of_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="paper_order_has_the_levels_of_its_kind",
                condition=Q(limit_price=None, stop_loss=None, take_profit=None, good_until=None, covered=0)
                | Q(
                    limit_price__gt=0,
                    limit_price__isnull=False,
                    stop_loss__gt=0,
                    stop_loss__isnull=False,
                    take_profit__gt=0,
                    take_profit__isnull=False,
                    good_until__isnull=False,
                    settlement_price=None,
                )
                | Q(
                    Q(stop_loss__isnull=False) | Q(take_profit__isnull=False),
                    Q(stop_loss=None) | Q(stop_loss__gt=0),
                    Q(take_profit=None) | Q(take_profit__gt=0),
                    limit_price=None,
                    good_until=None,
                    flat_at=None,
                    settlement_price=None,
                ),
            ),
            models.CheckConstraint(
                name="paper_order_covers_what_was_filled",
                condition=Q(covered=0)
                | Q(filled__gt=0, entered_at__isnull=False, covered_at__isnull=False)
                | Q(limit_price=None, covered_at__isnull=False),
            ),
            models.CheckConstraint(
                name="paper_order_is_filled_by_all_of_it",
                condition=Q(state="filled", filled=F("quantity"))
                | (~Q(state="filled") & Q(filled__lt=F("quantity"))),
            ),
            models.CheckConstraint(
                name="paper_order_ends_once",
                condition=Q(state="working", ended_at=None)
                | (~Q(state="working") & Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="paper_order_looks_at_bars_after_its_fill",
                condition=Q(looked_until=None, quotes_until=None) | Q(looked_until__gte=F("quotes_until")),
            ),
        ]
        indexes = [
            models.Index(
                name="paper_order_live", fields=["id"], condition=Q(state="working") | Q(covered__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} on paper"


class PaperChange(models.Model):
    """A leg of an order on paper that was changed, from an instant on. Never edited, never deleted.

    What traded before is judged by what stood then, however late it is known.
    """

    order = models.ForeignKey(PaperOrder, on_delete=models.PROTECT, related_name="changes")
    change_id = models.UUIDField(help_text="The id that whoever asked for it chose: it is made once.")
    leg = models.CharField(max_length=6, choices=[(leg, leg) for leg in ("entry", "stop", "target")])
    level = models.DecimalField(
        max_digits=18, decimal_places=6, null=True, help_text="On the share basis of that instant."
    )
    quantity = models.PositiveIntegerField(null=True, help_text="What the leg asks for. Empty: as before.")
    changed_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "paper_changes"
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="paper_change_is_made_once", fields=["order", "change_id"]),
            models.CheckConstraint(
                name="paper_change_is_of_something",
                condition=Q(
                    Q(level__isnull=False) | Q(quantity__isnull=False),
                    Q(level=None) | Q(level__gt=0),
                    Q(quantity=None) | Q(quantity__gt=0),
                ),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.leg} of {self.order}"


class PaperFill(models.Model):
    """Shares that changed hands on paper. Never edited, never deleted.

    Each part of an order's entry, closing or exit has a number in the id, so that none happens twice.
    """

    class Leg(models.TextChoices):
        ENTRY = "entry"
        STOP = "stop"
        TARGET = "target"
        CLOSE = "close"
        FLAT = "flat"

    execution_id = models.CharField(max_length=64, unique=True)
    order = models.ForeignKey(PaperOrder, on_delete=models.PROTECT, related_name="fills")
    leg = models.CharField(max_length=6, choices=Leg)
    symbol = models.CharField(max_length=16, db_collation="C")
    side = models.CharField(max_length=4, choices=Signal.Type)
    quantity = models.PositiveIntegerField()
    price = models.DecimalField(max_digits=18, decimal_places=6)
    commission = models.DecimalField(max_digits=12, decimal_places=4, default=Decimal(0))
    executed_at = models.DateTimeField()
    recorded_at = models.DateTimeField(help_text="When it was found: an outage is caught up afterwards.")

    class Meta(TypedModelMeta):
        db_table = "paper_fills"
        ordering = ["-executed_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                name="paper_fill_is_of_something",
                condition=Q(quantity__gt=0, commission__gte=0)
                & (Q(price__gt=0) | Q(price=0, leg="close")),  # worthless
            ),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} at {self.price} on paper"


class PaperDividend(models.Model):
    """Cash of a dividend on paper, negative for a short. Never edited, never deleted.

    What is known better later is a further payment of the difference: `number` counts those of one ex-date.
    """

    account = models.CharField(max_length=20, default=FIRST, db_default=FIRST)
    symbol = models.CharField(max_length=16, db_collation="C")
    ex_date = models.DateField("ex-date")
    number = models.PositiveSmallIntegerField()
    quantity = models.IntegerField(help_text="Shares held as the ex-date's session opened.")
    amount = models.DecimalField(max_digits=18, decimal_places=8, help_text="For one share.")
    cash = models.DecimalField(max_digits=18, decimal_places=2, help_text="In the account's currency.")
    currency = models.CharField(max_length=3, default="USD", help_text="Of the amount.")
    value = models.DecimalField(
        max_digits=18, decimal_places=2, null=True, help_text="In that currency; empty where it is the cash."
    )
    rate = models.DecimalField(
        max_digits=20, decimal_places=10, null=True, help_text="Of that currency in the account's."
    )
    rate_as_of = models.DateTimeField(null=True)
    rate_source = models.CharField(max_length=80, blank=True, default="")
    recorded_at = models.DateTimeField(help_text="When it was paid: an outage is caught up afterwards.")

    class Meta(TypedModelMeta):
        db_table = "paper_dividends"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="paper_dividend_is_paid_once", fields=["account", "symbol", "ex_date", "number"]
            ),
            models.CheckConstraint(name="paper_dividend_is_of_something", condition=~Q(cash=0)),
        ]

    def __str__(self) -> str:
        return f"{self.cash} of {self.symbol} {self.ex_date} on paper"


class WaitingDividend(models.Model):
    """A dividend on paper in another currency that is due and not paid, for no rate is known.

    The row goes when it is paid: at a rate that comes, or at one that a person gives.
    """

    account = models.CharField(max_length=20, default=FIRST, db_default=FIRST)
    symbol = models.CharField(max_length=16, db_collation="C")
    ex_date = models.DateField("ex-date")
    currency = models.CharField(max_length=3)
    quantity = models.IntegerField(help_text="Shares held as the ex-date's session opened.")
    amount = models.DecimalField(max_digits=18, decimal_places=8, help_text="For one share.")
    value = models.DecimalField(
        max_digits=18,
        decimal_places=2,
        help_text="What is due in that currency; below zero for a short.",
    )
    why = models.CharField("waits because", max_length=300)
    since = models.DateTimeField()
    rate = models.DecimalField(
        max_digits=20,
        decimal_places=10,
        null=True,
        help_text="What one unit of its currency is worth in the account's: it is paid at that.",
    )
    rate_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+", editable=False
    )
    rate_at = models.DateTimeField(null=True, editable=False)

    class Meta(TypedModelMeta):
        db_table = "waiting_dividends"
        ordering = ["ex_date", "symbol", "currency"]
        constraints = [
            models.UniqueConstraint(
                name="waiting_dividend_waits_once", fields=["account", "symbol", "ex_date", "currency"]
            ),
            models.CheckConstraint(
                name="waiting_dividend_rate_is_positive", condition=Q(rate=None) | Q(rate__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.value} {self.currency} of {self.symbol} {self.ex_date}"
