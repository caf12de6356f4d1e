from typing import Any

from django_filters.rest_framework import CharFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.models import TradeApproval
from core.api.filters import InstantFilter, YesNoFilter
from market.api.filters import SymbolsFilter


class ApprovalSerializer(serializers.ModelSerializer[TradeApproval]):
    """One decision on one signal. Never edited, never deleted."""

    symbol = serializers.CharField(source="signal.symbol", read_only=True)
    strategy_id = serializers.CharField(source="signal.strategy_id", read_only=True)
    timeframe = serializers.CharField(source="signal.timeframe", read_only=True)
    signal_type = serializers.CharField(source="signal.signal_type", read_only=True)
    approved_by = serializers.SlugRelatedField[Any]("username", read_only=True, help_text="Who decided.")
    order = serializers.SerializerMethodField(help_text="The order it caused.")
    order_status = serializers.SerializerMethodField()

    class Meta:
        model = TradeApproval
        fields = [
            *["id", "signal", "symbol", "strategy_id", "timeframe", "signal_type"],
            *["approved", "approved_by", "approved_at", "reason", "modification_notes"],
            *["etag", "proposed", "decided", "shown", "seconds_to_decide", "order", "order_status"],
        ]

    def get_order(self, approval: TradeApproval) -> str | None:
        return str(approval.order.pk) if hasattr(approval, "order") else None

    def get_order_status(self, approval: TradeApproval) -> str | None:
        return approval.order.status if hasattr(approval, "order") else None


class ApprovalFilters(FilterSet):
    approved = YesNoFilter()
    symbol = SymbolsFilter(field_name="signal__symbol")
    user = CharFilter(field_name="approved_by__username")
    after = InstantFilter("approved_at", "gte", help_text="Decided at this instant or later.")
    before = InstantFilter("approved_at", "lt", help_text="Decided before this instant.")


class ApprovalViewSet(ReadOnlyModelViewSet[TradeApproval]):
    """What people decided, newest first."""

    queryset = TradeApproval.objects.select_related("signal", "approved_by", "order").order_by(
        "-approved_at", "-pk"
    )
    serializer_class = ApprovalSerializer
    filterset_class = ApprovalFilters
    lookup_value_regex = "[0-9]{1,18}"
