"""Who has a second factor, and what one is asked for it before."""

from collections.abc import Callable
from typing import Any, TypeVar

from allauth.account.decorators import reauthentication_required
from allauth.mfa.models import Authenticator
from django.contrib.auth.base_user import AbstractBaseUser
from django.db.models import QuerySet
from django.http import HttpRequest

View = TypeVar("View", bound=Callable[..., Any])


def of_user(user: AbstractBaseUser) -> "QuerySet[Authenticator]":
    """Return the user's factors: an app or passkeys. Recovery codes stand in for one, and are none."""
    factors: QuerySet[Authenticator] = Authenticator.objects.filter(user_id=user.pk)
    return factors.exclude(type=Authenticator.Type.RECOVERY_CODES).order_by("created_at", "pk")


def asked_for(view: View) -> View:
    """Ask a user who has a factor for it, unless that was minutes ago. Others go on as ever."""
    guarded: View = reauthentication_required(view, enabled=_has_one)
    return guarded


def _has_one(request: HttpRequest) -> bool:
    return request.user.is_authenticated and of_user(request.user).exists()
