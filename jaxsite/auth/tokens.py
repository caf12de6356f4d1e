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

LIFETIMES = {"30": "30 days", "90": "90 days", "365": "a year"}


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate_credentials(self, token: bytes) -> tuple[object, object]:
        # Knox decodes and hands the bytes to the database, which fails on a NUL and on what is not UTF-8.
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        answer: tuple[object, object] = super().authenticate_credentials(token)
        return answer


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # registers itself, untyped
    target_class = "jaxsite.auth.tokens.TokenAuthentication"
    name = "token"


def of(user: User) -> QuerySet[AuthToken]:
    """Whoever asks: nobody's but their own."""
    found: QuerySet[AuthToken] = AuthToken.objects.filter(user=user).order_by("-created", "digest")
    return found


@transaction.atomic
def make(user: User, days: str) -> tuple[AuthToken, str]:
    """A new token and its secret, which is stored nowhere. `days`: one of LIFETIMES, else the usual."""
    lifetime = timedelta(days=int(days)) if days in LIFETIMES else settings.REST_KNOX["TOKEN_TTL"]
    made, secret = AuthToken.objects.create(user, expiry=lifetime)
    LogEntry.objects.log_actions(user.pk, [made], ADDITION, "Made on the account page.", single_object=True)
    return made, secret


@transaction.atomic
def revoke(user: User, digest: str) -> bool:
    """Whether there was one to revoke."""
    found = list(of(user).filter(digest=digest))
    if found:
        message = "Revoked on the account page."
        LogEntry.objects.log_actions(user.pk, found, DELETION, message, single_object=True)
        of(user).filter(digest=digest).delete()
    return bool(found)
