"""Add several: a pasted or exported list joins the watchlist, after a look at what each would become."""

from collections.abc import Sequence

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from core.admin.read_only import ModelAdmin
from core.admin.users import user_of
from market.imports import watchlist
from market.imports.master import adding
from market.imports.master.adding import Candidate, Verdict
from market.imports.master.list_form import ListForm
from market.imports.watchlist import Watchlist
from market.ingestion import request_budget
from market.models import Instrument


def page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    if not (model_admin.has_add_permission(request) and model_admin.has_change_permission(request)):
        raise PermissionDenied
    form = ListForm(request.POST or None, request.FILES or None)
    parsed: Watchlist | None = None
    wanted: list[Candidate] = []
    if request.method == "POST" and form.is_valid():
        parsed = form.cleaned_data["watchlist"]
        wanted = adding.candidates(parsed.entries, may_add_unlisted=True)
        if "add" in request.POST:
            _add(request, wanted)
            return redirect("admin:market_instrument_changelist")
    context = model_admin.admin_site.each_context(request) | {
        "title": "Add several instruments",
        "opts": model_admin.opts,
        "form": form,
        "parsed": parsed,
        "wanted": wanted,
        "text": watchlist.written(parsed.entries) if parsed else "",
    }
    return TemplateResponse(request, "admin/market/instrument/several.html", context)


def _add(request: HttpRequest, wanted: Sequence[Candidate]) -> None:
    """Create what is new and watch what is not watched; all or nothing, and twice is the same as once."""
    at = timezone.now()
    known = (Verdict.STORED, Verdict.REFUSED)
    new = [candidate.instrument(at) for candidate in wanted if candidate.verdict not in known]
    with transaction.atomic():
        Instrument.objects.bulk_create(new, ignore_conflicts=True)
        symbols = [candidate.symbol for candidate in wanted if candidate.verdict is Verdict.STORED]
        again = list(Instrument.objects.filter(pk__in=symbols, watched=False).select_for_update())
        Instrument.objects.filter(pk__in=[instrument.pk for instrument in again]).update(
            watched=True, watched_for_lists=False
        )
        by = user_of(request).pk
        if new:
            LogEntry.objects.log_actions(by, new, ADDITION, [{"added": {}}])
        if again:
            LogEntry.objects.log_actions(by, again, CHANGE, [{"changed": {"fields": ["Watched"]}}])
    added = f"Added: {len(new)}. Watched again: {len(again)}. Their quotes come with the next cycle."
    messages.success(request, added)
    if warning := request_budget.warning():
        messages.warning(request, warning)
