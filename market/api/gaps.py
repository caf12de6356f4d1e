from django_filters.rest_framework import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from market.api.filters import SymbolsFilter, timeframe_filter
from market.models import Gap


class GapSerializer(serializers.ModelSerializer[Gap]):
    class Meta:
        model = Gap
        fields = [
            *["symbol", "timeframe", "first_at", "last_at", "bars"],
            *["reason", "found_at", "attempts", "next_attempt_at"],
        ]


class GapFilters(FilterSet):
    symbol = SymbolsFilter()
    timeframe = timeframe_filter()
    reason = ChoiceFilter(choices=Gap.Reason.choices)


class GapViewSet(ListModelMixin, GenericViewSet[Gap]):
    """Bars of a trading session that should be there and are not, newest first. None is invented."""

    queryset = Gap.objects.order_by("-first_at", "symbol", "timeframe")
    serializer_class = GapSerializer
    filterset_class = GapFilters
