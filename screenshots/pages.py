"""Which pages there are pictures of, and at which address each is worth looking at."""

from collections.abc import Callable

from django.urls import reverse
from django.utils import timezone

from approvals import positions, proposals
from signals.models import Signal


def _waiting() -> str:
    """The signal that can be approved and leaves most time; the newest one when none can."""
    at = timezone.now()
    pending = list(Signal.objects.pending(at).order_by("-expires_at", "id")[:50])
    fit = [one.signal for one in proposals.propose_all(pending, at) if one.does.is_entry and not one.problems]
    newest = Signal.objects.order_by("-generated_at", "id")[:1]
    return reverse("signal", args=[(fit or pending or newest)[0].pk])


def _instrument() -> str:
    held = positions.open_positions()
    symbol = held[0].symbol if held else Signal.objects.order_by("-generated_at", "id")[0].symbol
    return reverse("instrument", args=[symbol]) + "?timeframe=15m"


PAGES: dict[str, Callable[[], str]] = {
    "desk": lambda: reverse("desk"),
    "signals": lambda: reverse("signals"),
    "signal": _waiting,
    "instrument": _instrument,
    "positions": lambda: reverse("positions"),
    "scorecard": lambda: reverse("scorecard"),
    "away": lambda: reverse("away"),
    "account": lambda: reverse("account"),
    "status": lambda: reverse("status"),
}
