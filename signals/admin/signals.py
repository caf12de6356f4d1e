"""Signals with their status, and an action that cancels pending ones."""

from collections import defaultdict
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ActionForm
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone

from core.admin.paging import FirstPages
from core.admin.read_only import ReadOnlyAdmin, TitledAdmin
from core.admin.users import may, user_of
from market.models import Instrument
from signals import lifecycle
from signals.admin import columns
from signals.admin.filters import GeneratedFilter, StatusFilter, StrategyFilter, meaning
from signals.models import Signal

if TYPE_CHECKING:
    from signals.models.signals import SignalQuerySet

AT_ONCE = 100
REASON = 200  # characters


class CancelForm(ActionForm):
    reason = forms.CharField(required=False, max_length=REASON, label="Reason")


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
                row.opposite = [
                    signal for signal in pending[row.symbol] if signal.signal_type != row.signal_type
                ]


@admin.register(Signal)
class SignalAdmin(ReadOnlyAdmin):
    list_display: Any = columns.COLUMNS
    list_filter = [StatusFilter, "signal_type", StrategyFilter, "timeframe", GeneratedFilter]
    search_fields = ["symbol", "reasoning"]
    search_help_text = "A symbol in capitals, a day as 2024-07-02, words of the reasoning, or several of them"
    show_facets = admin.ShowFacets.NEVER
    paginator = FirstPages
    actions = ["cancel"]  # type: ignore[assignment]  # recorded, but a person may take one off
    action_form = CancelForm
    list_select_related = ["superseded_by"]

    def get_fieldsets(self, request: HttpRequest, obj: Signal | None = None) -> Any:
        return [(name, {"fields": lines}) for name, lines in columns.LINES.items()]

    def get_queryset(self, request: HttpRequest) -> "SignalQuerySet":
        signals = cast("SignalQuerySet", super().get_queryset(request))
        return signals.with_status(timezone.now())

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return SignalList

    def get_sortable_by(self, request: HttpRequest) -> Any:
        """Return the columns with an index, and the score while only pending signals are listed."""
        is_pending = request.GET.get(StatusFilter.parameter_name) == Signal.Status.PENDING
        return ["symbol", columns.generated, *([columns.score] if is_pending else [])]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Signal], search_term: str
    ) -> tuple[QuerySet[Signal], bool]:
        typed = search_term.split()
        symbols = set(Instrument.objects.filter(pk__in=typed).values_list("pk", flat=True)) if typed else {}
        for word in typed:
            queryset = queryset.filter(meaning(word, symbols))
        return queryset, False

    # What an operator may do

    def has_cancel_permission(self, request: HttpRequest) -> bool:
        return may(request, "signals.change_signal")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if self.has_cancel_permission(request):
            return TitledAdmin.changelist_view(self, request, extra_context)
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
            self.message_user(request, f"Cancelled: {', '.join(str(signal) for signal in cancelled)}.")

    def _cancel(self, request: HttpRequest, signal: Signal) -> bool:
        reason = request.POST.get("reason", "").strip()[:REASON]
        message = f"Cancelled: {reason}" if reason else "Cancelled."
        try:
            with transaction.atomic():
                lifecycle.cancel(signal, by=user_of(request), reason=reason, at=timezone.now())
                LogEntry.objects.log_actions(
                    user_of(request).pk, [signal], CHANGE, message, single_object=True
                )
        except lifecycle.NotPending as ended:
            self.message_user(request, f"{signal} was left as it is. {ended}", messages.WARNING)
            return False
        return True
