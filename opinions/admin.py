"""What analysts said, and the cases that are recalled: both only to be read."""

import json
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import LogAdmin, ModelAdmin
from core.admin.tables import table
from opinions import formatting as opinion_formatting
from opinions.models import PAYLOADS, Memory, OrchestrationRun
from signals import formatting as signal_formatting
from signals.admin.filters import StrategyFilter

Status = OrchestrationRun.Status
TONES = {Status.COMPLETED: "good", Status.FAILED: "bad"}


class GroundsFilter(admin.SimpleListFilter):
    title = "grounds"
    parameter_name = "grounds"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("invented", "not grounded"), ("contradictory", "contradicts itself"), ("sound", "sound")]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.value() == "invented":
            return queryset.exclude(inventions=[])
        if self.value() == "contradictory":
            return queryset.exclude(contradictions=[])
        if self.value() == "sound":
            return queryset.filter(status=Status.COMPLETED, inventions=[], contradictions=[])
        return queryset


@admin.register(OrchestrationRun)
class OrchestrationRunAdmin(LogAdmin):
    list_display = ["queued", "of", "analyst", "state", "says", "trigger_type", "took", "tokens", "cost_usd"]
    list_filter = ["status", "analyst", "trigger_type", "agent_suggestion", GroundsFilter]
    list_select_related = ["signal"]
    search_fields = ["symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-queued_at", "id"]
    fields = [
        *["of", "page", "analyst", "model", "state", "says", "text", "struck", "contradicted", "error"],
        *["trigger_type", "requested_by", "context", "queued", "took", "tokens", "cost_usd"],
        *["memories_recalled", "noted", "letters", "given"],
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[OrchestrationRun]:
        """The papers are read on the page of a run alone, where they are asked for."""
        runs: QuerySet[OrchestrationRun] = super().get_queryset(request)
        return runs.defer(*PAYLOADS)

    @admin.display(description="asked (UTC)")
    def queued(self, run: OrchestrationRun) -> str:
        return formatting.moment(run.queued_at)

    @admin.display(description="on")
    def of(self, run: OrchestrationRun) -> SafeString | str:
        if run.signal is None:
            return run.symbol
        page = reverse("admin:signals_signal_change", args=[run.signal.pk])
        return format_html('<a href="{}">{}</a>', page, run.signal)

    @admin.display(description="as traders see it")
    def page(self, run: OrchestrationRun) -> SafeString:
        return format_html('<a href="{}">its page</a>', reverse("opinion", args=[run.pk]))

    @admin.display(description="status")
    def state(self, run: OrchestrationRun) -> SafeString:
        return formatting.dot(TONES.get(Status(run.status), "none"), run.status)

    @admin.display(description="says")
    def says(self, run: OrchestrationRun) -> SafeString | str:
        if run.confidence is None:
            return formatting.NOTHING
        doubts = opinion_formatting.doubts(run, "")
        return format_html(
            "{} {} {}", run.agent_suggestion, signal_formatting.confidence(run.confidence), doubts
        )

    @admin.display(description="took")
    def took(self, run: OrchestrationRun) -> str:
        return formatting.duration(run.started_at, run.finished_at) if run.started_at else formatting.NOTHING

    @admin.display(description="reasoning")
    def text(self, run: OrchestrationRun) -> SafeString:
        return format_html_join("", "<p>{}</p>", ([paragraph] for paragraph in run.texts))

    @admin.display(description="invented")
    def struck(self, run: OrchestrationRun) -> str:
        return ", ".join(run.invented) or "none"

    @admin.display(description="contradictions")
    def contradicted(self, run: OrchestrationRun) -> str:
        return " ".join(run.contradictions) or "none"

    @admin.display(description="notes")
    def noted(self, run: OrchestrationRun) -> str:
        return " ".join(run.notes) or "none"

    @admin.display(description="sent and answered")
    def letters(self, run: OrchestrationRun) -> SafeString | str:
        return table(
            ["sent", "answered"], ([exchange["sent"], exchange["answered"]] for exchange in run.exchanges)
        )

    @admin.display(description="what it was given")
    def given(self, run: OrchestrationRun) -> SafeString | str:
        return _folded(run.inputs)


@admin.register(Memory)
class MemoryAdmin(LogAdmin):
    list_display = ["known_since", "kind", "symbol", "strategy", "timeframe", "side", "text", "is_elsewhere"]
    list_filter = ["kind", StrategyFilter, "timeframe", "side"]
    search_fields = ["symbol__exact"]
    search_help_text = "A symbol in capitals, or words of the case"
    ordering = ["-known_at", "id"]
    fields = [
        *["text", "kind", "symbol", "strategy", "timeframe", "side", "regime", "known_since"],
        *["figures", "bank", "reference", "is_elsewhere", "attempts"],
    ]

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Memory], search_term: str
    ) -> tuple[QuerySet[Memory], bool]:
        typed = search_term.strip()
        if not typed:
            return queryset, False
        if typed.isupper() and queryset.filter(symbol=typed).exists():
            return queryset.filter(symbol=typed), False
        return queryset.filter(pk__in=Memory.objects.saying(typed).values("pk")), False

    @admin.display(description="known since (UTC)")
    def known_since(self, memory: Memory) -> str:
        return formatting.moment(memory.known_at)

    @admin.display(description="strategy")
    def strategy(self, memory: Memory) -> str:
        return signal_formatting.strategy(memory.strategy_id)

    @admin.display(description="in Hindsight", boolean=True)
    def is_elsewhere(self, memory: Memory) -> bool:
        return memory.retained_at is not None

    @admin.display(description="figures")
    def figures(self, memory: Memory) -> SafeString | str:
        return table(
            ["figure", ""], ((formatting.label(name), value) for name, value in memory.features.items())
        )


def _folded(value: Any) -> SafeString | str:
    if value is None:
        return "none"
    text = json.dumps(value, indent=1, ensure_ascii=False)
    return format_html("<details><summary>the snapshot</summary><pre>{}</pre></details>", text)
