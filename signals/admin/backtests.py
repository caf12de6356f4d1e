"""Backtests with their results, and a form that queues one."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import ReadOnlyAdmin
from core.admin.users import log_request, may, user_of
from market import formatting as market_formatting
from market.models import Instrument
from market.prices import Timeframe
from signals import backtest
from signals import formatting as signal_formatting
from signals.models import Backtest
from signals.models.configs import strategy_choices

Status = Backtest.Status
TONES = {Status.COMPLETED: "good", Status.FAILED: "bad", Status.RUNNING: "warn"}
SYMBOLS_SHOWN = 5


def watchlist() -> str:
    return " ".join(Instrument.objects.watched().values_list("symbol", flat=True))


class RunForm(forms.Form):
    strategy_id = forms.ChoiceField(label="Strategy", choices=strategy_choices)
    timeframe = forms.ChoiceField(
        choices=[(choice.value, choice.value) for choice in Timeframe], initial="1d"
    )
    symbols = forms.CharField(
        widget=forms.Textarea({"rows": 3}), initial=watchlist, help_text="Separated by spaces or commas."
    )
    since = forms.DateField(
        label="From",
        required=False,
        widget=forms.DateInput({"type": "date"}),
        help_text="Empty: all that is stored.",
    )
    until = forms.DateField(label="To", required=False, widget=forms.DateInput({"type": "date"}))
    minimum_confidence = forms.DecimalField(
        required=False, min_value=0, max_value=1, help_text="Empty: that of the configuration."
    )
    cost_bps = forms.FloatField(
        label="Costs", initial=2, min_value=0, help_text="Each way, in basis points of the price."
    )

    def clean_symbols(self) -> list[str]:
        typed = str(self.cleaned_data["symbols"]).replace(",", " ").upper()
        return list(dict.fromkeys(typed.split()))


@admin.register(Backtest)
class BacktestAdmin(ReadOnlyAdmin):
    list_display = ["queued", "strategy", "timeframe", "on", "days", "state", "took", "requested_by"]
    list_filter = ["status", "timeframe"]
    list_select_related = ["requested_by"]
    ordering = ["-queued_at", "id"]
    fieldsets = [
        (None, {"fields": ["state", "report", "warnings", "doubted", "failed"]}),
        ("Request", {"fields": ["strategy", "timeframe", "every_symbol", "days", "used"]}),
        (None, {"fields": ["minimum", "rules", "cost_bps", "requested_by", "queued", "took"]}),
    ]

    def has_add_permission(self, request: HttpRequest, obj: Backtest | None = None) -> bool:
        return may(request, "signals.add_backtest")

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = RunForm(request.POST or None)
        if form.is_valid() and (test := _request(request, form)):
            return redirect("admin:signals_backtest_change", test.pk)
        context = self.admin_site.each_context(request) | {
            "title": "Run a backtest",
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/signals/backtest/run.html", context)

    @admin.display(description="requested (UTC)", ordering="queued_at")
    def queued(self, test: Backtest) -> str:
        return formatting.moment(test.queued_at)

    @admin.display(description="strategy", ordering="strategy_id")
    def strategy(self, test: Backtest) -> str:
        return signal_formatting.strategy(test.strategy_id)

    @admin.display(description="symbols")
    def on(self, test: Backtest) -> str:
        more = len(test.symbols) - SYMBOLS_SHOWN
        return ", ".join(test.symbols[:SYMBOLS_SHOWN]) + (f" and {more} more" if more > 0 else "")

    @admin.display(description="symbols")
    def every_symbol(self, test: Backtest) -> str:
        return ", ".join(test.symbols)

    @admin.display(description="days")
    def days(self, test: Backtest) -> str:
        if not (test.since or test.until):
            return "all that is stored"
        return f"{test.since or 'the first'} to {test.until or 'the last'}"

    @admin.display(description="status", ordering="status")
    def state(self, test: Backtest) -> SafeString:
        return formatting.dot(TONES.get(Status(test.status), "none"), test.status)

    @admin.display(description="took")
    def took(self, test: Backtest) -> str:
        return formatting.duration(test.started_at or test.queued_at, test.finished_at)

    @admin.display(description="table")
    def report(self, test: Backtest) -> SafeString | str:
        if test.result:
            return format_html(
                '<pre class="wide" tabindex="0" role="region" aria-label="The table">{}</pre>',
                test.result.get("text", ""),
            )
        waits = test.status in (Status.QUEUED, Status.RUNNING)
        return "The slow worker has not finished it: load this page again." if waits else formatting.NOTHING

    @admin.display(description="warnings")
    def warnings(self, test: Backtest) -> SafeString | str:
        lines = test.result.get("warnings", []) if test.result else []
        return format_html_join("", "<div>{}</div>", ([line] for line in lines)) or "none"

    @admin.display(description="bars in doubt")
    def doubted(self, test: Backtest) -> SafeString | str:
        rows = test.result.get("rows", []) if test.result else []
        links = (
            (market_formatting.chart_link(row["symbol"], test.timeframe), row["doubted"])
            for row in rows
            if row["symbol"] and row.get("doubted")
        )
        return format_html_join(", ", "{} {}", links) or "none"

    @admin.display(description="error")
    def failed(self, test: Backtest) -> str:
        return test.error or "none"

    @admin.display(description="parameters")
    def used(self, test: Backtest) -> str:
        return signal_formatting.parameters(test.parameters)

    @admin.display(description="rules")
    def rules(self, test: Backtest) -> str:
        texts = signal_formatting.rules(
            test.lifetime_bars, test.longest_holding_bars, test.flat_at_close, test.timeframe
        )
        return ", ".join(texts)

    @admin.display(description="minimum confidence")
    def minimum(self, test: Backtest) -> str:
        return signal_formatting.confidence(test.minimum_confidence)


def _request(request: HttpRequest, form: RunForm) -> Backtest | None:
    """Queue the backtest of a valid form; None when it is refused, and the form says why."""
    try:
        with transaction.atomic():
            test = backtest.request(**form.cleaned_data, by=user_of(request), at=timezone.now())
            log_request(request, test)
    except backtest.BacktestRefused as refusal:
        for field, error in refusal.errors.items():
            form.add_error(field if field in form.fields else None, error)
        return None
    return test
