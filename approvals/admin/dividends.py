"""Dividends of the account on paper."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import PaperDividend
from core.admin.read_only import LogAdmin
from market import formatting as market_formatting


@admin.register(PaperDividend)
class PaperDividendAdmin(LogAdmin):
    list_display = ["ex_date", "chart_of", "quantity", "for_one", "cash", "recorded"]
    search_fields = ["symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-pk"]
    fields = ["ex_date", "chart_of", "quantity", "for_one", "cash", "recorded"]

    @admin.display(description="symbol")
    def chart_of(self, dividend: PaperDividend) -> SafeString:
        return market_formatting.chart_link(dividend.symbol)

    @admin.display(description="for one share")
    def for_one(self, dividend: PaperDividend) -> str:
        return market_formatting.amount(dividend.amount)

    @admin.display(description="recorded (UTC)")
    def recorded(self, dividend: PaperDividend) -> str:
        return approval_formatting.at(dividend.recorded_at)
