"""What providers changed of instruments: a new name, a delisting."""

from django.contrib import admin
from django.utils.safestring import SafeString

from core.admin.read_only import LogAdmin
from market import formatting as market_formatting
from market.models import DetailChange


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
