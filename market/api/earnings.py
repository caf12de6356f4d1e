from typing import Any

from django_filters.rest_framework import ChoiceFilter, DateFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api.filters import YesNoFilter
from market.api.filters import SymbolsFilter
from market.models import EarningsDate


class EarningsDateSerializer(serializers.ModelSerializer[EarningsDate]):
    class Meta:
        model = EarningsDate
        fields = [
            *["id", "symbol", "date", "time", "is_confirmed", "fiscal_period"],
            *["source", "recorded_at", "ended_at"],
        ]
        extra_kwargs = {
            "time": {"help_text": "Before, during or after the session of that day."},
            "ended_at": {
                "help_text": "When another fact replaced it or it was withdrawn; null while it stands."
            },
        }


class EarningsDateFilters(FilterSet):
    symbol = SymbolsFilter()
    time = ChoiceFilter(choices=EarningsDate.ReportTime.choices)
    confirmed = YesNoFilter(field_name="is_confirmed", label="Whether the company has confirmed it.")
    current = YesNoFilter(method="that_stand", label="Whether nothing has replaced it.")
    since = DateFilter("date", "gte", label="On or after this day.")
    until = DateFilter("date", "lte", label="On or before this day.")

    def that_stand(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.filter(ended_at__isnull=value)


class EarningsDateViewSet(ReadOnlyModelViewSet[EarningsDate]):
    """When companies report earnings, newest first.

    A correction is a new row; the one it replaced has `ended_at`.
    """

    queryset = EarningsDate.objects.order_by("-date", "symbol", "-pk")
    serializer_class = EarningsDateSerializer
    filterset_class = EarningsDateFilters
    lookup_value_regex = "[0-9]{1,18}"
