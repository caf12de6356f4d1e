"""Add several: what a search finds, or a pasted or exported list, after a look at what each would become."""

from collections.abc import Callable, Sequence
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.utils import timezone

from core.admin.read_only import ModelAdmin
from core.admin.users import may, user_of
from market.imports import watchlist as lists
from market.imports.master import adding, lookup, watchlists
from market.imports.master.adding import Candidate, Verdict
from market.imports.master.list_form import ListForm
from market.ingestion import request_budget
from market.models import Instrument, Watchlist
from market.providers.listings import Status

Add = Callable[[Sequence[Candidate]], None]


def page(request: HttpRequest, model_admin: ModelAdmin) -> HttpResponse:
    """Add instruments."""
    if not (model_admin.has_add_permission(request) and model_admin.has_change_permission(request)):
        raise PermissionDenied
    frame = {"title": "Add several instruments", "opts": model_admin.opts}
    then = redirect("admin:market_instrument_changelist")
    return _page(request, model_admin, frame, lambda wanted: _add(request, wanted), then)


def page_of_list(request: HttpRequest, pk: int, model_admin: ModelAdmin) -> HttpResponse:
    """Add instruments to a watchlist."""
    edited = get_object_or_404(Watchlist, pk=pk)
    if not model_admin.has_change_permission(request, edited):
        raise PermissionDenied
    frame = {"title": f"Add to {edited}", "opts": model_admin.opts, "watchlist": edited}
    then = redirect("admin:market_watchlist_change", pk)
    return _page(request, model_admin, frame, lambda wanted: join(request, edited, wanted), then)


def _page(
    request: HttpRequest,
    model_admin: ModelAdmin,
    frame: dict[str, Any],
    add: Add,
    then: HttpResponseRedirect,
) -> HttpResponse:
    form = ListForm(request.POST or None, request.FILES or None)
    context = model_admin.admin_site.each_context(request) | frame | {"form": form}
    if request.method == "POST" and form.is_valid():
        parsed = form.cleaned_data["watchlist"]
        unlisted = may(request, "market.add_instrument")
        wanted = adding.candidates(parsed.entries, may_add_unlisted=unlisted)
        if "add" in request.POST:
            add(wanted)
            return then
        context |= {"parsed": parsed, "wanted": wanted, "text": lists.written(parsed.entries)}
    return TemplateResponse(
        request, "admin/market/instrument/several.html", context | lookup.searched(request.GET)
    )


def _add(request: HttpRequest, wanted: Sequence[Candidate]) -> None:
    """Create what is new and watch what is not watched; all or nothing, and twice is the same as once."""
    at = timezone.now()
    known = (Verdict.STORED, Verdict.REFUSED)
    new = [candidate.instrument(at) for candidate in wanted if candidate.verdict not in known]
    with transaction.atomic():
        Instrument.objects.bulk_create(new, ignore_conflicts=True)
        symbols = [candidate.symbol for candidate in wanted if candidate.verdict is Verdict.STORED]
        unwatched = Instrument.objects.filter(pk__in=symbols, watched=False)
        again = list(unwatched.exclude(status=Status.DELISTED).select_for_update())
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
    warn_of_pace(request)


def join(request: HttpRequest, edited: Watchlist, wanted: Sequence[Candidate]) -> None:
    """Add instruments to a list, and say what became of each."""
    try:
        result = watchlists.add(edited, wanted, by=user_of(request), at=timezone.now())
    except watchlists.EditRefused as refusal:
        messages.error(request, str(refusal))
        return
    messages.success(request, str(result) or "Nothing was added.")
    for candidate in wanted:
        if candidate.reason:
            messages.warning(request, f"{candidate.entry.symbol}: {candidate.reason}")
    if result.added:
        warn_of_pace(request)


def warn_of_pace(request: HttpRequest) -> None:
    """Warn when more is watched than the first provider's pace allows."""
    if warning := request_budget.warning():
        messages.warning(request, warning)
