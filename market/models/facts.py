"""What facts have in common: a source, who recorded them, and what ended them."""

from datetime import datetime
from typing import Any, Self

from django.conf import settings
from django.db import models

from core.models import TypedModelMeta


class FactQuerySet(models.QuerySet[Any]):
    def current(self) -> Self:
        """Return those that no later fact has replaced and nobody has withdrawn."""
        return self.filter(ended_at=None)

    def end(self, at: datetime) -> int:
        return self.current().update(ended_at=at)


class Fact(models.Model):
    """One fact about a share. A correction is a new row that ends the old one; no row is deleted."""

    symbol = models.CharField(max_length=16, db_collation="C")
    source = models.CharField(max_length=40)
    reference = models.CharField(max_length=80, blank=True, editable=False)
    recorded_at = models.DateTimeField()
    recorded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    why = models.CharField(max_length=500, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(TypedModelMeta):
        abstract = True


class FactCheck(models.Model):
    """Until when the facts of a symbol are known. `problem`: why the provider gives none."""

    symbol = models.CharField(max_length=16, primary_key=True, db_collation="C")
    checked_at = models.DateTimeField()
    provider = models.CharField(max_length=16)
    problem = models.CharField(max_length=300, blank=True)

    class Meta(TypedModelMeta):
        abstract = True

    def __str__(self) -> str:
        return f"{self.symbol} {self.checked_at:%Y-%m-%d}"
