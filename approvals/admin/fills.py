"""Shares that changed hands."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals.admin import words
from approvals.admin.kept import DayFilter, Kept
from approvals.models import Fill
from market import words as market_words
from signals.words import side


class ExecutedFilter(DayFilter):
    field = "executed_at"


@admin.register(Fill)
class FillAdmin(Kept):
    list_display = [
        *["executed", "chart_of", "way", "quantity", "paid", "costs", "leg", "of", "broker", "execution_id"],
    ]
    list_filter = ["leg", "side", ("order", admin.EmptyFieldListFilter), ExecutedFilter]
    list_select_related = ["order"]
    search_fields = ["symbol__exact", "execution_id__exact"]
    search_help_text = "A symbol in capitals, or the broker's execution id"
    ordering = ["-pk"]
    fields = [
        *["chart_of", "way", "quantity", "paid", "costs", "leg", "of", "broker", "execution_id"],
        *["executed", "recorded"],
    ]

    @admin.display(description="executed (UTC)")
    def executed(self, fill: Fill) -> str:
        return words.at(fill.executed_at)

    @admin.display(description="recorded (UTC)")
    def recorded(self, fill: Fill) -> str:
        return words.at(fill.recorded_at)

    @admin.display(description="symbol")
    def chart_of(self, fill: Fill) -> SafeString:
        return market_words.chart_link(fill.symbol)

    @admin.display(description="side")
    def way(self, fill: Fill) -> SafeString:
        return side(fill.side)

    @admin.display(description="price")
    def paid(self, fill: Fill) -> str:
        return words.price(fill.price)

    @admin.display(description="commission")
    def costs(self, fill: Fill) -> str:
        return words.money(fill.commission)

    @admin.display(description="order")
    def of(self, fill: Fill) -> SafeString | str:
        return words.link(fill.order) if fill.order else "not ours"
