"""Signals: what strategies said, how it stands, and what a person may take off."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from market.admin import words as market_words
from market.admin.recorded import Listed, Recorded
from market.admin.runs import table
from market.models import Instrument
from signals import lifecycle, records
from signals.admin import thumbnail, words
from signals.admin.filters import DayFilter, FirstPages, StatusFilter, StrategyFilter, meaning
from signals.admin.people import asking, may
from signals.models import Signal

if TYPE_CHECKING:
    from signals.models.signals import SignalQuerySet

AT_ONCE = 100


class CancelForm(ActionForm):
    reason = forms.CharField(required=False, max_length=200, label="Reason")


class SignalList(ChangeList):
    """One page of signals, each pending one with those that say the opposite: one query for all of them."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        symbols = {row.symbol for row in self.result_list if row.status_now == Signal.Status.PENDING}
        pending = defaultdict(list)
        for signal in Signal.objects.pending(timezone.now()).filter(symbol__in=symbols):
            pending[signal.symbol].append(signal)
        for row in self.result_list:
            if row.status_now == Signal.Status.PENDING:
                row.opposite = [one for one in pending[row.symbol] if one.signal_type != row.signal_type]


@admin.register(Signal)
class SignalAdmin(Recorded):
    list_display = [
        *["symbol", "side", "strategy", "timeframe", "stands", "score", "entry", "stop", "target", "reward"],
        *["generated"],
    ]
    list_filter = [StatusFilter, "signal_type", StrategyFilter, "timeframe", DayFilter]
    search_fields = ["symbol", "reasoning"]
    search_help_text = "A symbol in capitals, a day as 2024-07-02, words of the reasoning, or several of them"
    show_facets = admin.ShowFacets.NEVER
    paginator = FirstPages
    actions = ["cancel"]  # type: ignore[assignment]  # recorded, but a person may take one off
    action_form = CancelForm
    list_select_related = ["superseded_by"]
    fieldsets = [
        (None, {"fields": ["chart", "said", "reasoning", "state", "end", "conflicts", "superseded"]}),
        ("Levels", {"fields": ["entry", "stop", "target", "second", "reward"]}),
        ("Record", {"fields": ["record", "score"]}),
        (
            "Where it comes from",
            {"fields": ["bar", "source", "generated", "created", "expires", "seen", "used", "bars_digest"]},
        ),
    ]

    def get_queryset(self, request: HttpRequest) -> "SignalQuerySet":
        found = cast("SignalQuerySet", super().get_queryset(request))
        return found.with_status(timezone.now())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SignalList

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """What has an index; few enough wait for a decision to be sorted by anything."""
        waiting = request.GET.get(StatusFilter.parameter_name) == Signal.Status.PENDING
        return ["symbol", "generated", *(["score"] if waiting else [])]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Signal], search_term: str
    ) -> tuple[QuerySet[Signal], bool]:
        typed = search_term.split()
        symbols = set(Instrument.objects.filter(pk__in=typed).values_list("pk", flat=True)) if typed else {}
        for word in typed:
            queryset = queryset.filter(meaning(word, symbols))
        return queryset, False

    # What the list shows

    @admin.display(description="side")
    def side(self, signal: Signal) -> SafeString:
        return words.side(signal.signal_type)

    @admin.display(description="strategy")
    def strategy(self, signal: Signal) -> str:
        return words.strategy(signal.strategy_id)

    @admin.display(description="confidence", ordering="confidence")
    def score(self, signal: Signal) -> str:
        return words.confidence(signal.confidence)

    @admin.display(description="entry")
    def entry(self, signal: Signal) -> str:
        return words.level(signal.entry_price)

    @admin.display(description="stop")
    def stop(self, signal: Signal) -> str:
        return words.level(signal.stop_loss)

    @admin.display(description="target")
    def target(self, signal: Signal) -> str:
        return words.level(signal.take_profit)

    @admin.display(description="reward to risk")
    def reward(self, signal: Signal) -> str:
        return words.ratio(signal.reward_to_risk)

    @admin.display(description="status")
    def stands(self, signal: Signal) -> SafeString:
        """The status, how long it has left or when and why it ended, and what says the opposite."""
        opposite = vars(signal).get("opposite")
        against = (
            format_html('<div class="warning">conflicts with {}</div>', _named(opposite)) if opposite else ""
        )
        return format_html('{}<div class="quiet">{}</div>{}', self.state(signal), self.end(signal), against)

    @admin.display(description="generated (UTC)", ordering="generated_at")
    def generated(self, signal: Signal) -> str:
        return market_words.stamp(signal.generated_at)

    # What its page shows besides

    @admin.display(description="status")
    def state(self, signal: Signal) -> SafeString:
        return words.status(vars(signal)["status_now"])

    @admin.display(description="left, or ended (UTC)")
    def end(self, signal: Signal) -> str:
        if vars(signal)["status_now"] == Signal.Status.PENDING:
            return f"{market_words.ago(signal.expires_at - timezone.now())} left"
        ended = market_words.stamp(signal.ended_at or signal.expires_at)
        return f"{ended} {signal.ended_reason}".strip()

    @admin.display(description="around the bar")
    def chart(self, signal: Signal) -> SafeString:
        return format_html(
            '<div>{}</div><p class="quiet">Hollow bars rose, filled ones fell. {}</p>',
            thumbnail.draw(signal, thumbnail.around(signal)),
            format_html(
                '<a href="{}">Chart of {}</a>',
                market_words.chart_address(signal.symbol, signal.timeframe),
                signal.symbol,
            ),
        )

    @admin.display(description="says")
    def said(self, signal: Signal) -> SafeString:
        return format_html(
            "{} {}, {} on {}",
            words.side(signal.signal_type),
            market_words.chart_link(signal.symbol, signal.timeframe),
            words.strategy(signal.strategy_id),
            signal.timeframe,
        )

    @admin.display(description="conflicts with")
    def conflicts(self, signal: Signal) -> SafeString | str:
        return _named(signal.conflicting(timezone.now()))

    @admin.display(description="superseded by")
    def superseded(self, signal: Signal) -> SafeString | str:
        return _named([signal.superseded_by] if signal.superseded_by else [])

    @admin.display(description="second target")
    def second(self, signal: Signal) -> str:
        return words.level(signal.second_target)

    @admin.display(description="history says")
    def record(self, signal: Signal) -> SafeString | str:
        found = records.of([signal])
        key = (signal.strategy_id, signal.timeframe)
        whose = [
            ("over the watchlist", found.get((*key, ""))),
            (signal.symbol, found.get((*key, signal.symbol))),
        ]
        return format_html_join(
            "", "<div>{}: {}</div>", ((who, one.sentence() if one else "no record yet") for who, one in whose)
        )

    @admin.display(description="bar that spoke")
    def bar(self, signal: Signal) -> str:
        return market_words.stamp(signal.bar_opened_at, signal.timeframe)

    @admin.display(description="source")
    def source(self, signal: Signal) -> str:
        return f"{signal.provider}, {signal.feed} feed"

    @admin.display(description="stored (UTC)")
    def created(self, signal: Signal) -> str:
        return words.moment(signal.created_at)

    @admin.display(description="expires (UTC)")
    def expires(self, signal: Signal) -> str:
        return market_words.stamp(signal.expires_at)

    @admin.display(description="indicators")
    def seen(self, signal: Signal) -> SafeString | str:
        values = ((words.label(name), f"{value:,.6g}") for name, value in signal.indicators.items())
        return table(["value", "at the bar"], values)

    @admin.display(description="parameters")
    def used(self, signal: Signal) -> str:
        return words.parameters(signal.parameters)

    # What an operator may do

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return may(request, "change_signal")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_cancel_permission(request):
            return Listed.changelist_view(self, request, extra_context)
        return super().changelist_view(request, extra_context)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        button = {"may_cancel": self.has_cancel_permission(request)}
        return super().change_view(request, object_id, form_url, button | (extra_context or {}))

    @admin.action(description="Cancel what is pending", permissions=["cancel"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Signal]) -> None:
        chosen = list(queryset[: AT_ONCE + 1])
        if len(chosen) > AT_ONCE:
            self.message_user(request, f"Nothing was done: choose at most {AT_ONCE}.", messages.ERROR)
            return
        cancelled = [signal for signal in chosen if self._cancel(request, signal)]
        if cancelled:
            LogEntry.objects.log_actions(request.user.pk or 0, cancelled, CHANGE, "Cancelled.")
            self.message_user(request, f"Cancelled: {', '.join(str(signal) for signal in cancelled)}.")

    def _cancel(self, request: HttpRequest, signal: Signal) -> bool:
        reason = request.POST.get("reason", "")
        try:
            lifecycle.cancel(signal, by=asking(request), reason=reason, at=timezone.now())
        except lifecycle.NotPending as ended:
            self.message_user(request, f"{signal} was left as it is. {ended}", messages.WARNING)
            return False
        return True


def _named(signals: Any) -> SafeString | str:
    """Other signals, each as a link."""
    links = (
        [
            reverse("admin:signals_signal_change", args=[one.pk]),
            words.side(one.signal_type),
            words.strategy(one.strategy_id),
            one.timeframe,
        ]
        for one in signals
    )
    return format_html_join(", ", '<a href="{}">{} {} {}</a>', links) or market_words.NOTHING
