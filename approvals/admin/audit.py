"""The chain of what happened, to read. `manage.py verify_audit` checks it."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import AuditEvent
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin, ModelAdmin

SUBJECTS = ["signal", "order", "fill", "halt", "gate", "admin"]


class HappenedFilter(DayFilter):
    field = "at"


class AboutFilter(admin.SimpleListFilter):
    """By the first word of the kind: reading all kinds that occur would read the whole chain."""

    title = "about"
    parameter_name = "about"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(name, name) for name in SUBJECTS]

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        chosen = self.value()
        return queryset.filter(kind__startswith=f"{chosen} ") if chosen in SUBJECTS else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(LogAdmin):
    list_display = ["number", "when", "kind", "subject", "actor", "begins_with"]
    list_filter = [AboutFilter, HappenedFilter]
    search_fields = ["subject__exact", "kind__exact", "actor__exact"]
    search_help_text = (
        'A whole subject in quotes, as "order 6f1c...", a kind as "order sent", or a user\'s name'
    )
    ordering = ["-number"]
    fields = [
        "number",
        "when",
        "kind",
        "subject",
        "actor",
        "facts",
        "text",
        "previous_hash",
        "hash",
        "log_entry",
    ]

    @admin.display(description="at (UTC)")
    def when(self, event: AuditEvent) -> str:
        return approval_formatting.at(event.at)

    @admin.display(description="hash begins with")
    def begins_with(self, event: AuditEvent) -> str:
        return f"{event.hash[:12]}…"

    @admin.display(description="facts")
    def facts(self, event: AuditEvent) -> SafeString | str:
        try:
            event_json: Any = json.loads(event.text)
        except ValueError:
            return "The text is not what was written: run manage.py verify_audit."
        facts = event_json.get("facts") if isinstance(event_json, dict) else None
        return approval_formatting.facts(facts if isinstance(facts, dict) else {})
