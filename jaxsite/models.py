"""Rows of the site itself."""

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
