"""Login to the API by token: `Authorization: Token <token>`. Only a token's hash is stored."""

from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from knox.auth import TokenAuthentication as KnoxAuthentication
from rest_framework.exceptions import AuthenticationFailed


class TokenAuthentication(KnoxAuthentication):  # type: ignore[misc]  # knox has no types
    def authenticate_credentials(self, token: bytes) -> tuple[object, object]:
        # Knox decodes and hands the bytes to the database, which fails on a NUL and on what is not UTF-8.
        if not token.isalnum():
            raise AuthenticationFailed("Invalid token.")
        answer: tuple[object, object] = super().authenticate_credentials(token)
        return answer


class TokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]  # registers itself, untyped
    target_class = "jaxsite.tokens.TokenAuthentication"
    name = "token"
