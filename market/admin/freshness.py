"""How an instrument is doing, in one word: its dot in the list and the filter beside it."""

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest
from django.utils import timezone

from market.models import Instrument, Quote
from market.queries.freshness import stale_symbols
from market.quotes import QuoteView

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class Health(StrEnum):
    FRESH = "fresh"
    STALE = "stale"
    NO_QUOTE = "no quote"
    SPLIT = "split pending"
    UNWATCHED = "not watched"

    @property
    def tone(self) -> str:
        return {Health.FRESH: "good", Health.STALE: "bad", Health.SPLIT: "warn"}.get(self, "none")


def of(instrument: Instrument, view: QuoteView | None) -> Health:
    if not instrument.watched:
        return Health.UNWATCHED
    if instrument.split_pending_since:
        return Health.SPLIT
    if view is None:
        return Health.NO_QUOTE
    return Health.STALE if view.stale else Health.FRESH


def doing(instruments: QuerySet[Instrument], health: Health, at: datetime) -> QuerySet[Instrument]:
    """Return the instruments of which `of` says `health`."""
    if health is Health.UNWATCHED:
        return instruments.filter(watched=False)
    watched = instruments.filter(watched=True)
    if health is Health.SPLIT:
        return watched.exclude(split_pending_since=None)
    unsplit, quoted = (
        watched.filter(split_pending_since=None),
        Exists(Quote.objects.filter(pk=OuterRef("pk"))),
    )
    if health is Health.NO_QUOTE:
        return unsplit.filter(~quoted)
    stale = stale_symbols(at)
    return (
        unsplit.filter(quoted, pk__in=stale)
        if health is Health.STALE
        else unsplit.filter(quoted).exclude(pk__in=stale)
    )


class HealthFilter(admin.SimpleListFilter):
    title = "health"
    parameter_name = "health"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> Iterator[tuple[str, str]]:
        return ((health.value, health.value) for health in Health)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> QuerySet[Instrument]:
        chosen = self.value()
        return doing(queryset, Health(chosen), timezone.now()) if chosen in set(Health) else queryset


class ProviderFilter(admin.SimpleListFilter):
    title = "quote from"
    parameter_name = "provider"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        names = Quote.objects.order_by("provider").values_list("provider", flat=True).distinct()
        return [(name, name) for name in names]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Instrument]) -> QuerySet[Instrument]:
        if self.value() is None:
            return queryset
        return queryset.filter(pk__in=Quote.objects.filter(provider=self.value()).values("pk"))
