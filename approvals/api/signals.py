from datetime import datetime
from functools import cached_property
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.utils import timezone
from django.utils.http import parse_etags
from django_filters.rest_framework import ChoiceFilter, FilterSet, NumberFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_field
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals.proposals.version import version, with_opinion
from core.api.bodies import Body
from core.api.filters import UUID_IN_ADDRESS, InstantFilter
from core.api.permissions import MayChange
from core.api.refusals import Conflict, conflict
from core.api.users import user_of
from market.api.filters import SymbolsFilter, WatchlistFilter, timeframe_filter
from signals import lifecycle, records
from signals.api.filters import StrategiesFilter
from signals.api.records import RecordSerializer
from signals.models import Signal, StrategyRecord
from signals.models.signals import SignalQuerySet

Status = Signal.Status


class SignalSerializer(serializers.ModelSerializer[Signal]):
    """What a strategy said at a bar."""

    status = serializers.SerializerMethodField(help_text="An overdue signal is expired.")
    reward_to_risk = serializers.DecimalField(
        None, 4, help_text="The distance to the first target over that to the stop."
    )
    ended_at = serializers.SerializerMethodField(help_text="When it was no longer pending.")
    ended_reason = serializers.SerializerMethodField(help_text="Why it ended. Empty while it is pending.")
    is_conflicting = serializers.BooleanField(help_text="Another pending signal says the opposite.")
    opinion = serializers.UUIDField(
        source="opinion_id",
        allow_null=True,
        required=False,
        help_text="The newest second opinion: /api/v1/orchestrations/{id}/.",
    )

    class Meta:
        model = Signal
        fields = [
            *["id", "symbol", "strategy_id", "timeframe", "signal_type", "confidence"],
            *["entry_price", "stop_loss", "take_profit", "second_target", "reward_to_risk", "reasoning"],
            *["status", "ended_at", "ended_reason", "superseded_by", "is_conflicting"],
            *["bar_opened_at", "generated_at", "created_at", "expires_at", "provider", "feed", "opinion"],
        ]
        extra_kwargs = {"superseded_by": {"help_text": "The newer signal that took its place."}}

    # To who reads it, it makes no difference whether something has ended an overdue signal yet.

    @extend_schema_field(serializers.ChoiceField(Status.choices))
    def get_status(self, signal: Signal) -> str:
        return signal.status_at(self.context["at"]).value

    def get_ended_at(self, signal: Signal) -> datetime | None:
        ending = lifecycle.ending(signal, self.context["at"])
        return ending.at if ending else None

    def get_ended_reason(self, signal: Signal) -> str:
        ending = lifecycle.ending(signal, self.context["at"])
        return ending.reason if ending else ""


class TargetSerializer(serializers.Serializer[Any]):
    price = serializers.DecimalField(18, 6)
    distance = serializers.DecimalField(18, 6, help_text="From the entry.")
    r_multiple = serializers.DecimalField(None, 4, help_text="The distance over that to the stop.")


class ConflictSerializer(serializers.ModelSerializer[Signal]):
    class Meta:
        model = Signal
        fields = ["id", "strategy_id", "timeframe", "signal_type", "confidence"]


class RecordsSerializer(serializers.Serializer[Any]):
    pooled = RecordSerializer(allow_null=True, help_text="Over all watched symbols.")
    symbol = RecordSerializer(allow_null=True, help_text="On this symbol alone.")


class SignalDetailSerializer(SignalSerializer):
    """A signal with what it stands on. The context holds its `conflicts` and its `record`."""

    is_conflicting = serializers.SerializerMethodField(  # type: ignore[assignment]  # from those in the context
        help_text="Another pending signal says the opposite."
    )
    targets = TargetSerializer(many=True, read_only=True, help_text="The first target and the second.")
    conflicts = serializers.SerializerMethodField(help_text="The pending signals that say the opposite.")
    record = serializers.SerializerMethodField(help_text="What became of such ideas, over stored history.")

    class Meta(SignalSerializer.Meta):
        fields = [*SignalSerializer.Meta.fields, "targets", "conflicts", "indicators", "parameters", "record"]

    def get_is_conflicting(self, signal: Signal) -> bool:
        return bool(self.context["conflicts"])

    @extend_schema_field(ConflictSerializer(many=True))
    def get_conflicts(self, signal: Signal) -> Any:
        return ConflictSerializer(self.context["conflicts"], many=True).data

    @extend_schema_field(RecordsSerializer)
    def get_record(self, signal: Signal) -> Any:
        return RecordsSerializer(self.context["record"]).data


class CancelSerializer(Body):
    reason = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="Kept with the signal."
    )


@extend_schema_field({"type": "number", "minimum": 0, "maximum": 1})
class ShareFilter(NumberFilter):
    def __init__(self, field_name: str, lookup_expr: str, help_text: str) -> None:
        super().__init__(
            field_name=field_name, lookup_expr=lookup_expr, min_value=0, max_value=1, help_text=help_text
        )


class SignalFilters(FilterSet):
    status = ChoiceFilter(choices=Status.choices, method="in_status")
    symbol = SymbolsFilter()
    list = WatchlistFilter()
    strategy = StrategiesFilter()
    signal_type = ChoiceFilter(choices=Signal.Type.choices)
    timeframe = timeframe_filter()
    min_confidence = ShareFilter("confidence", "gte", help_text="From 0 to 1.")
    generated_after = InstantFilter("generated_at", "gte", help_text="Generated at this instant or later.")
    generated_before = InstantFilter("generated_at", "lt", help_text="Generated before this instant.")
    ordering = ChoiceFilter(
        choices=[(name, name) for name in ("-generated_at", "generated_at", "-confidence", "confidence")],
        method="in_order",
        help_text="The newest first by default.",
    )

    def in_status(self, signals: SignalQuerySet, name: str, value: str) -> SignalQuerySet:
        request: Any = self.request
        return signals.in_status(request.parser_context["view"].at, Status(value))

    def in_order(self, signals: SignalQuerySet, name: str, value: str) -> SignalQuerySet:
        return signals.order_by(value, "id")


ETAG = OpenApiParameter(
    "ETag",
    OpenApiTypes.STR,
    OpenApiParameter.HEADER,
    response=[200, 304],
    description="Stands for what a person decides on: levels, bars, conflict, status, opinion.",
)
IF_NONE_MATCH = OpenApiParameter(
    "If-None-Match", OpenApiTypes.STR, OpenApiParameter.HEADER, description="An ETag that you know."
)


def signals_at(at: datetime) -> SignalQuerySet:
    """Return the signals with what their serializers show: the conflict at that instant, the opinion."""
    return with_opinion(Signal.objects.with_conflict(at))


class SignalViewSet(ListModelMixin, GenericViewSet[Signal]):
    """What the strategies said, newest first. An overdue signal is expired, even before it is marked so."""

    queryset = Signal.objects.all()
    serializer_class = SignalSerializer
    filterset_class = SignalFilters
    lookup_value_regex = UUID_IN_ADDRESS

    @cached_property
    def at(self) -> datetime:
        """One instant for everything in an answer."""
        return timezone.now()

    def get_queryset(self) -> SignalQuerySet:
        return signals_at(self.at).order_by("-generated_at", "id")

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "at": self.at}

    @extend_schema(
        parameters=[ETAG, IF_NONE_MATCH],
        responses={200: SignalDetailSerializer, 304: OpenApiResponse(description="It is as you know it.")},
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """One signal with what it stands on: indicators, targets, conflicts and the strategy's record."""
        return self._answer(request)

    @extend_schema(
        request=CancelSerializer,
        responses={200: SignalDetailSerializer, **conflict("It is no longer pending.")},
        parameters=[ETAG],
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def cancel(self, request: Request, pk: str) -> Response:
        """Take a pending signal off. 409 when it has ended already, saying how and since when."""
        signal, body = self.get_object(), CancelSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        reason = body.validated_data["reason"]
        try:
            with transaction.atomic():
                lifecycle.cancel(signal, by=user_of(request), reason=reason, at=self.at)
                _log(request, signal, reason)
        except lifecycle.NotPending as refusal:
            raise Conflict(str(refusal)) from None
        return self._answer(request)

    def _answer(self, request: Request) -> Response:
        signal = self.get_object()
        conflicts = list(signal.conflicting(self.at))
        opinion_id = signal.opinion_id  # type: ignore[attr-defined]  # annotated
        etag_value = version(signal, self.at, is_conflicting=bool(conflicts), opinion_id=opinion_id)
        etag = f'"{etag_value}"'
        if request.method != "POST" and _knows(request, etag):
            return Response(status=status.HTTP_304_NOT_MODIFIED, headers={"ETag": etag})
        context = {**self.get_serializer_context(), "conflicts": conflicts, "record": _record(signal)}
        return Response(SignalDetailSerializer(signal, context=context).data, headers={"ETag": etag})


def _record(signal: Signal) -> dict[str, StrategyRecord | None]:
    track_records = records.of([signal])
    key = (signal.strategy_id, signal.timeframe)
    return {"pooled": track_records.get((*key, "")), "symbol": track_records.get((*key, signal.symbol))}


def _knows(request: Request, etag: str) -> bool:
    """Whether the client has what this tag stands for. Compressing an answer makes its tag a weak one."""
    etags = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in etags or etag in (tag.removeprefix("W/") for tag in etags)


def _log(request: Request, signal: Signal, reason: str) -> None:
    message = f"Cancelled: {reason}" if reason else "Cancelled."
    LogEntry.objects.log_actions(user_of(request).pk, [signal], CHANGE, message, single_object=True)
