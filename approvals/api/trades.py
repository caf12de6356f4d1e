from typing import Any

from django_filters.rest_framework import CharFilter, ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.models import Trade
from core.api.filters import InstantFilter
from market.api.filters import SymbolsFilter
from signals.models import Signal

RATIO: dict[str, Any] = {"max_digits": None, "decimal_places": 4, "allow_null": True, "read_only": True}


class TradeSerializer(serializers.ModelSerializer[Trade]):
    """A closed round trip in one instrument: from nothing held to nothing held. Derived from our fills."""

    r = serializers.DecimalField(
        **RATIO, help_text="Net over the risk that was really taken. Null: `no_risk` says why."
    )
    planned_r = serializers.DecimalField(**RATIO, help_text="Net over the risk that was planned.")
    adverse = serializers.DecimalField(
        None, 6, read_only=True, help_text="The farthest that a share was against us, from the entry (MAE)."
    )
    favourable = serializers.DecimalField(
        None, 6, read_only=True, help_text="The farthest that a share was for us, from the entry (MFE)."
    )
    decided_by = serializers.SlugRelatedField[Any]("username", read_only=True, allow_null=True)

    class Meta:
        model = Trade
        fields = [
            *["id", "broker", "symbol", "currency", "side", "quantity", "entries", "exits"],
            *[
                "entry_price",
                "exit_price",
                "gross",
                "dividends",
                "charges",
                "commission",
                "commissions_unknown",
                "net",
                "planned_risk",
                "risk",
                "no_risk",
                "r",
            ],
            *["planned_r", "adverse", "favourable", "opened_at", "closed_at", "exit", "signal", "signals"],
            *["strategy_id", "timeframe", "decided_by", "stance"],
        ]
        extra_kwargs = {
            "signal": {"help_text": "That of the first entry."},
            "risk": {"help_text": "Really taken: from each entry's price to its stop then."},
        }


class TradeFilters(FilterSet):
    symbol = SymbolsFilter()
    side = ChoiceFilter(choices=Signal.Type.choices)
    strategy = CharFilter("strategy_id", max_length=40, help_text="The id of a strategy.")
    exit = ChoiceFilter(choices=Trade.Exit.choices)
    closed_after = InstantFilter("closed_at", "gte", help_text="Closed at this instant or later.")
    closed_before = InstantFilter("closed_at", "lt", help_text="Closed before this instant.")


class TradeViewSet(ReadOnlyModelViewSet[Trade]):
    """What closed trades made, the last one first. One appears within a minute of its last fill."""

    queryset = Trade.objects.select_related("decided_by").order_by("-closed_at", "-pk")
    serializer_class = TradeSerializer
    filterset_class = TradeFilters
    lookup_value_regex = "[0-9]{1,18}"
