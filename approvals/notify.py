"""What people are told, written down in the transaction that it is about and sent from there."""

from datetime import datetime

from approvals.models import Notification


def put(
    kind: Notification.Kind, key: str, title: str, at: datetime, *, body: str = "", path: str = ""
) -> None:
    """Have people told once: a second message with the same key is not written.

    `path` is the page it is about, without the site. Nothing secret goes into a message.
    """
    message = Notification(kind=kind, key=key, title=title[:200], body=body, path=path, created_at=at)
    Notification.objects.bulk_create([message], ignore_conflicts=True)
