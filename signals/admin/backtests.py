"""Backtests: what was asked for and what came out, and a form to ask for one."""

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
from core.admin.users import asking, log_asked, may
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
    timeframe = forms.ChoiceField(choices=[(one.value, one.value) for one in Timeframe], initial="1d")
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
        (None, {"fields": ["state", "report", "warnings", "failed"]}),
        ("What was asked for", {"fields": ["strategy", "timeframe", "every_symbol", "days", "used"]}),
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
        if form.is_valid() and (asked := _ask(request, form)):
            return redirect("admin:signals_backtest_change", asked.pk)
        context = self.admin_site.each_context(request) | {
            "title": "Run a backtest",
            "opts": self.opts,
            "form": form,
        }
        return TemplateResponse(request, "admin/signals/backtest/run.html", context)

    @admin.display(description="asked for (UTC)", ordering="queued_at")
    def queued(self, asked: Backtest) -> str:
        return formatting.moment(asked.queued_at)

    @admin.display(description="strategy", ordering="strategy_id")
    def strategy(self, asked: Backtest) -> str:
        return signal_formatting.strategy(asked.strategy_id)

    @admin.display(description="symbols")
    def on(self, asked: Backtest) -> str:
        more = len(asked.symbols) - SYMBOLS_SHOWN
        return ", ".join(asked.symbols[:SYMBOLS_SHOWN]) + (f" and {more} more" if more > 0 else "")

    @admin.display(description="symbols")
    def every_symbol(self, asked: Backtest) -> str:
        return ", ".join(asked.symbols)

    @admin.display(description="days")
    def days(self, asked: Backtest) -> str:
        if not (asked.since or asked.until):
            return "all that is stored"
        return f"{asked.since or 'the first'} to {asked.until or 'the last'}"

    @admin.display(description="status", ordering="status")
    def state(self, asked: Backtest) -> SafeString:
        return formatting.dot(TONES.get(Status(asked.status), "none"), asked.status)

    @admin.display(description="took")
    def took(self, asked: Backtest) -> str:
        return formatting.duration(asked.started_at or asked.queued_at, asked.finished_at)

    @admin.display(description="table")
    def report(self, asked: Backtest) -> SafeString | str:
        if asked.result:
            return format_html(
                '<pre class="wide" tabindex="0" role="region" aria-label="The table">{}</pre>',
                asked.result.get("text", ""),
            )
        waits = asked.status in (Status.QUEUED, Status.RUNNING)
        return "The slow worker has not finished it: load this page again." if waits else formatting.NOTHING

    @admin.display(description="warnings")
    def warnings(self, asked: Backtest) -> SafeString | str:
        told = asked.result.get("warnings", []) if asked.result else []
        return format_html_join("", "<div>{}</div>", ([line] for line in told)) or "none"

    @admin.display(description="error")
    def failed(self, asked: Backtest) -> str:
        return asked.error or "none"

    @admin.display(description="parameters")
    def used(self, asked: Backtest) -> str:
        return signal_formatting.parameters(asked.parameters)

    @admin.display(description="rules")
    def rules(self, asked: Backtest) -> str:
        said = signal_formatting.rules(
            asked.lifetime_bars, asked.longest_holding_bars, asked.flat_at_close, asked.timeframe
        )
        return ", ".join(said)

    @admin.display(description="minimum confidence")
    def minimum(self, asked: Backtest) -> str:
        return signal_formatting.confidence(asked.minimum_confidence)


def _ask(request: HttpRequest, form: RunForm) -> Backtest | None:
    """Queue what a valid form asks for; None when it is refused, and the form says why."""
    try:
        with transaction.atomic():
            asked = backtest.request(**form.cleaned_data, by=asking(request), at=timezone.now())
            log_asked(request, asked)
    except backtest.Refused as refusal:
        for field, error in refusal.errors.items():
            form.add_error(field if field in form.fields else None, error)
        return None
    return asked
