"""What happens to log-ins, devices and factors: events of the audit chain, and messages.

What strangers can cause is bounded: one event an hour for each name that there is, and one for all others
together. A name of no user is not kept: some type their password there.
"""

from datetime import datetime, timedelta
from typing import NamedTuple

from allauth.account.internal.flows.login import get_authentication_records
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest

from approvals import audit, notify
from approvals.models import AuditEvent, Notification
from core import locks
from desk.page import viewer
from jaxsite.auth import devices, throttle

HOUR = timedelta(hours=1)
UNKNOWN_NAMES = "other names"  # the subject of what happens under names of no user

# allauth's messages to the user who changes a factor, and the event that each is.
OF_FACTORS = {
    "mfa/messages/totp_activated.txt": "second factor added",
    "mfa/messages/totp_deactivated.txt": "second factor removed",
    "mfa/messages/webauthn_added.txt": "passkey added",
    "mfa/messages/webauthn_removed.txt": "passkey removed",
    "mfa/messages/recovery_codes_generated.txt": "recovery codes made",
}
ADVICE = (
    "If that was not you, log out all other devices and change the password, both on the account page. If "
    "you cannot, ask an administrator."
)


class Origin(NamedTuple):
    """From where a request comes, in words."""

    address: str
    device: str

    @classmethod
    def of(cls, request: HttpRequest) -> "Origin":
        return cls(throttle.address_of(request), devices.describe(devices.agent_of(request)))


def logged_in(request: HttpRequest, user: User, at: datetime, *, is_new: bool) -> None:
    """Record a complete log-in. `is_new`: on a device on which the user has not been before."""
    records = get_authentication_records(request, user)
    factors = [record["type"] for record in records if "type" in record]
    event = _append("user logged in", request, user, at, factors=factors, new_device=is_new)
    if is_new:
        _tell(request, user, f"{user.get_username()} logged in on a new device", event)


def logged_out(request: HttpRequest, at: datetime) -> None:
    _append("user logged out", request, viewer(request), at)


def sessions_ended(request: HttpRequest, at: datetime, count: int) -> None:
    _append("sessions ended", request, viewer(request), at, sessions=count)


def password_changed(request: HttpRequest, at: datetime, count: int) -> None:
    """Record a new password. `count`: how many other sessions ended with it."""
    user = viewer(request)
    event = _append("password changed", request, user, at, sessions=count)
    _tell(request, user, f"The password of {user.get_username()} was changed", event)


@transaction.atomic
def factor_changed(request: HttpRequest, kind: str, at: datetime) -> None:
    user = viewer(request)
    event = _append(kind, request, user, at)
    _tell(request, user, f"{user.get_username()}: {kind}", event)


def failed(request: HttpRequest, name: str, step: str, at: datetime) -> None:
    """Record that a password, a code or a passkey was wrong, unless one of this name was within the hour."""
    _append_hourly("log-in failed", request, _user(name), at, step)


@transaction.atomic
def refused(request: HttpRequest, name: str, step: str, at: datetime) -> None:
    """Record and tell that log-ins under this name are refused because many failed; at most once an hour."""
    user = _user(name)
    event = _append_hourly("log-in refused", request, user, at, step)
    if event and user:
        title = f"Log-ins as {user.get_username()} are refused: many have failed"
        body = (
            f"What was wrong was the {step}; the last try came from {Origin.of(request).address}. Open "
            "sessions go on, and the password is still looked at on devices that the user has logged in on."
        )
        notify.put(Notification.Kind.LOG_INS_FAILED, f"log-ins {event.number}", title, at, body=body)


def _append(kind: str, request: HttpRequest, user: User, at: datetime, **facts: object) -> AuditEvent:
    address, device = Origin.of(request)
    return audit.append(
        kind, f"user {user.pk}", at, by=user, log_entry=None, address=address, device=device, **facts
    )


@transaction.atomic
def _append_hourly(
    kind: str, request: HttpRequest, user: User | None, at: datetime, step: str
) -> AuditEvent | None:
    """Append an event unless there is one of this kind and subject within the hour."""
    locks.transaction(__name__)
    subject = f"user {user.pk}" if user else UNKNOWN_NAMES
    same = AuditEvent.objects.filter(subject=subject, kind=kind)
    if same.filter(at__range=(at - HOUR, at + HOUR)).exists():
        return None
    name = user.get_username() if user else ""
    address, device = Origin.of(request)
    return audit.append(kind, subject, at, user=name, step=step, address=address, device=device)


def _tell(request: HttpRequest, user: User, title: str, event: AuditEvent) -> None:
    address, device = Origin.of(request)
    body = f"{device}, from {address}. {ADVICE}"
    kind, key = Notification.Kind.ACCOUNT, f"account {event.number}"
    notify.put(kind, key, title, event.at, body=body, path="/account/")


def _user(name: str) -> User | None:
    """Return the user of a typed name. The throttle makes no difference between capital letters, either."""
    return User.objects.filter(username__iexact=name).order_by("pk").first() if name else None
