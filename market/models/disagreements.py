"""What a second provider says differently of a session that is stored."""

from django.db import models

from core.models import TypedModelMeta
from market.models.review import Reviewed


class Disagreement(Reviewed):
    """One figure of one session of a symbol, as it is stored and as another source gives it."""

    class Figure(models.TextChoices):
        CLOSE = "close", "close"
        VOLUME = "volume", "volume"
        BARS = "bars", "count of bars"
        UNIT = "unit", "unit of volume"

    symbol = models.CharField(max_length=16, db_collation="C")
    date = models.DateField(help_text="Of the session; for a unit the newest of those compared.")
    figure = models.CharField(max_length=6, choices=Figure)
    provider = models.CharField(max_length=16, help_text="That the stored figure is from.")
    other = models.CharField(
        max_length=16, help_text="The second provider, or the same one's bars of the day."
    )
    stored = models.FloatField()
    given = models.FloatField(help_text="By the other one.")
    note = models.CharField(max_length=80, blank=True)
    found_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "provider_disagreements"
        ordering = ["-date", "symbol", "figure", "other"]
        constraints = [
            models.UniqueConstraint(
                name="disagreement_is_one_row", fields=["symbol", "date", "figure", "other"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.date} {self.get_figure_display()}"
