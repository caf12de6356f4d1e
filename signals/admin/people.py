"""Who asks, and what they may do besides reading."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest


def asking(request: HttpRequest) -> User:
    """Whoever is logged in: the admin lets nobody else in."""
    return cast(User, request.user)


def may(request: HttpRequest, permission: str) -> bool:
    return asking(request).has_perm(f"signals.{permission}")
