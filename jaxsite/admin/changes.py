"""Admin of the log of changes."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry

from core.admin.read_only import ReadOnlyAdmin


@admin.register(LogEntry)
class LogEntryAdmin(ReadOnlyAdmin):
    """Changes by user, written by the admin and the API; read-only."""

    list_display = ["action_time", "user", "content_type", "object_repr", "message"]
    list_display_links = None
    list_filter = ["action_flag", "content_type"]
    list_select_related = ["user", "content_type"]
    search_fields = ["object_repr", "change_message", "user__username"]
    date_hierarchy = "action_time"
    ordering = ["-action_time", "-pk"]

    @admin.display(description="what")
    def message(self, entry: LogEntry) -> str:
        return str(entry)
