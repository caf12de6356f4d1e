"""Login to the API by token: `Authorization: Token <token>`. Only a token's hash is stored."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.contrib.admin.models import ADDITION, DELETION, LogEntry
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxAuthentication
from knox.models import AuthToken
from rest_framework.exceptions import AuthenticationFailed

from jaxsite.auth.people import person_of
from jaxsite.models import TokenAccess
from jaxsite.scopes import MEANINGS, Scope


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate_credentials(self, token: bytes) -> tuple[object, object]:
        # Knox decodes and hands the bytes to the database, which fails on a NUL and on what is not UTF-8.
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        user, stored = super().authenticate_credentials(token)
        return person_of(user, use(stored, timezone.now())), stored


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # registers itself, untyped
    target_class = "jaxsite.auth.tokens.TokenAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> Any:
        scopes = "\n".join(f"- `{scope}`: {meaning}" for scope, meaning in MEANINGS.items())
        scheme: dict[str, Any] = super().get_security_definition(auto_schema)  # type: ignore[no-untyped-call]
        return scheme | {
            "description": "`Authorization: Token ...`. A token does what its user may do, less what its "
            f"scope leaves out. Each scope has those before it:\n\n{scopes}"
        }


def use(token: AuthToken, at: datetime) -> Scope:
    """Note that a token is used; return its scope."""
    access = TokenAccess.objects.filter(pk=token.pk).first()
    if access is None:
        return Scope.READ
    access.note_use(at)
    return Scope(access.scope)


def of_user(user: User) -> QuerySet[AuthToken]:
    """Return the user's own tokens with their access, the newest first."""
    tokens: QuerySet[AuthToken] = AuthToken.objects.filter(user_id=user.pk).select_related("access")
    return tokens.order_by("-created", "digest")


@transaction.atomic
def create(user: User, lifetime: timedelta | None, scope: str, note: str = "") -> tuple[AuthToken, str]:
    """Return a new token and its secret, which is not stored. `lifetime` None: it never expires."""
    token, secret = AuthToken.objects.create(user, expiry=lifetime)
    TokenAccess.objects.create(token=token, scope=scope, note=note)
    message = f"Made on the account page, with the scope {scope}."
    LogEntry.objects.log_actions(user.pk, [token], ADDITION, message, single_object=True)
    return token, secret


def revoke(user: User, digest: str) -> int:
    """Delete one token of the user's. Return how many there were."""
    return _delete(user, of_user(user).filter(digest=digest))


def revoke_all(user: User) -> int:
    """Delete all tokens of the user's. Return how many there were."""
    return _delete(user, of_user(user))


@transaction.atomic
def _delete(user: User, tokens: Iterable[AuthToken]) -> int:
    revoked = list(tokens)
    LogEntry.objects.log_actions(user.pk, revoked, DELETION, "Revoked on the account page.")
    AuthToken.objects.filter(pk__in=[token.pk for token in revoked]).delete()
    return len(revoked)
