"""What the strategies would have done: backtests that were asked for, and the record of each strategy."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from market.models.meta import TypedModelMeta, choices
from market.prices import Timeframe


class Backtest(models.Model):
    """A strategy over stored history, asked for through the API and run by the queue."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        RUNNING = "running"
        COMPLETED = "completed"
        FAILED = "failed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    strategy_id = models.CharField("strategy", max_length=40)
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe))
    symbols = models.JSONField()
    since = models.DateField(null=True, blank=True, help_text="First day. Empty: all that is stored.")
    until = models.DateField(null=True, blank=True, help_text="Last day.")
    parameters = models.JSONField(default=dict, blank=True)
    minimum_confidence = models.DecimalField(max_digits=5, decimal_places=4)
    cost_bps = models.FloatField(help_text="Costs each way in basis points of the price.")
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    result = models.JSONField(null=True)
    error = models.TextField(blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    queued_at = models.DateTimeField()
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    class Meta(TypedModelMeta):
        db_table = "backtests"
        ordering = ["-queued_at", "id"]

    def __str__(self) -> str:
        return f"{self.strategy_id} {self.timeframe} on {', '.join(self.symbols)}"


class StrategyRecord(models.Model):
    """How the ideas of a configuration turned out over stored history: of all watched symbols, or of one."""

    strategy_id = models.CharField("strategy", max_length=40, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    symbol = models.CharField(
        max_length=16, blank=True, db_collation="C", help_text="Empty: pooled over the watchlist."
    )
    cases = models.IntegerField(help_text="Trades that ended.")
    targets = models.IntegerField(help_text="Of those, at the target.")
    stops = models.IntegerField(help_text="Of those, at the stop.")
    luck = models.FloatField(
        null=True, help_text="Share of targets among targets and stops that chance would give."
    )
    mean_r = models.FloatField(null=True, help_text="Mean result in R, costs included.")
    mean_r_low = models.FloatField(null=True)
    mean_r_high = models.FloatField(null=True)
    listed = models.JSONField(default=list, help_text="The cases themselves while they are few.")
    bars = models.BigIntegerField(help_text="Closed bars it stands on.")
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    computed_at = models.DateTimeField()
    basis = models.JSONField(default=dict, help_text="The configuration it was computed with.")

    class Meta(TypedModelMeta):
        db_table = "strategy_records"
        ordering = ["strategy_id", "timeframe", "symbol"]
        constraints = [
            models.UniqueConstraint(
                name="strategy_record_is_one_row", fields=["strategy_id", "timeframe", "symbol"]
            ),
            models.CheckConstraint(
                name="strategy_record_counts_add_up",
                condition=Q(cases__gte=models.F("targets") + models.F("stops")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} {self.timeframe} {self.symbol or 'all'}"
