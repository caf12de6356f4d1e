"""Filters and search of signals that stay fast among a million: none counts or sorts them all."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any, cast

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date

from core.admin.filters import DAY, DayFilter
from core.admin.read_only import ModelAdmin
from signals import formatting as signal_formatting
from signals.models import Signal, StrategyConfig
from signals.models.signals import SignalQuerySet


class GeneratedFilter(DayFilter):
    """When a signal was generated."""

    field = "generated_at"


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(status.value, status.value) for status in Signal.Status]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Signal]) -> QuerySet[Signal]:
        status = self.value() or ""
        if status not in set(Signal.Status):
            return queryset
        return cast(SignalQuerySet, queryset).in_status(timezone.now(), Signal.Status(status))


class StrategyFilter(admin.SimpleListFilter):
    title = "strategy"
    parameter_name = "strategy"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        names = StrategyConfig.objects.order_by("strategy_id").values_list("strategy_id", flat=True)
        return [(name, signal_formatting.strategy(name)) for name in names.distinct()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset if self.value() is None else queryset.filter(strategy_id=self.value())


def meaning(word: str, symbols: Collection[str]) -> Q:
    """Return the condition of a word in the search box. `symbols`: those that exist."""
    if word in symbols:
        return Q(symbol=word)
    if day := _day(word):
        return Q(generated_at__gte=day, generated_at__lt=day + DAY)
    return Q(symbol__icontains=word) | Q(reasoning__icontains=word)


def _day(word: str) -> datetime | None:
    try:
        date = parse_date(word)
    except ValueError:
        return None
    return datetime(date.year, date.month, date.day, tzinfo=UTC) if date else None
