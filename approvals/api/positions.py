from decimal import Decimal
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet

from approvals import exits, positions
from approvals.api.orders import NOTES, OrderSerializer
from approvals.api.proposals import PRICE
from approvals.models import Order
from approvals.positions import Protected
from approvals.positions.delisted import ByHand
from approvals.positions.trades import naming
from core.api.accepted import LOCATION
from core.api.bodies import Body
from core.api.permissions import MayChange
from core.api.refusals import Conflict, conflict
from core.api.users import user_of
from market.api.filters import SYMBOL_IN_ADDRESS
from market.models import Instrument

SYMBOL = OpenApiParameter("symbol", OpenApiTypes.STR, OpenApiParameter.PATH, description="As in AAPL.")


class WorkingExitsSerializer(serializers.ModelSerializer[Order]):
    """The stop and the target of an entry that was filled."""

    order = serializers.UUIDField(source="pk", help_text="The entry that they belong to.")
    etag = serializers.CharField(
        source="fingerprint", read_only=True, help_text="Send it as If-Match when you move them."
    )

    class Meta:
        model = Order
        fields = [
            *["order", "filled_quantity", "stop_loss", "take_profit", "stop_level", "target_level"],
            *["flat_at", "cancel_requested_at", "etag"],
        ]


class PositionSerializer(serializers.Serializer[Any]):
    """What is held of a symbol: a sum of fills, and what the account holds besides."""

    symbol = serializers.CharField(source="position.symbol")
    quantity = serializers.IntegerField(source="position.quantity", help_text="Ours. Negative: short.")
    foreign = serializers.DecimalField(
        None,
        None,
        source="position.foreign",
        help_text="Shares of the account that Jax did not trade: left alone. Parts of a share included.",
    )
    average_cost = serializers.DecimalField(
        18,
        6,
        source="position.average_cost",
        allow_null=True,
        help_text="Of our shares, commissions not included.",
    )
    price = serializers.DecimalField(
        18, 6, source="position.price", allow_null=True, help_text="The newest. Null: no quote."
    )
    value = serializers.DecimalField(
        None, 2, source="position.value", allow_null=True, help_text="Of all shares, at that price."
    )
    realised = serializers.DecimalField(
        None,
        2,
        source="position.realised",
        help_text="Made since it was last flat, commissions taken off.",
    )
    commissions_unknown = serializers.IntegerField(
        source="position.commissions_unknown",
        help_text="Fills whose commission is not yet known: it is not taken off.",
    )
    unrealised = serializers.DecimalField(
        None,
        2,
        source="position.unrealised",
        allow_null=True,
        help_text="What our shares make at that price. Null: no quote.",
    )
    r = serializers.DecimalField(
        None,
        2,
        allow_null=True,
        help_text="That over what the stops were to lose. Null: a part of it has no stop, or no quote.",
    )
    at_risk = serializers.DecimalField(
        None,
        2,
        allow_null=True,
        help_text="What our shares lose from here if every stop is hit; without a stop, all.",
    )
    unprotected = serializers.SerializerMethodField(help_text="How many of our shares no stop guards.")
    opened_at = serializers.DateTimeField(
        source="position.opened_at", allow_null=True, help_text="Null: none are ours."
    )
    exits = serializers.SerializerMethodField(help_text="The stops and targets that work for it.")

    def get_unprotected(self, protected: Protected) -> int:
        return max(protected.unprotected, 0)

    @extend_schema_field(WorkingExitsSerializer(many=True))
    def get_exits(self, protected: Protected) -> Any:
        return WorkingExitsSerializer(protected.exits, many=True).data


class LotSerializer(serializers.Serializer[Any]):
    """Shares of one purchase (or sale short) that are still held."""

    fill = serializers.IntegerField(help_text="What brought them: the id of the fill.")
    opened_at = serializers.DateTimeField()
    shares = serializers.DecimalField(None, 6, help_text="In shares of today.")
    price = serializers.DecimalField(None, 6, help_text="For one of them.")


class NamedLotSerializer(Body):
    fill = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, help_text="As in `lots` of the position."
    )
    shares = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="How many of its shares.")


class ClosePositionSerializer(Body):
    notes = serializers.CharField(**NOTES, help_text="Kept with the order. With a price: why it is that.")
    shares = serializers.IntegerField(
        required=False, min_value=1, max_value=2**31 - 1, help_text="How many shares; all without it."
    )
    lots = NamedLotSerializer(
        many=True,
        required=False,
        help_text="The lots that are sold for the tax return; the others go as its export says.",
    )
    shown = serializers.IntegerField(
        required=False,
        min_value=-(2**31),
        max_value=2**31 - 1,
        help_text="`quantity` of the position that you saw: 409 where it is another by now.",
    )
    price = serializers.DecimalField(
        18,
        6,
        required=False,
        min_value=Decimal(0),
        help_text="What a delisted share is settled at, in its currency; 0 when it is worthless.",
    )
    on = serializers.DateField(
        required=False,
        help_text="The day of a settlement that the broker never told; not on paper. Needs a price.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = [lot["fill"] for lot in attrs.get("lots", [])]
        if len(named) > len(set(named)):
            raise serializers.ValidationError({"lots": ["Name each lot once."]})
        if "on" in attrs and "price" not in attrs:
            raise serializers.ValidationError({"price": ["Give the price that it was settled at."]})
        return attrs

    @property
    def terms(self) -> dict[str, Any]:
        """Return what closing takes."""
        values = self.validated_data
        by_hand = ByHand(values["price"], values.get("on")) if "price" in values else None
        return {"notes": values["notes"], "by_hand": by_hand, "quantity": values.get("shares")} | {
            "shown": values.get("shown"),
            "lots": {lot["fill"]: lot["shares"] for lot in values.get("lots", [])},
        }


class ProtectPositionSerializer(Body):
    """Where a stop is to stand for the shares that have none."""

    stop_loss = serializers.DecimalField(**PRICE, min_value=0)
    take_profit = serializers.DecimalField(
        **PRICE, min_value=0, required=False, help_text="Without it there is a stop alone."
    )
    notes = serializers.CharField(**NOTES, help_text="Kept with the order.")

    @property
    def guard(self) -> exits.Guard:
        values = self.validated_data
        return exits.Guard(values["stop_loss"], values.get("take_profit"))


class PositionViewSet(GenericViewSet[Any]):
    """What is held, ours and others', by symbol."""

    queryset = Order.objects.all()  # a user who may change orders may close
    serializer_class = PositionSerializer
    filterset_class = None
    lookup_field = "symbol"
    lookup_value_regex = SYMBOL_IN_ADDRESS

    @extend_schema(responses=PositionSerializer(many=True))
    def list(self, request: Request) -> Response:
        self.filter_queryset(self.get_queryset())  # refuses parameters that do not exist
        page = self.paginate_queryset(positions.protected())
        return self.get_paginated_response(PositionSerializer(page or [], many=True).data)

    @extend_schema(parameters=[SYMBOL], responses=LotSerializer(many=True))
    @action(["get"], detail=True, pagination_class=None)
    def lots(self, request: Request, symbol: str) -> Response:
        """The lots that are held, the oldest first: name those that a closing is to sell."""
        self.filter_queryset(self.get_queryset())  # refuses parameters that do not exist
        instrument = get_object_or_404(Instrument, pk=symbol.upper())
        held = naming.held_lots(instrument.symbol, naming.broker_of(instrument.symbol))
        return Response(LotSerializer(held, many=True).data)

    @extend_schema(
        request=ClosePositionSerializer,
        responses={202: OrderSerializer, **conflict("Nothing of ours is held, or it is being closed.")},
        parameters=[SYMBOL, LOCATION],
    )
    @action(["post"], detail=True, permission_classes=[MayChange])
    def close(self, request: Request, symbol: str) -> Response:
        """Close our position at the market, all of it or so many `shares`.

        The symbol's entries are cancelled first, and its stops and targets where the broker cannot keep them
        until it has filled; a part is closed only where it can, and what is left keeps its stop. Out of
        session it waits at the broker for the open. A delisted share is settled at `price`, on paper without
        one at the cash recorded for it or its last price; where the broker settles by itself, a `price`
        records what it never told. 409 when nothing of ours is held, when it is being closed already, or when
        a price cannot be given like this.
        """
        instrument, body = (
            get_object_or_404(Instrument, pk=symbol.upper()),
            ClosePositionSerializer(data=request.data),
        )
        body.is_valid(raise_exception=True)
        try:
            order = exits.close(instrument.symbol, by=user_of(request), at=timezone.now(), **body.terms)
        except exits.ExitRefused as refusal:
            raise Conflict(str(refusal)) from None
        return _accepted(order, request)

    @extend_schema(
        request=ProtectPositionSerializer,
        responses={
            202: OrderSerializer,
            **conflict("Every share has a stop, it is being closed, or no stop can stand there."),
        },
        parameters=[SYMBOL, LOCATION],
    )
    @action(["post"], detail=True, permission_classes=[MayChange])
    def protect(self, request: Request, symbol: str) -> Response:
        """Put a stop back: a stop, and a target where one is given, for all our shares that have none.

        Possible under halt. 409 when every share has a stop or one is on its way, when the position is being
        closed, when a level would be executed at once, or when the broker takes no stop for what is held.
        """
        instrument = get_object_or_404(Instrument, pk=symbol.upper())
        body = ProtectPositionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        decided: dict[str, Any] = {"by": user_of(request), "at": timezone.now()}
        try:
            order = exits.put_back(
                instrument.symbol, body.guard, notes=body.validated_data["notes"], **decided
            )
        except exits.ExitRefused as refusal:
            raise Conflict(str(refusal)) from None
        return _accepted(order, request)


def _accepted(order: Order, request: Request) -> Response:
    address = reverse("order-detail", args=[order.pk], request=request)
    return Response(OrderSerializer(order).data, status.HTTP_202_ACCEPTED, headers={"Location": address})
