"""Filters that the lists of several apps share."""

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from core.admin.read_only import ModelAdmin

DAY = timedelta(days=1)


class DayFilter(admin.SimpleListFilter):
    """The rows of some days of UTC, by one instant of theirs: `field`."""

    title = "day"
    parameter_name = "day"
    spans = {"today": (0, 1), "yesterday": (-1, 0), "past 7 days": (-6, 1), "past 30 days": (-29, 1)}
    field: str

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(name, name) for name in self.spans]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen not in self.spans:
            return queryset
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        first, last = (today + days * DAY for days in self.spans[chosen])
        return queryset.filter(**{f"{self.field}__gte": first, f"{self.field}__lt": last})
