"""How ingestion goes: its cycles, its sums, its providers, and how far it has come."""

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import ModelAdmin, ReadOnlyAdmin
from core.admin.tables import table
from market import formatting as market_formatting
from market.models import CandleProgress, IngestionRun, IngestionTotal, ProviderStatus

Outcome = IngestionRun.Outcome


class TroubleFilter(admin.SimpleListFilter):
    title = "trouble"
    parameter_name = "trouble"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("failed", "symbols failed"), ("rejected", "rows were refused")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[IngestionRun]) -> QuerySet[IngestionRun]:
        if self.value() == "failed":
            return queryset.filter(failed__gt=0)
        return queryset.exclude(rejected={}) if self.value() == "rejected" else queryset


@admin.register(IngestionRun)
class IngestionRunAdmin(ReadOnlyAdmin):
    list_display = [
        *["started", "kind", "ended", "duration", "asked", "stored", "failed", "waiting", "rows", "refused"],
    ]
    list_filter = ["kind", "outcome", TroubleFilter]
    date_hierarchy = "started_at"
    ordering = ["-started_at", "-pk"]
    fields = [
        *["kind", "ended", "started_at", "finished_at", "duration"],
        *["asked", "stored", "failed", "waiting", "rows", "by_provider", "what_failed", "what_was_refused"],
    ]
    readonly_fields = ["ended", "duration", "by_provider", "what_failed", "what_was_refused"]

    @admin.display(description="started (UTC)", ordering="started_at")
    def started(self, run: IngestionRun) -> str:
        return f"{run.started_at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="outcome", ordering="outcome")
    def ended(self, run: IngestionRun) -> SafeString:
        tone = {Outcome.BROKEN: "bad", Outcome.SKIPPED: "warn", Outcome.RUNNING: "none"}.get(
            Outcome(run.outcome), "warn" if run.failed else "good"
        )
        return formatting.dot(tone, run.outcome)

    @admin.display(description="took")
    def duration(self, run: IngestionRun) -> str:
        return formatting.duration(run.started_at, run.finished_at)

    @admin.display(description="rows refused")
    def refused(self, run: IngestionRun) -> str:
        return formatting.count(sum(reason["count"] for reason in run.rejected.values()))

    @admin.display(description="by provider")
    def by_provider(self, run: IngestionRun) -> SafeString | str:
        return table(
            ["provider", "asked", "stored", "failed", "seconds", "error"],
            (
                [name, *(figures.get(key, 0) for key in FIGURES), figures.get("error", "")]
                for name, figures in run.providers.items()
            ),
        )

    @admin.display(description="what failed")
    def what_failed(self, run: IngestionRun) -> SafeString | str:
        return table(["symbol", "why"], run.failures.items())

    @admin.display(description="rows refused")
    def what_was_refused(self, run: IngestionRun) -> SafeString | str:
        return table(
            ["reason", "rows", "example"],
            ([reason, rows["count"], rows["example"]] for reason, rows in run.rejected.items()),
        )


FIGURES = ["asked", "stored", "failed", "seconds"]


@admin.register(IngestionTotal)
class IngestionTotalAdmin(ReadOnlyAdmin):
    list_display = ["kind", "runs", "skipped", "stored", "failed", "rejected"]


@admin.register(ProviderStatus)
class ProviderStatusAdmin(ReadOnlyAdmin):
    list_display = [
        *["provider", "kind", "doing", "consecutive_failures", "succeeded", "failed", "last_error"],
    ]
    list_filter = ["provider", "kind"]

    @admin.display(description="state")
    def doing(self, status: ProviderStatus) -> SafeString:
        at = timezone.now()
        if status.cool_off_until is not None and status.cools_off(at):
            return formatting.dot("bad", f"cools off until {status.cool_off_until:%H:%M:%S} UTC")
        if status.consecutive_failures:
            return formatting.dot("warn", "failed last time, is asked again")
        return (
            formatting.dot("good", "asked")
            if status.last_success_at
            else formatting.dot("none", "not asked yet")
        )

    @admin.display(description="last success (UTC)", ordering="last_success_at")
    def succeeded(self, status: ProviderStatus) -> str:
        return market_formatting.stamp(status.last_success_at)

    @admin.display(description="last failure (UTC)", ordering="last_failure_at")
    def failed(self, status: ProviderStatus) -> str:
        return market_formatting.stamp(status.last_failure_at)


@admin.register(CandleProgress)
class CandleProgressAdmin(ReadOnlyAdmin):
    list_display = ["chart_of", "timeframe", "answered", "through", "delay_seconds", "corrected"]
    list_display_links = None
    list_filter = ["timeframe"]
    search_fields = ["symbol"]
    ordering = ["symbol", "timeframe", "pk"]

    @admin.display(description="symbol", ordering="symbol")
    def chart_of(self, progress: CandleProgress) -> SafeString:
        return market_formatting.chart_link(progress.symbol, progress.timeframe)

    @admin.display(description="last answered (UTC)", ordering="answered_at")
    def answered(self, progress: CandleProgress) -> str:
        return market_formatting.stamp(progress.answered_at)

    @admin.display(description="newest bar that could be in it", ordering="answered_through")
    def through(self, progress: CandleProgress) -> str:
        return market_formatting.stamp(progress.answered_through, progress.timeframe)

    @admin.display(description="corrections fetched (UTC)", ordering="corrected_at")
    def corrected(self, progress: CandleProgress) -> str:
        return market_formatting.stamp(progress.corrected_at)
