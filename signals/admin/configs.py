"""Configurations of strategies, with a form that has each strategy's parameters."""

from dataclasses import fields
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import QuerySet
from django.forms import Script
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import TitledAdmin
from core.admin.tables import table
from core.admin.users import log_request, may, user_of
from market import formatting as market_formatting
from signals import formatting as signal_formatting
from signals import scan
from signals.admin.forms import PREFIX, RULES, ChoiceForm, ConfigForm, form_of, stored, trouble, usual
from signals.admin.scans import ASKED
from signals.models import Scan, StrategyConfig, StrategyRecord
from signals.strategies import STRATEGIES


class ConfigList(ChangeList):
    """The configurations, each with what the newest scan counted for it and with its pooled record."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        began = [row.scanned_at for row in self.result_list if row.scanned_at]
        counted = {
            (scan.started_at, entry["strategy_id"], entry["timeframe"]): entry
            for scan in Scan.objects.filter(started_at__in=began, outcome=Scan.Outcome.FINISHED)
            for entry in scan.counts
        }
        records = {
            (record.strategy_id, record.timeframe): record
            for record in StrategyRecord.objects.filter(symbol="")
        }
        for row in self.result_list:
            row.counted = counted.get((row.scanned_at, row.strategy_id, row.timeframe))
            row.recorded = records.get((row.strategy_id, row.timeframe))


@admin.register(StrategyConfig)
class StrategyConfigAdmin(TitledAdmin):
    list_display = [
        *["named", "timeframe", "state", "rules", "record"],
    ]
    list_filter = ["enabled", "timeframe"]
    ordering = ["strategy_id", "timeframe"]
    actions = ["switch_on", "switch_off", "rescan"]
    readonly_fields = ["named", "timeframe", "wrong", "all_parameters", "changed", "scanned"]

    class Media:
        js = [Script("validate.js", defer=True)]

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ConfigList

    def has_delete_permission(self, request: HttpRequest, obj: StrategyConfig | None = None) -> bool:
        return False  # signals name their strategy and timeframe: it is switched off instead

    def has_scan_permission(self, request: HttpRequest) -> bool:
        return may(request, "signals.add_scan") and self.has_change_permission(request)

    # The form

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_add_permission(request):
            raise PermissionDenied
        choice = ChoiceForm(request.GET or None)
        if choice.is_valid():
            context = {"title": f"Add {choice.instance}"}
            return super().add_view(request, form_url, context | (extra_context or {}))
        context = self.admin_site.each_context(request) | {
            "title": "Add strategy configuration",
            "opts": self.opts,
            "form": choice,
        }
        return TemplateResponse(request, "admin/signals/strategyconfig/choose.html", context)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        return usual(request.GET["timeframe"])

    def get_form(
        self, request: HttpRequest, obj: StrategyConfig | None = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = form_of(_shown(request, obj)) if self._may_enter(request, obj) else ConfigForm
        return super().get_form(request, obj, change, **{"form": form} | kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: StrategyConfig | None = None) -> Any:
        config = _shown(request, obj)
        strategy = STRATEGIES.get(config.strategy_id)
        entered = strategy and self._may_enter(request, obj)
        names = [f"{PREFIX}{field.name}" for field in fields(strategy)] if strategy and entered else []
        wrong = ["wrong"] if trouble(config) else []
        description = (strategy.__doc__ or "").strip() if strategy else ""
        return [
            (None, {"fields": ["named", "timeframe", *wrong, *RULES]}),
            ("Parameters", {"fields": names or ["all_parameters"], "description": description}),
            *([("When", {"fields": ["changed", "scanned"]})] if obj else []),
        ]

    def _may_enter(self, request: HttpRequest, obj: StrategyConfig | None) -> bool:
        return self.has_change_permission(request, obj) if obj else self.has_add_permission(request)

    def save_model(self, request: HttpRequest, obj: StrategyConfig, form: Any, change: bool) -> None:
        if not change or form.changed:
            obj.changed_at = timezone.now()
        # Only what was changed here: a scan may write the other columns at the same moment.
        obj.save(update_fields=[*form.changed, "changed_at"] if change else None)

    # What the list shows

    @admin.display(description="strategy", ordering="strategy_id")
    def named(self, config: StrategyConfig) -> str:
        return signal_formatting.strategy(config.strategy_id)

    @admin.display(description="state", ordering="enabled")
    def state(self, config: StrategyConfig) -> SafeString:
        if not config.enabled:
            return formatting.dot("none", "off")
        if wrong := trouble(config):
            return formatting.dot("bad", f"cannot run: {wrong}")
        return format_html('{}<div class="muted">{}</div>', formatting.dot("good", "on"), _counted(config))

    @admin.display(description="rules")
    def rules(self, config: StrategyConfig) -> SafeString:
        lines = [
            f"confidence {signal_formatting.confidence(config.minimum_confidence)} at least",
            *signal_formatting.rules(
                config.lifetime_bars, config.longest_holding_bars, config.flat_at_close, config.timeframe
            ),
            f"parameters: {signal_formatting.parameters(stored(config))}",
        ]
        return format_html_join("", "<div>{}</div>", ([line] for line in lines))

    @admin.display(description="record over the watchlist")
    def record(self, config: StrategyConfig) -> str:
        record: StrategyRecord | None = vars(config).get("recorded")
        return record.sentence() if record else formatting.NOTHING

    # What its page shows

    @admin.display(description="what is wrong")
    def wrong(self, config: StrategyConfig) -> SafeString:
        return formatting.dot("bad", trouble(config))

    @admin.display(description="parameters")
    def all_parameters(self, config: StrategyConfig) -> SafeString | str:
        strategy, given = STRATEGIES.get(config.strategy_id), stored(config)
        defaults = {field.name: field.default for field in fields(strategy)} if strategy else {}
        names = [*defaults, *(given.keys() - defaults.keys())]
        rows = ([formatting.label(name), given.get(name, defaults.get(name))] for name in names)
        return table(["parameter", "value"], rows)

    @admin.display(description="last changed (UTC)")
    def changed(self, config: StrategyConfig) -> str:
        return formatting.moment(config.changed_at)

    @admin.display(description="last evaluated (UTC)")
    def scanned(self, config: StrategyConfig) -> str:
        return formatting.moment(config.scanned_at)

    # What an operator may do

    @admin.action(description="Switch on", permissions=["change"])
    def switch_on(self, request: HttpRequest, queryset: QuerySet[StrategyConfig]) -> None:
        wrong = [config for config in queryset if trouble(config)]
        for config in wrong:
            self.message_user(request, f"{config} stays off. {trouble(config)}", messages.WARNING)
        fit = queryset.exclude(pk__in=[config.pk for config in wrong])
        switched = _set_enabled(request, fit, enabled=True)
        self.message_user(request, f"Switched on: {switched}. The next scan evaluates their newest bars.")

    @admin.action(description="Switch off", permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[StrategyConfig]) -> None:
        switched = _set_enabled(request, queryset, enabled=False)
        self.message_user(request, f"Switched off: {switched}. What is pending of them ends within a minute.")

    @admin.action(description="Rescan", permissions=["scan"])
    def rescan(self, request: HttpRequest, queryset: QuerySet[StrategyConfig]) -> None:
        at = timezone.now()
        with transaction.atomic():
            queryset.update(scanned_at=None)  # as if never: its newest bars are evaluated again
            log_request(request, scan.request(by=user_of(request), at=at))
        self.message_user(request, ASKED)


def _counted(config: StrategyConfig) -> str:
    """Return what the newest scan that evaluated it counted."""
    if config.scanned_at is None:
        return "not evaluated yet"
    entry = vars(config).get("counted")
    counts = signal_formatting.counts(entry) if entry else "evaluated"
    return f"{market_formatting.stamp(config.scanned_at)}: {counts}"


def _shown(request: HttpRequest, obj: StrategyConfig | None) -> StrategyConfig:
    """Return the stored one, or the one being added: its address has strategy and timeframe."""
    return obj or StrategyConfig(strategy_id=request.GET["strategy_id"], timeframe=request.GET["timeframe"])


def _set_enabled(request: HttpRequest, queryset: QuerySet[StrategyConfig], *, enabled: bool) -> int:
    """Switch them on or off. Only those that change are logged."""
    with transaction.atomic():
        changing = list(queryset.exclude(enabled=enabled).select_for_update())
        chosen = StrategyConfig.objects.filter(pk__in=[config.pk for config in changing])
        chosen.update(enabled=enabled, changed_at=timezone.now())
        if changing:
            message = [{"changed": {"fields": ["Enabled"]}}]
            LogEntry.objects.log_actions(request.user.pk or 0, changing, CHANGE, message)
    return len(changing)
