"""Decisions on signals: what was proposed beside what was decided, and what was on the screen."""

from django.contrib import admin
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import Order, TradeApproval
from core import formatting
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin
from signals.formatting import side, strategy


class DecidedFilter(DayFilter):
    field = "approved_at"


@admin.register(TradeApproval)
class TradeApprovalAdmin(LogAdmin):
    list_display = ["decided_on", "verdict", "signal_link", "approved_by", "reason", "took", "order_link"]
    list_filter = ["approved", "reason", "approved_by", DecidedFilter]
    list_select_related = ["signal", "approved_by", "order"]
    search_fields = ["signal__symbol__exact", "modification_notes"]
    search_help_text = "A symbol in capitals, or words of the notes"
    ordering = ["-approved_at", "-pk"]
    fields = [
        *["verdict", "signal_link", "approved_by", "decided_on", "took", "reason", "modification_notes"],
        *["order_link", "comparison", "screen", "etag"],
    ]

    @admin.display(description="decided (UTC)")
    def decided_on(self, approval: TradeApproval) -> str:
        return approval_formatting.at(approval.approved_at)

    @admin.display(description="decision")
    def verdict(self, approval: TradeApproval) -> SafeString:
        return formatting.dot("good" if approval.approved else "bad", approval.verdict)

    @admin.display(description="signal")
    def signal_link(self, approval: TradeApproval) -> SafeString | str:
        signal = approval.signal
        return approval_formatting.link(
            signal, _joined(side(signal.signal_type), signal.symbol, strategy(signal.strategy_id))
        )

    @admin.display(description="seconds to decide")
    def took(self, approval: TradeApproval) -> str:
        seconds = approval.seconds_to_decide
        return formatting.NOTHING if seconds is None else f"{seconds:,.1f}"

    @admin.display(description="order")
    def order_link(self, approval: TradeApproval) -> SafeString | str:
        order: Order | None = getattr(approval, "order", None)
        return approval_formatting.link(order, order and order.get_status_display())

    @admin.display(description="proposed and decided")
    def comparison(self, approval: TradeApproval) -> SafeString | str:
        return approval_formatting.beside(approval.proposed, approval.decided)

    @admin.display(description="on the screen")
    def screen(self, approval: TradeApproval) -> SafeString | str:
        return approval_formatting.facts(approval.shown)


def _joined(*parts: str) -> SafeString:
    return format_html_join(" ", "{}", ([part] for part in parts))
