"""Second opinions: the panel on a signal's or an instrument's page, a page of each, and asking for one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from core.paging import paged
from desk.page import page, part, show, viewer
from desk.refresh import QUICK
from market.models import Instrument
from opinions import budget, queue
from opinions import formatting as opinion_formatting
from opinions.analysts import registry
from opinions.analysts.base import NotConfigured
from opinions.models import OrchestrationRun
from signals import lifecycle
from signals.models import Signal

ASK = "opinions.add_orchestrationrun"
SHOWN = 4  # opinions beside what they are on, the newest first
IN_FULL = 2  # of those, so that two can be compared; of the others only what they say
PER_PAGE = 50
Status = OrchestrationRun.Status


@dataclass(frozen=True)
class Shown:
    """A run as a page shows it: its text in parts, ungrounded ones marked."""

    run: OrchestrationRun
    side: str
    is_folded: bool = False

    @classmethod
    def of(cls, run: OrchestrationRun, *, is_folded: bool = False) -> "Shown":
        return cls(run, run.signal.signal_type if run.signal else "", is_folded)

    @property
    def kind(self) -> str:
        return opinion_formatting.analyst(self.run.analyst)

    @property
    def stance(self) -> str:
        return opinion_formatting.stance(self.run, self.side) if self.side else ""

    @property
    def reasoning(self) -> list[tuple[str, bool]]:
        return next(opinion_formatting.marked(self.run))

    @property
    def pros(self) -> list[list[tuple[str, bool]]]:
        return list(self._factors("for"))

    @property
    def cons(self) -> list[list[tuple[str, bool]]]:
        return list(self._factors("against"))

    @property
    def others(self) -> list[list[tuple[str, bool]]]:
        return list(self._factors("neutral"))

    def _factors(self, verdict: str) -> Iterator[list[tuple[str, bool]]]:
        _, *parts = opinion_formatting.marked(self.run)
        for factor, text in zip(self.run.key_factors, parts, strict=True):
            if factor["verdict"] == verdict:
                yield text

    @property
    def is_of_these_bars(self) -> bool:
        """Return whether the signal still depends on the bars that were judged."""
        return self.run.signal is None or self.run.signal.bars_digest == self.run.bars_digest


def runs_on(signal: UUID) -> list[OrchestrationRun]:
    """Return the newest runs on a signal, as many as its page shows. One query."""
    runs = OrchestrationRun.objects.filter(signal_id=signal).without_payloads()
    return list(runs.order_by("-queued_at", "id")[:SHOWN])


def for_signal(signal: Signal, at: datetime, runs: Sequence[OrchestrationRun]) -> dict[str, Any]:
    """Return the context of the panel on a signal's page, with the runs on it."""
    for run in runs:
        run.signal = signal
    return _panel(runs) | {
        "opinions_at": reverse("signal-opinions", args=[signal.pk]),
        "ask_at": reverse("signal-ask", args=[signal.pk]),
        "may_ask": signal.status_at(at) == Signal.Status.PENDING,
        "above": settings.ORCHESTRATE_ABOVE,
        "per_day": settings.ORCHESTRATE_PER_DAY,
    }


def for_instrument(instrument: Instrument) -> dict[str, Any]:
    """Return the context of the panel on an instrument's page: opinions on none of its signals. One query.

    It is refreshed with its page.
    """
    runs = OrchestrationRun.objects.without_payloads().filter(symbol=instrument.pk, signal=None)
    return _panel(list(runs.order_by("-queued_at", "id")[:SHOWN])) | {
        "ask_at": reverse("instrument-ask", args=[instrument.pk]),
        "may_ask": True,
        "symbol": instrument.pk,
    }


def _panel(runs: Sequence[OrchestrationRun]) -> dict[str, Any]:
    """Return the runs as shown. `known` identifies them: the panel is repainted when it changes."""
    is_asked = any(run.is_open for run in runs)
    opinions = [
        Shown.of(run, is_folded=number >= IN_FULL and run.status == Status.COMPLETED)
        for number, run in enumerate(runs)
    ]
    return {
        "opinions": opinions,
        "known": "-".join(f"{run.pk.hex[:12]}{run.status[0]}" for run in runs),
        "is_asked": is_asked,
        "beat": QUICK if is_asked else None,
        "analysts": [(spec.name, spec.noun) for spec in registry.configured(settings)],
    }


@part
@require_GET
def of_signal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Answer with the panel alone, while an analyst is at work; 204 while it has not changed."""
    at, signal = timezone.now(), get_object_or_404(Signal, pk=pk)
    panel = for_signal(signal, at, runs_on(pk))
    if request.GET.get("known") == panel["known"]:
        return HttpResponse(status=204)
    return render(request, "desk/_opinions.html", {"now": at, "signal": signal, **panel})


@part
@permission_required(ASK, raise_exception=True)
@require_POST
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a signal analysed."""
    at, signal, refusals = timezone.now(), get_object_or_404(Signal, pk=pk), []
    try:
        queue.ask_about(signal, by=viewer(request), at=at, **_question(request))
    except (lifecycle.NotPending, NotConfigured) as refusal:
        refusals = [str(refusal)]
    if _is_part(request):
        return _answer(request, at, refusals, {"signal": signal} | for_signal(signal, at, runs_on(pk)))
    return _back(request, refusals, "signal", pk)


@part
@permission_required(ASK, raise_exception=True)
@require_POST
def ask_on(request: HttpRequest, symbol: str) -> HttpResponse:
    """Have an instrument analysed."""
    at, instrument, refusals = timezone.now(), get_object_or_404(Instrument, pk=symbol), []
    try:
        queue.ask(instrument.pk, by=viewer(request), at=at, **_question(request))
    except NotConfigured as refusal:
        refusals = [str(refusal)]
    if _is_part(request):
        return _answer(request, at, refusals, for_instrument(instrument))
    return _back(request, refusals, "instrument", instrument.pk)


def _is_part(request: HttpRequest) -> bool:
    """Return whether the request is for the panel alone, so that what is typed elsewhere stays."""
    return request.headers.get("HX-Request") == "true"


def _answer(request: HttpRequest, at: datetime, refusals: list[str], panel: dict[str, Any]) -> HttpResponse:
    return render(request, "desk/_opinions.html", {"now": at, "refusals": refusals, **panel})


def _back(request: HttpRequest, refusals: list[str], name: str, pk: UUID | str) -> HttpResponse:
    for refusal in refusals:
        messages.warning(request, refusal)
    return redirect(f"{reverse(name, args=[pk])}#opinions")


@part
@permission_required(ASK, raise_exception=True)
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Cancel an analysis that has not ended."""
    run = get_object_or_404(OrchestrationRun, pk=pk)
    try:
        queue.cancel(run, timezone.now())
    except queue.NotOpen as ended:
        messages.warning(request, str(ended))
    return redirect("opinion", pk)


@page
@require_GET
def opinion(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Show a run with all that its analyst was given, was sent and answered."""
    at = timezone.now()
    run = get_object_or_404(OrchestrationRun.objects.select_related("signal", "requested_by"), pk=pk)
    context: dict[str, Any] = {
        "shown": Shown.of(run),
        "run": run,
        "beat": QUICK if run.is_open else None,
        "cases": [*(run.inputs or {}).get("cases", []), *(run.inputs or {}).get("refusals", [])],
        "recalled": (run.inputs or {}).get("recalled", []),
        "inputs": json.dumps(run.inputs, indent=1, ensure_ascii=False) if run.inputs else "",
    }
    return show(request, "desk/opinion.html", at, context)


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """List all opinions, the newest first, with what they have cost today."""
    at = timezone.now()
    runs = OrchestrationRun.objects.without_payloads().select_related("signal").order_by("-queued_at", "id")
    runs_page = paged(runs, request.GET.get("page"), PER_PAGE)
    tokens, usd = budget.spent(at)
    context = {
        "page": runs_page,
        "opinions": [Shown.of(run) for run in runs_page],
        "beat": QUICK if any(run.is_open for run in runs_page) else None,
        "usual": opinion_formatting.analyst(settings.ANALYST),
        "tokens": tokens,
        "usd": usd,
        "budget": settings.LLM_DAILY_BUDGET_USD,
    }
    return show(request, "desk/opinions.html", at, context)


def _question(request: HttpRequest) -> dict[str, Any]:
    return {"analyst": request.POST.get("analyst", ""), "context": request.POST.get("context", "")}
