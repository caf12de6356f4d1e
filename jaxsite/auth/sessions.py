"""Sessions as Django stores them, in a table that also says whose each is, from where and when last used.

SESSION_ENGINE names this module. What a row says of the log-in lies in the session's data and is copied to
columns when the session is saved, so it outlives the new key that Django gives a session at log-in and with
a new password.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, cast
from uuid import UUID

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.backends import db
from django.db import transaction
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone

from core.queries import only
from desk import refresh
from jaxsite.auth import devices, throttle
from jaxsite.models import Session
from jaxsite.queries import LIVING_SESSION

LOGIN = "login"
NOTED_EVERY = timedelta(hours=1)
MOST_LISTED = 100


class SessionStore(db.SessionStore):
    row: Session | None = None  # as it was loaded

    @classmethod
    def get_model_class(cls) -> type[Session]:
        return Session

    def load(self) -> dict[str, Any]:
        values = {"key": self.session_key, "at": timezone.now()}
        self.row = only(Session.objects.raw(LIVING_SESSION, values))  # in every request: compiled once
        if self.row is None:
            self._session_key = None
            return {}
        return self.decode(self.row.session_data)

    def create_model_instance(self, data: dict[str, Any]) -> Session:
        at = timezone.now()
        login = data.setdefault(LOGIN, {"began_at": at.isoformat()})
        row = cast(Session, super().create_model_instance(data))
        row.user_id = data.get(SESSION_KEY)
        row.digest = Session.digest_of(row.session_key)
        row.browser, row.agent = login.get("browser"), login.get("agent", "")
        row.address = login.get("address", "")
        row.began_at, row.used_at = datetime.fromisoformat(login["began_at"]), at
        row.expire_date = Session.end_of(row.began_at, at)
        return row

    def note_use(self, at: datetime) -> None:
        """Store that the session of a user was used: one UPDATE an hour."""
        row = self.row
        if row and row.user_id and not timedelta(0) <= at - row.used_at < NOTED_EVERY:
            end = Session.end_of(row.began_at, at)
            Session.objects.filter(pk=row.pk).update(used_at=at, expire_date=end)


class NoteUse:
    """Notes the use of a session by everything but what an open page asks by itself."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        answer = self.get_response(request)
        if request.session.accessed and not refresh.is_by_itself(request):
            cast(SessionStore, request.session).note_use(timezone.now())
        return answer


def begin(request: HttpRequest, browser: UUID, at: datetime) -> None:
    """Store from where the session was begun, at a log-in."""
    request.session[LOGIN] = {
        "began_at": at.isoformat(),
        "browser": str(browser),
        "agent": devices.agent_of(request),
        "address": throttle.address_of(request),
    }


def browser_of(request: HttpRequest) -> UUID | None:
    """Return the browser of the session that was begun by a log-in."""
    browser = request.session.get(LOGIN, {}).get("browser")
    return UUID(browser) if browser else None


def of_user(user: User, this: str | None, at: datetime) -> list[Session]:
    """Return the sessions in which the user is logged in, the one last used first.

    `this`: the key of the one that asks, which has been checked already.
    """
    rows = Session.objects.filter(user=user, expire_date__gt=at).order_by("-used_at", "digest")
    return [row for row in rows[:MOST_LISTED] if row.pk == this or row.is_valid_for(user)]


@transaction.atomic
def end(user: User, digest: str) -> bool:
    """End one session of the user, and forget its device. Return whether there was one."""
    sessions = Session.objects.filter(user=user, digest=digest)
    devices.of_user(user).filter(browser__in=sessions.values("browser")).delete()
    return bool(sessions.delete()[0])


@transaction.atomic
def end_others(user: User, request: HttpRequest) -> int:
    """End all sessions of the user but the one of this request, and forget other devices. Return how many."""
    devices.others_of(user, browser_of(request)).delete()
    others = Session.objects.filter(user=user).exclude(pk=request.session.session_key)
    return others.delete()[0]


@transaction.atomic
def end_all(user: User) -> int:
    """End all sessions of the user and forget all devices. Return how many sessions there were."""
    devices.of_user(user).delete()
    return Session.objects.filter(user=user).delete()[0]
