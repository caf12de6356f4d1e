"""The bars in doubt that lie inside the trades of a scorecard."""

from collections import defaultdict
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


def doubted(outcomes: QuerySet[Outcome], columns: Sequence[str]) -> dict[tuple[str | None, ...], int]:
    """Return by these columns of outcomes how many bars in doubt they were played on. Two queries at most."""
    suspects = Candle.objects.filter(suspect=True)
    inside = suspects.filter(
        symbol=OuterRef("symbol"),
        timeframe=OuterRef("played_on"),
        opened_at__gte=OuterRef("entered_at"),
    )
    played = list(
        outcomes.order_by()
        .filter(Exists(inside))
        .values_list("symbol", "played_on", "entered_at", "exited_at", *columns)
    )
    bars: dict[tuple[str, str], list[datetime]] = defaultdict(list)
    if played:
        of_these = suspects.filter(symbol__in={row[0] for row in played})
        for symbol, timeframe, opened_at in of_these.values_list("symbol", "timeframe", "opened_at"):
            bars[symbol, timeframe].append(opened_at)
    by_key: dict[tuple[str | None, ...], set[tuple[str, str, datetime]]] = defaultdict(set)
    for symbol, timeframe, entered_at, exited_at, *key in played:
        by_key[tuple(key)] |= {
            (symbol, timeframe, opened_at)
            for opened_at in bars[symbol, timeframe]
            if entered_at <= opened_at and (exited_at is None or opened_at <= exited_at)
        }
    return {key: len(of_key) for key, of_key in by_key.items()}


def doubt(outcomes: QuerySet[Outcome]) -> Doubt:
    """Return the bars in doubt on which these outcomes were played. One query; two while there are any."""
    suspects = Candle.objects.filter(suspect=True)
    if not suspects.exists():
        return Doubt()
    played = outcomes.order_by().filter(
        Q(exited_at=None) | Q(exited_at__gte=OuterRef("opened_at")),
        symbol=OuterRef("symbol"),
        played_on=OuterRef("timeframe"),
        entered_at__lte=OuterRef("opened_at"),
    )
    bars = suspects.filter(Exists(played)).order_by("-opened_at", "symbol", "timeframe")
    counted = bars.annotate(total=Window(Count("*")))
    rows = list(counted.values_list("symbol", "timeframe", "opened_at", "total")[:SHOWN])
    return Doubt(rows[0][-1] if rows else 0, [DoubtedBar(*row[:-1]) for row in rows])
