"""What a message says: one notification, or a digest of several."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from django.conf import settings

from approvals.models import Delivery, Notification

MANY = 4
LINES = 10  # Discord takes 2,000 characters


class Message(NamedTuple):
    title: str
    body: str


def groups(waiting: Iterable[Delivery]) -> list[list[Delivery]]:
    """The deliveries that go out as one message: MANY of a kind, those held back, else each by itself."""
    together: dict[str, list[Delivery]] = defaultdict(list)
    for delivery in waiting:
        together[_group(delivery)].append(delivery)
    return [part for name, group in together.items() for part in _parts(name, group)]


def _group(delivery: Delivery) -> str:
    kind = delivery.notification.kind
    if not delivery.is_held_back:
        return kind
    return "silent" if kind in settings.NOTIFY_SILENT else "held back"


def _parts(name: str, group: list[Delivery]) -> list[list[Delivery]]:
    is_digest = len(group) >= MANY or name not in Notification.Kind.values
    return [group] if is_digest else [[delivery] for delivery in group]


def compose(notifications: Sequence[Notification]) -> Message:
    """Return the message about these: the whole of one, or a line with a link for each of several."""
    if len(notifications) == 1:
        only = notifications[0]
        return Message(
            only.title, "\n\n".join(part for part in (only.body, link(only)) if part) or only.title
        )
    kinds = {notification.get_kind_display() for notification in notifications}
    title = f"{len(notifications)} messages" + (f": {kinds.pop()}" if len(kinds) == 1 else "")
    lines = [f"{each.title}\n{link(each)}".strip() for each in notifications[:LINES]]
    if more := len(notifications) - LINES:
        lines += [f"and {more} more: {settings.SITE_URL}"] * (more > 0)
    return Message(title, "\n".join(lines))


def link(notification: Notification) -> str:
    return f"{settings.SITE_URL.rstrip('/')}{notification.path}" if notification.path else ""
