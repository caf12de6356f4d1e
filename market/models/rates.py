"""Which rates of currencies are needed, and who gives none. The rates are quotes of these pairs."""

from datetime import datetime, timedelta

from django.db import models

from core.models import TypedModelMeta


class CurrencyPairQuerySet(models.QuerySet["CurrencyPair"]):
    def due(self, at: datetime) -> "CurrencyPairQuerySet":
        """Return those that have not been asked for lately."""
        return self.exclude(asked_at__gt=at - CurrencyPair.EVERY, asked_at__lte=at)


class CurrencyPair(models.Model):
    """A pair whose rate is needed to count together what is in several currencies.

    The row goes when none of it is needed any more. `problem`: why nothing came when it was asked for last.
    """

    EVERY = timedelta(minutes=4)  # a little less than the task's interval
    LONGEST_PROBLEM = 300

    symbol = models.CharField("pair", max_length=7, primary_key=True, db_collation="C")
    needed_since = models.DateTimeField()
    asked_at = models.DateTimeField(null=True, help_text="When the providers were asked for it last.")
    problem = models.CharField(
        max_length=LONGEST_PROBLEM, blank=True, help_text="Why no rate came then; empty when one did."
    )

    objects = CurrencyPairQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "currency_pairs"
        ordering = ["symbol"]
        verbose_name = "exchange rate"

    def __str__(self) -> str:
        return self.symbol


class RateRefusal(models.Model):
    """A provider whose plan gives no rates: it is asked again a day later. The row goes when it does."""

    provider = models.CharField(max_length=16, primary_key=True)
    reason = models.CharField(max_length=300)
    refused_at = models.DateTimeField()

    class Meta(TypedModelMeta):
        db_table = "rate_refusals"
        default_permissions = ()

    def __str__(self) -> str:
        return self.reason
