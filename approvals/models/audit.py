"""The chain of what happened."""

from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta


class AuditEvent(models.Model):
    """Something that happened, hashed together with the event before it. Never edited, never deleted.

    `text` is exactly what was hashed: JSON with the other columns in it.
    """

    number = models.BigIntegerField(primary_key=True)
    at = models.DateTimeField(db_index=True)
    kind = models.CharField(max_length=40)
    actor = models.CharField(max_length=150, blank=True, help_text="A user's name. Empty: Jax itself.")
    subject = models.CharField(max_length=80, help_text="What it is about, as in order 6f1c...")
    text = models.TextField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)
    log_entry = models.BigIntegerField(
        null=True, unique=True, help_text="The admin's log entry that this event seals."
    )

    class Meta(TypedModelMeta):
        db_table = "audit_events"
        ordering = ["-number"]
        constraints = [models.CheckConstraint(name="audit_event_is_numbered", condition=Q(number__gt=0))]
        indexes = [
            models.Index(name="audit_event_by_subject", fields=["subject", "number"]),
            models.Index(name="audit_event_by_kind", fields=["kind", "number"]),
        ]

    def __str__(self) -> str:
        return f"{self.number} {self.kind} {self.subject}"
