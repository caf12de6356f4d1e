"""Scans with what they counted, and a button that starts one."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from core import formatting
from core.admin.read_only import ReadOnlyAdmin
from core.admin.users import log_request, may, user_of
from signals import formatting as signal_formatting
from signals import scan as scanning
from signals.models import Scan

Outcome = Scan.Outcome
TONES = {Outcome.BROKEN: "bad", Outcome.SKIPPED: "warn", Outcome.FINISHED: "good"}


@admin.register(Scan)
class ScanAdmin(ReadOnlyAdmin):
    list_display = ["started", "took", "trigger", "state", "evaluated", "stored", "ends"]
    list_filter = ["outcome", "trigger"]
    list_select_related = ["requested_by"]
    ordering = ["-started_at", "-pk"]
    fields = ["state", "requester", "started", "took", "evaluated", "stored", "counted", "ends"]

    def get_urls(self) -> list[URLPattern]:
        ask = path("ask/", self.admin_site.admin_view(require_POST(self.ask)), name="signals_scan_ask")
        return [ask, *super().get_urls()]

    def ask(self, request: HttpRequest) -> HttpResponse:
        if not may(request, "signals.add_scan"):
            raise PermissionDenied
        with transaction.atomic():
            log_request(request, scanning.request(by=user_of(request), at=timezone.now()))
        self.message_user(request, ASKED)
        return redirect("admin:signals_scan_changelist")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        button = {"may_scan": may(request, "signals.add_scan")}
        return super().changelist_view(request, button | (extra_context or {}))

    @admin.display(description="started (UTC)", ordering="started_at")
    def started(self, scan: Scan) -> str:
        return formatting.moment(scan.started_at)

    @admin.display(description="took")
    def took(self, scan: Scan) -> str:
        return formatting.duration(scan.started_at, scan.finished_at)

    @admin.display(description="outcome", ordering="outcome")
    def state(self, scan: Scan) -> SafeString:
        outcome = Outcome(scan.outcome)
        return formatting.dot(TONES.get(outcome, "none"), outcome.label.lower())

    @admin.display(description="asked for by")
    def requester(self, scan: Scan) -> str:
        return str(scan.requested_by) if scan.requested_by else scan.get_trigger_display()

    @admin.display(description="ended by themselves")
    def ends(self, scan: Scan) -> str:
        return ", ".join(f"{count:,} {reason}" for reason, count in scan.ended.items()) or "none"

    @admin.display(description="counts")
    def counted(self, scan: Scan) -> SafeString | str:
        return format_html(
            '<div class="wide"><table class="figures numbers counts"><thead><tr><th>strategy</th>'
            "<th></th>{}</tr></thead><tbody>{}</tbody></table></div>",
            format_html_join(
                "", '<th class="num">{}</th>', ([title] for title in signal_formatting.COUNTS.values())
            ),
            format_html_join("", "{}", ([_row(entry)] for entry in scan.counts)),
        )


ASKED = "A scan is queued; the worker starts it at once. This list shows how it went."


def _row(entry: dict[str, Any]) -> SafeString:
    """Return the row of a strategy and timeframe, and below it an example of each count that needs one."""
    counts = ([formatting.count(entry.get(name, 0))] for name in signal_formatting.COUNTS)
    line = '<tr class="reason"><td></td><td></td><td colspan="{}">{}: {}</td></tr>'
    return format_html(
        '<tr><th scope="row">{}</th><td>{}</td>{}</tr>{}',
        signal_formatting.strategy(entry["strategy_id"]),
        entry["timeframe"],
        format_html_join("", '<td class="num">{}</td>', counts),
        format_html_join(
            "",
            line,
            ((len(signal_formatting.COUNTS), *reason) for reason in signal_formatting.reasons(entry)),
        ),
    )
