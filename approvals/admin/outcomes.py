"""Outcomes of signals and of decisions on them."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import Outcome
from core import formatting
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin
from signals.admin.filters import StrategyFilter


class SinceFilter(DayFilter):
    field = "since"


@admin.register(Outcome)
class OutcomeAdmin(LogAdmin):
    list_display = [
        "counted",
        "of",
        "ledger",
        "group",
        "decided_by",
        "ending",
        "result",
        "planned",
        "entered",
        "exited",
        "is_final",
    ]
    list_filter = ["ledger", "group", "end", "is_final", StrategyFilter, "timeframe", SinceFilter]
    list_select_related = ["signal", "decided_by"]
    search_fields = ["symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-since", "pk"]
    fields = [
        *["of", "ledger", "group", "decision", "decided_by", "counted", "played_on"],
        *["ending", "result", "planned", "entered", "entry", "exited", "exit", "is_final"],
        *["race", "is_race_final", "luck", "computed"],
    ]

    @admin.display(description="counted from (UTC)")
    def counted(self, outcome: Outcome) -> str:
        return approval_formatting.at(outcome.since)

    @admin.display(description="signal")
    def of(self, outcome: Outcome) -> SafeString | str:
        return approval_formatting.link(outcome.signal)

    @admin.display(description="decision")
    def decision(self, outcome: Outcome) -> SafeString | str:
        return approval_formatting.link(outcome.approval)

    @admin.display(description="ended by")
    def ending(self, outcome: Outcome) -> str:
        return outcome.get_end_display()

    @admin.display(description="result in R")
    def result(self, outcome: Outcome) -> str:
        return formatting.NOTHING if outcome.r is None else f"{outcome.r:+.2f}"

    @admin.display(description="planned R")
    def planned(self, outcome: Outcome) -> str:
        return formatting.NOTHING if outcome.planned_r is None else f"{outcome.planned_r:+.2f}"

    @admin.display(description="entered (UTC)")
    def entered(self, outcome: Outcome) -> str:
        return approval_formatting.at(outcome.entered_at)

    @admin.display(description="exited (UTC)")
    def exited(self, outcome: Outcome) -> str:
        return approval_formatting.at(outcome.exited_at)

    @admin.display(description="computed (UTC)")
    def computed(self, outcome: Outcome) -> str:
        return approval_formatting.at(outcome.computed_at)
