"""Login to the API by token: `Authorization: Token <token>`. Only a token's hash is stored."""

from datetime import timedelta

from django.conf import settings
from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from jaxsite.auth.people import person_of

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year"}


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate_credentials(self, token: bytes) -> tuple[object, object]:
        # Knox decodes and hands the bytes to the database, which fails on a NUL and on what is not UTF-8.
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        user, stored = super().authenticate_credentials(token)
        return person_of(user), stored


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # registers itself, untyped
    target_class = "jaxsite.auth.tokens.TokenAuthentication"
    name = "token"


def of_user(user: User) -> QuerySet[AuthToken]:
    """Return the user's own tokens, the newest first."""
    tokens: QuerySet[AuthToken] = AuthToken.objects.filter(user=user).order_by("-created", "digest")
    return tokens


@transaction.atomic
def create(user: User, days: str) -> tuple[AuthToken, str]:
    """Return a new token and its secret, which is not stored. `days`: one of LIFETIMES, else the usual."""
    lifetime = timedelta(days=int(days)) if days in LIFETIMES else settings.REST_KNOX["TOKEN_TTL"]
    token, secret = AuthToken.objects.create(user, expiry=lifetime)
    LogEntry.objects.log_actions(user.pk, [token], ADDITION, "Made on the account page.", single_object=True)
    return token, secret


@transaction.atomic
def revoke(user: User, digest: str) -> bool:
    """Delete the token. Return whether there was one."""
    tokens = list(of_user(user).filter(digest=digest))
    if tokens:
        message = "Revoked on the account page."
        LogEntry.objects.log_actions(user.pk, tokens, DELETION, message, single_object=True)
        of_user(user).filter(digest=digest).delete()
    return bool(tokens)
