"""Whether our orders and their fills add up. When they do not, trading is halted."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, F, OuterRef, Q, Sum
from django.db.models.functions import Coalesce

from approvals import halt
from approvals.models import Fill, Order, TradingHalt
from market.models import Split

LOOKED_BACK = timedelta(days=7)
SPLITS = Split.objects.filter(symbol=OuterRef("symbol"), date__gte=OuterRef("created_at__date"))
FIRST_LEGS = Q(fills__leg__in=(Fill.Leg.ENTRY, Fill.Leg.CLOSE))


@dataclass(frozen=True)
class Sums:
    """An order whose shares do not add up. `told`: what the broker filled of its first leg, as it says.

    `first` and `later`: what the fills of the first leg, and of the attached exits, add up to.
    """

    pk: UUID
    quantity: int
    told: int
    first: int
    later: int

    @property
    def cannot_be(self) -> bool:
        return self.first > self.quantity or self.later > self.first == self.told

    def __str__(self) -> str:
        return (
            f"Order {self.pk} asks for {self.quantity} shares. The broker says that it filled {self.told}, "
            f"the fills are {self.first}, and {self.later} of its exits."
        )


def differences(at: datetime) -> list[Sums]:
    """The orders that do not add up, of those that still can change or did lately."""
    sums = (
        Order.objects.filter(submitted_at__isnull=False)
        .filter(Q(ended_at=None) | Q(ended_at__gte=at - LOOKED_BACK) | Q(exits_working=True))
        .annotate(
            first=Coalesce(Sum("fills__quantity", filter=FIRST_LEGS), 0),
            later=Coalesce(Sum("fills__quantity", filter=~FIRST_LEGS), 0),
        )
        .annotate(is_split=Exists(SPLITS))  # then more shares are sold than were bought
        .exclude(kind=Order.Kind.CLOSE, is_split=True)  # it trades what the shares have become
        .filter(~Q(first=F("filled_quantity")) | Q(later__gt=F("first"), is_split=False))
        .order_by("created_at", "pk")
        .values_list("pk", "quantity", "filled_quantity", "first", "later")
    )
    return [Sums(*row) for row in sums]


def halt_on_mismatch(before: list[Sums], at: datetime) -> None:
    """Halt for what cannot be, and for what was so `before` this reconciliation already and still is.

    What a person has resumed from is not halted for again.
    """
    for sums in differences(at):
        if sums.cannot_be or sums in before:
            known = TradingHalt.objects.filter(cause=TradingHalt.Cause.MISMATCH, reason=str(sums))
            if not known.exists():
                halt.start(TradingHalt.Cause.MISMATCH, str(sums), at)
