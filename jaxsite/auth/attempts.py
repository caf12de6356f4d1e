"""Forms that take a code of the second factor. Those that were wrong, and too many of them, are events."""

from typing import cast

from allauth.core import context
from allauth.mfa.base import forms
from django.contrib.auth.models import User
from django.forms import Form
from django.utils import timezone

from jaxsite.auth import events


class Attempt:
    """A form that logs in: its refusals are recorded. `user`: none when a passkey says whose it is."""

    step = "code"
    user: User | None

    def full_clean(self) -> None:
        super().full_clean()  # type: ignore[misc]  # that of the form it is mixed into
        refusals = cast(Form, self).errors.as_data().values()
        codes = {refusal.code for of_field in refusals for refusal in of_field}
        name = self.user.get_username() if self.user else ""
        if "too_many_login_attempts" in codes:
            events.refused(context.request, name, self.step, timezone.now())
        elif "incorrect_code" in codes:
            events.failed(context.request, name, self.step, timezone.now())


class AuthenticateForm(Attempt, forms.AuthenticateForm):  # type: ignore[misc]  # allauth has no types
    pass


class ReauthenticateForm(Attempt, forms.ReauthenticateForm):  # type: ignore[misc]  # as above
    pass
