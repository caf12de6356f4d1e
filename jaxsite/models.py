"""Rows of the site itself."""

from datetime import datetime, timedelta

from django.db import models

from core.models import TypedModelMeta


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
