from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from rest_framework import serializers

from approvals.proposals import Effect, Overrides, Proposal, describe, terms_in_full
from core.api.bodies import Body

PRICE: dict[str, Any] = {"max_digits": 18, "decimal_places": 6}


class OverridesSerializer(Body):
    """What you want otherwise than proposed: fewer shares, another limit, stop or target."""

    quantity = serializers.IntegerField(min_value=1, max_value=2**31 - 1, required=False, allow_null=True)
    limit_price = serializers.DecimalField(**PRICE, min_value=0, required=False, allow_null=True)
    stop_loss = serializers.DecimalField(**PRICE, min_value=0, required=False, allow_null=True)
    take_profit = serializers.DecimalField(**PRICE, min_value=0, required=False, allow_null=True)

    @property
    def overrides(self) -> Overrides:
        names = ("quantity", "limit_price", "stop_loss", "take_profit")
        return Overrides(**{name: self.validated_data.get(name) for name in names})


class OverridesInQuery(OverridesSerializer):
    """The same as query parameters: all of it is text, and left out rather than null."""

    is_json = False

    def get_fields(self) -> dict[str, Any]:
        fields = super().get_fields()
        for field in fields.values():
            field.allow_null = False
        return fields


def overrides_of(given: Mapping[str, Any]) -> Overrides:
    """Return what the query asks for. Raises ValidationError."""
    body = OverridesInQuery(data={name: value for name, value in given.items() if name != "format"})
    body.is_valid(raise_exception=True)
    return body.overrides


class EntryCheckSerializer(serializers.Serializer[Any]):
    """The newest price that the entry is held against."""

    price = serializers.DecimalField(18, 6, allow_null=True)
    as_of = serializers.DateTimeField(
        source="quote.as_of", default=None, allow_null=True, help_text="The provider's time."
    )
    provider = serializers.CharField(source="quote.provider", default=None, allow_null=True)
    feed = serializers.CharField(source="quote.feed", default=None, allow_null=True)
    age_seconds = serializers.SerializerMethodField(help_text="In session time, the feed's delay taken off.")
    is_open = serializers.BooleanField(help_text="The exchange is open.")
    drift_atr = serializers.DecimalField(
        None, 4, allow_null=True, help_text="How far the price ran in the trade's direction, in ATR."
    )
    reward_to_risk = serializers.DecimalField(
        None, 4, allow_null=True, help_text="From this price. Null: it is beyond stop or target."
    )

    def get_age_seconds(self, look: Any) -> float | None:
        return None if look.age is None else float(look.age.total_seconds())


class ProposalSerializer(serializers.Serializer[Proposal]):
    """What approving a signal would do now."""

    signal = serializers.UUIDField(source="signal.pk")
    does = serializers.ChoiceField(
        [effect.value for effect in Effect], source="effect", help_text="What it does to the position."
    )
    words = serializers.SerializerMethodField(help_text="What pressing the button does.")
    shown = serializers.SerializerMethodField(
        help_text="All of it as one text: sent along with the approval, nothing else is ordered."
    )
    problems = serializers.ListField(
        child=serializers.CharField(), help_text="Why it cannot be approved now. Empty: it can."
    )
    is_actionable = serializers.BooleanField(help_text="False: it is only measured.")
    position = serializers.IntegerField(help_text="Our shares of it now; negative when short.")
    quantity = serializers.IntegerField(help_text="Shares that would be ordered.")
    limit_price = serializers.SerializerMethodField(help_text="The most to be paid; null for a closing.")
    stop_loss = serializers.SerializerMethodField()
    take_profit = serializers.SerializerMethodField()
    risk = serializers.SerializerMethodField(help_text="Money lost when the stop is hit.")
    caps = serializers.ListField(
        child=serializers.CharField(), help_text="Which limits kept the size from being larger."
    )
    notes = serializers.ListField(
        child=serializers.CharField(),
        help_text="What it is one bet with, and which reports of earnings it may be held through.",
    )
    resized = serializers.CharField(help_text="What a price that moved against the trade changes.")
    waits_until = serializers.DateTimeField(
        allow_null=True, help_text="When it would be looked at again; null: sent at once."
    )
    good_until = serializers.DateTimeField(allow_null=True, help_text="When an unfilled entry is cancelled.")
    flat_at = serializers.DateTimeField(
        allow_null=True, help_text="When what was bought is sold at the latest."
    )
    look = EntryCheckSerializer(source="entry_check")

    def get_words(self, proposal: Proposal) -> str:
        return describe(proposal)

    def get_shown(self, proposal: Proposal) -> str:
        return terms_in_full(proposal)

    def get_limit_price(self, proposal: Proposal) -> str | None:
        return self._price(proposal, proposal.limit_price)

    def get_stop_loss(self, proposal: Proposal) -> str | None:
        return self._price(proposal, proposal.levels.stop_loss)

    def get_take_profit(self, proposal: Proposal) -> str | None:
        return self._price(proposal, proposal.levels.take_profit)

    def get_risk(self, proposal: Proposal) -> str | None:
        return f"{proposal.size.risk:.2f}" if proposal.effect.is_entry and proposal.size else None

    @staticmethod
    def _price(proposal: Proposal, price: Decimal | None) -> str | None:
        """Return the price as text; None for a closing, which has no levels."""
        return None if price is None or proposal.effect.is_exit else f"{price:.6f}"
