"""The bars in doubt that lie inside the trades of a scorecard."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Window

from approvals.models import Outcome
from market.models import Candle

SHOWN = 10


@dataclass(frozen=True)
class DoubtedBar:
    symbol: str
    timeframe: str
    opened_at: datetime


@dataclass(frozen=True)
class Doubt:
    """How many bars in doubt trades were played on, and the newest of them."""

    count: int = 0
    newest: Sequence[DoubtedBar] = ()


def doubt(outcomes: QuerySet[Outcome]) -> Doubt:
    """Return the bars in doubt on which these outcomes were played. One query."""
    played = outcomes.order_by().filter(
        Q(exited_at=None) | Q(exited_at__gte=OuterRef("opened_at")),
        symbol=OuterRef("symbol"),
        played_on=OuterRef("timeframe"),
        entered_at__lte=OuterRef("opened_at"),
    )
    bars = Candle.objects.filter(Exists(played), suspect=True).order_by("-opened_at", "symbol", "timeframe")
    counted = bars.annotate(total=Window(Count("*")))
    rows = list(counted.values_list("symbol", "timeframe", "opened_at", "total")[:SHOWN])
    return Doubt(rows[0][-1] if rows else 0, [DoubtedBar(*row[:-1]) for row in rows])
