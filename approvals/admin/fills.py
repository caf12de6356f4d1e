"""Shares that changed hands."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import BrokerExecution, Fill
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin
from core.admin.tables import table
from market import formatting as market_formatting
from signals.formatting import side


class ExecutedFilter(DayFilter):
    field = "executed_at"


@admin.register(Fill)
class FillAdmin(LogAdmin):
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
        *["executed", "recorded", "told"],
    ]

    @admin.display(description="as the broker told it")
    def told(self, fill: Fill) -> SafeString | str:
        titles = ["told (UTC)", "execution", "corrects", "shares", "price", "commission", "executed (UTC)"]
        return table(titles, map(_telling, fill.told.order_by("pk")))

    @admin.display(description="executed (UTC)")
    def executed(self, fill: Fill) -> str:
        return approval_formatting.at(fill.executed_at)

    @admin.display(description="recorded (UTC)")
    def recorded(self, fill: Fill) -> str:
        return approval_formatting.at(fill.recorded_at)

    @admin.display(description="symbol")
    def chart_of(self, fill: Fill) -> SafeString:
        return market_formatting.chart_link(fill.symbol)

    @admin.display(description="side")
    def way(self, fill: Fill) -> SafeString:
        return side(fill.side)

    @admin.display(description="price")
    def paid(self, fill: Fill) -> str:
        return approval_formatting.price(fill.price)

    @admin.display(description="commission")
    def costs(self, fill: Fill) -> str:
        return approval_formatting.commission(fill)

    @admin.display(description="order")
    def of(self, fill: Fill) -> SafeString | str:
        return approval_formatting.link(fill.order) if fill.order else "not ours"


def _telling(told: BrokerExecution) -> list[str]:
    paid = "not told" if told.commission is None else f"{told.commission} {told.commission_currency}".rstrip()
    return [
        approval_formatting.at(told.told_at),
        told.execution_id,
        told.corrects,
        f"{told.quantity:,}",
        approval_formatting.price(told.price),
        paid,
        approval_formatting.at(told.executed_at),
    ]
