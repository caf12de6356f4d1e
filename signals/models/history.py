"""What the strategies would have done: requested backtests, and the track record of each strategy."""

import uuid

from django.conf import settings
from django.db import models
from django.db.models import Q

from core.models import TypedModelMeta, choices
from core.statistics import wilson
from market.prices import Timeframe


class Backtest(models.Model):
    """A strategy over stored history, requested through the API or admin and run by the queue.

    It has all that its result depends on besides the bars. `result`: {"setup", "rows" (all symbols together
    first, then each), "warnings", "text" (the printed table)}.
    """

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
    lifetime_bars = models.PositiveSmallIntegerField()
    longest_holding_bars = models.PositiveSmallIntegerField()
    flat_at_close = models.BooleanField()
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
        constraints = [
            models.CheckConstraint(
                name="backtest_is_finished_when_it_has_ended",
                condition=Q(status__in=["queued", "running"], finished_at=None)
                | Q(status__in=["completed", "failed"], finished_at__isnull=False),
            ),
            models.CheckConstraint(
                name="backtest_has_a_result_when_completed",
                condition=Q(status="completed", result__isnull=False)
                | (~Q(status="completed") & Q(result__isnull=True)),
            ),
        ]

    def __str__(self) -> str:
        first = ", ".join(self.symbols[:5])
        more = f" and {len(self.symbols) - 5} more" if len(self.symbols) > 5 else ""
        return f"{self.strategy_id} {self.timeframe} on {first}{more}"


class StrategyRecord(models.Model):
    """The outcomes of a configuration's ideas over stored history: of all watched symbols, or of one.

    Targets and stops are counted also where an opposite event had ended the trade before; the others ended at
    the longest holding, the session's close or the end of the data. `listed`, below 30 cases: [{"symbol",
    "bar", "r", "ended"}], oldest first.
    """

    FEW = 30

    strategy_id = models.CharField("strategy", max_length=40, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    symbol = models.CharField(
        max_length=16, blank=True, db_collation="C", help_text="Empty: pooled over the watchlist."
    )
    cases = models.IntegerField(help_text="Trades that ended.")
    targets = models.IntegerField(help_text="Of those, the target traded first.")
    stops = models.IntegerField(help_text="Of those, the stop traded first.")
    luck = models.FloatField(
        null=True, help_text="Share of targets among targets and stops that chance would give."
    )
    mean_r = models.FloatField(
        null=True, help_text="Mean result over the risk really taken, from fill to stop, costs included."
    )
    mean_r_low = models.FloatField(null=True)
    mean_r_high = models.FloatField(null=True)
    mean_planned_r = models.FloatField(
        null=True, help_text="The same over the planned risk, from the idea's entry to its stop."
    )
    listed = models.JSONField(default=list, help_text="The cases themselves while they are few.")
    bars = models.BigIntegerField(help_text="Closed bars it was computed from.")
    doubted = models.IntegerField(
        default=0, help_text="Bars in doubt: without ideas, and of their prices the worse reading counts."
    )
    doubted_bars = models.JSONField(default=list, help_text="The newest of them, as symbol and opening.")
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    oldest_at = models.DateTimeField(null=True, help_text="Opening of the oldest bar that was stored then.")
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

    def sentence(self) -> str:
        """Return the text that is shown with every signal."""
        if not self.cases:
            return "no case yet"
        if self.cases < self.FEW:
            return f"only {self.cases} {'case' if self.cases == 1 else 'cases'}: listed"
        return f"{self._race()}; {self._result()}; {self._neither()}"

    def _race(self) -> str:
        decided = self.targets + self.stops
        if not decided or self.luck is None:
            return "neither target nor stop was ever reached"
        low, high = (f"{100 * bound:.0f}" for bound in wilson(self.targets, decided))
        return (
            f"target before stop in {percent(self.targets / decided)} of {decided:,} (95 %: {low} to {high}),"
            f" {percent(self.luck)} would be luck at this geometry"
        )

    def _result(self) -> str:
        if self.mean_r is None or self.mean_r_low is None or self.mean_r_high is None:
            return "its result in R is unknown"
        between = f"{signed(self.mean_r_low)} to {signed(self.mean_r_high)}"
        planned = "" if self.mean_planned_r is None else f", {signed(self.mean_planned_r)} as planned"
        return f"{signed(self.mean_r)} R each ({between}){planned}"

    def _neither(self) -> str:
        neither = self.cases - self.targets - self.stops
        return f"{percent(neither / self.cases)} of {self.cases:,} reached neither in time"


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def signed(r: float) -> str:
    return f"{round(r, 2) + 0.0:+.2f}"  # no -0.00
