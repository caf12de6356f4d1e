"""When companies report earnings, as facts: announced by which source, how surely, and what replaced it."""

from datetime import date

from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta
from market.models.facts import Fact, FactCheck, FactQuerySet


class EarningsDateQuerySet(FactQuerySet):
    def announced(self, today: date) -> "EarningsDateQuerySet":
        """Return those that are still to come, the next first."""
        return self.current().filter(date__gte=today).order_by("date", "pk")


class EarningsDate(Fact):
    """The day of one report, as one source says it."""

    class ReportTime(models.TextChoices):
        BEFORE = "before", "before the open"
        DURING = "during", "during the session"
        AFTER = "after", "after the close"
        UNKNOWN = "unknown", "time not known"

    date = models.DateField(help_text="Of the exchange.")
    time = models.CharField(max_length=7, choices=ReportTime, default=ReportTime.UNKNOWN)
    is_confirmed = models.BooleanField(
        "confirmed", default=False, help_text="By the company; estimated without it."
    )
    fiscal_period = models.CharField(max_length=16, blank=True, help_text="As in Q4 2026.")

    objects = EarningsDateQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "earnings_dates"
        ordering = ["-date", "symbol", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="earnings_date_is_a_fact_once",
                fields=["symbol", "date"],
                condition=Q(ended_at=None),
                violation_error_message="This is recorded already.",
            ),
            models.CheckConstraint(
                name="earnings_time_is_known",
                condition=Q(time__in=["before", "during", "after", "unknown"]),
            ),
        ]
        indexes = [
            models.Index(name="earnings_by_date", fields=["date"], condition=Q(ended_at=None)),
            models.Index(name="earnings_of_symbol", fields=["symbol", "date"]),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} earnings {self.date}"


class EarningsCheck(FactCheck):
    """Until when the earnings dates of a symbol are known."""

    class Meta(TypedModelMeta):
        db_table = "earnings_checks"
        default_permissions = ()
