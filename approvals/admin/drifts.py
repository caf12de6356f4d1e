"""Where the account held other shares than our orders made, and what became of them."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import Drift
from core import formatting
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin


class FirstSeenFilter(DayFilter):
    field = "first_seen_at"


@admin.register(Drift)
class DriftAdmin(LogAdmin):
    """Answered on the page of positions, where the shares are."""

    list_display = [
        "first_seen",
        "state",
        "symbol",
        "ours",
        "held",
        "cause",
        "answer",
        "answered_by",
        "broker",
    ]
    list_display_links = ["symbol"]
    list_filter = ["cause", ("ended_at", admin.EmptyFieldListFilter), FirstSeenFilter]
    list_select_related = ["answered_by"]
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"
    ordering = ["-pk"]
    fields = [
        *["state", "symbol", "ours", "held", "cause", "detail", "answer", "price", "why", "answered_by"],
        *["first_seen", "last_seen", "ended", "broker"],
    ]

    @admin.display(description="state")
    def state(self, drift: Drift) -> SafeString:
        return formatting.dot("none", "over") if drift.ended_at else formatting.dot("bad", "open")

    @admin.display(description="first seen (UTC)")
    def first_seen(self, drift: Drift) -> str:
        return approval_formatting.at(drift.first_seen_at)

    @admin.display(description="last seen (UTC)")
    def last_seen(self, drift: Drift) -> str:
        return approval_formatting.at(drift.last_seen_at)

    @admin.display(description="over since (UTC)")
    def ended(self, drift: Drift) -> str:
        return approval_formatting.at(drift.ended_at)
