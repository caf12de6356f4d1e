"""Second opinions: beside their signal, each on a page of its own, and asked for."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from approvals import advice
from approvals.views.page import page, show, viewer
from approvals.views.paging import paged
from signals import consulting, lifecycle, orchestrate, words
from signals.models import OrchestrationRun, Signal
from signals.models.opinions import PAPERS

ASK = "signals.add_orchestrationrun"
BESIDE = 4  # opinions beside their signal, the newest first
PER_PAGE = 50
NAMES = {"rules": "rule-based", "agent0": "agent0", "llm": "language model"}


@dataclass(frozen=True)
class Shown:
    """A run as a page shows it: its text in parts, those that are invented marked."""

    run: OrchestrationRun
    side: str

    @property
    def kind(self) -> str:
        return NAMES.get(self.run.analyst, self.run.analyst)

    @property
    def stance(self) -> str:
        return words.stance(self.run, self.side) if self.side else ""

    @property
    def reasoning(self) -> list[tuple[str, bool]]:
        return next(words.marked(self.run))

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
        _, *parts = words.marked(self.run)
        for factor, part in zip(self.run.key_factors, parts, strict=True):
            if factor["verdict"] == verdict:
                yield part

    @property
    def is_of_these_bars(self) -> bool:
        """Whether the signal still stands on the bars that were judged."""
        return self.run.signal is None or self.run.signal.bars_digest == self.run.bars_digest


def beside(signal: Signal, at: datetime) -> dict[str, Any]:
    """What stands beside a signal. One query."""
    runs = list(signal.runs.defer(*PAPERS).order_by("-queued_at", "id")[:BESIDE])
    for run in runs:
        run.signal = signal
    return {
        "opinions": [Shown(run, signal.signal_type) for run in runs],
        "is_asked": any(run.is_open for run in runs),
        "may_ask_about": signal.status_at(at) == Signal.Status.PENDING,
        "analysts": consulting.configured(),
        "above": settings.ORCHESTRATE_ABOVE,
        "per_day": settings.ORCHESTRATE_PER_DAY,
    }


@page
@require_GET
def of_signal(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The same alone, while an analyst is at work."""
    at, signal = timezone.now(), get_object_or_404(Signal, pk=pk)
    return render(request, "_opinions.html", {"now": at, "signal": signal} | beside(signal, at))


@page
@permission_required(ASK, raise_exception=True)
@require_POST
def ask(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Have a signal analysed."""
    signal = get_object_or_404(Signal, pk=pk)
    try:
        advice.ask_about(signal, by=viewer(request), at=timezone.now(), **_asked(request))
    except (lifecycle.NotPending, consulting.NotConfigured) as refusal:
        messages.warning(request, str(refusal))
    return redirect("signal", pk)


@page
@permission_required(ASK, raise_exception=True)
@require_POST
def cancel(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Take back an analysis that has not ended."""
    run = get_object_or_404(OrchestrationRun, pk=pk)
    try:
        orchestrate.cancel(run, timezone.now())
    except orchestrate.NotOpen as ended:
        messages.warning(request, str(ended))
    return redirect("opinion", pk)


@page
@require_GET
def opinion(request: HttpRequest, pk: UUID) -> HttpResponse:
    """One run with all that its analyst was given, was sent and answered."""
    at = timezone.now()
    run = get_object_or_404(OrchestrationRun.objects.select_related("signal", "requested_by"), pk=pk)
    context: dict[str, Any] = {
        "shown": Shown(run, run.signal.signal_type if run.signal else ""),
        "run": run,
        "cases": [*(run.inputs or {}).get("cases", []), *(run.inputs or {}).get("refusals", [])],
        "recalled": (run.inputs or {}).get("recalled", []),
        "inputs": json.dumps(run.inputs, indent=1, ensure_ascii=False) if run.inputs else "",
    }
    return show(request, "opinion.html", at, context)


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    """All opinions, the newest first, with what they have cost today."""
    at = timezone.now()
    runs = OrchestrationRun.objects.defer(*PAPERS).select_related("signal").order_by("-queued_at", "id")
    found = paged(runs, request.GET.get("page"), PER_PAGE)
    tokens, usd = consulting.spent(at)
    context = {
        "page": found,
        "opinions": [Shown(run, run.signal.signal_type if run.signal else "") for run in found],
        "usual": NAMES.get(consulting.usual(), consulting.usual()),
        "tokens": tokens,
        "usd": usd,
        "budget": settings.LLM_DAILY_BUDGET_USD,
    }
    return show(request, "opinions.html", at, context)


def _asked(request: HttpRequest) -> dict[str, str]:
    return {"analyst": request.POST.get("analyst", ""), "context": request.POST.get("context", "")}
