"""Orders and what people wanted of them after they were made."""

import hashlib
import uuid
from decimal import Decimal

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from approvals.models.decisions import TradeApproval
from core.models import TypedModelMeta
from signals.models import Signal


class OrderQuerySet(models.QuerySet["Order"]):
    def entries(self) -> "OrderQuerySet":
        return self.filter(kind=Order.Kind.ENTRY)

    def protections(self) -> "OrderQuerySet":
        return self.filter(kind=Order.Kind.PROTECT)

    def guarding(self) -> "OrderQuerySet":
        """Return those with a stop and a target: entries and protections."""
        return self.filter(kind__in=[Order.Kind.ENTRY, Order.Kind.PROTECT])

    def in_(self, *statuses: "Order.Status") -> "OrderQuerySet":
        return self.filter(status__in=statuses)

    def unsent(self) -> "OrderQuerySet":
        """Return those that no broker knows of: dropping one is ours alone."""
        return self.in_(Order.Status.WAITING_OPEN, Order.Status.HELD, Order.Status.PENDING_SUBMIT)

    def working(self) -> "OrderQuerySet":
        """Return those whose first leg may still fill."""
        return self.in_(*Order.WORKING)


class Order(models.Model):
    """An entry with stop and target attached, the closing of a position, or a protection.

    Its id is the client order id. An entry exists because of one approval; a closing because of an approval
    or of a person's wish. A protection is a stop, mostly with a target, for shares that are held without:
    its side is that of the exit, and what it fills is counted as of its first leg. The row is written before
    the broker is called; a lost answer leaves it `unknown` until the broker was asked.
    """

    class Kind(models.TextChoices):
        ENTRY = "entry"
        CLOSE = "close"
        PROTECT = "protect", "protection"

    class Status(models.TextChoices):
        WAITING_OPEN = "waiting_open", "waiting for the open"
        HELD = "held", "held: needs a new look"
        PENDING_SUBMIT = "pending_submit", "about to be sent"
        SUBMITTED = "submitted"
        PARTIALLY_FILLED = "partially_filled", "partially filled"
        FILLED = "filled"
        CANCELLED = "cancelled"
        REJECTED = "rejected", "rejected by the broker"
        UNKNOWN = "unknown", "unknown: being looked up"

    class AtBroker(models.TextChoices):
        """What the broker does with an order besides: of any of its legs, of its first for `replaced`."""

        PENDING_CANCEL = "pending_cancel", "being cancelled"
        PENDING_REPLACE = "pending_replace", "being replaced"
        REPLACED = "replaced", "replaced at the broker"

    UNSENT = (Status.WAITING_OPEN, Status.HELD, Status.PENDING_SUBMIT)
    SENT = (Status.SUBMITTED, Status.PARTIALLY_FILLED, Status.UNKNOWN)
    WORKING = (*UNSENT, *SENT)

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    kind = models.CharField(max_length=7, choices=Kind)
    approval = models.OneToOneField(
        TradeApproval, null=True, blank=True, on_delete=models.PROTECT, related_name="order"
    )
    symbol = models.CharField(max_length=16, db_collation="C")
    side = models.CharField(max_length=4, choices=Signal.Type)
    quantity = models.PositiveIntegerField()
    currency = models.CharField(max_length=3)
    limit_price = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    stop_loss = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    take_profit = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    stop_level = models.DecimalField(
        max_digits=18, decimal_places=6, null=True, help_text="Where the stop stands since it was moved."
    )
    target_level = models.DecimalField(
        max_digits=18, decimal_places=6, null=True, help_text="Where the target stands since it was moved."
    )
    is_part = models.BooleanField(
        default=False, help_text="It closes so many shares; the stop and target of the others stay."
    )
    shares_of = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="followers",
        help_text="The order whose shares it guards or closes. Empty: of all that is held.",
    )
    settlement_price = models.DecimalField(
        max_digits=18,
        decimal_places=6,
        null=True,
        blank=True,
        help_text="What a person closes a share at that does not trade any more; 0 when it is worthless.",
    )
    good_until = models.DateTimeField(
        null=True,
        help_text="Unfilled by then, the entry is cancelled. While it waits for the open: that day's close.",
    )
    flat_at = models.DateTimeField(null=True, help_text="What is held then is closed at the market.")
    due_at = models.DateTimeField(
        null=True, help_text="When an order that waits for the open is looked at again."
    )
    status = models.CharField(max_length=16, choices=Status)
    status_reason = models.TextField(blank=True)
    broker = models.CharField(max_length=20, blank=True, help_text="Empty until it is sent.")
    broker_order_id = models.CharField(max_length=64, blank=True)
    at_broker = models.CharField(
        max_length=15,
        choices=AtBroker,
        blank=True,
        default="",
        db_default="",
        help_text="What the broker does with it besides its status.",
    )
    filled_quantity = models.PositiveIntegerField(
        default=0, help_text="Shares of the entry, or of the closing."
    )
    exits_working = models.BooleanField(default=False, help_text="A stop or a target waits at the broker.")
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_index=True)
    released_at = models.DateTimeField(
        null=True, help_text="When a person last said that it may be sent: by approving or by releasing it."
    )
    submitted_at = models.DateTimeField(null=True, help_text="Written just before the broker was called.")
    acknowledged_at = models.DateTimeField(null=True, help_text="When the broker's answer was first known.")
    cancel_requested_at = models.DateTimeField(null=True)
    cancel_exits = models.BooleanField(default=False, help_text="Its stop and target are to go too.")
    lookups = models.PositiveSmallIntegerField(
        default=0, help_text="How often the broker was asked for it and did not know it."
    )
    ended_at = models.DateTimeField(null=True, help_text="When it was filled, cancelled or rejected.")

    objects = OrderQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "orders"
        ordering = ["-created_at", "id"]
        constraints = [
            models.CheckConstraint(name="order_buys_or_sells_something", condition=Q(quantity__gt=0)),
            models.CheckConstraint(
                name="order_fills_no_more_than_it_asks", condition=Q(filled_quantity__lte=F("quantity"))
            ),
            models.CheckConstraint(
                name="order_entry_has_an_approval", condition=~Q(kind="entry") | Q(approval__isnull=False)
            ),
            models.CheckConstraint(
                name="order_levels_are_on_their_sides",
                condition=Q(kind="close", limit_price=None, stop_loss=None, take_profit=None)
                | Q(
                    kind="entry",
                    side="BUY",
                    stop_loss__gt=0,
                    stop_loss__lt=F("limit_price"),
                    take_profit__gt=F("limit_price"),
                )
                | Q(
                    kind="entry",
                    side="SELL",
                    take_profit__gt=0,
                    take_profit__lt=F("limit_price"),
                    stop_loss__gt=F("limit_price"),
                )
                | Q(
                    Q(take_profit=None) | Q(take_profit__gt=F("stop_loss")),
                    kind="protect",
                    side="SELL",
                    limit_price=None,
                    stop_loss__gt=0,
                )
                | Q(
                    Q(take_profit=None) | Q(take_profit__gt=0, take_profit__lt=F("stop_loss")),
                    kind="protect",
                    side="BUY",
                    limit_price=None,
                    stop_loss__gt=0,
                ),
            ),
            models.CheckConstraint(
                name="order_settles_only_what_it_closes",
                condition=Q(settlement_price=None) | Q(kind="close", settlement_price__gte=0),
            ),
            models.CheckConstraint(
                name="order_is_written_before_it_is_sent",
                condition=~Q(status__in=["submitted", "partially_filled", "filled", "rejected", "unknown"])
                | Q(submitted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="order_ends_once",
                condition=Q(status__in=["filled", "cancelled", "rejected"], ended_at__isnull=False)
                | (~Q(status__in=["filled", "cancelled", "rejected"]) & Q(ended_at=None)),
            ),
            models.UniqueConstraint(
                name="order_closes_a_position_once",
                fields=["symbol"],
                condition=Q(
                    kind="close",
                    status__in=["pending_submit", "submitted", "partially_filled", "unknown"],
                ),
            ),
        ]
        indexes = [
            models.Index(
                name="order_working",
                fields=["symbol", "created_at"],
                condition=~Q(status__in=["filled", "cancelled", "rejected"]),
            ),
            models.Index(name="order_exits", fields=["symbol"], condition=Q(exits_working=True)),
        ]

    def __str__(self) -> str:
        return f"{self.side} {self.quantity} {self.symbol} ({self.get_kind_display()})"

    def fingerprint(self) -> str:
        """Stands for what a person sees of an order that needs a new look."""
        prices = (self.limit_price, self.stop_loss, self.take_profit)
        parts = [self.status, self.status_reason, self.quantity, *prices, self.released_at]
        parts += [level for level in (self.stop_level, self.target_level) if level is not None]
        return hashlib.sha256("\n".join(map(str, parts)).encode()).hexdigest()[:32]

    @property
    def state(self) -> str:
        """Its status in words, with what the broker does besides, or is asked to do."""
        besides = self.get_at_broker_display()
        ends = self.status in self.SENT or (self.cancel_exits and self.exits_working)
        if not besides and ends and self.cancel_requested_at:
            besides = self.AtBroker.PENDING_CANCEL.label
        return f"{self.get_status_display()}, {besides}" if besides else self.get_status_display()

    @property
    def sign(self) -> int:
        """Return 1 for an order of a long position, that it makes, guards or ends; -1 of a short one."""
        return 1 if (self.side == Signal.Type.BUY) == (self.kind == Order.Kind.ENTRY) else -1

    @property
    def guardable(self) -> int:
        """Return the shares that its stop and target were to guard, those that they have sold included."""
        return self.filled_quantity if self.kind == Order.Kind.ENTRY else self.quantity

    @property
    def stop_now(self) -> Decimal | None:
        """Where its stop stands; `stop_loss` is where it was placed."""
        return self.stop_loss if self.stop_level is None else self.stop_level

    @property
    def target_now(self) -> Decimal | None:
        """Where its target stands."""
        return self.take_profit if self.target_level is None else self.target_level

    @property
    def risk(self) -> Decimal:
        """What the whole order loses between its limit and its stop; 0 for a closing."""
        if self.limit_price is None or self.stop_loss is None:
            return Decimal(0)
        return abs(self.limit_price - self.stop_loss) * self.quantity


class OrderDecision(models.Model):
    """What a person wanted of an order after it was made. Never edited, never deleted."""

    class Action(models.TextChoices):
        RELEASE = "release"
        DROP = "drop"
        CANCEL = "cancel"
        CLOSE = "close"
        MOVE = "move", "move stop or target"
        TRAIL = "trail", "trail the stop"
        UNTRAIL = "untrail", "end trailing"
        PROTECT = "protect", "put a stop back"

    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="decisions")
    action = models.CharField(max_length=7, choices=Action)
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField()
    notes = models.TextField(blank=True)
    etag = models.CharField(max_length=64, blank=True)
    shown = models.JSONField(default=dict)

    class Meta(TypedModelMeta):
        db_table = "order_decisions"
        ordering = ["-decided_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.action} {self.order}"
