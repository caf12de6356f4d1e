"""Load CSV: the candles of a file into one instrument, as `manage.py import_candles` does."""

from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.defaultfilters import filesizeformat
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html_join

from core.admin.read_only import ModelAdmin
from market import formatting as market_formatting
from market.imports import candles
from market.imports.csvfile import splits
from market.models import Instrument
from market.prices import Timeframe

LARGEST = 64 * 2**20
COMMON_ZONES = ["America/New_York", "UTC", "Europe/London", "Europe/Berlin", "Asia/Tokyo"]


@cache
def zones() -> list[tuple[str, Any]]:
    common = [(name, name) for name in COMMON_ZONES]
    others = [(name, name) for name in sorted(available_timezones() - {*COMMON_ZONES})]
    return [("", "none: each time names its own, or they are dates"), ("Common", common), ("All", others)]


class LoadForm(forms.Form):
    file = forms.FileField(
        help_text="CSV with a header: time, open, high, low, close, volume. Common other names are known too."
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
    if request.method == "POST" and form.is_valid() and _load(request, instrument, form):
        return redirect(market_formatting.chart_address(instrument.pk, form.cleaned_data["timeframe"]))
    context = model_admin.admin_site.each_context(request) | {
        "title": f"Load candles of {instrument} from a CSV file",
        "opts": model_admin.opts,
        "instrument": instrument,
        "chart_address": market_formatting.chart_address(instrument.pk),
        "form": form,
    }
    return TemplateResponse(request, "admin/market/instrument/load.html", context)


def _load(request: HttpRequest, instrument: Instrument, form: LoadForm) -> bool:
    """Import the file of a valid form; False when it is refused, and the form says why."""
    cleaned = form.cleaned_data
    try:
        result = candles.import_candles(
            cleaned["file"],
            instrument.pk,
            Timeframe(cleaned["timeframe"]),
            cleaned["zone"],
            cleaned["splits"],
            timezone.now(),
        )
    except candles.ImportRefused as refusal:
        form.add_error("file", [f"Nothing was imported. {line}" for line in str(refusal).splitlines()[:1]])
        form.add_error("file", str(refusal).splitlines()[1:])
        return False
    summary = candles.describe(result)
    LogEntry.objects.log_actions(
        request.user.pk or 0,
        [instrument],
        CHANGE,
        f"Loaded {cleaned['file'].name}. {summary}",
        single_object=True,
    )
    messages.success(request, format_html_join("\n", "{}<br>", ([line] for line in summary.splitlines())))
    return True
