"""What people wanted of orders after they were made."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import OrderDecision
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin


class DecidedFilter(DayFilter):
    field = "decided_at"


@admin.register(OrderDecision)
class OrderDecisionAdmin(LogAdmin):
    list_display = ["decided", "action", "of", "decided_by", "notes"]
    list_filter = ["action", "decided_by", DecidedFilter]
    list_select_related = ["order", "decided_by"]
    search_fields = ["order__symbol__exact", "notes"]
    search_help_text = "A symbol in capitals, or words of the notes"
    ordering = ["-pk"]
    fields = ["decided", "action", "of", "decided_by", "notes", "screen", "etag"]

    @admin.display(description="decided (UTC)")
    def decided(self, decision: OrderDecision) -> str:
        return approval_formatting.at(decision.decided_at)

    @admin.display(description="order")
    def of(self, decision: OrderDecision) -> SafeString | str:
        return approval_formatting.link(decision.order)

    @admin.display(description="on the screen")
    def screen(self, decision: OrderDecision) -> SafeString | str:
        return approval_formatting.facts(decision.shown)
