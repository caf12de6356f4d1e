"""How signals are found, also among a million of them: nothing here counts or sorts them all."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from market.admin.recorded import ModelAdmin
from signals import words
from signals.models import Signal, StrategyConfig

if TYPE_CHECKING:
    Pages = Paginator[Signal]
else:
    Pages = Paginator

COUNTED = 10_000
DAY = timedelta(days=1)


class FirstPages(Pages):
    """The first 10,000: counting all of a million would take longer than showing a page."""

    @cached_property
    def count(self) -> int:
        return cast("QuerySet[Signal]", self.object_list).order_by().values("pk")[:COUNTED].count()

    @property
    def is_cut(self) -> bool:
        """Whether there may be more than these pages show."""
        return self.count == COUNTED


class StatusFilter(admin.SimpleListFilter):
    """The status that counts: an overdue signal is expired before anything has said so."""

    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(status.value, status.value) for status in Signal.Status]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signal]) -> QuerySet[Signal]:
        chosen, overdue = self.value(), Q(status=Signal.Status.PENDING, expires_at__lte=timezone.now())
        if chosen not in set(Signal.Status):
            return queryset
        if chosen == Signal.Status.EXPIRED:
            return queryset.filter(Q(status=chosen) | overdue)
        return queryset.filter(status=chosen).exclude(overdue)


class StrategyFilter(admin.SimpleListFilter):
    title = "strategy"
    parameter_name = "strategy"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        names = StrategyConfig.objects.order_by("strategy_id").values_list("strategy_id", flat=True)
        return [(name, words.strategy(name)) for name in names.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(strategy_id=self.value())


class DayFilter(admin.SimpleListFilter):
    """When it was generated, in days of UTC."""

    title = "day"
    parameter_name = "day"
    spans = {"today": (0, 1), "yesterday": (-1, 0), "past 7 days": (-6, 1), "past 30 days": (-29, 1)}

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(name, name) for name in self.spans]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signal]) -> QuerySet[Signal]:
        chosen = self.value()
        if chosen not in self.spans:
            return queryset
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        first, last = self.spans[chosen]
        return queryset.filter(generated_at__gte=today + first * DAY, generated_at__lt=today + last * DAY)


def meaning(word: str, symbols: Collection[str]) -> Q:
    """What a word in the search box asks for. `symbols`: those that are known."""
    if word in symbols:
        return Q(symbol=word)
    if day := _day(word):
        return Q(generated_at__gte=day, generated_at__lt=day + DAY)
    return Q(symbol__icontains=word) | Q(reasoning__icontains=word)


def _day(word: str) -> datetime | None:
    try:
        found = parse_date(word)
    except ValueError:
        return None
    return datetime(found.year, found.month, found.day, tzinfo=UTC) if found else None
