"""Orders: how they stand, what was executed of them, who wanted what of them, and their history."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.admin.exits import OrderExits
from approvals.models import AuditEvent, Fill, Order, OrderLeg
from core.admin.filters import DayFilter
from core.admin.tables import table
from market import formatting as market_formatting
from signals.formatting import side


class MadeFilter(DayFilter):
    field = "created_at"


@admin.register(Order)
class OrderAdmin(OrderExits):
    list_display = [
        *["created", "of", "way", "kind", "shares", "stands", "limit", "stop", "target", "requested_by"],
    ]
    list_display_links = ["created"]
    list_filter = ["status", "kind", "side", "exits_working", MadeFilter]
    list_select_related = ["requested_by"]
    search_fields = ["symbol__exact", "id__startswith", "broker_order_id__exact"]
    search_help_text = "A symbol in capitals, or the beginning of an order's id"
    ordering = ["-created_at", "pk"]
    fieldsets = [
        (None, {"fields": ["of", "way", "kind", "shares", "stands", "exits_working", "decision"]}),
        ("Levels", {"fields": ["limit", "stop", "target", "risks"]}),
        ("Executed", {"fields": ["fills", "decisions"]}),
        (
            "When (UTC)",
            {
                "fields": [
                    *["requested_by", "created", "released", "due", "sent", "answered", "withdrawn", "ended"],
                    *["until", "flat"],
                ]
            },
        ),
        ("At the broker", {"fields": ["broker", "id", "broker_order_id", "lookups", "legs"]}),
        ("History", {"fields": ["history"]}),
    ]

    @admin.display(description="made (UTC)")
    def created(self, order: Order) -> str:
        return approval_formatting.at(order.created_at)

    @admin.display(description="symbol")
    def of(self, order: Order) -> SafeString:
        return market_formatting.chart_link(order.symbol)

    @admin.display(description="side")
    def way(self, order: Order) -> SafeString:
        return side(order.side)

    @admin.display(description="filled of")
    def shares(self, order: Order) -> str:
        return f"{order.filled_quantity:,} of {order.quantity:,}"

    @admin.display(description="status")
    def stands(self, order: Order) -> SafeString:
        return format_html(
            '{}<div class="muted">{}</div>', approval_formatting.status(order), order.status_reason
        )

    @admin.display(description="decision")
    def decision(self, order: Order) -> SafeString | str:
        return approval_formatting.link(order.approval)

    # Levels

    @admin.display(description="limit")
    def limit(self, order: Order) -> str:
        return approval_formatting.price(order.limit_price)

    @admin.display(description="stop")
    def stop(self, order: Order) -> str:
        return approval_formatting.price(order.stop_loss)

    @admin.display(description="target")
    def target(self, order: Order) -> str:
        return approval_formatting.price(order.take_profit)

    @admin.display(description="at risk")
    def risks(self, order: Order) -> str:
        return f"{approval_formatting.money(order.risk)} {order.currency}"

    # What happened

    @admin.display(description="fills")
    def fills(self, order: Order) -> SafeString | str:
        fills = order.fills.order_by("executed_at", "pk")
        return table(
            ["executed (UTC)", "leg", "side", "shares", "price", "commission", "execution"], map(_row, fills)
        )

    @admin.display(description="legs")
    def legs(self, order: Order) -> SafeString | str:
        titles = ["leg", "state", "level", "filled of", "in the broker's word", "since (UTC)", "broker's id"]
        return table(titles, map(_leg, order.legs.order_by("pk")))

    @admin.display(description="decisions on it")
    def decisions(self, order: Order) -> SafeString | str:
        decisions = order.decisions.select_related("decided_by").order_by("decided_at", "pk")
        rows = (
            [
                approval_formatting.at(decision.decided_at),
                decision.action,
                decision.decided_by,
                decision.notes,
            ]
            for decision in decisions
        )
        return table(["decided (UTC)", "action", "by", "notes"], rows)

    @admin.display(description="in the chain")
    def history(self, order: Order) -> SafeString | str:
        events = AuditEvent.objects.filter(subject=f"order {order.pk}").order_by("number")
        rows = (
            [
                approval_formatting.link(event, event.number),
                approval_formatting.at(event.at),
                event.kind,
                event.actor,
            ]
            for event in events
        )
        return table(["event", "at (UTC)", "what", "by"], rows)

    # When

    @admin.display(description="released")
    def released(self, order: Order) -> str:
        return approval_formatting.at(order.released_at)

    @admin.display(description="looked at again")
    def due(self, order: Order) -> str:
        return approval_formatting.at(order.due_at)

    @admin.display(description="sent")
    def sent(self, order: Order) -> str:
        return approval_formatting.at(order.submitted_at)

    @admin.display(description="answered")
    def answered(self, order: Order) -> str:
        return approval_formatting.at(order.acknowledged_at)

    @admin.display(description="cancel asked for")
    def withdrawn(self, order: Order) -> str:
        return approval_formatting.at(order.cancel_requested_at)

    @admin.display(description="ended")
    def ended(self, order: Order) -> str:
        return approval_formatting.at(order.ended_at)

    @admin.display(description="good until")
    def until(self, order: Order) -> str:
        return approval_formatting.at(order.good_until)

    @admin.display(description="flat at")
    def flat(self, order: Order) -> str:
        return approval_formatting.at(order.flat_at)


def _leg(leg: OrderLeg) -> list[str]:
    return [
        leg.get_leg_display().lower(),
        leg.get_state_display().lower(),
        approval_formatting.price(leg.level),
        f"{leg.filled:,} of {leg.quantity:,}",
        leg.broker_state,
        approval_formatting.at(leg.changed_at),
        leg.broker_id,
    ]


def _row(fill: Fill) -> list[str]:
    return [
        *[
            approval_formatting.at(fill.executed_at),
            fill.get_leg_display().lower(),
            side(fill.side),
            f"{fill.quantity:,}",
        ],
        *[
            approval_formatting.price(fill.price),
            approval_formatting.commission(fill),
            approval_formatting.link(fill, fill.execution_id),
        ],
    ]
