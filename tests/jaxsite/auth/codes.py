"""Users with a second factor, and the codes that their app shows."""

import time

from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth
from django.contrib.auth.models import User
from django.test import Client

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


def set_up(user: User) -> list[str]:
    """Give the user an app; returns the recovery codes."""
    auth.TOTP.activate(user, SECRET)
    codes: list[str] = RecoveryCodes.activate(user).get_unused_codes()
    return codes


def shown(steps: int = 0, secret: str = SECRET) -> str:
    """Return the code that the app shows now, or some half minutes later."""
    return str(auth.format_hotp_value(auth.hotp_value(secret, int(time.time()) // 30 + steps)))


def password(client: Client, name: str = "ann", then: str = "/account/") -> str:
    """Send name and password; returns where that leads."""
    sent = {"username": name, "password": PASSWORD, "next": then}
    return client.post("/login/", sent).headers.get("Location", "")


def log_in(client: Client, code: str) -> None:
    password(client)
    client.post("/account/factors/authenticate/", {"code": code})
