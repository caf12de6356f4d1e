"""Stops and targets that were moved, and rules by which stops follow the price."""

from django.contrib import admin

from approvals import formatting as approval_formatting
from approvals.models import ExitChange, TrailingStop
from core.admin.read_only import LogAdmin


@admin.register(ExitChange)
class ExitChangeAdmin(LogAdmin):
    list_display = ["asked", "order", "leg", "was", "wanted", "state", "requested_by", "reason"]
    list_filter = ["state", "leg"]
    list_select_related = ["order", "requested_by"]
    search_fields = ["order__symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-requested_at", "pk"]

    @admin.display(description="asked for (UTC)", ordering="requested_at")
    def asked(self, change: ExitChange) -> str:
        return approval_formatting.at(change.requested_at)

    @admin.display(description="from")
    def was(self, change: ExitChange) -> str:
        return approval_formatting.price(change.before)

    @admin.display(description="to")
    def wanted(self, change: ExitChange) -> str:
        return approval_formatting.price(change.level)


@admin.register(TrailingStop)
class TrailingStopAdmin(LogAdmin):
    list_display = ["since", "order", "rule", "best_price", "set_by", "ended", "ended_reason"]
    list_select_related = ["order", "set_by"]
    search_fields = ["order__symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-set_at", "-pk"]

    @admin.display(description="set (UTC)", ordering="set_at")
    def since(self, rule: TrailingStop) -> str:
        return approval_formatting.at(rule.set_at)

    @admin.display
    def rule(self, rule: TrailingStop) -> str:
        return str(rule)

    @admin.display(description="best price")
    def best_price(self, rule: TrailingStop) -> str:
        return approval_formatting.price(rule.best)

    @admin.display(description="ended (UTC)", ordering="ended_at")
    def ended(self, rule: TrailingStop) -> str:
        return approval_formatting.at(rule.ended_at) if rule.ended_at else ""
