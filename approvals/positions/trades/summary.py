"""What some closed trades came to together, in each currency."""

from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal

from django.db.models import Avg, Count, F, Q, QuerySet, Sum
from django.db.models.functions import Coalesce

from approvals.models import Charge, Trade

ZERO = Decimal(0)


@dataclass(frozen=True)
class Summary:
    """The trades of one currency. `won`, `lost`: how many made and lost money; the others came out even.

    `gained`, `given`: what those made and lost, neither negative. `r`: the mean of those whose risk is known,
    None when there are none; `without_r`: how many have none. `planned_r`: the mean over the planned risk.
    `held_for`: the mean. `unknown`: of how many a commission is not yet known; neither `commission` nor
    `net` has it.
    """

    currency: str
    trades: int
    won: int
    lost: int
    net: Decimal
    commission: Decimal
    unknown: int
    charges: Decimal
    gained: Decimal
    given: Decimal
    r: Decimal | None
    planned_r: Decimal | None
    without_r: int
    held_for: timedelta

    @property
    def profit_factor(self) -> Decimal | None:
        """Return what was gained for each unit that was lost; None when nothing was."""
        return self.gained / self.given if self.given else None

    @property
    def win_rate(self) -> float:
        return self.won / self.trades


@dataclass(frozen=True)
class Charged:
    """What was charged of a kind, in a currency, together. Below zero: it was paid."""

    currency: str
    kind: str
    amount: Decimal
    charges: int

    @property
    def label(self) -> str:
        return str(Charge.Kind(self.kind).label)


def charged(charges: QuerySet[Charge]) -> list[Charged]:
    """Return what the charges came to, by currency and kind. One query."""
    rows = charges.order_by("currency", "kind").values("currency", "kind")
    return [Charged(**row) for row in rows.annotate(amount=Sum("amount"), charges=Count("pk"))]


def summaries(trades: QuerySet[Trade]) -> list[Summary]:
    """Return what the trades came to, by currency. One query."""
    won, lost = Q(net__gt=0), Q(net__lt=0)
    rows = (
        trades.order_by("currency")
        .values("currency")
        .annotate(
            trades=Count("pk"),
            won=Count("pk", filter=won),
            lost=Count("pk", filter=lost),
            total=Sum("net"),
            fees=Sum("commission"),
            unknown=Count("pk", filter=Q(commissions_unknown__gt=0)),
            charged=Sum("charges"),
            gained=Coalesce(Sum("net", filter=won), ZERO),
            given=-Coalesce(Sum("net", filter=lost), ZERO),
            mean_r=Avg(F("net") / F("risk"), filter=Q(risk__gt=0)),
            mean_planned_r=Avg(F("net") / F("planned_risk"), filter=Q(planned_risk__gt=0)),
            without_r=Count("pk", filter=Q(risk=None)),
            mean_time=Avg(F("closed_at") - F("opened_at")),
        )
    )
    return [
        Summary(
            row["currency"],
            row["trades"],
            row["won"],
            row["lost"],
            row["total"],
            row["fees"],
            row["unknown"],
            row["charged"],
            row["gained"],
            row["given"],
            row["mean_r"],
            row["mean_planned_r"],
            row["without_r"],
            row["mean_time"],
        )
        for row in rows
    ]
