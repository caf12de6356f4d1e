"""What closed trades made."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import Trade
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin
from market import formatting as market_formatting
from signals.formatting import side


class ClosedFilter(DayFilter):
    field = "closed_at"


@admin.register(Trade)
class TradeAdmin(LogAdmin):
    list_display = ["closed", "chart_of", "way", "shares", "bought", "left", "made", "exit", "strategy_id"]
    list_filter = ["exit", "side", "strategy_id", ClosedFilter]
    search_fields = ["symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-closed_at", "-pk"]

    @admin.display(description="closed (UTC)", ordering="closed_at")
    def closed(self, trade: Trade) -> str:
        return approval_formatting.at(trade.closed_at)

    @admin.display(description="symbol")
    def chart_of(self, trade: Trade) -> SafeString:
        return market_formatting.chart_link(trade.symbol)

    @admin.display(description="side")
    def way(self, trade: Trade) -> SafeString:
        return side(trade.side)

    @admin.display(description="entry")
    def bought(self, trade: Trade) -> str:
        return approval_formatting.price(trade.entry_price)

    @admin.display(description="exit at")
    def left(self, trade: Trade) -> str:
        return approval_formatting.price(trade.exit_price)

    @admin.display(description="net", ordering="net")
    def made(self, trade: Trade) -> str:
        return f"{approval_formatting.money(trade.net)} {trade.currency}"
