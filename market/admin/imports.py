"""Load CSV: a file of candles for one instrument is queued, and has a page of its own."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import FileExtensionValidator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting, sanitize
from core.admin.read_only import ModelAdmin, ReadOnlyAdmin
from core.admin.users import may, user_of
from market import formatting as market_formatting
from market.imports import candles, jobs
from market.imports.csvfile import presets, splits
from market.imports.csvfile.table import Shape
from market.models import CandleImport, Instrument
from market.prices import Timeframe

Status = CandleImport.Status
TONES = {Status.LOADED: "good", Status.FAILED: "bad", Status.RUNNING: "warn"}
LARGEST = 64 * 2**20
LONGEST_NAME = 255
RENEWED = "2"  # seconds
COMMON_ZONES = ["America/New_York", "UTC", "Europe/London", "Europe/Berlin", "Asia/Tokyo"]


@cache
def zones() -> list[tuple[str, Any]]:
    common = [(name, name) for name in COMMON_ZONES]
    others = [(name, name) for name in sorted(available_timezones() - {*COMMON_ZONES})]
    return [("", "none: each time names its own, or they are dates"), ("Common", common), ("All", others)]


class LoadForm(forms.Form):
    file = forms.FileField(
        validators=[FileExtensionValidator(["csv", "tsv", "txt", "gz", "zip", "xlsx", "parquet"])],
        help_text="CSV (also .gz, .zip) or .xlsx with a header: time, open, high, low, close, volume. Common"
        " other names are known, and files without a header of the vendors in docs/importing.md.",
    )
    timeframe = forms.ChoiceField(
        choices=[(timeframe.value, timeframe.value) for timeframe in Timeframe if not timeframe.built_from],
        help_text="1h and 1w are built from 15m and 1d.",
    )
    zone = forms.ChoiceField(
        label="Time zone", choices=zones, required=False, help_text="Of times that are written without one."
    )
    splits = forms.CharField(
        required=False,
        label="Splits",
        help_text="Those that the prices do not reflect yet, as 2014-06-09:7,2020-08-31:4 (new shares for one"
        " old). “none” when the prices are in today's shares. Empty: nothing is said about them.",
    )

    preset = forms.ChoiceField(
        choices=[("", "as its header or its rows say"), *((name, name) for name in presets.BY_NAME)],
        required=False,
        help_text="Whose shape a file without a header has, where its rows leave that open.",
    )
    columns = forms.CharField(
        required=False,
        help_text="Of a file without a header, in their order: date,time,open,high,low,close,volume;"
        " - for one to leave out.",
    )
    stamps = forms.ChoiceField(
        choices=[("", "as usual in such files"), ("open", "when bars open"), ("close", "when bars close")],
        required=False,
        label="Times say",
    )
    outside_hours = forms.BooleanField(
        required=False,
        label="Bars outside trading hours are meant",
        help_text="Do not ask for the time zone.",
    )

    @property
    def shape(self) -> Shape:
        said = self.cleaned_data
        columns = tuple(name.strip() for name in said["columns"].split(",")) if said["columns"] else ()
        return Shape(said["preset"], columns, said["stamps"], said["outside_hours"])

    def clean_file(self) -> "UploadedFile[Any]":
        file: UploadedFile[Any] = self.cleaned_data["file"]
        if (file.size or 0) > LARGEST:
            raise ValidationError(
                f"The file is larger than {filesizeformat(LARGEST)}: use manage.py import_candles."
            )
        return file

    def clean_zone(self) -> ZoneInfo | None:
        name = self.cleaned_data["zone"]
        return ZoneInfo(name) if name else None

    def clean_splits(self) -> Mapping[date, float] | None:
        written = self.cleaned_data["splits"]
        try:
            return splits.parse(written) if written else None
        except ValueError as error:
            raise ValidationError(str(error)) from error


def page(request: HttpRequest, symbol: str, model_admin: ModelAdmin) -> HttpResponse:
    instrument = get_object_or_404(Instrument, pk=unquote(symbol))
    if not model_admin.has_change_permission(request, instrument):
        raise PermissionDenied
    form = LoadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (row := _request(request, instrument, form)):
        return redirect("admin:market_candleimport_change", row.pk)
    context = model_admin.admin_site.each_context(request) | {
        "title": f"Load candles of {instrument} from a CSV file",
        "opts": model_admin.opts,
        "instrument": instrument,
        "chart_address": market_formatting.chart_address(instrument.pk),
        "form": form,
    }
    return TemplateResponse(request, "admin/market/instrument/load.html", context)


def _request(request: HttpRequest, instrument: Instrument, form: LoadForm) -> CandleImport | None:
    """Queue the file of a valid form; None when it is refused, and the form says why."""
    cleaned = form.cleaned_data
    try:
        return jobs.request(
            cleaned["file"].read(),
            instrument,
            Timeframe(cleaned["timeframe"]),
            cleaned["zone"],
            cleaned["splits"],
            form.shape,
            file_name=sanitize.plain(cleaned["file"].name, LONGEST_NAME),
            by=user_of(request),
            at=timezone.now(),
        )
    except candles.ImportRefused as refusal:
        form.add_error("file", [f"Nothing was loaded. {line}" for line in str(refusal).splitlines()[:1]])
        form.add_error("file", str(refusal).splitlines()[1:])
        return None


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
