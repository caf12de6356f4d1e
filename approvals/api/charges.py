from django_filters.rest_framework import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.models import Charge
from core.api.filters import InstantFilter
from market.api.filters import SymbolsFilter


class ChargeSerializer(serializers.ModelSerializer[Charge]):
    """Money that moved by itself: a fee that came later than its execution, interest, a dividend."""

    class Meta:
        model = Charge
        fields = [
            *["id", "at", "kind", "amount", "currency", "what", "symbol", "execution_id", "broker"],
            *["charge_id", "recorded_at"],
        ]
        extra_kwargs = {
            "kind": {"help_text": "fee and borrow are in the net of the trade that they are of."},
            "recorded_at": {"help_text": "Our time."},
        }


class ChargeFilters(FilterSet):
    symbol = SymbolsFilter()
    kind = ChoiceFilter(choices=Charge.Kind.choices)
    charged_after = InstantFilter("at", "gte", help_text="Charged at this instant or later.")
    charged_before = InstantFilter("at", "lt", help_text="Charged before this instant.")


class ChargeViewSet(ReadOnlyModelViewSet[Charge]):
    """What the broker charged or paid besides executions, newest first."""

    queryset = Charge.objects.order_by("-at", "-pk")
    serializer_class = ChargeSerializer
    filterset_class = ChargeFilters
    lookup_value_regex = "[0-9]{1,18}"
