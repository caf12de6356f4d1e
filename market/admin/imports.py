"""The files of candles that were loaded or wait, and the addresses of the wizard that takes them."""

from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import ModelAdmin, ReadOnlyAdmin
from core.admin.users import may
from market import formatting as market_formatting
from market.admin.wizard import steps
from market.models import CandleImport, Instrument

Status = CandleImport.Status
TONES = {Status.LOADED: "good", Status.FAILED: "bad", Status.RUNNING: "warn"}
RENEWED = "2"  # seconds
WIZARD: list[tuple[str, Callable[..., HttpResponse], str]] = [
    ("upload/", steps.upload, "upload"),
    ("upload/<int:pk>/columns/", steps.columns, "columns"),
    ("upload/<int:pk>/check/", steps.check, "check"),
    ("upload/<int:pk>/progress/", steps.progress, "progress"),
    ("upload/<int:pk>/cancel/", steps.cancel, "cancel"),
    ("upload/<int:pk>/refused.csv", steps.refused, "refused"),
]


def page(request: HttpRequest, symbol: str, model_admin: ModelAdmin) -> HttpResponse:
    """Begin the wizard for one instrument."""
    instrument = get_object_or_404(Instrument, pk=unquote(symbol))
    if not model_admin.has_change_permission(request, instrument):
        raise PermissionDenied
    return steps.upload(request, model_admin, instrument.pk)


@admin.register(CandleImport)
class CandleImportAdmin(ReadOnlyAdmin):
    """The files that were loaded, and how far those are that wait. The page of one of these renews itself."""

    list_display = ["queued", "file_name", "symbol", "timeframe", "state", "took", "requested_by"]
    list_filter = ["status", "timeframe"]
    list_select_related = ["requested_by"]
    search_fields = ["symbol", "file_name"]
    ordering = ["-queued_at", "-pk"]
    fields = [
        *["state", "outcome", "chart", "file_name", "size_in_words", "symbol", "timeframe", "zone"],
        *["splits_in_words", "requested_by", "queued", "took"],
    ]

    def get_urls(self) -> list[URLPattern]:
        own = [
            path(
                address,
                self.admin_site.admin_view(view),
                {"model_admin": self},
                name=f"market_candleimport_{name}",
            )
            for address, view, name in WIZARD
        ]
        return own + super().get_urls()

    def get_queryset(self, request: HttpRequest) -> "QuerySet[CandleImport]":
        return super().get_queryset(request).defer("content")

    def has_view_permission(self, request: HttpRequest, obj: CandleImport | None = None) -> bool:
        return may(request, "market.change_instrument") or super().has_view_permission(request, obj)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        response = super().change_view(request, object_id, form_url, extra_context)
        row = self.get_object(request, unquote(object_id))
        if row and row.is_open:
            response.headers["Refresh"] = RENEWED
        return response

    @admin.display(description="requested (UTC)", ordering="queued_at")
    def queued(self, row: CandleImport) -> str:
        return formatting.moment(row.queued_at)

    @admin.display(description="status", ordering="status")
    def state(self, row: CandleImport) -> SafeString:
        text = f"{row.status}. {row.progress}" if row.progress else row.status
        return formatting.dot(TONES.get(Status(row.status), "none"), text)

    @admin.display(description="report")
    def outcome(self, row: CandleImport) -> SafeString | str:
        if row.is_open:
            return "A worker of the slow queue loads it, whole or not at all. This page renews itself."
        return format_html_join("", "{}<br>", ([line] for line in row.report.splitlines()))

    @admin.display(description="chart")
    def chart(self, row: CandleImport) -> SafeString:
        address = market_formatting.chart_address(row.symbol, row.timeframe)
        return format_html('<a href="{}">{} {}</a>', address, row.symbol, row.timeframe)

    @admin.display(description="size")
    def size_in_words(self, row: CandleImport) -> str:
        return filesizeformat(row.size)

    @admin.display(description="splits")
    def splits_in_words(self, row: CandleImport) -> str:
        if row.splits is None:
            return "nothing was said about them"
        return ", ".join(f"{day}: {ratio:g}" for day, ratio in row.splits.items()) or "none"

    @admin.display(description="took")
    def took(self, row: CandleImport) -> str:
        return formatting.duration(row.started_at or row.queued_at, row.finished_at)
