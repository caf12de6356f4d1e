"""How each strategy's ideas turned out over stored history."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import ModelAdmin, ReadOnlyAdmin
from core.admin.tables import table
from market import formatting as market_formatting
from signals import formatting as signal_formatting
from signals.admin.filters import StrategyFilter
from signals.models import StrategyRecord


class WhoseFilter(admin.SimpleListFilter):
    title = "of"
    parameter_name = "of"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("watchlist", "the watchlist"), ("symbol", "one symbol")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[StrategyRecord]) -> QuerySet[StrategyRecord]:
        if self.value() == "watchlist":
            return queryset.filter(symbol="")
        return queryset.exclude(symbol="") if self.value() == "symbol" else queryset


@admin.register(StrategyRecord)
class StrategyRecordAdmin(ReadOnlyAdmin):
    list_display = ["whose", "strategy", "timeframe", "sentence", "bars", "computed"]
    list_filter = [WhoseFilter, StrategyFilter, "timeframe"]
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"
    ordering = ["symbol", "strategy_id", "timeframe", "pk"]
    fields = [
        *["whose", "strategy", "timeframe", "sentence", "cases", "targets", "stops", "listing"],
        *["bars", "in_doubt", "since", "until", "computed", "rules"],
    ]

    @admin.display(description="of", ordering="symbol")
    def whose(self, record: StrategyRecord) -> str:
        return record.symbol or "the watchlist"

    @admin.display(description="strategy", ordering="strategy_id")
    def strategy(self, record: StrategyRecord) -> str:
        return signal_formatting.strategy(record.strategy_id)

    @admin.display(description="record")
    def sentence(self, record: StrategyRecord) -> str:
        return record.sentence()

    @admin.display(description="the cases")
    def listing(self, record: StrategyRecord) -> SafeString | str:
        return cases(record)

    @admin.display(description="bars in doubt")
    def in_doubt(self, record: StrategyRecord) -> SafeString | str:
        return doubted(record)

    @admin.display(description="first bar (UTC)")
    def since(self, record: StrategyRecord) -> str:
        return formatting.moment(record.first_at)

    @admin.display(description="last bar (UTC)")
    def until(self, record: StrategyRecord) -> str:
        return formatting.moment(record.last_at)

    @admin.display(description="computed (UTC)", ordering="computed_at")
    def computed(self, record: StrategyRecord) -> str:
        return formatting.moment(record.computed_at)

    @admin.display(description="computed with")
    def rules(self, record: StrategyRecord) -> SafeString | str:
        basis = record.basis | {
            "parameters": signal_formatting.parameters(record.basis.get("parameters", {}))
        }
        return table(["rule", ""], ([formatting.label(name), value] for name, value in basis.items()))


def doubted(record: StrategyRecord) -> SafeString | str:
    """Return how many bars are in doubt, and the newest of them, each with a link to its chart."""
    if not record.doubted:
        return "none"
    bars = (
        (
            market_formatting.chart_link(bar["symbol"], record.timeframe),
            market_formatting.stamp(datetime.fromisoformat(bar["bar"]), record.timeframe),
        )
        for bar in record.doubted_bars
    )
    return format_html("{}: {}", record.doubted, format_html_join(", ", "{} {}", bars))


def cases(record: StrategyRecord) -> SafeString | str:
    """Return a table of the cases themselves, while they are few."""

    def cells(case: dict[str, Any]) -> list[str]:
        opened_at = datetime.fromisoformat(case["bar"])
        bar = market_formatting.stamp(opened_at, record.timeframe)
        return [case["symbol"], bar, f"{case['r']:+.2f}", case["ended"]]

    return table(["symbol", "bar (UTC)", "result in R", "ended by"], map(cells, record.listed))
