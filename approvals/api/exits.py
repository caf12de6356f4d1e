from collections.abc import Callable
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import exits
from approvals.api.decisions import NewVersionSerializer
from approvals.api.orders import NOTES
from approvals.api.proposals import PRICE
from approvals.models import ExitChange, Order, TrailingStop
from core.api.bodies import Body
from core.api.filters import UUID_IN_ADDRESS
from core.api.permissions import MayChange
from core.api.preconditions import ETAG, IF_MATCH, version_seen
from core.api.refusals import Conflict, PreconditionFailed, conflict
from core.api.users import user_of


class MoveExitsSerializer(Body):
    """Where stop and target are to stand."""

    stop_loss = serializers.DecimalField(**PRICE, min_value=0, required=False)
    take_profit = serializers.DecimalField(**PRICE, min_value=0, required=False)
    break_even = serializers.BooleanField(
        default=False, help_text="The stop to what the shares cost, commissions not included."
    )
    confirm = serializers.BooleanField(
        default=False, help_text="A stop that is moved away risks more, and that is meant."
    )
    notes = serializers.CharField(**NOTES, help_text="Kept with the order.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        levels = attrs.keys() & {"stop_loss", "take_profit"}
        if attrs["break_even"] == bool(levels):
            raise serializers.ValidationError("Give a stop, a target or both, or break_even alone.")
        return attrs

    @property
    def wanted(self) -> exits.Wanted:
        values = self.validated_data
        return exits.Wanted(values.get("stop_loss"), values.get("take_profit"), values["confirm"])


class TrailSerializer(Body):
    """How the stop is to follow the price."""

    kind = serializers.ChoiceField(TrailingStop.Kind.choices, help_text="What the distance is counted in.")
    distance = serializers.DecimalField(8, 4, min_value=0, help_text="Behind the best price since.")
    after_r = serializers.DecimalField(
        6, 2, min_value=0, required=False, help_text="From a gain of so many times the planned risk on."
    )
    notes = serializers.CharField(**NOTES, help_text="Kept with the order.")

    @property
    def terms(self) -> exits.Trail:
        values = self.validated_data
        return exits.Trail(TrailingStop.Kind(values["kind"]), values["distance"], values.get("after_r"))


class UntrailSerializer(Body):
    notes = serializers.CharField(**NOTES, help_text="Kept with the order.")


class ExitChangeSerializer(serializers.ModelSerializer[ExitChange]):
    """A stop or a target that is to stand elsewhere; until the broker has done it, the old level works."""

    requested_by = serializers.SlugRelatedField[Any](
        "username", read_only=True, allow_null=True, help_text="Null: a rule that trails the price."
    )

    class Meta:
        model = ExitChange
        fields = [
            "id",
            "leg",
            "before",
            "level",
            "state",
            "reason",
            "requested_by",
            "requested_at",
            "ended_at",
        ]


class TrailingStopSerializer(serializers.ModelSerializer[TrailingStop]):
    """A rule that moves a stop behind the price, in the trade's favour only."""

    words = serializers.CharField(source="__str__", read_only=True)
    set_by = serializers.SlugRelatedField[Any]("username", read_only=True)

    class Meta:
        model = TrailingStop
        fields = ["words", "kind", "distance", "atr", "after_r", "best", "set_by", "set_at"]


class ExitsSerializer(serializers.Serializer[Order]):
    """Where the stop and the target of an order stand, and what is to become of them."""

    order = serializers.UUIDField(source="pk")
    stop = serializers.DecimalField(18, 6, source="stop_now", allow_null=True)
    target = serializers.DecimalField(18, 6, source="target_now", allow_null=True)
    works = serializers.BooleanField(source="exits_working", help_text="Whether they wait at the broker.")
    waiting = serializers.SerializerMethodField(help_text="What the broker has not confirmed yet.")
    trailing = serializers.SerializerMethodField(help_text="Null: the stop does not follow the price.")
    etag = serializers.CharField(source="fingerprint", help_text="Send it as If-Match.")

    @extend_schema_field(ExitChangeSerializer(many=True))
    def get_waiting(self, order: Order) -> Any:
        return ExitChangeSerializer(order.exit_changes.waiting(), many=True).data

    @extend_schema_field(TrailingStopSerializer(allow_null=True))
    def get_trailing(self, order: Order) -> Any:
        rule = order.trailing_stops.filter(ended_at=None).first()
        return rule and TrailingStopSerializer(rule).data


REFUSED = conflict("It cannot be moved there, or not without a word.")
ANSWERS = {202: ExitsSerializer, 412: NewVersionSerializer, **REFUSED}


class ExitsViewSet(GenericViewSet[Any]):
    """The stop and the target of an order that was filled. What takes risk away is possible under halt."""

    queryset = Order.objects.all()
    serializer_class = ExitsSerializer
    pagination_class = None
    filterset_class = None
    lookup_value_regex = UUID_IN_ADDRESS

    @extend_schema(parameters=[ETAG], responses=ExitsSerializer)
    @action(["get"], detail=True)
    def exits(self, request: Request, pk: str) -> Response:
        """Where they stand, what waits for the broker, and the rule by which the stop follows the price."""
        return _answer(get_object_or_404(Order, pk=pk))

    @extend_schema(request=MoveExitsSerializer, responses=ANSWERS, parameters=[IF_MATCH, ETAG])
    @action(["post"], detail=True, permission_classes=[MayChange])
    def move(self, request: Request, pk: str) -> Response:
        """Move the stop, the target or both; the old level works until the broker has done it.

        A stop that is moved away risks more: 409 without `confirm`, beyond the limits, and under halt.
        """
        order, body = get_object_or_404(Order, pk=pk), MoveExitsSerializer(data=request.data)
        body.is_valid(raise_exception=True)

        def act(**decided: Any) -> None:
            if body.validated_data["break_even"]:
                exits.break_even(order, **decided)
            else:
                exits.move(order, body.wanted, **decided)

        return self._act(request, order, act, body)

    @extend_schema(request=TrailSerializer, responses=ANSWERS, parameters=[IF_MATCH, ETAG])
    @action(["post"], detail=True, permission_classes=[MayChange])
    def trail(self, request: Request, pk: str) -> Response:
        """Let the stop follow the price, in the trade's favour only; it is looked at each minute."""
        order, body = get_object_or_404(Order, pk=pk), TrailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return self._act(request, order, lambda **decided: exits.trail(order, body.terms, **decided), body)

    @extend_schema(request=UntrailSerializer, responses=ANSWERS, parameters=[IF_MATCH, ETAG])
    @action(["post"], detail=True, permission_classes=[MayChange])
    def untrail(self, request: Request, pk: str) -> Response:
        """Leave the stop where it stands. 409 when it does not follow the price."""
        order, body = get_object_or_404(Order, pk=pk), UntrailSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        return self._act(request, order, lambda **decided: exits.stop_trailing(order, **decided), body)

    @staticmethod
    def _act(request: Request, order: Order, act: Callable[..., object], body: Body) -> Response:
        """Act on the version that the caller saw, and answer with what it is then."""
        decided = {
            "by": user_of(request),
            "seen": version_seen(request, exits.seen_as(order)),
            "at": timezone.now(),
            "notes": body.validated_data["notes"],
        }
        try:
            act(**decided)
        except exits.Changed as changed:
            members = {"changed": ["its stop or target"], "etag": changed.etag}
            raise PreconditionFailed(str(changed), members, {"ETag": f'"{changed.etag}"'}) from None
        except exits.ExitRefused as refusal:
            raise Conflict(str(refusal)) from None
        order.refresh_from_db()
        return _answer(order, status.HTTP_202_ACCEPTED)


def _answer(order: Order, code: int = status.HTTP_200_OK) -> Response:
    headers = {"ETag": f'"{exits.seen_as(order)}"'}
    return Response(ExitsSerializer(order).data, code, headers=headers)
