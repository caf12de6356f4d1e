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
from desk.page import page, part, show, without_page
from desk.refresh import pending_of
from market.models import Watchlist, WatchlistEntry
from market.prices import Timeframe
from opinions.models import OrchestrationRun
from signals import lifecycle
from signals.models import Signal, StrategyConfig
from signals.models.signals import SignalQuerySet
from signals.strategies import STRATEGIES

PER_PAGE = 50
TOGETHER = timedelta(minutes=1)
MANY = 3
ANNOUNCED = "what comes and goes is announced above the list, so that no row moves under a hand"
Status = Signal.Status
TABS = {
    "waiting": (Status.PENDING,),
    "approved": (Status.APPROVED,),
    "rejected": (Status.REJECTED,),
    "expired": (Status.EXPIRED, Status.CANCELLED),
}


def _watchlists() -> list[tuple[str, str]]:
    names = Watchlist.objects.order_by("name", "pk").values_list("pk", "name")
    return [("", "all instruments"), *((str(pk), name) for pk, name in names)]


class Filters(forms.Form):
    tab = forms.ChoiceField(choices=[(tab, tab) for tab in TABS], required=False)
    symbol = forms.CharField(max_length=16, required=False)
    side = forms.ChoiceField(choices=[("", "both sides"), *Signal.Type.choices], required=False)
    strategy = forms.ChoiceField(
        choices=[
            ("", "all strategies"),
            *((strategy.id, strategy.title) for strategy in STRATEGIES.values()),
        ],
        required=False,
    )
    list = forms.TypedChoiceField(choices=_watchlists, coerce=int, label="Watchlist", required=False)
    timeframe = forms.ChoiceField(
        choices=[("", "all timeframes"), *((timeframe.value, timeframe.value) for timeframe in Timeframe)],
        required=False,
    )

    def apply(self, signals: SignalQuerySet) -> SignalQuerySet:
        """Return the signals that the valid fields name; all of them where none is given."""
        self.is_valid()
        values = self.cleaned_data
        columns = {"signal_type": "side", "strategy_id": "strategy", "timeframe": "timeframe"}
        lookups = {column: values[name] for column, name in columns.items() if values.get(name)}
        if values.get("symbol"):
            lookups["symbol__istartswith"] = values["symbol"].strip()
        if values.get("list"):
            lookups["symbol__in"] = WatchlistEntry.objects.symbols(values["list"])
        return signals.filter(**lookups)


@dataclass(frozen=True)
class Group:
    """Pending signals in a row: many that were raised together, or one alone."""

    rows: Sequence[Proposal]

    @property
    def heading(self) -> str:
        """Return what they are together; empty for one alone."""
        if len(self.rows) < MANY:
            return ""
        side = "longs" if self.rows[0].signal.signal_type == Signal.Type.BUY else "shorts"
        return f"{len(self.rows)} {side} in one minute: one bet"


@dataclass(frozen=True)
class PendingList:
    """A page of the pending signals with what approving each would do, the soonest to expire first."""

    rows: list[Proposal]

    @cached_property
    def groups(self) -> list[Group]:
        return group_together([row for row in self.rows if row.is_actionable])

    @cached_property
    def measured(self) -> list[Proposal]:
        """Those that can only be measured."""
        return [row for row in self.rows if not row.is_actionable]


@page
@require_GET
def signals(request: HttpRequest) -> HttpResponse:
    at, filters = timezone.now(), Filters(request.GET)
    tab = request.GET.get("tab") if request.GET.get("tab") in TABS else "waiting"
    bar = status_bar.load(at, pending=pending_of(request))
    if tab == "waiting":
        context = _pending(request, filters, at, bar.state)
    else:
        context = _ended(request, filters, str(tab), at)
    context |= {"tab": tab, "tabs": list(TABS), "filters": filters, "others": without_page(request)}
    still = ANNOUNCED if tab == "waiting" else ""
    return show(request, "desk/inbox.html", at, context | {"status_bar": bar}, still=still)


@part
@require_GET
def news(request: HttpRequest) -> HttpResponse:
    """Answer with what has come and gone since the list was loaded; 204 while it has not changed."""
    at, listed = timezone.now(), set(_uuids(request.GET.get("shown", "")))
    since = _instant(request.GET.get("since", ""))
    pending = Filters(request.GET).apply(Signal.objects.pending(at))
    statuses = [(signal, signal.status_at(at)) for signal in Signal.objects.filter(pk__in=listed)]
    ended = [(signal, status) for signal, status in statuses if status != Status.PENDING]
    new = pending.filter(created_at__gt=since).exclude(pk__in=listed).count() if since else 0
    if not new and not ended:
        return HttpResponse(status=204)
    context = {"new": new, "ended": ended, "news": request.get_full_path()}
    return render(request, "desk/_list_changes.html", context)


def _pending(request: HttpRequest, filters: Filters, at: datetime, state: State) -> dict[str, Any]:
    pending = Signal.objects.pending(at).with_conflict(at).order_by("expires_at", "id")
    signals = _page(request, filters.apply(pending))
    rates, opinions = scorecard.at_confidence(signals), OrchestrationRun.objects.newest_of(signals)
    for signal in signals:
        signal.opinion = opinions.get(signal.pk)  # type: ignore[attr-defined]  # for the page
        signal.rate = rates.get((signal.strategy_id, signal.timeframe, signal.confidence))  # type: ignore[attr-defined]  # for the page
    listed = ",".join(str(signal.pk) for signal in signals)
    query = {**request.GET.dict(), "since": at.isoformat(), "shown": listed}
    return {
        "page": signals,
        "failing": StrategyConfig.objects.failing(),
        "pending": PendingList(proposals.propose_all(list(signals), at, state)),
        "news": f"{reverse('signals-news')}?{urlencode(query)}",
    }


def _ended(request: HttpRequest, filters: Filters, tab: str, at: datetime) -> dict[str, Any]:
    ended = Signal.objects.in_status(at, *TABS[tab])
    ended = ended.select_related("approval__approved_by", "approval__order").order_by("-ended_at", "id")
    signals = _page(request, filters.apply(ended))
    outcomes = Outcome.objects.of_signals(signals)
    rows = [
        (signal, lifecycle.ending(signal, at), getattr(signal, "approval", None), outcomes.get(signal.pk))
        for signal in signals
    ]
    return {"page": signals, "ended": rows}


def _page(request: HttpRequest, signals: SignalQuerySet) -> Page[Signal]:
    return paged(signals, request.GET.get("page"), PER_PAGE)


def _uuids(text: str) -> list[UUID]:
    uuids = []
    for name in text.split(",")[: 2 * PER_PAGE]:
        try:
            uuids.append(UUID(name))
        except ValueError:
            continue
    return uuids


def _instant(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo else None


def group_together(rows: Sequence[Proposal]) -> list[Group]:
    """Group those raised within a minute in one direction, from three on; the others are alone. In order."""
    remaining, groups = list(rows), []
    while remaining:
        first = remaining[0].signal
        near = [row for row in remaining if _is_near(row.signal, first)]
        members = near if len(near) >= MANY else remaining[:1]
        groups.append(Group(members))
        pks = {row.signal.pk for row in members}
        remaining = [row for row in remaining if row.signal.pk not in pks]
    return groups


def _is_near(signal: Signal, other: Signal) -> bool:
    distance = abs(signal.generated_at - other.generated_at)
    return signal.signal_type == other.signal_type and distance < TOGETHER
