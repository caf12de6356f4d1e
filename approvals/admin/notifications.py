"""Notifications, and the delivery of each to each address. Nothing is sent from here."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals import notify
from approvals.models import Delivery, Notification
from core import formatting
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin
from core.admin.tables import table

Status = Delivery.Status
TONES = {Status.SENT: "good", Status.WAITING: "warn", Status.FAILED: "bad", Status.UNKNOWN: "bad"}


class WrittenFilter(DayFilter):
    field = "created_at"


class MovedFilter(DayFilter):
    field = "status_at"


def state(delivery: Delivery) -> SafeString:
    return formatting.dot(TONES.get(Status(delivery.status), "none"), delivery.get_status_display())


def address(delivery: Delivery) -> str:
    """Return the place in NOTIFY_URLS: the address itself is a secret."""
    numbers = {target.name: target.number for target in notify.targets()}
    return (
        f"number {numbers[delivery.target]}" if delivery.target in numbers else "not in NOTIFY_URLS any more"
    )


@admin.register(Notification)
class NotificationAdmin(LogAdmin):
    list_display = ["written", "kind", "title"]
    list_display_links = ["title"]
    list_filter = ["kind", WrittenFilter]
    search_fields = ["title", "body"]
    ordering = ["-created_at", "-pk"]
    fields = ["kind", "title", "body", "page", "written", "reached"]

    @admin.display(description="written (UTC)")
    def written(self, notification: Notification) -> str:
        return approval_formatting.at(notification.created_at)

    @admin.display(description="page")
    def page(self, notification: Notification) -> SafeString | str:
        path = notification.path
        return format_html('<a href="{}">{}</a>', path, path) if path else formatting.NOTHING

    @admin.display(description="deliveries")
    def reached(self, notification: Notification) -> SafeString | str:
        rows = (
            [
                address(delivery),
                state(delivery),
                approval_formatting.at(delivery.status_at),
                delivery.attempts,
                delivery.problem,
            ]
            for delivery in notification.deliveries.order_by("pk")
        )
        return table(["address", "state", "since (UTC)", "attempts", "problem"], rows)


@admin.register(Delivery)
class DeliveryAdmin(LogAdmin):
    list_display = ["moved", "of", "to", "stands", "attempts", "problem"]
    list_filter = ["status", "notification__kind", MovedFilter]
    list_select_related = ["notification"]
    ordering = ["-pk"]
    fields = ["of", "to", "stands", "moved", "due", "is_held_back", "attempts", "problem"]

    @admin.display(description="since (UTC)")
    def moved(self, delivery: Delivery) -> str:
        return approval_formatting.at(delivery.status_at)

    @admin.display(description="message")
    def of(self, delivery: Delivery) -> SafeString | str:
        return approval_formatting.link(delivery.notification)

    @admin.display(description="address")
    def to(self, delivery: Delivery) -> str:
        return address(delivery)

    @admin.display(description="state")
    def stands(self, delivery: Delivery) -> SafeString:
        return state(delivery)

    @admin.display(description="not sent before (UTC)")
    def due(self, delivery: Delivery) -> str:
        return approval_formatting.at(delivery.due_at)
