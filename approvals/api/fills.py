from django_filters.rest_framework import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.models import Fill
from approvals.models.fills import FillQuerySet
from core.api.filters import InstantFilter, UUIDFilter, YesNoFilter
from market.api.filters import SymbolsFilter
from signals.models import Signal


class FillSerializer(serializers.ModelSerializer[Fill]):
    """Shares that changed hands, as the broker says now. Never edited by anybody else, never deleted."""

    quantity = serializers.DecimalField(
        None, None, read_only=True, help_text="Shares; parts of one where we did not cause it."
    )

    class Meta:
        model = Fill
        fields = [
            *["id", "order", "leg", "symbol", "side", "quantity", "price", "commission"],
            *["commission_unknown", "commission_rate", "commission_rate_as_of", "commission_rate_age"],
            *["executed_at", "recorded_at", "broker", "execution_id"],
        ]
        extra_kwargs = {
            "order": {"help_text": "Null: we did not cause it."},
            "leg": {"help_text": "The entry, its stop or target, a closing, or the exit at the close."},
            "price": {"help_text": "Per share."},
            "commission": {
                "help_text": "For all of these shares; below zero for a rebate, 0 while it is not known."
            },
            "commission_unknown": {"help_text": "Why the commission is not known. Empty: it is."},
            "executed_at": {"help_text": "The broker's time."},
            "recorded_at": {"help_text": "Our time."},
        }


class FillFilters(FilterSet):
    symbol = SymbolsFilter()
    order = UUIDFilter("order_id")
    ours = YesNoFilter(method="in_ours", help_text="Whether one of our orders caused it.")
    side = ChoiceFilter(choices=Signal.Type.choices)
    leg = ChoiceFilter(choices=Fill.Leg.choices)
    executed_after = InstantFilter("executed_at", "gte", help_text="Executed at this instant or later.")
    executed_before = InstantFilter("executed_at", "lt", help_text="Executed before this instant.")

    def in_ours(self, fills: FillQuerySet, name: str, value: bool) -> FillQuerySet:
        return fills.ours(value)


class FillViewSet(ReadOnlyModelViewSet[Fill]):
    """What was executed, newest first, what we did not cause included."""

    queryset = Fill.objects.order_by("-executed_at", "-pk")
    serializer_class = FillSerializer
    filterset_class = FillFilters
    lookup_value_regex = "[0-9]{1,18}"
