"""Outcomes of signals, and of decisions on them."""

from collections.abc import Iterable
from uuid import UUID

from django.conf import settings
from django.db import models
from django.db.models import Q

from approvals.models.decisions import TradeApproval
from core.models import TypedModelMeta, choices
from market.prices import Timeframe
from signals.models import Signal
from signals.trades import End

ENDS = [(end.value, end.name.lower().replace("_", " ")) for end in End]


class OutcomeQuerySet(models.QuerySet["Outcome"]):
    def of_signals(self, signals: Iterable[Signal]) -> dict[UUID, "Outcome"]:
        """Return how each of these turned out by itself, whatever was decided. One query."""
        outcomes = self.filter(signal__in=list(signals), ledger=Outcome.Ledger.SIGNAL)
        return {outcome.signal_id: outcome for outcome in outcomes}


class Outcome(models.Model):
    """How one signal turned out on stored bars, in one of two ledgers.

    The signal's is entered at the open of the bar after it, whatever became of it. The decision's is entered
    at the first price after it was approved, rejected or expired: what a person added is read from there.

    `symbol` to `decided_by` are copied from the signal and its decision, so that the scorecard reads one
    table. Prices are on the basis of the day they were computed on; later splits do not change R.
    """

    class Ledger(models.TextChoices):
        SIGNAL = "signal"
        DECISION = "decision"

    class Group(models.TextChoices):
        """What was decided. A signal that is still pending, or was cancelled, has none.

        One that expired and could not have been acted on (a SELL with nothing to sell, while selling short
        is off) is only measured: it says nothing about a person.
        """

        APPROVED = "approved"
        REJECTED = "rejected"
        EXPIRED = "expired"
        MEASURED = "measured", "measured only"
        NONE = "none"

    signal = models.ForeignKey(Signal, on_delete=models.PROTECT, related_name="outcomes")
    ledger = models.CharField(max_length=8, choices=Ledger)
    group = models.CharField(max_length=8, choices=Group, default=Group.NONE)
    approval = models.ForeignKey(TradeApproval, null=True, on_delete=models.PROTECT, related_name="+")
    symbol = models.CharField(max_length=16, db_collation="C")
    strategy_id = models.CharField("strategy", max_length=40, db_collation="C")
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe), db_collation="C")
    confidence = models.DecimalField(max_digits=5, decimal_places=4)
    generated_at = models.DateTimeField()
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+"
    )
    since = models.DateTimeField(help_text="From when on it is counted.")
    played_on = models.CharField(
        max_length=3, choices=choices(Timeframe), db_collation="C", help_text="The bars it is played on."
    )
    end = models.SmallIntegerField(choices=ENDS)
    entered_at = models.DateTimeField(null=True, help_text="Opening of the bar it was entered in.")
    exited_at = models.DateTimeField(null=True, help_text="Opening of the bar it ended in.")
    entry = models.FloatField(null=True)
    exit = models.FloatField(null=True)
    r = models.FloatField(
        null=True, help_text="The result over the risk really taken, from its entry to its stop, with costs."
    )
    planned_r = models.FloatField(
        null=True, help_text="The same over the planned risk, from the entry that was wanted."
    )
    is_final = models.BooleanField(default=False, help_text="Later bars change nothing any more.")
    race = models.SmallIntegerField(
        choices=ENDS, help_text="What came first of target and stop, also after an opposite event ended it."
    )
    is_race_final = models.BooleanField(default=False)
    luck = models.FloatField(help_text="Share of targets that chance gives: stop over stop plus target.")
    candles_version = models.BigIntegerField(help_text="Of the candles that it stands on.")
    computed_at = models.DateTimeField()

    objects = OutcomeQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "outcomes"
        ordering = ["-since", "pk"]
        constraints = [
            models.UniqueConstraint(name="outcome_is_one_in_each_ledger", fields=["signal", "ledger"]),
            models.CheckConstraint(
                name="outcome_has_a_result_when_it_ended",
                condition=Q(end__gt=End.OPEN, r__gt=float("-inf"), r__lt=float("inf"))
                | Q(end__lte=End.OPEN, r=None),
            ),
            models.CheckConstraint(name="outcome_luck_is_a_share", condition=Q(luck__gt=0, luck__lt=1)),
        ]
        indexes = [
            models.Index(
                name="outcome_unfinished",
                fields=["ledger", "since"],
                condition=Q(is_final=False) | Q(is_race_final=False),
            ),
            models.Index(name="outcome_by_time", fields=["-since", "id"]),
            # The hit rate of signals of the same confidence is shown with each signal that waits.
            models.Index(
                name="outcome_raced",
                fields=["strategy_id", "timeframe", "confidence"],
                include=["race"],
                condition=Q(ledger="signal", race__in=[End.TARGET, End.STOP]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.ledger} ledger: {self.signal} {self.get_end_display()}"
