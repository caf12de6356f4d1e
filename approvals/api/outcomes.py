from django_filters.rest_framework import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from approvals.models import Outcome
from core.api.filters import UUIDFilter
from market.api.filters import SymbolsFilter, timeframe_filter
from signals.api.filters import StrategiesFilter


class OutcomeSerializer(serializers.ModelSerializer[Outcome]):
    """How a signal, or the decision on it, turned out."""

    signal_type = serializers.CharField(source="signal.signal_type", help_text="BUY or SELL.")
    decided_by = serializers.CharField(
        source="decided_by.username", default=None, allow_null=True, help_text="Who approved or rejected it."
    )
    played_on = serializers.CharField(help_text="The timeframe of the bars it is played on.")
    end = serializers.CharField(
        source="get_end_display",
        help_text="What ended it: target, stop, opposite, timeout, session close; or void, missed, open.",
    )
    race = serializers.CharField(
        source="get_race_display", help_text="The same had no opposite event ended it: target or stop first?"
    )

    class Meta:
        model = Outcome
        fields = [
            *["signal", "ledger", "group", "symbol", "strategy_id", "timeframe", "signal_type", "confidence"],
            *["generated_at", "since", "decided_by", "played_on", "end", "race", "luck"],
            *["entered_at", "entry", "exited_at", "exit", "r", "planned_r", "is_final", "computed_at"],
        ]


class OutcomeFilters(FilterSet):
    signal = UUIDFilter("signal_id", help_text="The id of a signal.")
    ledger = ChoiceFilter(choices=Outcome.Ledger.choices)
    group = ChoiceFilter(choices=Outcome.Group.choices)
    symbol = SymbolsFilter()
    strategy = StrategiesFilter()
    timeframe = timeframe_filter()


class OutcomeViewSet(ListModelMixin, GenericViewSet[Outcome]):
    """What became of signals and of the decisions on them, the newest first."""

    queryset = Outcome.objects.select_related("signal", "decided_by").order_by("-since", "pk")
    serializer_class = OutcomeSerializer
    filterset_class = OutcomeFilters
