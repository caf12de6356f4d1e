"""The forms that take what a browser says of a passkey. What no browser says is answered with 400.

allauth and fido2 look into the JSON before they know its shape, and raise what they happen to.
"""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from allauth.mfa.webauthn import forms
from django.core.exceptions import BadRequest, ValidationError
from django.forms import Form
from django.http import HttpRequest
from fido2.webauthn import AuthenticationResponse, RegistrationResponse

logger = logging.getLogger(__name__)


def work_here(request: HttpRequest) -> bool:
    """Return whether a browser lets pages of this address use passkeys: https, and http on localhost."""
    return request.is_secure() or request.get_host().partition(":")[0] == "localhost"


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except (ValidationError, BadRequest):
        raise
    except Exception as error:  # the libraries raise anything, from AttributeError to OverflowError
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


class AuthenticateForm(_Reading, forms.AuthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class LoginForm(_Reading, forms.LoginWebAuthnForm):  # type: ignore[misc]  # as above
    pass


class ReauthenticateForm(_Reading, forms.ReauthenticateWebAuthnForm):  # type: ignore[misc]  # as above
    pass
