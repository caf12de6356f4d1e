"""What providers say differently of an instrument than they did before."""

from django.db import models

from core.models import TypedModelMeta


class DetailChange(models.Model):
    """One fact of an instrument that its provider changed: a new name, a delisting, another exchange.

    Nothing follows by itself: positions, orders and watchlists stay as they are until a person or a corporate
    action says more.
    """

    symbol = models.CharField(max_length=16, db_collation="C")
    fact = models.CharField(max_length=16)
    before = models.CharField(max_length=100, blank=True)
    after = models.CharField(max_length=100, blank=True)
    provider = models.CharField(max_length=16)
    found_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "instrument_detail_changes"
        ordering = ["-found_at", "-pk"]

    def __str__(self) -> str:
        return f"{self.symbol}: {self.fact} {self.before or 'none'} is now {self.after or 'none'}"
