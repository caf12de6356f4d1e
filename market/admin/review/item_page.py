"""One item: beside its neighbours, with its chart, what a second source says, and what can be done."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from core import formatting
from core.admin.read_only import ModelAdmin
from core.admin.users import may, user_of
from market import calendars, charts
from market import formatting as market_formatting
from market.admin.review.neighbours import UNKNOWN, lines
from market.ingestion.review import bars as review
from market.ingestion.review import second_look
from market.ingestion.review.bars import Decision, Key, ReviewRefused
from market.ingestion.review.items import Act, Item, NoSuchItem
from market.ingestion.review.second_look import SecondLook
from market.models import BarVerdict, Candle, Gap, Instrument, Refetch, RefusedRow, ReviewItem
from market.models.review import LONGEST_WHY
from market.store import BY_HAND

DRAWN = 300
REFETCHES = 5
ANSWER = "market.change_unexplainedmove"
BUTTONS = {Act.ACCEPT: "Accept", Act.DROP: "Drop", Act.FETCH: "Fetch again"}
BUTTONS |= {Act.REAL: "A real move", Act.SPLIT: "A split, as it looks like", Act.BAD: "Bad data"}
LEAVE = "Leave it as it is"


class CorrectForm(forms.Form):
    """A bar's values as a person knows them."""

    open = forms.FloatField()
    high = forms.FloatField()
    low = forms.FloatField()
    close = forms.FloatField()
    volume = forms.FloatField(required=False, help_text="Empty: not known.")
    why = forms.CharField(max_length=LONGEST_WHY, widget=forms.TextInput(attrs={"size": 60}))


def page(request: HttpRequest, model_admin: ModelAdmin, object_id: str) -> HttpResponse:
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    item = _load(unquote(object_id))
    form, looked = CorrectForm(initial=_initial(item)), None
    if request.method == "POST":
        if not may_decide(request, model_admin, item):
            raise PermissionDenied
        if "second" in request.POST and item.key:
            refused_of = item.row.source if isinstance(item.row, RefusedRow) else ""
            looked = second_look.look(item.key, user_of(request), timezone.now(), refused_of)
            item = _load(item.name)
        else:
            form = CorrectForm(request.POST) if "correct" in request.POST else form
            if _act(request, model_admin, item, form):
                return HttpResponseRedirect(_next(item))
    context = model_admin.admin_site.each_context(request) | _context(item, looked)
    return TemplateResponse(
        request,
        "admin/market/reviewitem/item.html",
        context
        | {
            "opts": model_admin.opts,
            "correct": form,
            "may_change": may_decide(request, model_admin, item),
        },
    )


def may_decide(request: HttpRequest, model_admin: ModelAdmin, item: Item) -> bool:
    is_move = item.kind == ReviewItem.Kind.MOVE
    return model_admin.has_change_permission(request) and (not is_move or may(request, ANSWER))


def _load(name: str) -> Item:
    try:
        return Item.load(name)
    except NoSuchItem as error:
        raise Http404("Nothing is called so, or it does not wait any more.") from error


def _next(item: Item) -> str:
    """Return where to go after a decision: the page again while there is something to see, else the list."""
    is_bar = item.kind == ReviewItem.Kind.SUSPECT
    try:
        Item.load(item.name)
    except NoSuchItem:
        return reverse("admin:market_reviewitem_changelist")
    return address(item.name) if is_bar else reverse("admin:market_reviewitem_changelist")


def address(name: str) -> str:
    return reverse("admin:market_reviewitem_change", args=[quote(name)])


def _act(request: HttpRequest, model_admin: ModelAdmin, item: Item, form: CorrectForm) -> bool:
    """Do what was asked for. Return whether it was done; if not, why is said."""
    try:
        at, seen = timezone.now(), request.POST.get("seen", "")
        decision = Decision(user_of(request), request.POST.get("why", ""), at, seen)
        if "correct" in request.POST:
            if not form.is_valid() or item.key is None:
                return False
            review.correct(item.key, form.cleaned_data, decision)
        elif "take_back" in request.POST and item.key:
            review.take_back(item.key, decision)
        else:
            item.decide(_chosen(request), decision)
    except ReviewRefused as refusal:
        model_admin.message_user(request, str(refusal), messages.ERROR)
        return False
    model_admin.message_user(request, f"Done, and logged with your reason: {decision.why}")
    return True


def _chosen(request: HttpRequest) -> Act:
    try:
        return Act(request.POST.get("act", ""))
    except ValueError as error:
        raise ReviewRefused("Choose what to do.") from error


def _initial(item: Item) -> dict[str, Any]:
    shown = item.row if isinstance(item.row, Candle) else item.verdict
    return (
        {name: getattr(shown, name) for name in ("open", "high", "low", "close", "volume")} if shown else {}
    )


def _context(item: Item, looked: SecondLook | None) -> dict[str, Any]:
    instrument = Instrument.objects.filter(pk=item.key.symbol).first() if item.key else None
    candle = item.row if isinstance(item.row, Candle) else None
    is_usable = candle is not None and candle.is_final and candle.provider != "built"
    is_dropped = item.verdict is not None and item.verdict.verdict == BarVerdict.Verdict.DROPPED
    return {
        "title": _title(item),
        "item": item,
        "facts": list(_facts(item)),
        "lines": list(lines(item, looked)) if item.key else [],
        "looked": looked,
        "chart": _chart(item, instrument) if item.key and instrument else None,
        "instrument": instrument,
        "refetches": _refetches(item.key) if item.key else [],
        "buttons": [(act, _button(item, act)) for act in _offered(item, candle)],
        "is_usable": is_usable,
        "may_ask": candle is not None
        or (instrument is not None and isinstance(item.row, Gap | RefusedRow) and item.key is not None),
        "may_take_back": item.verdict is not None and (candle is None or not is_dropped),
    }


def _title(item: Item) -> str:
    if item.kind == ReviewItem.Kind.SUSPECT:
        return f"Bar {item.key}"
    return f"{item.kind.label.capitalize()}: {item.row}"


def _offered(item: Item, candle: Candle | None) -> list[Act]:
    """Return what the page offers: no more than would be done."""
    if item.kind != ReviewItem.Kind.SUSPECT:
        is_open = not (getattr(item.row, "reviewed_at", None) or getattr(item.row, "answer", ""))
        return [act for act in item.acts if act == Act.FETCH or is_open]
    if candle is None or not candle.is_final or candle.provider == "built":
        return [Act.FETCH]
    is_provider = candle.provider != BY_HAND
    return [*([Act.ACCEPT] if candle.suspect else []), *([Act.DROP, Act.FETCH] if is_provider else [])]


def _button(item: Item, act: Act) -> str:
    is_left = act == Act.ACCEPT and item.kind != ReviewItem.Kind.SUSPECT
    return LEAVE if is_left else BUTTONS[act]


def _facts(item: Item) -> Iterator[tuple[str, str]]:
    """Yield what is known of an item, as names and values."""
    if verdict := item.verdict:
        by = verdict.decided_by or verdict.agrees
        yield (
            "verdict",
            f"{verdict.get_verdict_display().lower()} by {by}, {verdict.decided_at:%Y-%m-%d %H:%M} UTC",
        )
        yield "why", verdict.why
        yield "decided on", review.describe(verdict)
    if isinstance(item.row, Candle):
        yield "stored", review.describe(item.row)
        yield "state", _state(item.row)
    elif item.row is not None:
        for field in item.row._meta.concrete_fields:
            if field.name not in ("id", "given") and (value := getattr(item.row, field.name)) not in (
                None,
                "",
            ):
                yield str(field.verbose_name), _fact(value)
    if isinstance(item.row, RefusedRow):
        yield "as it came", ", ".join(f"{name} {_value(value)}" for name, value in item.row.given.items())


def _fact(value: object) -> str:
    return f"{value:%Y-%m-%d %H:%M} UTC" if hasattr(value, "minute") else str(value)


def _value(value: object) -> str:
    return UNKNOWN if value is None else str(value)


def _state(candle: Candle) -> str:
    parts = ["suspect: a jump that nothing supports" if candle.suspect else "believed"]
    parts += ["not closed yet"] if not candle.is_final else []
    parts += [f"{candle.revisions} revisions"] if candle.revisions else []
    return ", ".join([*parts, f"{candle.session} session"])


def _refetches(key: Key) -> list[Refetch]:
    timeframe = key.timeframe.built_from or key.timeframe
    rows = Refetch.objects.filter(symbol=key.symbol, timeframe=timeframe, opened_at=key.opened_at)
    return list(rows.select_related("asked_by")[:REFETCHES])


def _chart(item: Item, instrument: Instrument) -> dict[str, Any]:
    key = item.key
    zone = calendars.zone(instrument.calendar) if key and key.timeframe.is_intraday else None
    return {
        "bars": reverse("admin:market_reviewitem_bars", args=[quote(item.name)]),
        "viewer": formatting.viewer(),
        "zone": zone.key if zone else "",
        "city": formatting.city(zone),
        "decimals": market_formatting.decimals(instrument),
    }


def bars(request: HttpRequest, model_admin: ModelAdmin, name: str) -> HttpResponse:
    """Answer with the bars around an item, for its chart."""
    if not model_admin.has_view_permission(request):
        raise PermissionDenied
    key = _load(unquote(name)).key
    instrument = Instrument.objects.filter(pk=key.symbol).first() if key else None
    if key is None or instrument is None:
        raise Http404("There is nothing to draw.")
    last = charts.opened_after(instrument, key.timeframe, key.opened_at, DRAWN // 2) or key.opened_at
    stretch = charts.read(instrument, key.timeframe, DRAWN, last + timedelta(seconds=1))
    drawn = stretch.drawn() | {"earlier": None, "markers": [], "spoke": stretch.time(key.opened_at)}
    return JsonResponse(drawn, headers={"Cache-Control": "no-store"})
