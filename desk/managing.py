"""The page that manages what is held of a symbol: its stops and targets are moved, or follow the price."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals import exits, positions
from approvals.entry_check import format_price
from approvals.models import Order, TrailingStop
from desk.forms import PRICE, NotesForm
from desk.page import TRADE, page, part, show, viewer
from market.models import Instrument


class LevelsForm(NotesForm):
    """Where stop and target are to stand; what is left empty stays."""

    stop = forms.DecimalField(label="Stop", **PRICE)
    target = forms.DecimalField(label="Target", **PRICE)
    confirm = forms.BooleanField(label="A stop that is moved away risks more, and I mean it", required=False)

    @property
    def wanted(self) -> exits.Wanted:
        values = self.cleaned_data
        return exits.Wanted(values["stop"], values["target"], values["confirm"])

    @classmethod
    def of(cls, managed: exits.Managed) -> "LevelsForm":
        """Return the form filled in as they stand."""
        levels = {"stop": managed.order.stop_now, "target": managed.order.target_now}
        initial = {name: format_price(level) for name, level in levels.items() if level is not None}
        return cls(initial=initial, auto_id=f"id_{managed.order.pk}_%s")


class GuardForm(NotesForm):
    """Where a stop is to stand for shares that have none."""

    stop = forms.DecimalField(label="Stop", **{**PRICE, "required": True})
    target = forms.DecimalField(label="Target (none when empty)", **PRICE)
    shares = forms.IntegerField(widget=forms.HiddenInput)

    @property
    def guard(self) -> exits.Guard:
        return exits.Guard(self.cleaned_data["stop"], self.cleaned_data["target"])

    @classmethod
    def of(cls, bare: exits.Bare) -> "GuardForm":
        """Return the form filled in with where the entry had them."""
        levels = {"stop": bare.stop, "target": bare.target}
        initial: dict[str, Any] = {
            name: format_price(level) for name, level in levels.items() if level is not None
        }
        return cls(initial=initial | {"shares": bare.shares}, auto_id="id_bare_%s")


class TrailForm(NotesForm):
    """How the stop is to follow the price."""

    distance = forms.DecimalField(label="Distance", min_value=0, max_digits=8, decimal_places=4)
    kind = forms.ChoiceField(label="Counted in", choices=TrailingStop.Kind.choices)
    after_r = forms.DecimalField(
        label="Only after a gain of (R)", required=False, min_value=0, max_digits=6, decimal_places=2
    )

    @property
    def terms(self) -> exits.Trail:
        values = self.cleaned_data
        return exits.Trail(TrailingStop.Kind(values["kind"]), values["distance"], values["after_r"])


@page
@permission_required(TRADE, raise_exception=True)
@require_GET
def manage(request: HttpRequest, symbol: str) -> HttpResponse:
    at, instrument = timezone.now(), get_object_or_404(Instrument, pk=symbol)
    offers = exits.offers(symbol)
    bare = exits.bare(symbol, offers[0].protected if offers else None)
    context = {
        "bare": bare,
        "guard": GuardForm.of(bare) if bare else None,
        "instrument": instrument,
        "position": offers[0].protected.position if offers else positions.of(symbol),
        "managed": [
            (managed, LevelsForm.of(managed), TrailForm(auto_id=f"id_{managed.order.pk}_%s"))
            for managed in offers
        ],
    }
    return show(request, "desk/manage_position.html", at, context)


@part
@permission_required(TRADE, raise_exception=True)
@require_POST
def put_back(request: HttpRequest, symbol: str) -> HttpResponse:
    """Put a stop back on the shares that have none."""
    instrument, at, form = get_object_or_404(Instrument, pk=symbol), timezone.now(), GuardForm(request.POST)
    if not form.is_valid():
        messages.error(request, "No stop was placed: the figures cannot be read.")
        return redirect("manage-position", instrument.symbol)
    decided: dict[str, Any] = {"by": viewer(request), "at": at, "notes": form.cleaned_data["notes"]}
    try:
        order = exits.put_back(instrument.symbol, form.guard, shown=form.cleaned_data["shares"], **decided)
    except exits.ExitRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"A stop for {order.quantity} {order.symbol} is on its way to the broker.")
    return redirect("manage-position", instrument.symbol)


@part
@permission_required(TRADE, raise_exception=True)
@require_POST
def change(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Do what one of the page's buttons says with the exits of an order."""
    order, at = get_object_or_404(Order, pk=pk), timezone.now()
    form, act = _act(request.POST.get("act", ""), request, order)
    if act is None or not form.is_valid():
        messages.error(request, "Nothing was changed: the figures cannot be read.")
    else:
        _try(request, order, act, form, at)
    return redirect("manage-position", order.symbol)


def _act(name: str, request: HttpRequest, order: Order) -> tuple[forms.Form, Callable[..., object] | None]:
    """Return the form that a button sends and what it does; None for a button that does not exist."""
    levels, trail = LevelsForm(request.POST), TrailForm(request.POST)
    acts: dict[str, tuple[forms.Form, Callable[..., object]]] = {
        "move": (levels, lambda **decided: exits.move(order, levels.wanted, **decided)),
        "break-even": (NotesForm(request.POST), lambda **decided: exits.break_even(order, **decided)),
        "trail": (trail, lambda **decided: exits.trail(order, trail.terms, **decided)),
        "untrail": (NotesForm(request.POST), lambda **decided: exits.stop_trailing(order, **decided)),
    }
    return acts.get(name, (NotesForm(request.POST), None))


def _try(
    request: HttpRequest, order: Order, act: Callable[..., object], form: forms.Form, at: datetime
) -> None:
    seen, notes = request.POST.get("etag", ""), form.cleaned_data["notes"]
    decided: dict[str, Any] = {"by": viewer(request), "seen": seen, "at": at, "notes": notes}
    try:
        act(**decided)
    except (exits.Changed, exits.ExitRefused) as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, "Asked for. What the broker answers stands here within a minute.")
