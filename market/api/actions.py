from typing import Any

from django_filters.rest_framework import ChoiceFilter, DateFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api.filters import YesNoFilter
from market.api.filters import SymbolsFilter
from market.models import CorporateAction


class CorporateActionSerializer(serializers.ModelSerializer[CorporateAction]):
    class Meta:
        model = CorporateAction
        fields = [
            *["id", "symbol", "kind", "ex_date", "pay_date", "record_date", "declared_date"],
            *["amount", "currency", "ratio", "new_symbol", "source", "recorded_at", "ended_at"],
        ]
        extra_kwargs = {
            "amount": {
                "help_text": "Cash for one share of the ex-date, not restated for later splits; 0 for none."
            },
            "ended_at": {
                "help_text": "When another fact replaced it or it was withdrawn; null while it stands."
            },
        }


class CorporateActionFilters(FilterSet):
    symbol = SymbolsFilter()
    kind = ChoiceFilter(choices=CorporateAction.Kind.choices)
    current = YesNoFilter(method="that_stand", label="Whether nothing has replaced it.")
    since = DateFilter("ex_date", "gte", label="Ex-date on or after this day.")
    until = DateFilter("ex_date", "lte", label="Ex-date on or before this day.")

    def that_stand(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.filter(ended_at__isnull=value)


class CorporateActionViewSet(ReadOnlyModelViewSet[CorporateAction]):
    """Dividends, splits, changes of symbol, mergers and delistings, newest ex-date first.

    A correction is a new row; the one it replaced has `ended_at`.
    """

    queryset = CorporateAction.objects.order_by("-ex_date", "symbol", "-pk")
    serializer_class = CorporateActionSerializer
    filterset_class = CorporateActionFilters
    lookup_value_regex = "[0-9]{1,18}"
