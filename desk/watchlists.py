"""The named watchlists: each with its prices and notes; search, paste and files; order, groups and notes."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.text import slugify
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.paging import paged
from desk.page import page, page_by_the_clock, part, show, viewer, without_page
from market import formatting as market_formatting
from market import quotes
from market.imports import watchlist as lists
from market.imports.master import adding, lookup, watchlists
from market.imports.master.adding import Candidate
from market.imports.master.list_form import ListForm
from market.imports.master.order import Move
from market.imports.watchlist import Entry
from market.ingestion import request_budget
from market.models import Instrument, Watchlist, WatchlistEntry
from market.providers.listings import Status
from market.templatetags import figures

PER_PAGE = 100
MOST_LISTS = 200
ADD, CHANGE, DELETE = (f"market.{act}_watchlist" for act in ("add", "change", "delete"))
HAND = "market.add_instrument"
EDITING = "What you type here stays as you leave it."


@dataclass(frozen=True)
class Row:
    """An entry as the page shows it. `states`: what is out of the ordinary with the quote or the listing."""

    entry: WatchlistEntry
    price: str
    change: str
    quoted: quotes.QuoteView | None
    states: Sequence[str]


@page_by_the_clock
@require_http_methods(["GET", "HEAD"])
def index(request: HttpRequest) -> HttpResponse:
    context = {"lists": Watchlist.objects.with_size().order_by("name", "pk")[:MOST_LISTS]}
    return show(request, "desk/watchlists.html", timezone.now(), context)


@part
@permission_required(ADD, raise_exception=True)
@require_POST
def create(request: HttpRequest) -> HttpResponse:
    name, with_watched = request.POST.get("name", ""), "watched" in request.POST
    try:
        made = watchlists.create(name, by=viewer(request), at=timezone.now(), with_watched=with_watched)
    except watchlists.EditRefused as refusal:
        messages.error(request, str(refusal))
        return redirect("watchlists")
    return redirect("watchlist", made.pk)


@page
@require_GET
def watchlist(request: HttpRequest, pk: int) -> HttpResponse:
    at = timezone.now()
    shown = get_object_or_404(Watchlist, pk=pk)
    entries = paged(_entries(shown), request.GET.get("page"), PER_PAGE)
    context = {
        "watchlist": shown,
        "page": entries,
        "rows": list(_rows(list(entries), at)),
        "others": without_page(request),
    }
    return show(request, "desk/watchlist.html", at, context)


@part
@permission_required(CHANGE, raise_exception=True)
@require_GET
def edit(request: HttpRequest, pk: int) -> HttpResponse:
    return _editor(request, get_object_or_404(Watchlist, pk=pk))


def _editor(request: HttpRequest, edited: Watchlist, typed: Mapping[str, Any] | None = None) -> HttpResponse:
    """Show the editor. `typed`: what could not be saved, which stays in its fields beside what is stored."""
    entries = list(_entries(edited))
    groups = list(dict.fromkeys(entry.group for entry in entries if entry.group))
    context = {"watchlist": edited, "entries": entries, "groups": groups, "typed": typed or {}}
    status = 409 if typed else 200
    return show(request, "desk/watchlist_edit.html", timezone.now(), context, status, still=EDITING)


@part
@permission_required(CHANGE, raise_exception=True)
@require_POST
def rename(request: HttpRequest, pk: int) -> HttpResponse:
    edited, name = get_object_or_404(Watchlist, pk=pk), request.POST.get("name", "")
    is_done = _do(
        request,
        lambda: watchlists.rename(edited, name, by=viewer(request), seen=request.POST.get("seen_name")),
    )
    return redirect("watchlist-edit", pk) if is_done else _editor(request, edited, {"name": name})


@part
@permission_required(CHANGE, raise_exception=True)
@require_POST
def entry(request: HttpRequest, pk: int, entry: int) -> HttpResponse:
    """Save, move or remove one entry, as the button says that was pressed."""
    edited = WatchlistEntry.objects.select_related("watchlist").filter(watchlist=pk, pk=entry).first()
    if edited is None:
        messages.warning(request, "It was taken out of the list meanwhile.")
    elif not _do(request, _act(request, edited)):
        typed: dict[str, Any] = {name: request.POST.get(name, "") for name in ("group", "note")}
        return _editor(request, edited.watchlist, typed | {"entry": entry})
    return redirect("watchlist-edit", pk)


def _act(request: HttpRequest, edited: WatchlistEntry) -> Callable[[], None]:
    by, sent = viewer(request), request.POST
    act = sent.get("act", "save")
    if act == "remove":
        return lambda: watchlists.remove(edited, by=by)
    if act in list(Move):
        return lambda: watchlists.move(edited, Move(act), by=by)
    seen = (sent.get("seen_group", ""), sent.get("seen_note", ""))
    group, note = sent.get("group", ""), sent.get("note", "")
    return lambda: watchlists.write(edited, group=group, note=note, seen=seen, by=by)


@part
@permission_required(CHANGE, raise_exception=True)
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, pk: int) -> HttpResponse:
    """Search for an instrument, or paste a list: what each would become is shown before it is added."""
    edited = get_object_or_404(Watchlist, pk=pk)
    form = ListForm(request.POST or None, request.FILES or None)
    parsed, wanted = None, list[Candidate]()
    if request.method == "POST" and form.is_valid():
        parsed = form.cleaned_data["watchlist"]
        wanted = adding.candidates(parsed.entries, may_add_unlisted=viewer(request).has_perm(HAND))
        if "add" in request.POST:
            _add(request, edited, wanted)
            return redirect("watchlist", pk)
    context = {
        "watchlist": edited,
        "form": form,
        "parsed": parsed,
        "wanted": wanted,
        "addable": any(candidate.is_added for candidate in wanted),
        "text": lists.written(parsed.entries) if parsed else "",
    }
    context |= lookup.searched(request.GET)
    return show(request, "desk/watchlist_add.html", timezone.now(), context, still=EDITING)


@part
@permission_required(DELETE, raise_exception=True)
@require_http_methods(["GET", "POST"])
def delete(request: HttpRequest, pk: int) -> HttpResponse:
    deleted = get_object_or_404(Watchlist.objects.with_size(), pk=pk)
    if request.method == "POST":
        watchlists.delete(deleted, by=viewer(request))
        messages.success(request, f"The watchlist {deleted.name} is deleted. Its instruments are kept.")
        return redirect("watchlists")
    context = {"watchlist": deleted}
    return show(request, "desk/watchlist_delete.html", timezone.now(), context, still=EDITING)


@part
@require_GET
def export(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the list as a CSV file that can be imported again."""
    exported = get_object_or_404(Watchlist, pk=pk)
    rows = [
        Entry(row.instrument_id, row.instrument.name, row.instrument.exchange, row.group, row.note)
        for row in _entries(exported)
    ]
    answer = HttpResponse(lists.written(rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{slugify(exported.name) or "watchlist"}.csv"'
    return answer


def _entries(watchlist: Watchlist) -> QuerySet[WatchlistEntry]:
    return watchlist.entries.select_related("instrument").order_by("position", "pk")


def _rows(entries: Sequence[WatchlistEntry], at: datetime) -> Iterator[Row]:
    """Yield the entries with their newest quotes: one query, however many there are."""
    views = quotes.quotes_with_change([entry.instrument_id for entry in entries], at)
    for entry in entries:
        instrument, view = entry.instrument, views.get(entry.instrument_id)
        yield Row(
            entry,
            figures.price(view.quote.price, instrument) if view else "",
            figures.change(view.change_percent, 2, " %") if view else "",
            view,
            [
                *_standing(instrument),
                *(market_formatting.quote_states(view.quote, instrument) if view else []),
            ],
        )


def _standing(instrument: Instrument) -> Iterator[str]:
    """Yield why an instrument has no new prices."""
    if instrument.status == Status.DELISTED:
        yield f"delisted {instrument.delisted_on or ''}".strip()
    elif not (instrument.watched or instrument.in_use):
        yield "not watched"


def _add(request: HttpRequest, edited: Watchlist, wanted: Sequence[Candidate]) -> None:
    try:
        result = watchlists.add(edited, wanted, by=viewer(request), at=timezone.now())
    except watchlists.EditRefused as refusal:
        messages.error(request, str(refusal))
        return
    messages.success(request, str(result) or "Nothing was added.")
    for candidate in wanted:
        if candidate.reason:
            messages.warning(request, f"{candidate.entry.symbol}: {candidate.reason}")
    if result.added and (warning := request_budget.warning()):
        messages.warning(request, warning)


def _do(request: HttpRequest, act: Callable[[], None]) -> bool:
    """Do it, or say why not. Return False when another user has changed it meanwhile."""
    try:
        act()
    except watchlists.ChangedMeanwhile as changed:
        messages.error(request, str(changed))
        return False
    except watchlists.EditRefused as refusal:
        messages.error(request, str(refusal))
    return True
