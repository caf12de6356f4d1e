from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django_filters import fields
from django_filters.rest_framework import BaseInFilter, ChoiceFilter, FilterSet, ModelChoiceFilter
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import scorecard
from approvals.models import Outcome
from core.api.filters import InstantFilter
from core.api.refusals import IMPOSSIBLE
from market.api.filters import SymbolsFilter, timeframe_filter
from signals.api.filters import StrategiesFilter

EVERYTHING = "all"
GROUPED = ("strategy", "timeframe")


class TallySerializer(serializers.Serializer[Any]):
    """Outcomes of one ledger. Shares are 0 to 1, null is unknown."""

    cases = serializers.IntegerField(help_text="Those that ended with a result.")
    void = serializers.IntegerField(help_text="At or beyond stop or target before they could be entered.")
    missed = serializers.IntegerField(help_text="Without a bar to be entered in before they expired.")
    open = serializers.IntegerField(help_text="Not finished yet.")
    targets = serializers.IntegerField(help_text="The target traded first.")
    stops = serializers.IntegerField(help_text="The stop traded first.")
    target_rate = serializers.FloatField(allow_null=True, help_text="Targets among targets and stops.")
    target_rate_low = serializers.FloatField(allow_null=True, help_text="Of its 95 % interval (Wilson).")
    target_rate_high = serializers.FloatField(allow_null=True)
    luck = serializers.FloatField(allow_null=True, help_text="That share by chance at these distances.")
    opposites = serializers.IntegerField(help_text="Cases ended by an opposite event.")
    timeouts = serializers.IntegerField(help_text="Cases ended by the longest holding or the session.")
    timeout_rate = serializers.FloatField(allow_null=True, help_text="Timeouts among the cases.")
    average_r = serializers.FloatField(allow_null=True, help_text="Mean result over the risk really taken.")
    average_r_low = serializers.FloatField(
        allow_null=True, help_text="Of its 95 % interval (Student's t); null below 10 cases."
    )
    average_r_high = serializers.FloatField(allow_null=True)
    average_planned_r = serializers.FloatField(
        allow_null=True, help_text="The same over the planned risk, from the entry that was wanted."
    )


class DecisionsSerializer(serializers.Serializer[Any]):
    approved = TallySerializer()
    rejected = TallySerializer()
    expired = TallySerializer()
    measured = TallySerializer(help_text="Expired, and not actionable: nothing to sell, and no short sales.")


class ConfidenceSerializer(serializers.Serializer[Any]):
    confidence = serializers.DecimalField(5, 4)
    cases = serializers.IntegerField(help_text="Signals that reached target or stop: at least 30.")
    targets = serializers.IntegerField()
    target_rate = serializers.FloatField()
    target_rate_low = serializers.FloatField(help_text="Of its 95 % interval (Wilson).")
    target_rate_high = serializers.FloatField()


class CalibrationSerializer(serializers.Serializer[Any]):
    """Whether more confidence meant more targets."""

    cases = serializers.IntegerField(help_text="Signals that reached target or stop.")
    values = ConfidenceSerializer(many=True, help_text="The confidences with at least 30 cases each.")
    too_few = serializers.IntegerField(help_text="Cases of all other confidences together.")
    base_rate = serializers.FloatField(allow_null=True, help_text="Targets among all cases.")
    brier = serializers.FloatField(
        allow_null=True, help_text="Mean squared error of the confidence, 0 is best. Null below 30 cases."
    )
    base_brier = serializers.FloatField(allow_null=True, help_text="The same of the base rate.")
    skill = serializers.FloatField(
        allow_null=True, help_text="1 less brier over base_brier: above 0 is better than the base rate."
    )


class DecidedSerializer(serializers.Serializer[Any]):
    """One decision that has ended."""

    signal = serializers.UUIDField()
    symbol = serializers.CharField()
    signal_type = serializers.CharField(help_text="BUY or SELL.")
    decided = serializers.CharField(source="group", help_text="approved or rejected.")
    decided_at = serializers.DateTimeField()
    r = serializers.FloatField(help_text="The result over the planned risk, costs included.")
    end = serializers.CharField(help_text="target, stop, opposite, timeout or session close.")


class RejectionsSerializer(serializers.Serializer[Any]):
    """What the rejections saved or cost."""

    approved = serializers.IntegerField(source="approved.size", help_text="Approved cases that ended.")
    rejected = serializers.IntegerField(source="rejected.size", help_text="Rejected cases that ended.")
    needed = serializers.IntegerField(help_text="Of both, before they are compared.")
    difference = serializers.FloatField(
        allow_null=True, help_text="Average R of approved less that of rejected: above 0, rejecting helped."
    )
    difference_low = serializers.FloatField(allow_null=True, help_text="Of its 95 % interval (Welch's t).")
    difference_high = serializers.FloatField(allow_null=True)
    listed = DecidedSerializer(many=True, help_text="The cases of a side that has fewer than needed.")


class CardSerializer(serializers.Serializer[Any]):
    """How signals and the decisions on them turned out. What is not grouped by is null."""

    strategy = serializers.CharField(source="of.strategy", default=None, allow_null=True)
    timeframe = serializers.CharField(source="of.timeframe", default=None, allow_null=True)
    symbol = serializers.CharField(source="of.symbol", default=None, allow_null=True)
    user = serializers.CharField(
        source="of.user", default=None, allow_null=True, help_text="Who decided; null too where nobody did."
    )
    signals = serializers.IntegerField()
    approved = serializers.IntegerField()
    rejected = serializers.IntegerField()
    expired = serializers.IntegerField()
    measured = serializers.IntegerField(help_text="Expired, and nobody could have acted on them.")
    void = serializers.IntegerField(help_text="Decided when stop or target had traded already.")
    signal_ledger = TallySerializer(help_text="All signals, from the bar after each: the strategy.")
    decision_ledger = DecisionsSerializer(help_text="From the first price after each decision: the person.")
    calibration = CalibrationSerializer()
    rejections = RejectionsSerializer()
    doubted = serializers.IntegerField(help_text="Bars in doubt that these outcomes were played on.")
    computed_at = serializers.DateTimeField(help_text="When the newest outcome in it was computed.")


class OpinionsSerializer(serializers.Serializer[Any]):
    """What the opinions of an analyst were worth."""

    analyst = serializers.CharField()
    cases = serializers.IntegerField(help_text="Signals that it judged and that have an outcome.")
    said = serializers.DictField(
        child=TallySerializer(),
        help_text="What became of the signals by what it said: for, against, undecided, unfounded.",
    )
    calibration = CalibrationSerializer(help_text="Of the opinions that agreed, on grounds that hold.")
    compared = serializers.IntegerField(help_text="Decisions on which it had a clear opinion.")
    agreed = serializers.IntegerField(help_text="Of those, person and analyst wanted the same.")
    agreement = serializers.FloatField(allow_null=True, help_text="Their share.")
    both_yes = TallySerializer(help_text="Approved as it advised; from the decision, like the next three.")
    both_no = TallySerializer(help_text="Rejected as it advised.")
    approved_against = TallySerializer(help_text="Approved against its advice.")
    rejected_against = TallySerializer(help_text="Rejected although it was for it.")


class KeysField(fields.BaseCSVField):
    def clean(self, value: list[str] | None) -> list[str] | None:
        names: list[str] | None = super().clean(value)
        if names and EVERYTHING in names and len(names) > 1:
            raise forms.ValidationError(f"{EVERYTHING} stands alone.", code=IMPOSSIBLE)
        return names


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "enum": [*scorecard.KEYS, EVERYTHING]}, "minItems": 1}
)
class KeysFilter(BaseInFilter, ChoiceFilter):
    base_field_class = KeysField


class ScorecardFilters(FilterSet):
    strategy = StrategiesFilter()
    timeframe = timeframe_filter()
    symbol = SymbolsFilter()
    user = ModelChoiceFilter(
        field_name="decided_by",
        queryset=User.objects.all(),
        to_field_name="username",
        help_text="Only what this user decided.",
    )
    since = InstantFilter("generated_at", "gte", help_text="Signals generated at this instant or later.")
    until = InstantFilter("generated_at", "lt", help_text="Signals generated before this instant.")
    by = KeysFilter(
        choices=[(name, name) for name in (*scorecard.KEYS, EVERYTHING)],
        method="as_asked",
        help_text="One row for each strategy and timeframe by default; `all` is one row of everything.",
    )

    def as_asked(self, outcomes: QuerySet[Outcome], name: str, value: list[str]) -> QuerySet[Outcome]:
        return outcomes


class ScorecardViewSet(GenericViewSet[Outcome]):
    """How signals and the decisions on them turned out. docs/scorecard.md says what each figure means."""

    queryset = Outcome.objects.all()
    serializer_class = CardSerializer
    filterset_class = ScorecardFilters

    @extend_schema(responses=CardSerializer(many=True))
    def list(self, request: Request) -> Response:
        outcomes = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(scorecard.cards(outcomes, _by(request))) or []
        cards = scorecard.complete(page, outcomes)
        return self.get_paginated_response(CardSerializer(cards, many=True).data)

    @extend_schema(responses=OpinionsSerializer(many=True))
    @action(["get"], detail=False, pagination_class=None)
    def analysts(self, request: Request) -> Response:
        """What second opinions were worth, one row for each analyst, and who was right where you differed."""
        opinions = scorecard.opinions(self.filter_queryset(self.get_queryset()))
        return Response(OpinionsSerializer(opinions, many=True).data)


def _by(request: Request) -> list[str]:
    """Return what to group by, each once, in the order of the keys."""
    names = (request.query_params.get("by") or ",".join(GROUPED)).split(",")
    return [name for name in scorecard.KEYS if name in names]
