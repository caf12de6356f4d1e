"""All signals: those that wait, with what approving each would do now, and those that have ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import cached_property
from django.views.decorators.http import require_GET

from approvals import proposals, scorecard
from approvals.gate import State
from approvals.models import Outcome
from approvals.proposals import Proposal
from core.paging import paged
from desk import status_bar
from desk.page import page, show, without_page
from market.prices import Timeframe
from opinions.models import OrchestrationRun
from signals import lifecycle
from signals.models import Signal
from signals.models.signals import SignalQuerySet
from signals.strategies import STRATEGIES

PER_PAGE = 50
TOGETHER = timedelta(minutes=1)
MANY = 3
Status = Signal.Status
TABS = {
    "waiting": (Status.PENDING,),
    "approved": (Status.APPROVED,),
    "rejected": (Status.REJECTED,),
    "expired": (Status.EXPIRED, Status.CANCELLED),
}


class Filters(forms.Form):
    tab = forms.ChoiceField(choices=[(tab, tab) for tab in TABS], required=False)
    symbol = forms.CharField(max_length=16, required=False)
    side = forms.ChoiceField(choices=[("", "both sides"), *Signal.Type.choices], required=False)
    strategy = forms.ChoiceField(
        choices=[("", "all strategies"), *((one.id, one.title) for one in STRATEGIES.values())],
        required=False,
    )
    timeframe = forms.ChoiceField(
        choices=[("", "all timeframes"), *((one.value, one.value) for one in Timeframe)], required=False
    )

    def apply(self, signals: SignalQuerySet) -> SignalQuerySet:
        """Those that were asked for; all of them where nothing valid was."""
        self.is_valid()
        asked = self.cleaned_data
        columns = {"signal_type": "side", "strategy_id": "strategy", "timeframe": "timeframe"}
        wanted = {column: asked[name] for column, name in columns.items() if asked.get(name)}
        if asked.get("symbol"):
            wanted["symbol__istartswith"] = asked["symbol"].strip()
        return signals.filter(**wanted)


@dataclass(frozen=True)
class Wave:
    """Rows that stand together. `says` is empty for those that came alone."""

    rows: Sequence[Proposal]

    @property
    def says(self) -> str:
        if len(self.rows) < MANY:
            return ""
        side = "longs" if self.rows[0].signal.signal_type == Signal.Type.BUY else "shorts"
        return f"{len(self.rows)} {side} in one minute: one bet"


@dataclass(frozen=True)
class Waiting:
    """The page of signals that wait, soonest to expire first."""

    rows: list[Proposal]

    @cached_property
    def waves(self) -> list[Wave]:
        return waves([row for row in self.rows if row.is_actionable])

    @cached_property
    def measured(self) -> list[Proposal]:
        """Those that can only be measured."""
        return [row for row in self.rows if not row.is_actionable]


@page
@require_GET
def signals(request: HttpRequest) -> HttpResponse:
    at, filters = timezone.now(), Filters(request.GET)
    tab = request.GET.get("tab") if request.GET.get("tab") in TABS else "waiting"
    above = status_bar.load(at)
    waits = tab == "waiting"
    rows = _waiting(request, filters, at, above.state) if waits else _ended(request, filters, str(tab), at)
    asked = {"tab": tab, "tabs": list(TABS), "filters": filters, "others": without_page(request)}
    context = asked | {"strip": above}
    return show(request, "desk/inbox.html", at, context | rows)


@page
@require_GET
def news(request: HttpRequest) -> HttpResponse:
    """What has come and gone since the list was loaded; nothing while it is as it was."""
    at, shown = timezone.now(), set(_uuids(request.GET.get("shown", "")))
    since = _instant(request.GET.get("since", ""))
    pending = Filters(request.GET).apply(Signal.objects.pending(at))
    gone = [one for one in Signal.objects.filter(pk__in=shown) if one.status_at(at) != Status.PENDING]
    came = pending.filter(created_at__gt=since).exclude(pk__in=shown).count() if since else 0
    if not came and not gone:
        return HttpResponse(status=204)
    ended = [(one, one.status_at(at)) for one in gone]
    return render(request, "desk/_news.html", {"came": came, "ended": ended, "news": request.get_full_path()})


def _waiting(request: HttpRequest, filters: Filters, at: datetime, state: State) -> dict[str, Any]:
    pending = Signal.objects.pending(at).with_conflict(at).order_by("expires_at", "id")
    found = _page(request, filters.apply(pending))
    known = scorecard.at_confidence(found)
    opinions = OrchestrationRun.objects.newest_of(found)
    for one in found:
        one.opinion = opinions.get(one.pk)  # type: ignore[attr-defined]  # for the page
        one.known = known.get((one.strategy_id, one.timeframe, one.confidence))  # type: ignore[attr-defined]  # for the page
    shown = ",".join(str(one.pk) for one in found)
    asked = {**request.GET.dict(), "since": at.isoformat(), "shown": shown}
    return {
        "page": found,
        "waiting": Waiting(proposals.propose_all(list(found), at, state)),
        "news": f"{reverse('signals-news')}?{urlencode(asked)}",
    }


def _ended(request: HttpRequest, filters: Filters, tab: str, at: datetime) -> dict[str, Any]:
    over = Signal.objects.in_status(at, *TABS[tab]).select_related("approval__approved_by", "approval__order")
    found = _page(request, filters.apply(over.order_by("-ended_at", "id")))
    ends = Outcome.objects.of_signals(found)
    rows = [
        (one, lifecycle.ending(one, at), getattr(one, "approval", None), ends.get(one.pk)) for one in found
    ]
    return {"page": found, "ended": rows}


def _page(request: HttpRequest, found: SignalQuerySet) -> Page[Signal]:
    return paged(found, request.GET.get("page"), PER_PAGE)


def _uuids(text: str) -> list[UUID]:
    found = []
    for part in text.split(",")[: 2 * PER_PAGE]:
        try:
            found.append(UUID(part))
        except ValueError:
            continue
    return found


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def waves(rows: Sequence[Proposal]) -> list[Wave]:
    """The rows in their order, but those raised within a minute in one direction together, from three on."""
    left, found = list(rows), []
    while left:
        first = left[0].signal
        near = [row for row in left if _is_near(row.signal, first)]
        together = near if len(near) >= MANY else left[:1]
        found.append(Wave(together))
        taken = {row.signal.pk for row in together}
        left = [row for row in left if row.signal.pk not in taken]
    return found


def _is_near(one: Signal, other: Signal) -> bool:
    apart = abs(one.generated_at - other.generated_at)
    return one.signal_type == other.signal_type and apart < TOGETHER
