"""Rows of the site itself."""

import hashlib
from datetime import datetime, timedelta
from functools import cached_property
from importlib import import_module
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.base_session import AbstractBaseSession
from django.db import models
from django.utils.crypto import constant_time_compare
from knox.models import AuthToken

from core.models import TypedModelMeta
from jaxsite.scopes import Scope, needed

FACTOR_FIRST = (
    "Whoever approves, releases or resumes here has a second factor, and you have none yet. Set one up on "
    "your account page; your API tokens may do it from that moment, too. To reject, drop, cancel, close and "
    "halt stays possible without."
)
TOO_NARROW = (
    "The token has the scope {scope}, and this needs {needed}. Make one with that scope on your account page."
)


class Person(User):
    """The user who asks, with every right cut to what REQUIRE_2FA and the token's scope leave.

    This is the one place, for superusers too: log-in and tokens give this class, so that pages, admin and
    API ask `has_perm` of it.
    """

    # What takes risk or lets trading go on. What takes it away stays free: reject, drop, cancel, close, halt.
    RISKS = frozenset({"approvals.add_tradeapproval", "approvals.change_tradinghalt"})

    class Meta(TypedModelMeta):
        proxy = True
        default_permissions = ()

    scope = Scope.OPERATE  # that of the token; a session has none and cuts nothing
    owner: User | None = None  # of a token with a narrower one: the user as stored
    refusal = ""  # why the last right that was cut was cut
    needed_scope = ""  # with which it would not have been

    def save(self, *args: Any, **kwargs: Any) -> None:
        if self.owner:
            raise TypeError("A user as their token narrows them is not stored.")
        super().save(*args, **kwargs)

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        has_it = self.owner.has_perm(perm, obj) if self.owner else super().has_perm(perm, obj)
        return has_it and self._is_left(perm)

    def has_module_perms(self, app_label: str) -> bool:
        if not self.owner:
            return super().has_module_perms(app_label)
        return any(permission.startswith(f"{app_label}.") for permission in self.get_all_permissions())

    def get_all_permissions(self, obj: Any = None) -> set[str]:
        every = self.owner.get_all_permissions(obj) if self.owner else super().get_all_permissions(obj)
        return {permission for permission in every if self._is_left(permission)}

    def _is_left(self, permission: str) -> bool:
        """Return whether a right of the user is not cut, and note why it is."""
        if not self.scope.allows(permission):
            self.needed_scope = needed(permission)
            self.refusal = TOO_NARROW.format(scope=self.scope, needed=self.needed_scope)
            return False
        if permission in self.RISKS and self.lacks_factor:
            self.refusal, self.needed_scope = FACTOR_FIRST, ""
            return False
        return True

    @cached_property
    def lacks_factor(self) -> bool:
        """Whether REQUIRE_2FA asks for a second factor, and none is set up."""
        if not settings.REQUIRE_2FA:
            return False
        factors = Authenticator.objects.filter(user_id=self.pk).exclude(
            type=Authenticator.Type.RECOVERY_CODES
        )
        return not factors.exists()


class TokenAccess(models.Model):
    """What one API token may do at most, what it is for, when it was last used. Without a row: read.

    Beside knox's table, which stays as it is.
    """

    NOTED_EVERY = timedelta(minutes=5)

    token = models.OneToOneField(AuthToken, models.CASCADE, primary_key=True, related_name="access")
    scope = models.CharField(max_length=7, choices=Scope.choices, default=Scope.READ)
    note = models.CharField(max_length=60, blank=True)
    last_used_at = models.DateTimeField(null=True, blank=True)

    class Meta(TypedModelMeta):
        db_table = "token_access"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(name="token_scope_is_known", condition=models.Q(scope__in=Scope.values))
        ]

    def __str__(self) -> str:
        return f"{self.scope}: {self.note}" if self.note else self.scope

    def note_use(self, at: datetime) -> None:
        """Store when the token was used, once in five minutes."""
        if self.last_used_at and abs(at - self.last_used_at) < self.NOTED_EVERY:
            return
        # Of several calls at once one writes.
        same = TokenAccess.objects.filter(pk=self.pk, last_used_at=self.last_used_at)
        same.update(last_used_at=at)


class CacheEntry(models.Model):
    """An entry of Django's database cache: a used code, a count of wrong ones."""

    cache_key = models.CharField(max_length=255, primary_key=True)
    value = models.TextField()
    expires = models.DateTimeField(db_index=True)

    class Meta(TypedModelMeta):
        db_table = "cache"
        default_permissions = ()

    def __str__(self) -> str:
        return self.cache_key


class FailedLogin(models.Model):
    """A log-in of the last minutes that failed, or whose password is being checked.

    `name` is a hash: some type their password there.
    """

    name = models.CharField(max_length=32, db_collation="C")
    address = models.CharField(max_length=64, db_collation="C")
    failed_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "failed_logins"
        default_permissions = ()
        indexes = [
            models.Index(name="failed_login_by_name", fields=["name", "-failed_at"]),
            models.Index(name="failed_login_by_address", fields=["address", "-failed_at"]),
        ]

    def __str__(self) -> str:
        return f"from {self.address} at {self.failed_at}"


class Session(AbstractBaseSession):
    """A session: whose it is, from where, since when, and when it was last used.

    `user`: none before the log-in is complete. `browser`: as the cookie of known devices names it. `digest`
    stands for the key on pages, because the key itself logs in. `used_at` is at most an hour behind.
    """

    user = models.ForeignKey(User, null=True, on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=32, unique=True, db_collation="C")
    browser = models.UUIDField(null=True)
    agent = models.CharField(max_length=200)
    address = models.CharField(max_length=64)
    began_at = models.DateTimeField()
    used_at = models.DateTimeField()

    class Meta(AbstractBaseSession.Meta, TypedModelMeta):
        db_table = "login_sessions"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.agent} at {self.address}"

    @classmethod
    def get_session_store_class(cls) -> Any:
        return import_module(settings.SESSION_ENGINE).SessionStore

    @staticmethod
    def digest_of(session_key: str) -> str:
        return hashlib.sha256(session_key.encode()).hexdigest()[:32]

    @staticmethod
    def end_of(began_at: datetime, used_at: datetime) -> datetime:
        """Return when a session ends by itself: unused for some hours, and at the latest after a week."""
        idle, longest = timedelta(hours=settings.SESSION_IDLE_HOURS), settings.SESSION_COOKIE_AGE
        return min(used_at + idle, began_at + timedelta(seconds=longest))

    def is_valid_for(self, user: User) -> bool:
        """Return whether it still logs the user in: not after the password was changed elsewhere."""
        stored_hash = self.get_decoded().get(HASH_SESSION_KEY, "")
        return constant_time_compare(stored_hash, user.get_session_auth_hash())


class KnownDevice(models.Model):
    """A browser on which a user has logged in completely, under the password of `auth_hash`.

    `browser` is in a signed cookie of that browser, one for all its users.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    browser = models.UUIDField()
    auth_hash = models.CharField(max_length=64, db_collation="C")
    used_at = models.DateTimeField(db_index=True)

    class Meta(TypedModelMeta):
        db_table = "known_devices"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="known_device_is_one_for_each", fields=["user", "browser"]),
        ]

    def __str__(self) -> str:
        return f"a device of user {self.user_id}"

    def is_valid(self) -> bool:
        return constant_time_compare(self.auth_hash, self.user.get_session_auth_hash())


class Beat(models.Model):
    """The newest sign of life of one service on one host, written every ten seconds.

    `waiting`, `busy`: its workers (a web server has none). `busy_since`: when the task began that has
    run the longest, within its limit. `finished_at`: when the last task ended. `stopped`: it ended in order.
    """

    PATIENCE = timedelta(minutes=2)

    pk = models.CompositePrimaryKey("service", "host")
    service = models.CharField(max_length=20, db_collation="C")
    host = models.CharField(max_length=255, db_collation="C")
    beat_at = models.DateTimeField()
    waiting = models.PositiveSmallIntegerField(default=0)
    busy = models.PositiveSmallIntegerField(default=0)
    busy_since = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    stopped = models.BooleanField(default=False)

    class Meta(TypedModelMeta):
        db_table = "beats"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.service} on {self.host} at {self.beat_at}"

    def is_fresh(self, at: datetime) -> bool:
        """Return whether the service lives. What a clock wrote that was ahead says nothing."""
        return not self.stopped and abs(at - self.beat_at) < self.PATIENCE
