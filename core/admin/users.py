"""The user of a request, what they may do besides reading, and the log of what they request."""

from typing import cast

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest


def asking(request: HttpRequest) -> User:
    """Return the user who is logged in: the admin lets no one else in."""
    return cast(User, request.user)


def may(request: HttpRequest, permission: str) -> bool:
    return asking(request).has_perm(permission)


def log_asked(request: HttpRequest, asked: Model) -> None:
    LogEntry.objects.log_actions(asking(request).pk, [asked], ADDITION, "Asked for.", single_object=True)
