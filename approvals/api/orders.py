from datetime import datetime
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from django_filters import fields
from django_filters.rest_framework import BaseInFilter, ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import exits
from approvals.api.fills import FillSerializer
from approvals.models import AuditEvent, Order, OrderDecision, OrderLeg
from core.api.bodies import Body
from core.api.filters import UUID_IN_ADDRESS, InstantFilter
from core.api.permissions import MayChange
from core.api.preconditions import ETAG
from core.api.refusals import Conflict, conflict
from core.api.users import user_of
from market.api.filters import SymbolsFilter
from signals.models import Signal

NOTES: dict[str, Any] = {"max_length": 2000, "required": False, "allow_blank": True, "default": ""}
ORDERINGS = ("-created_at", "created_at", "symbol", "-symbol")


class OrderSerializer(serializers.ModelSerializer[Order]):
    """An entry with stop and target attached, or the closing of a position."""

    signal = serializers.SerializerMethodField(
        help_text="The signal that was approved. Null: a person's wish."
    )
    requested_by = serializers.SlugRelatedField[Any](
        "username", read_only=True, allow_null=True, help_text="Who decided."
    )
    risk = serializers.DecimalField(None, 2, help_text="What all of it loses between limit and stop.")
    etag = serializers.SerializerMethodField(
        help_text="Send it as If-Match when you release a held order, or move its stop."
    )

    class Meta:
        model = Order
        fields = [
            *["id", "kind", "symbol", "side", "quantity", "currency", "limit_price", "stop_loss"],
            *["stop_level", "target_level"],
            *[
                "take_profit",
                "risk",
                "status",
                "at_broker",
                "status_reason",
                "filled_quantity",
                "exits_working",
            ],
            *[
                "good_until",
                "flat_at",
                "due_at",
                "settlement_price",
                "approval",
                "signal",
                "requested_by",
                "created_at",
            ],
            *["released_at", "submitted_at", "acknowledged_at", "cancel_requested_at", "ended_at"],
            *["broker", "broker_order_id", "etag"],
        ]
        extra_kwargs = {
            "id": {"help_text": "Also the client order id at the broker."},
            "limit_price": {"help_text": "Null: a closing, at the market."},
            "settlement_price": {
                "help_text": "What a person closes a delisted share at, in its currency. Null: at the market."
            },
            "status_reason": {"help_text": "Why it is as it is, in words."},
            "approval": {"help_text": "The decision that caused it. Null: a closing by a person."},
            "at_broker": {"help_text": "What the broker does with it besides; empty: nothing."},
            "cancel_requested_at": {"help_text": "The broker is asked to cancel it since then."},
        }

    def get_signal(self, order: Order) -> str | None:
        return str(order.approval.signal_id) if order.approval else None

    def get_etag(self, order: Order) -> str:
        return order.fingerprint()


class OrderDecisionSerializer(serializers.ModelSerializer[OrderDecision]):
    """What a person wanted of an order after it was made."""

    decided_by = serializers.SlugRelatedField[Any]("username", read_only=True, allow_null=True)

    class Meta:
        model = OrderDecision
        fields = ["action", "decided_by", "decided_at", "notes", "shown"]


class OrderEventSerializer(serializers.ModelSerializer[AuditEvent]):
    class Meta:
        model = AuditEvent
        fields = ["number", "at", "kind", "actor", "text"]
        extra_kwargs = {"text": {"help_text": "JSON, exactly as it was hashed."}}


class OrderLegSerializer(serializers.ModelSerializer[OrderLeg]):
    """How one leg stands at the broker, where that tells them apart."""

    class Meta:
        model = OrderLeg
        fields = ["leg", "state", "level", "quantity", "filled", "broker_state", "broker_id", "changed_at"]


class OrderDetailSerializer(OrderSerializer):
    """An order with what was executed of it, what people wanted of it and what the chain says of it."""

    fills = FillSerializer(many=True, read_only=True, help_text="Those of its stop and target included.")
    legs = OrderLegSerializer(many=True, read_only=True, help_text="Empty where the broker does not tell.")
    decisions = OrderDecisionSerializer(many=True, read_only=True)
    history = serializers.SerializerMethodField(help_text="Its events, oldest first.")

    class Meta(OrderSerializer.Meta):
        fields = [*OrderSerializer.Meta.fields, "fills", "legs", "decisions", "history"]

    @extend_schema_field(OrderEventSerializer(many=True))
    def get_history(self, order: Order) -> Any:
        events = AuditEvent.objects.filter(subject=f"order {order.pk}").order_by("number")
        return OrderEventSerializer(events, many=True).data


class CancelOrderSerializer(Body):
    notes = serializers.CharField(**NOTES, help_text="Kept with the order.")
    exits = serializers.BooleanField(
        default=False, help_text="Also when shares were filled: their stop and target are cancelled too."
    )


class DropOrderSerializer(Body):
    notes = serializers.CharField(**NOTES, help_text="Kept with the order.")


class ChoicesField(fields.BaseCSVField):
    """Several of the choices. (Its base lets an empty one pass.)"""

    def clean(self, value: list[str] | None) -> list[str] | None:
        chosen: list[str] | None = super().clean(value)
        if chosen is not None and not all(chosen):
            names = ", ".join(Order.Status.values)
            raise serializers.ValidationError({"status": [f"Name a status. Choose from: {names}."]})
        return chosen


@extend_schema_field(
    {"type": "array", "items": {"type": "string", "enum": Order.Status.values}, "minItems": 1}
)
class StatusesFilter(BaseInFilter, ChoiceFilter):
    """One status, or several separated by commas."""

    base_field_class = ChoicesField


class OrderFilters(FilterSet):
    status = StatusesFilter(choices=Order.Status.choices)
    symbol = SymbolsFilter()
    kind = ChoiceFilter(choices=Order.Kind.choices)
    side = ChoiceFilter(choices=Signal.Type.choices)
    created_after = InstantFilter("created_at", "gte", help_text="Made at this instant or later.")
    created_before = InstantFilter("created_at", "lt", help_text="Made before this instant.")
    ordering = ChoiceFilter(
        choices=[(name, name) for name in ORDERINGS],
        method="in_order",
        help_text="The newest first by default.",
    )

    def in_order(self, orders: QuerySet[Order], name: str, value: str) -> QuerySet[Order]:
        return orders.order_by(value, "id")


class OrderViewSet(ListModelMixin, GenericViewSet[Order]):
    """What was ordered, newest first. Getting out is always possible, whatever is halted or away."""

    queryset = Order.objects.select_related("approval", "requested_by").order_by("-created_at", "id")
    serializer_class = OrderSerializer
    filterset_class = OrderFilters
    lookup_value_regex = UUID_IN_ADDRESS

    @cached_property
    def at(self) -> datetime:
        """One instant for everything in an answer."""
        return timezone.now()

    @extend_schema(parameters=[ETAG], responses=OrderDetailSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One order with its fills, what people wanted of it and its history."""
        return self._answer(self.get_object())

    @extend_schema(
        request=CancelOrderSerializer,
        responses={200: OrderDetailSerializer, **conflict("There is nothing to cancel.")},
        parameters=[ETAG],
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """Cancel an order: at once when it was not sent, else the broker is asked until it has.

        What is filled, or fills meanwhile, keeps its stop and target unless `exits` is said. 409 when it has
        ended (saying how), when it is being cancelled already, when nothing but stop and target works, or
        when it is a closing whose position has neither any more, and `exits` was not said.
        """
        order, body = self.get_object(), CancelOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            order = exits.cancel(order, by=user_of(request), at=self.at, **body.validated_data)
        except exits.ExitRefused as refusal:
            raise Conflict(str(refusal)) from None
        return self._answer(order)

    @extend_schema(
        request=DropOrderSerializer,
        responses={200: OrderDetailSerializer, **conflict("It is not held any more.")},
        parameters=[ETAG],
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def drop(self, request: Request, pk: str) -> Response:
        """Let go of a held order. 409 when it is not held any more, saying by whom."""
        order, body = self.get_object(), DropOrderSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            order = exits.drop(order, by=user_of(request), at=self.at, **body.validated_data)
        except exits.ExitRefused as refusal:
            raise Conflict(str(refusal)) from None
        return self._answer(order)

    def _answer(self, order: Order) -> Response:
        shown = OrderDetailSerializer(order, context=self.get_serializer_context()).data
        return Response(shown, headers={"ETag": f'"{order.fingerprint()}"'})
