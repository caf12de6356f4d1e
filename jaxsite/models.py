"""Rows of the site itself."""

from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth.models import User
from django.db import models

from core.models import TypedModelMeta

FACTOR_FIRST = (
    "Whoever decides here has a second factor, and you have none yet. Set one up on your account page, then "
    "decide; API tokens of yours work again from that moment."
)


class Person(User):
    """The user who asks, with every right cut to what REQUIRE_2FA leaves: the one place, for superusers too.

    Log-in and tokens give this class, so that pages, admin and API ask `has_perm` of it.
    """

    # What decides about money or lets trading go on. To halt and to read stay free.
    DECISIONS = frozenset(
        f"approvals.{permission}"
        for permission in ("add_tradeapproval", "change_tradeapproval", "change_order", "change_tradinghalt")
    )

    class Meta(TypedModelMeta):
        proxy = True
        default_permissions = ()

    refusal = ""  # why the last right that was cut was cut

    def has_perm(self, perm: str, obj: Any = None) -> bool:
        if not super().has_perm(perm, obj):
            return False
        refusal = FACTOR_FIRST if perm in self.DECISIONS and self.lacks_factor else ""
        self.refusal = refusal or self.refusal
        return not refusal

    @cached_property
    def lacks_factor(self) -> bool:
        """Whether REQUIRE_2FA asks for a second factor, and none is set up."""
        factors = Authenticator.objects.filter(user_id=self.pk).exclude(
            type=Authenticator.Type.RECOVERY_CODES
        )
        return settings.REQUIRE_2FA and not factors.exists()


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
