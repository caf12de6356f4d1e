"""What allauth asks the site: ways to show again who one is, where a call comes from, how to keep secrets."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from django.contrib import messages
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from jaxsite.auth import encryption, throttle


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def get_reauthentication_methods(self, user: AbstractBaseUser | AnonymousUser) -> list[dict[str, Any]]:
        """Return the ways to show again who one is. Beside a factor a password is none."""
        methods: list[dict[str, Any]] = super().get_reauthentication_methods(user)
        factors = [method for method in methods if method["id"] != "reauthenticate"]
        return factors or methods

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
