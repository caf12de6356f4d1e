"""When users visited, so that they are shown what happened since."""

from django.conf import settings
from django.db import models

from core.models import TypedModelMeta


class Presence(models.Model):
    """When a user last opened a page, and the last long absence.

    `left_at` to `back_at`: that absence. `told_at`: when the user saw what had happened in it.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, primary_key=True, on_delete=models.CASCADE, related_name="presence"
    )
    seen_at = models.DateTimeField()
    left_at = models.DateTimeField(null=True)
    back_at = models.DateTimeField(null=True)
    told_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        db_table = "presences"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user} at {self.seen_at}"

    @property
    def is_untold(self) -> bool:
        return self.left_at is not None and self.told_at is None
