"""Encryption of what the database must not show: secrets of second factors, and sessions.

A session holds, for minutes, the secret of a factor that is being set up and the form that waits until its
user has shown a factor again. The key comes from SECRET_KEY, which is not in the database: a reader of a
copy cannot log in with it. With another SECRET_KEY every session ends and factors are set up again.
"""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.signing import JSONSerializer


def encrypt(text: str) -> str:
    return _cipher().encrypt(text.encode()).decode()


def decrypt(text: str) -> str:
    """Return the text that was encrypted. Raises ValidationError if it was under another SECRET_KEY."""
    try:
        return _cipher().decrypt(text.encode()).decode()
    except InvalidToken:
        message = (
            "This factor was set up under another SECRET_KEY and cannot be read. An administrator takes it "
            "away with manage.py reset_second_factor; then set up a new one."
        )
        raise ValidationError(message) from None


class SessionSerializer:
    """JSON, encrypted. A session of before, or under another key, is an empty one: its user logs in again."""

    def dumps(self, session: dict[str, Any]) -> bytes:
        return _cipher().encrypt(JSONSerializer().dumps(session))

    def loads(self, stored: bytes) -> dict[str, Any]:
        session: dict[str, Any] = JSONSerializer().loads(_cipher().decrypt(stored))
        return session


def _cipher() -> Fernet:
    key = hashlib.sha256(f"{__name__}:{settings.SECRET_KEY}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))
