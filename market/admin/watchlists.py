"""The named watchlists in admin, and what providers changed of instruments."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core.admin.read_only import LogAdmin, ReadOnlyAdmin
from market import formatting as market_formatting
from market.models import DetailChange, Watchlist


@admin.register(Watchlist)
class WatchlistAdmin(ReadOnlyAdmin):
    """The lists. They are edited on the desk, by the same users, where each edit touches one entry."""

    list_display = ["name", "size", "created_by", "created_at", "edit"]
    list_display_links = None
    search_fields = ["name"]
    fields = ["name", "created_by", "created_at", "edit"]
    readonly_fields = ["edit"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Watchlist]:
        return Watchlist.objects.with_size().select_related("created_by")

    @admin.display(description="instruments")
    def size(self, watchlist: Any) -> int:
        return int(watchlist.size)

    @admin.display(description="")
    def edit(self, watchlist: Watchlist) -> SafeString:
        address = reverse("watchlist-edit", args=[watchlist.pk])
        return format_html(
            '<a href="{}">Edit<span class="visually-hidden"> {}</span></a>', address, watchlist.name
        )


@admin.register(DetailChange)
class DetailChangeAdmin(LogAdmin):
    list_display = ["chart_of", "fact", "before", "after", "provider", "found_at"]
    list_display_links = None
    list_filter = ["fact", "provider"]
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"

    @admin.display(description="symbol")
    def chart_of(self, change: DetailChange) -> SafeString:
        return market_formatting.chart_link(change.symbol)
