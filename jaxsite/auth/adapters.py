"""What allauth asks the site: ways to show again who one is, where a call comes from, how to keep secrets."""

from typing import Any
from uuid import uuid4

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core import context
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from jaxsite.auth import devices, encryption, events, passkeys, sessions, throttle

PASSKEY = "mfa_reauthenticate:webauthn"
WAYS = {"mfa_reauthenticate": "Use the code of your app, or a recovery code", PASSKEY: "Use a passkey"}


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to show again who one is. Beside a factor a password is none.

        The first is offered first: a passkey, where passkeys work.
        """
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [method | {"description": WAYS[method["id"]]} for method in methods if method["id"] in WAYS]
        passkey_first = passkeys.work_here(context.request)
        factors.sort(key=lambda method: (method["id"] == PASSKEY) != passkey_first)
        return factors or methods

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        sessions.begin(request, devices.browser_of(request) or uuid4(), timezone.now())

    def post_login(self, request: HttpRequest, user: User, **kwargs: Any) -> HttpResponse:
        """Answer a complete log-in: the device is known from now on."""
        answer: HttpResponse = super().post_login(request, user, **kwargs)
        if browser := sessions.browser_of(request):
            with transaction.atomic():
                at = timezone.now()
                events.logged_in(request, user, at, is_new=devices.remember(user, browser, at))
            devices.set_cookie(answer, browser)
        return answer

    def add_message(
        self, request: HttpRequest, level: int, message_template: str | None = None, *args: Any, **kwargs: Any
    ) -> None:
        """Show a message. What a page says of a factor is an event, too."""
        super().add_message(request, level, message_template, *args, **kwargs)
        if message_template in events.OF_FACTORS:
            events.factor_changed(request, events.OF_FACTORS[message_template], timezone.now())

    def get_client_ip(self, request: HttpRequest) -> str:
        return throttle.address_of(request)

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        messages.error(request, "This login is switched off. An administrator can switch it on.")
        return redirect("login")


class FactorAdapter(DefaultMFAAdapter):  # type: ignore[misc]  # as above
    def get_totp_issuer(self) -> str:
        return f"Jax {self._get_site_name()}"

    def build_totp_svg(self, url: str) -> str:
        """Return the picture as part of a page: without the XML declaration."""
        picture: str = super().build_totp_svg(url)
        return picture[picture.index("<svg") :]

    def encrypt(self, text: str) -> str:
        return encryption.encrypt(text)

    def decrypt(self, encrypted_text: str) -> str:
        return encryption.decrypt(encrypted_text)

    def generate_authenticator_name(self, user: AbstractBaseUser, type: str) -> str:
        return "Passkey"
