"""The wizard's pages. A file is its user's: for others there is none at its address."""

import csv
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.views.decorators.http import require_POST

from core import sanitize
from core.admin.read_only import ModelAdmin
from core.admin.users import may, user_of
from market import formatting as market_formatting
from market.admin.wizard import checked
from market.admin.wizard.forms import ColumnForm, LayoutForm, UploadForm
from market.imports import candles, doubts, jobs, naming, preparation, uploads
from market.imports.csvfile import presets
from market.imports.csvfile.preview import Preview, preview
from market.imports.csvfile.problems import BadFile
from market.models import CandleUpload
from market.prices import Timeframe

LONGEST_NAME = 255
RENEWED = "2"  # seconds
STEPS = ("Upload", "Columns", "Check", "Load")
FORMULA = ("=", "+", "-", "@", "\t", "\r")
Doing = CandleUpload.Doing


def upload(request: HttpRequest, model_admin: ModelAdmin, symbol: str = "") -> HttpResponse:
    """Take a file. `symbol`: whose bars it is likely to hold."""
    _refuse_others(request)
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid() and (kept := _keep(request, form, symbol)):
        return redirect("admin:market_candleimport_columns", kept.pk)
    return _page(request, model_admin, 0, "upload", {"form": form, "symbol": symbol})


def _keep(request: HttpRequest, form: UploadForm, symbol: str) -> CandleUpload | None:
    file = form.cleaned_data["file"]
    name = sanitize.plain(file.name, LONGEST_NAME)
    try:
        return uploads.keep(file.read(), name, symbol, user_of(request), timezone.now())
    except (BadFile, candles.ImportRefused) as refusal:
        form.add_error("file", str(refusal).splitlines())
        return None


def columns(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    """Show the first rows, and take what the columns are and what the file as a whole is."""
    kept = _own(request, pk)
    try:
        seen = preview(uploads.beginning(kept), uploads.shape_of(kept.said))
    except BadFile as reason:
        seen = Preview([], [], refused=str(reason))
    layout = LayoutForm(request.POST or None, initial=_likely(kept, seen) | kept.said)
    is_preset = bool(request.POST.get("preset")) or "again" in request.POST
    mapped = ColumnForm(seen.columns, request.POST or None, is_preset=is_preset)
    if request.method == "POST" and all([layout.is_valid(), mapped.is_valid()]):
        return _say(request, kept, layout, mapped, seen)
    header = [mapped[name] for name in mapped.fields]
    context = {"form": layout, "mapped": mapped, "header": header, "seen": seen, "upload": kept}
    return _page(request, model_admin, 1, "columns", context)


def _likely(kept: CandleUpload, seen: Preview) -> dict[str, Any]:
    """Return what the file and its name seem to say."""
    symbol, timeframe = naming.in_name(kept.file_name)
    preset = seen.table.preset if seen.table else None
    if seen.table:
        timeframe = doubts.timeframe_of(seen.table) or timeframe
    return {
        "symbol": symbol,
        "timeframe": timeframe or Timeframe.D1,
        "zone": preset.zone if preset and timeframe and timeframe.is_intraday else "",
    }


def _say(
    request: HttpRequest, kept: CandleUpload, layout: LayoutForm, mapped: ColumnForm, seen: Preview
) -> HttpResponse:
    """Keep what is said. What the reading of the file depends on is shown once more, if it has changed."""
    said = layout.cleaned_data | {"skip": layout.cleaned_data["skip"] or 0}
    reading = ("preset", "delimiter", "skip")
    reads_anew = any(said[name] != (kept.said.get(name) or type(said[name])()) for name in reading)
    is_changed = not seen.is_recognized or mapped.columns != seen.columns
    if said["preset"] or reads_anew:
        said["columns"] = []
    elif is_changed:
        said["columns"] = mapped.columns
    if said["preset"] and not said["zone"]:
        said["zone"] = presets.named(said["preset"]).zone
    uploads.say(kept, said | {"symbols": {}, "splits": {}, "left_out": []})
    if reads_anew and "again" in request.POST:
        return redirect("admin:market_candleimport_columns", kept.pk)
    preparation.start(kept, Doing.LOOKING, timezone.now())
    return redirect("admin:market_candleimport_check", kept.pk)


def check(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    """Say what loading would do, take answers to what is in doubt, and load what is in none."""
    kept = _own(request, pk)
    if "timeframe" not in kept.said:
        return redirect("admin:market_candleimport_columns", kept.pk)
    if request.method == "POST":
        return _answered(request, kept)
    rows = checked.rows(kept)
    context = {
        "upload": kept,
        "work": preparation.describe(kept),
        "rows": rows,
        "doubts": checked.of_all(kept),
        "ready": len(uploads.wanted(kept)),
    }
    response = _page(request, model_admin, 2, "check", context | {"said": kept.said})
    return _renewed(response, bool(kept.doing))


def _answered(request: HttpRequest, kept: CandleUpload) -> HttpResponse:
    said, wrong = checked.said(kept, request.POST)
    for message in wrong:
        messages.error(request, message)
    if wrong:
        return redirect("admin:market_candleimport_check", kept.pk)
    if checked.needs_a_look(kept, said) or "look" in request.POST:
        uploads.say(kept, said)
        preparation.start(kept, Doing.LOOKING, timezone.now())
        return redirect("admin:market_candleimport_check", kept.pk)
    kept.said |= said
    kept.save(update_fields=["said"])
    if not uploads.wanted(kept):
        messages.error(request, "There is nothing that can be loaded: answer what is in doubt first.")
        return redirect("admin:market_candleimport_check", kept.pk)
    preparation.start(kept, Doing.SPLITTING, timezone.now())
    return redirect("admin:market_candleimport_progress", kept.pk)


def progress(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    """Show how far each symbol's import is."""
    kept = _own(request, pk)
    imports = uploads.imports_of(kept)
    is_open = any(row.is_open for row in imports)
    charts = [(row, market_formatting.chart_address(row.symbol, row.timeframe)) for row in imports]
    context = {
        "upload": kept,
        "imports": charts,
        "is_open": is_open,
        "not_queued": uploads.not_queued(kept),
        "work": preparation.describe(kept),
    }
    response = _page(request, model_admin, 3, "progress", context)
    return _renewed(response, is_open or bool(kept.doing))


@require_POST
def cancel(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    kept = _own(request, pk)
    cancelled = jobs.cancel(uploads.imports_of(kept), user_of(request), timezone.now())
    messages.success(request, f"Cancelled: {cancelled}.")
    return redirect("admin:market_candleimport_progress", kept.pk)


def refused(request: HttpRequest, model_admin: ModelAdmin, pk: int) -> HttpResponse:
    """Answer the lines that were refused, as CSV. What a spreadsheet takes for a formula is quoted."""
    kept = _own(request, pk)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = 'attachment; filename="refused_lines.csv"'
    lines = csv.writer(response)
    lines.writerow(["symbol", "line", "reason", "text"])
    for seen in kept.looks:
        for line, reason, text in seen["problems"]:
            lines.writerow([_plain(seen["symbol"]), line, _plain(reason), _plain(text)])
    return response


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text


def _refuse_others(request: HttpRequest) -> None:
    if not (may(request, "market.change_instrument") and may(request, "market.add_instrument")):
        raise PermissionDenied


def _own(request: HttpRequest, pk: int) -> CandleUpload:
    _refuse_others(request)
    return get_object_or_404(CandleUpload, pk=pk, uploaded_by=user_of(request))


def _renewed(response: HttpResponse, is_busy: bool) -> HttpResponse:
    if is_busy:
        response.headers["Refresh"] = RENEWED
    return response


def _page(
    request: HttpRequest, model_admin: ModelAdmin, step: int, name: str, context: dict[str, Any]
) -> HttpResponse:
    context = model_admin.admin_site.each_context(request) | {
        "title": "Import candles",
        "opts": model_admin.opts,
        "steps": STEPS,
        "step": STEPS[step],
        **context,
    }
    return TemplateResponse(request, f"admin/market/wizard/{name}.html", context)
