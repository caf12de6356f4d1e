"""The halt switch, and the status bar alone for a page that stays open."""

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from approvals.halt import end as end_halt
from approvals.halt import start as start_halt
from approvals.models import TradingHalt
from desk import status_bar
from desk.page import page, part, show, viewer

FORM = "a form; the status bar says whether trading is halted"


@part
@require_GET
def fragment(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    return render(request, "desk/_status_bar_update.html", {"now": at, "status_bar": status_bar.load(at)})


@page
@permission_required("approvals.add_tradinghalt", raise_exception=True)
@require_http_methods(["GET", "POST"])
def halt(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return show(request, "desk/halt.html", timezone.now(), {}, still=FORM)
    reason = request.POST.get("reason", "").strip() or "Halted on the desk."
    start_halt(TradingHalt.Cause.PERSON, reason, timezone.now(), by=viewer(request))
    messages.warning(request, "Trading is halted: nothing is approved or sent but exits.")
    return redirect("desk")


@page
@permission_required("approvals.change_tradinghalt", raise_exception=True)
@require_http_methods(["GET", "POST"])
def resume(request: HttpRequest) -> HttpResponse:
    if request.method == "GET":
        return show(request, "desk/halt.html", timezone.now(), {}, still=FORM)
    ended = end_halt(timezone.now(), viewer(request), request.POST.get("note", "").strip())
    messages.success(request, "Trading is on again." if ended else "Trading was not halted.")
    return redirect("desk")
