"""The broker's rows that could not be recorded, as they came."""

import json
from collections.abc import Mapping

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import QuarantinedRow
from core import formatting
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin


class FirstSeenFilter(DayFilter):
    field = "first_seen_at"


@admin.register(QuarantinedRow)
class QuarantinedRowAdmin(LogAdmin):
    list_display = ["first_seen", "state", "kind", "name", "reason", "last_seen", "times_seen", "broker"]
    list_display_links = ["name"]
    list_filter = ["kind", ("ended_at", admin.EmptyFieldListFilter), FirstSeenFilter]
    search_fields = ["name"]
    search_help_text = "A part of the broker's id, or of the symbol"
    ordering = ["-pk"]
    fields = [
        *["state", "kind", "name", "reason", "of", "values", "broker"],
        *["first_seen", "last_seen", "times_seen", "ended"],
    ]

    @admin.display(description="state")
    def state(self, row: QuarantinedRow) -> SafeString:
        return formatting.dot("none", "over") if row.ended_at else formatting.dot("bad", "not recorded")

    @admin.display(description="as it came")
    def values(self, row: QuarantinedRow) -> SafeString | str:
        came = json.loads(row.row)
        return approval_formatting.facts(came) if isinstance(came, Mapping) else str(came)

    @admin.display(description="order")
    def of(self, row: QuarantinedRow) -> SafeString | str:
        if row.order:
            return approval_formatting.link(row.order)
        return "not ours" if row.is_foreign else formatting.NOTHING

    @admin.display(description="first seen (UTC)")
    def first_seen(self, row: QuarantinedRow) -> str:
        return approval_formatting.at(row.first_seen_at)

    @admin.display(description="last seen (UTC)")
    def last_seen(self, row: QuarantinedRow) -> str:
        return approval_formatting.at(row.last_seen_at)

    @admin.display(description="over since (UTC)")
    def ended(self, row: QuarantinedRow) -> str:
        return approval_formatting.at(row.ended_at)
