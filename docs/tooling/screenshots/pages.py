"""Which pages there are pictures of, and at which address each is worth looking at."""

from collections.abc import Callable

from django.urls import reverse
from django.utils import timezone

from approvals import positions, proposals
from opinions.models import OrchestrationRun
from signals.models import Signal


def waiting() -> list[Signal]:
    """The signals that can be approved, first the one that leaves most time; the newest one when none can."""
    at = timezone.now()
    pending = list(Signal.objects.pending(at).order_by("-expires_at", "id")[:50])
    fit = [
        proposal.signal
        for proposal in proposals.propose_all(pending, at)
        if proposal.effect.is_entry and not proposal.problems
    ]
    newest = Signal.objects.order_by("-generated_at", "id")[:1]
    return fit or pending or list(newest)


def _opinion() -> str:
    """The newest opinion that is not grounded: it has most to show."""
    ungrounded = OrchestrationRun.objects.filter(status="completed").exclude(inventions=[])
    return reverse("opinion", args=[ungrounded.order_by("-queued_at")[0].pk])


def _instrument() -> str:
    held = positions.open_positions()
    symbol = held[0].symbol if held else Signal.objects.order_by("-generated_at", "id")[0].symbol
    return reverse("instrument", args=[symbol]) + "?timeframe=15m"


PAGES: dict[str, Callable[[], str]] = {
    "desk": lambda: reverse("desk"),
    "signals": lambda: reverse("signals"),
    "signal": lambda: reverse("signal", args=[waiting()[0].pk]),
    "opinion": _opinion,
    "opinions": lambda: reverse("opinions"),
    "instrument": _instrument,
    "positions": lambda: reverse("positions"),
    "scorecard": lambda: reverse("scorecard"),
    "away": lambda: reverse("away"),
    "account": lambda: reverse("account"),
    "status": lambda: reverse("status"),
}
