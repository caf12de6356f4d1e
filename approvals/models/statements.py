"""Statements of brokers that our book was compared with, and what differed."""

from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import F, Q

from core.models import TypedModelMeta


class BrokerStatement(models.Model):
    """A statement of an account, fetched or uploaded, as it was compared. Never edited, never deleted."""

    broker = models.CharField(max_length=20)
    account_id = models.CharField(max_length=64, blank=True, help_text="The account's number, where told.")
    source = models.CharField(max_length=200, help_text="Where it came from.")
    since = models.DateTimeField()
    until = models.DateTimeField(help_text="What it says was so then.")
    compared_at = models.DateTimeField()
    executions = models.PositiveIntegerField(null=True, help_text="Empty: it has no trades.")
    charges = models.PositiveIntegerField(null=True, help_text="Empty: it has no fees and dividends.")
    holdings = models.JSONField(null=True, help_text="Shares at its end, by symbol. Empty: it has none.")
    cash = models.JSONField(null=True, help_text="Money at its end, by currency. Empty: it has none.")
    agreed = models.PositiveIntegerField(help_text="Executions, symbols and currencies that agree.")
    differing = models.PositiveIntegerField()
    taken_over = models.PositiveIntegerField(help_text="Corrections, commissions and charges taken over.")
    not_compared = models.TextField(blank=True, help_text="What could not be compared, and why.")
    uploaded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    class Meta(TypedModelMeta):
        db_table = "broker_statements"
        ordering = ["-pk"]
        indexes = [models.Index(name="broker_statement_end", fields=["broker", "until"])]
        constraints = [
            models.CheckConstraint(name="broker_statement_ends_later", condition=Q(until__gte=F("since"))),
        ]

    def __str__(self) -> str:
        return f"{self.broker} until {self.until:%Y-%m-%d %H:%M} UTC, from {self.source}"


class StatementBase(models.Model):
    """What an account has beside our book, one row for each broker: set by its first statement.

    Money and shares that were there before us. What a person answers about cash or a position changes it.
    """

    broker = models.CharField(max_length=20, primary_key=True)
    account_id = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(help_text="The end of the statement that said so.")
    charged_from = models.DateField(help_text="Charges of that day and later are not in it.")
    cash = models.JSONField(null=True, help_text="By currency. Empty: no statement with cash so far.")
    holdings = models.JSONField(null=True, help_text="By symbol. Empty: no statement with positions so far.")

    class Meta(TypedModelMeta):
        db_table = "statement_bases"
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.broker} since {self.at:%Y-%m-%d}"


class StatementFetch(models.Model):
    """How fetching a broker's statement does: one row for each broker."""

    broker = models.CharField(max_length=20, primary_key=True)
    night = models.DateTimeField(null=True, help_text="The close of the last day that was compared.")
    next_at = models.DateTimeField(null=True, help_text="Not tried again before.")
    failures = models.PositiveSmallIntegerField(default=0, help_text="In a row.")
    failing_since = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, help_text="Why it failed last, and what to do.")

    class Meta(TypedModelMeta):
        db_table = "statement_fetches"
        default_permissions = ()
        constraints = [
            models.CheckConstraint(
                name="statement_fetch_fails_for_a_reason",
                condition=Q(failures=0, failing_since=None) | Q(failures__gt=0, failing_since__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.broker}: {self.reason or 'fetched'}"


class StatementDifferenceQuerySet(models.QuerySet["StatementDifference"]):
    def open(self) -> "StatementDifferenceQuerySet":
        """Return those that the next comparison has not ended and nobody has answered."""
        return self.filter(ended_at=None)


class StatementDifference(models.Model):
    """Something that a statement says otherwise than our book. Never deleted.

    It ends when a later comparison agrees, or when a person answers it with a reason.
    """

    class Kind(models.TextChoices):
        NOT_HERE = "not here", "executed, and not in our book"
        NOT_THERE = "not there", "in our book, not in the statement"
        DIFFERS = "differs", "an execution with other figures"
        CANCELLED = "cancelled", "taken back by the broker"
        SUM = "sum", "the trades of a day"
        HOLDING = "holding", "a position"
        CASH = "cash"
        UNREAD = "unread", "a row that could not be read"

    broker = models.CharField(max_length=20)
    kind = models.CharField(max_length=9, choices=Kind)
    name = models.CharField(max_length=120, help_text="Execution, day, symbol or currency.")
    ours = models.TextField(blank=True, help_text="What our book has. Empty: nothing.")
    stated = models.TextField(blank=True, help_text="What the statement has. Empty: nothing.")
    detail = models.TextField(help_text="What to do.")
    happened_at = models.DateTimeField(
        null=True, blank=True, help_text="Of an execution. Empty: it is about the statement's end."
    )
    statement = models.ForeignKey(
        BrokerStatement, on_delete=models.PROTECT, related_name="differences", help_text="The newest with it."
    )
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True, help_text="Empty while it is open.")
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Empty once over: a later comparison agreed.",
    )
    why = models.CharField(max_length=500, blank=True, help_text="The reason that was given.")

    objects = StatementDifferenceQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "statement_differences"
        verbose_name = "difference to the statement"
        verbose_name_plural = "differences to the statement"
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                name="statement_difference_is_open_once",
                fields=["broker", "kind", "name"],
                condition=Q(ended_at=None),
            ),
            models.CheckConstraint(
                name="statement_difference_is_answered_at_an_end",
                condition=Q(answered_by=None, why="")
                | (Q(answered_by__isnull=False, ended_at__isnull=False) & ~Q(why="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.name}"

    def is_seen_by(self, since: datetime, until: datetime) -> bool:
        """Return whether a statement of that time would show it again."""
        if self.happened_at is not None:
            return since <= self.happened_at <= until
        return until >= self.statement.until
