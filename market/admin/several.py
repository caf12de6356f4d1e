"""Add several: a pasted or exported list joins the watchlist, after a look at what it holds."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import FileExtensionValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse

from core import sanitize
from core.admin.read_only import ModelAdmin
from core.admin.users import user_of
from market.admin.forms import first_calendar
from market.imports import watchlist
from market.imports.exchanges import Exchange
from market.imports.watchlist import Entry, Watchlist
from market.ingestion import request_budget
from market.models import ALWAYS_OPEN, Instrument

LARGEST = 2**20
LONGEST_NAME = 100


class SeveralForm(forms.Form):
    text = forms.CharField(
        label="Symbols",
        required=False,
        widget=forms.Textarea(attrs={"rows": 8, "cols": 60, "spellcheck": "false"}),
        help_text="One a line, or parted by commas: AAPL, BRK.B, NASDAQ:MSFT. Vendors' spellings are known.",
    )
    file = forms.FileField(
        label="or a file",
        required=False,
        validators=[FileExtensionValidator(["csv", "tsv", "txt"])],
        help_text="As TradingView, Trader Workstation or Yahoo exports it, or a table with a column Symbol.",
    )

    def clean_file(self) -> "UploadedFile[Any] | None":
        file: UploadedFile[Any] | None = self.cleaned_data["file"]
        if file is not None and (file.size or 0) > LARGEST:
            raise ValidationError("The file is larger than a list of symbols can be (1 MB).")
        return file

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        text, file = cleaned.get("text") or "", cleaned.get("file")
        try:
            parsed = watchlist.parse(_decoded(file.read()) if file else text)
        except ValueError as reason:
            raise ValidationError(str(reason)) from reason
        if not self.errors and not parsed.entries and not parsed.left_out:
            raise ValidationError("There is nothing in it. Paste symbols, or choose a file.")
        return cleaned | {"watchlist": parsed}


@dataclass(frozen=True)
class Row:
    """One line of the look: what would become of a share."""

    entry: Entry
    exchange: Exchange
    stored: Instrument | None

    @property
    def result(self) -> str:
        if self.stored is None:
            return "new"
        return "watched already" if self.stored.watched else "known, watched again"

    @property
    def changes(self) -> bool:
        return self.stored is None or not self.stored.watched

    def instrument(self) -> Instrument:
        name = sanitize.plain(self.entry.name, LONGEST_NAME)
        return Instrument(
            symbol=self.entry.symbol,
            name=name,
            calendar=self.exchange.calendar,
            currency=self.exchange.currency,
        )


def page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    if not (model_admin.has_add_permission(request) and model_admin.has_change_permission(request)):
        raise PermissionDenied
    form = SeveralForm(request.POST or None, request.FILES or None)
    parsed: Watchlist | None = None
    if request.method == "POST" and form.is_valid():
        parsed = form.cleaned_data["watchlist"]
        if "add" in request.POST:
            _add(request, list(_rows(parsed.entries)))
            return redirect("admin:market_instrument_changelist")
    context = model_admin.admin_site.each_context(request) | {
        "title": "Add several instruments",
        "opts": model_admin.opts,
        "form": form,
        "parsed": parsed,
        "rows": list(_rows(parsed.entries)) if parsed else [],
        "text": watchlist.written(parsed) if parsed else "",
    }
    return TemplateResponse(request, "admin/market/instrument/several.html", context)


def _rows(entries: Sequence[Entry]) -> Iterator[Row]:
    stored = Instrument.objects.in_bulk([entry.symbol for entry in entries])
    usual = Exchange(first_calendar(), "USD")
    for entry in entries:
        # Simulated ones never close, wherever the real ones trade.
        exchange = usual if usual.calendar == ALWAYS_OPEN else entry.exchange or usual
        yield Row(entry, exchange, stored.get(entry.symbol))


def _add(request: HttpRequest, rows: Sequence[Row]) -> None:
    """Create what is new and watch what is not watched; all or nothing, and twice is the same as once."""
    new = [row.instrument() for row in rows if row.stored is None]
    with transaction.atomic():
        Instrument.objects.bulk_create(new, ignore_conflicts=True)
        symbols = [row.entry.symbol for row in rows if row.stored]
        again = list(Instrument.objects.filter(pk__in=symbols, watched=False).select_for_update())
        Instrument.objects.filter(pk__in=[instrument.pk for instrument in again]).update(watched=True)
        by = user_of(request).pk
        if new:
            LogEntry.objects.log_actions(by, new, ADDITION, [{"added": {}}])
        if again:
            LogEntry.objects.log_actions(by, again, CHANGE, [{"changed": {"fields": ["Watched"]}}])
    added = f"Added: {len(new)}. Watched again: {len(again)}. Their quotes come with the next cycle."
    messages.success(request, added)
    if warning := request_budget.warning():
        messages.warning(request, warning)


def _decoded(content: bytes) -> str:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")
