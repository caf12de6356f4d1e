"""Which strategies are switched on, and how."""

from decimal import Decimal

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, Q

from core.models import TypedModelMeta, choices
from market.prices import Timeframe
from signals.strategies import STRATEGIES, Strategy


def strategy_choices() -> list[tuple[str, str]]:
    return [(strategy.id, strategy.title) for strategy in STRATEGIES.values()]


class StrategyConfigQuerySet(models.QuerySet["StrategyConfig"]):
    def enabled(self) -> "StrategyConfigQuerySet":
        """Keep those that are switched on and have a strategy in this version of Jax."""
        return self.filter(enabled=True, strategy_id__in=list(STRATEGIES))

    def failing(self) -> "StrategyConfigQuerySet":
        """Keep those whose newest scan failed and that no person has changed since."""
        is_as_it_was = Q(changed_at=None) | Q(changed_at__lt=F("failing_since"))
        return self.exclude(failing_since=None).filter(is_as_it_was)


class StrategyConfig(models.Model):
    """A strategy switched on for a timeframe. `parameters` holds only what differs from the defaults."""

    strategy_id = models.CharField("strategy", max_length=40, choices=strategy_choices)
    timeframe = models.CharField(max_length=3, choices=choices(Timeframe))
    enabled = models.BooleanField(default=True, help_text="Off: no new signals, and pending ones end.")
    parameters = models.JSONField(default=dict, blank=True)
    minimum_confidence = models.DecimalField(
        max_digits=5,
        decimal_places=4,
        default=Decimal("0.60"),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="Ideas below it are counted, not stored. From 0 to 1.",
    )
    lifetime_bars = models.PositiveSmallIntegerField(
        "lifetime",
        default=1,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="How long a person may decide, in bars of session time after the bar of the signal."
        " One daily bar is until the close of the next session. Never longer than 24 hours, but for closed"
        " sessions.",
    )
    longest_holding_bars = models.PositiveSmallIntegerField(
        "longest holding",
        default=40,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text="Bars after which a trade ends by itself, in backtests, records and outcomes.",
    )
    flat_at_close = models.BooleanField(
        default=False, help_text="A trade ends at the close of the session it was entered in."
    )
    changed_at = models.DateTimeField(
        null=True, editable=False, help_text="When a person last changed what it does. Empty: never."
    )
    scanned_at = models.DateTimeField(
        null=True, editable=False, help_text="When the newest scan that evaluated it began."
    )

    failures = models.PositiveSmallIntegerField(
        default=0, editable=False, help_text="Scans in a row that it has failed in."
    )
    failing_since = models.DateTimeField(
        null=True, editable=False, help_text="When the first of them began. Empty: the newest scan succeeded."
    )
    failure = models.CharField(
        max_length=500, blank=True, editable=False, help_text="What went wrong in the newest of them."
    )

    objects = StrategyConfigQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "strategy_configs"
        ordering = ["strategy_id", "timeframe"]
        verbose_name = "strategy configuration"
        constraints = [
            models.UniqueConstraint(
                name="strategy_config_is_one_row",
                fields=["strategy_id", "timeframe"],
                violation_error_message="This strategy has a configuration for this timeframe already.",
            ),
            models.CheckConstraint(
                name="strategy_config_minimum_is_a_share",
                condition=Q(minimum_confidence__gte=0, minimum_confidence__lte=1),
            ),
            models.CheckConstraint(
                name="strategy_config_counts_bars",
                condition=Q(lifetime_bars__gte=1, longest_holding_bars__gte=1),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.strategy_id} {self.timeframe}"

    @property
    def strategy(self) -> Strategy:
        """Return the strategy with its parameters. Raises KeyError when it is gone, or BadParameters."""
        return STRATEGIES[self.strategy_id].of(self.parameters)

    @property
    def is_failing(self) -> bool:
        """Whether its newest scan failed and no person has changed it since. `failing()` says the same."""
        since = self.failing_since
        return since is not None and (self.changed_at is None or self.changed_at < since)

    @property
    def needs_all_bars(self) -> bool:
        """Whether it has to evaluate again what the other configurations have evaluated already."""
        return self.is_fresh or self.failing_since is not None

    @property
    def is_fresh(self) -> bool:
        """Whether no scan has evaluated it since it was last changed."""
        return self.scanned_at is None or (self.changed_at is not None and self.changed_at >= self.scanned_at)
