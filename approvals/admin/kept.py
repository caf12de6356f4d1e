"""Lists of records that only grow: nothing in them counts or sorts all of their rows."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone

from market.admin.recorded import Recorded
from signals.admin import filters
from signals.admin.people import asking


class Kept(Recorded):
    """A record to read. Its first 10,000 rows are counted, and none is sorted but by its index."""

    paginator = filters.FirstPages
    show_facets = admin.ShowFacets.NEVER
    sortable_by = ()


class DayFilter(filters.DayFilter):
    """The rows of some days, by one instant of theirs."""

    field: str

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        chosen = self.value()
        if chosen not in self.spans:
            return queryset
        today = timezone.now().replace(hour=0, minute=0, second=0, microsecond=0)
        first, last = (today + days * filters.DAY for days in self.spans[chosen])
        return queryset.filter(**{f"{self.field}__gte": first, f"{self.field}__lt": last})


def may(request: HttpRequest, permission: str) -> bool:
    return asking(request).has_perm(f"approvals.{permission}")
