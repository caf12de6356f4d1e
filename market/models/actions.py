"""Corporate actions as facts: what was announced, by which source, and what replaced it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from django.conf import settings
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import TruncDate

from core.models import TypedModelMeta
from market.models.facts import Fact, FactCheck, FactQuerySet
from market.models.reference import Instrument, Split

A_WEEK, LATELY = timedelta(days=7), timedelta(days=45)


class CorporateActionQuerySet(FactQuerySet):
    def dividends(self) -> "CorporateActionQuerySet":
        return self.current().filter(kind=CorporateAction.Kind.DIVIDEND)

    def asking(self, at: datetime) -> "CorporateActionQuerySet":
        """Return those that took effect lately and that a person has to deal with.

        What a spin-off, rights or the split of a unit did to prices and holdings cannot be computed; a split
        that was announced and that the stored prices do not show yet may never be shown by them.
        """
        near = (OuterRef("ex_date") - A_WEEK, OuterRef("ex_date") + A_WEEK)
        restated = Split.objects.filter(symbol=OuterRef("symbol"), date__range=near)
        unseen = Q(~Exists(restated), kind=CorporateAction.Kind.SPLIT, recorded_at__date__lte=F("ex_date"))
        return self.current().filter(
            Q(kind__in=CorporateAction.ASKS) | unseen,
            Exists(Instrument.objects.fetched().filter(pk=OuterRef("symbol"))),
            answered_at=None,
            ex_date__lte=at.date(),
            ex_date__gte=TruncDate("recorded_at", tzinfo=UTC) - LATELY,
        )

    def announced(self, today: date) -> "CorporateActionQuerySet":
        """Return those that are still to come, the next first."""
        return self.current().filter(ex_date__gte=today).order_by("ex_date", "pk")


class CorporateAction(Fact):
    """What happens to a share on its ex-date.

    Amounts are for a share of the ex-date. Stored prices are restated by the table of splits alone.
    """

    class Kind(models.TextChoices):
        DIVIDEND = "dividend", "cash dividend"
        SPLIT = "split", "share split"
        SYMBOL_CHANGE = "symbol change", "change of symbol"
        MERGER = "merger", "merger"
        DELISTING = "delisting", "delisting"
        WORTHLESS = "worthless", "removal as worthless"
        SPIN_OFF = "spin-off", "spin-off"
        RIGHTS = "rights", "distribution of rights"
        UNIT_SPLIT = "unit split", "unit split"

    ASKS = (Kind.SPIN_OFF, Kind.RIGHTS, Kind.UNIT_SPLIT)  # what they do is for a person to say
    ENDS = (Kind.DELISTING, Kind.MERGER, Kind.WORTHLESS)  # after which the share is no more

    kind = models.CharField(max_length=13, choices=Kind)
    ex_date = models.DateField("ex-date", help_text="First session without the dividend, or in new shares.")
    pay_date = models.DateField(null=True, blank=True)
    record_date = models.DateField(null=True, blank=True)
    declared_date = models.DateField(null=True, blank=True)
    amount = models.DecimalField(
        max_digits=18, decimal_places=8, default=0, blank=True, help_text="Cash for one share; 0 for none."
    )
    currency = models.CharField(max_length=3, blank=True, help_text="Of the amount.")
    ratio = models.DecimalField(
        max_digits=18,
        decimal_places=8,
        default=0,
        blank=True,
        help_text="New shares for one old: 4 for 4:1, 0.1 for 1:10; 0 for none.",
    )
    new_symbol = models.CharField(max_length=16, blank=True, db_collation="C")
    answered_at = models.DateTimeField(null=True, blank=True, editable=False)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.PROTECT,
        related_name="+",
    )
    answer = models.CharField(max_length=500, blank=True, editable=False, help_text="What was done about it.")

    objects = CorporateActionQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "corporate_actions"
        ordering = ["-ex_date", "symbol", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="action_is_a_fact_once",
                fields=["symbol", "kind", "ex_date", "amount", "ratio", "new_symbol"],
                condition=Q(ended_at=None),
                violation_error_message="This is recorded already.",
            ),
            models.CheckConstraint(
                name="action_kind_is_known",
                condition=Q(
                    kind__in=[
                        *["dividend", "split", "symbol change", "merger", "delisting"],
                        *["worthless", "spin-off", "rights", "unit split"],
                    ]
                ),
            ),
            models.CheckConstraint(
                name="action_is_answered_by_a_person_with_words",
                condition=Q(answered_at=None, answered_by=None, answer="")
                | (Q(answered_at__isnull=False, answered_by__isnull=False) & ~Q(answer="")),
            ),
            models.CheckConstraint(
                name="action_figures_are_positive", condition=Q(amount__gte=0, ratio__gte=0)
            ),
            models.CheckConstraint(
                name="action_dividend_has_an_amount",
                condition=~Q(kind="dividend") | (Q(amount__gt=0) & ~Q(currency="")),
            ),
            models.CheckConstraint(
                name="action_split_has_a_ratio", condition=~Q(kind="split") | (Q(ratio__gt=0) & ~Q(ratio=1))
            ),
            models.CheckConstraint(
                name="action_names_the_new_symbol",
                condition=~Q(kind="symbol change") | (~Q(new_symbol="") & ~Q(new_symbol=F("symbol"))),
            ),
        ]
        indexes = [
            models.Index(name="actions_of_symbol", fields=["symbol", "ex_date"]),
            models.Index(name="actions_by_date", fields=["ex_date"], condition=Q(ended_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.symbol} {self.get_kind_display()} {self.ex_date}"


class CorporateActionCheck(FactCheck):
    """Until when the corporate actions of a symbol are known."""

    class Meta(TypedModelMeta):
        db_table = "corporate_action_checks"
        default_permissions = ()


class SymbolChangeQuerySet(models.QuerySet["SymbolChange"]):
    def current_names(self) -> dict[str, str]:
        """Return the new symbol of each old one that no instrument has today."""
        changes = dict(self.order_by("since", "pk").values_list("old", "new"))
        taken = set(Instrument.objects.filter(pk__in=changes).values_list("symbol", flat=True))
        return {old: _last_name(changes, old) for old in changes if old not in taken}

    def leading_to(self, symbol: str) -> "list[SymbolChange]":
        """Return the changes by which an instrument came to its symbol, the newest first.

        A company that has taken a symbol which another had left comes from nowhere. One query each.
        """
        changes: list[SymbolChange] = []
        while change := self._newest_about(symbol, changes[-1].since if changes else None):
            if change.old == symbol:
                break
            changes.append(change)
            symbol = change.old
        return changes

    def _newest_about(self, symbol: str, before: date | None) -> "SymbolChange | None":
        rows = self.filter(Q(old=symbol) | Q(new=symbol))
        rows = rows.filter(since__lt=before) if before else rows
        return rows.order_by("-since", "-pk").first()


class SymbolChange(models.Model):
    """A change of symbol that was followed: what was filed under the old one is filed under the new one.

    Never edited, never deleted. `is_shared`: another company has the old symbol since, and keeps its rows.
    """

    old = models.CharField(max_length=16, db_collation="C")
    new = models.CharField(max_length=16, db_collation="C")
    since = models.DateField(help_text="The first session under the new symbol.")
    is_shared = models.BooleanField(default=False)
    source = models.CharField(max_length=40)
    followed_at = models.DateTimeField()
    followed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )

    objects = SymbolChangeQuerySet.as_manager()

    class Meta(TypedModelMeta):
        db_table = "symbol_changes"
        ordering = ["-since", "old"]
        constraints = [
            models.UniqueConstraint(name="symbol_change_is_followed_once", fields=["old", "since"]),
            models.CheckConstraint(name="symbol_change_is_one", condition=~Q(old=F("new"))),
        ]

    def __str__(self) -> str:
        return f"{self.old} is {self.new} since {self.since}"


def _last_name(changes: Mapping[str, str], symbol: str) -> str:
    """Follow a chain of changes to its end; one that comes back to where it began ends before."""
    seen = {symbol}
    while (following := changes.get(symbol, symbol)) not in seen:
        seen.add(following)
        symbol = following
    return symbol
