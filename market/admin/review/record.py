"""The record of what was decided about data: verdicts, refused rows, bars fetched again. Read-only."""

from typing import Any

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import LogAdmin
from market import formatting as market_formatting
from market.admin.review.item_page import address
from market.ingestion.review.bars import Key, describe
from market.models import BarVerdict, Refetch, RefusedRow

TONES = {Refetch.Status.WAITING: "none", Refetch.Status.DONE: "good", Refetch.Status.FAILED: "bad"}


class OfBar(LogAdmin):
    """Rows about a bar: it leads to its page."""

    list_display_links = None
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"

    @admin.display(description="bar (UTC)")
    def bar(self, row: BarVerdict | Refetch) -> SafeString:
        return format_html('<a href="{}">{}</a>', address(Key.of(row).name), Key.of(row))


@admin.register(BarVerdict)
class BarVerdictAdmin(OfBar):
    list_display = ["bar", "verdict", "decided_on", "by", "decided", "why"]
    list_filter = ["verdict"]
    list_select_related = ["decided_by"]
    ordering = ["-decided_at", "-pk"]

    @admin.display(description="values decided on")
    def decided_on(self, verdict: BarVerdict) -> str:
        return describe(verdict)

    @admin.display(description="by")
    def by(self, verdict: BarVerdict) -> str:
        return str(verdict.decided_by or verdict.agrees)

    @admin.display(description="decided (UTC)")
    def decided(self, verdict: BarVerdict) -> str:
        return market_formatting.stamp(verdict.decided_at)


@admin.register(Refetch)
class RefetchAdmin(OfBar):
    list_display = ["bar", "asked_by", "asked", "why", "state", "result"]
    list_filter = ["status"]
    list_select_related = ["asked_by"]
    ordering = ["-asked_at", "-pk"]

    @admin.display(description="asked (UTC)")
    def asked(self, row: Refetch) -> str:
        return market_formatting.stamp(row.asked_at)

    @admin.display(description="state")
    def state(self, row: Refetch) -> SafeString:
        return formatting.dot(TONES[Refetch.Status(row.status)], row.get_status_display())


@admin.register(RefusedRow)
class RefusedRowAdmin(LogAdmin):
    list_display = [
        *[
            "symbol",
            "timeframe",
            "stamp",
            "reason",
            "values",
            "source",
            "feed",
            "times",
            "last",
            "run_id",
            "seen",
        ]
    ]
    list_filter = ["reason", "timeframe", "source"]
    list_select_related = ["reviewed_by"]
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"
    ordering = ["-last_at", "-pk"]

    @admin.display(description="as it came")
    def values(self, row: RefusedRow) -> str:
        return ", ".join(f"{name} {value}" for name, value in row.given.items())

    @admin.display(description="last (UTC)")
    def last(self, row: RefusedRow) -> str:
        return market_formatting.stamp(row.last_at)

    @admin.display(description="left as it is by")
    def seen(self, row: RefusedRow) -> Any:
        return f"{row.reviewed_by}: {row.why}" if row.reviewed_by else formatting.NOTHING
