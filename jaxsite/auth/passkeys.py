"""The forms that take what a browser says of a passkey. What no browser says is answered with 400.

allauth and fido2 look into the JSON before they know its shape.
"""

import json
import logging
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from allauth.mfa.webauthn import forms
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from django.core.exceptions import BadRequest
from django.forms import Form
from django.http import HttpRequest
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

from jaxsite.auth.attempts import Attempt

logger = logging.getLogger(__name__)

# What the libraries raise over JSON of another shape, CBOR cut short, and keys that are none.
UNREADABLE = (
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
    struct.error,
    InvalidSignature,
    UnsupportedAlgorithm,
)


def work_here(request: HttpRequest) -> bool:
    """Return whether a browser lets pages of this address use passkeys: https, and http on localhost."""
    return request.is_secure() or request.get_host().partition(":")[0] == "localhost"


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except UNREADABLE as error:
        logger.warning("What was sent as a passkey could not be read: %r", error)
        raise BadRequest("This is no passkey.") from error


class _Reading:
    """A form whose cleaning refuses what has not the shape of a passkey's answer."""

    shape: type[AuthenticationResponse] | type[RegistrationResponse] = AuthenticationResponse

    def full_clean(self) -> None:
        form = cast(Form, self)
        with _reading():
            if form.is_bound:
                self.shape.from_dict(json.loads(str(form.data.get("credential"))))
            super().full_clean()  # type: ignore[misc]  # that of the form it is mixed into


class AddForm(_Reading, forms.AddWebAuthnForm):  # type: ignore[misc]  # allauth has no types
    shape = RegistrationResponse


class AuthenticateForm(Attempt, _Reading, forms.AuthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    step = "passkey"


class LoginForm(Attempt, _Reading, forms.LoginWebAuthnForm):  # type: ignore[misc]  # as above
    step = "passkey"


class ReauthenticateForm(Attempt, _Reading, forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    step = "passkey"
