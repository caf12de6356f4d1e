"""The user of a request, what they may do besides reading, and the log of what they request."""

from typing import cast

from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.http import HttpRequest


def user_of(request: HttpRequest) -> User:
    """Return the user who is logged in: the admin lets no one else in."""
    return cast(User, request.user)


def may(request: HttpRequest, permission: str) -> bool:
    return user_of(request).has_perm(permission)


def log_request(request: HttpRequest, requested: Model) -> None:
    LogEntry.objects.log_actions(user_of(request).pk, [requested], ADDITION, "Asked for.", single_object=True)
