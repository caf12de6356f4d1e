from datetime import datetime
from functools import cached_property
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.viewsets import GenericViewSet, ReadOnlyModelViewSet

from core.api import accepted
from core.api.bodies import Body, OneOf
from core.api.filters import UUID_IN_ADDRESS, UUIDFilter
from core.api.permissions import MayChange, OnePermission
from core.api.refusals import IMPOSSIBLE, Conflict, conflict
from core.api.users import user_of
from market.api.filters import SymbolInBody, SymbolsFilter, refuse_strangers
from opinions import queue
from opinions.analysts import registry
from opinions.analysts.base import NotConfigured
from opinions.api.runs import RunDetailSerializer, RunSerializer
from opinions.models import PAYLOADS, OrchestrationRun
from signals import lifecycle
from signals.models import Signal

ANALYST: dict[str, Any] = {"required": False, "help_text": "Left out: the one that is configured (ANALYST)."}
CONTEXT: dict[str, Any] = {
    "max_length": queue.LONGEST_CONTEXT,
    "default": "",
    "allow_blank": True,
    "help_text": "What should be considered. It is data to the analyst, not an instruction.",
}


class AnalyseSerializer(Body):
    context = serializers.CharField(**CONTEXT)  # type: ignore[assignment]  # a field, as fields are declared
    analyst = OneOf(registry.NAMES, **ANALYST)


class AskSerializer(AnalyseSerializer):
    symbol = SymbolInBody()

    def validate_symbol(self, symbol: str) -> str:
        refuse_strangers([symbol])
        return symbol


class RunFilters(FilterSet):
    symbol = SymbolsFilter()
    signal = UUIDFilter("signal_id", help_text="The id of a signal.")
    status = ChoiceFilter(choices=OrchestrationRun.Status.choices)
    trigger = ChoiceFilter("trigger_type", choices=OrchestrationRun.Trigger.choices)
    analyst = ChoiceFilter(choices=[(name, name) for name in registry.NAMES])


class OrchestrationViewSet(ReadOnlyModelViewSet[OrchestrationRun]):
    """Second opinions, newest first. The list leaves out what the analysts were given."""

    queryset = OrchestrationRun.objects.select_related("signal", "requested_by").order_by("-queued_at", "id")
    serializer_class = RunDetailSerializer
    filterset_class = RunFilters
    lookup_value_regex = UUID_IN_ADDRESS

    @cached_property
    def at(self) -> datetime:
        """One instant for everything in an answer."""
        return timezone.now()

    def get_queryset(self) -> Any:
        runs = super().get_queryset()
        return runs.defer(*PAYLOADS) if self.action == "list" else runs

    def get_serializer_class(self) -> type[RunSerializer]:
        return RunSerializer if self.action == "list" else RunDetailSerializer

    @extend_schema(
        request=AskSerializer, responses={202: RunDetailSerializer}, parameters=[accepted.LOCATION]
    )
    def create(self, request: Request) -> Response:
        """Ask for an opinion on an instrument. It is queued; its address says how far it is.

        What is being worked on already is not asked twice: that run is the answer.
        """
        body = AskSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            run, _ = queue.ask(**body.validated_data, by=user_of(request), at=self.at)
        except NotConfigured as missing:
            raise serializers.ValidationError({"analyst": [str(missing)]}, code=IMPOSSIBLE) from None
        return accepted.accepted(self, run)

    @extend_schema(request=None, responses={200: RunDetailSerializer, **conflict("It has ended.")})
    @action(["post"], detail=True, permission_classes=[MayChange])
    def cancel(self, request: Request, pk: str) -> Response:
        """Take back an analysis that has not ended. 409 when it has."""
        run = self.get_object()
        try:
            queue.cancel(run, self.at)
        except queue.NotOpen as ended:
            raise Conflict(str(ended)) from None
        return Response(RunDetailSerializer(run).data)


class MayAsk(OnePermission):
    """Users who may add a run may have a signal analysed."""

    permission = "opinions.add_orchestrationrun"
    message = "Only traders ask for opinions: ask whoever runs this site for the group trader."


class SignalAnalysisViewSet(GenericViewSet[OrchestrationRun]):
    """Second opinions on signals."""

    queryset = OrchestrationRun.objects.all()
    serializer_class = RunDetailSerializer
    pagination_class = None
    filterset_class = None
    lookup_value_regex = UUID_IN_ADDRESS

    @extend_schema(
        request=AnalyseSerializer,
        responses={202: RunDetailSerializer, **conflict("The signal has ended.")},
        parameters=[accepted.LOCATION],
    )
    @action(["post"], detail=True, permission_classes=[MayAsk])
    def analyze(self, request: Request, pk: str) -> Response:
        """Ask for an opinion on a signal. It is queued. 409 when the signal has ended.

        One that is being worked on already is the answer, nothing is asked twice.
        """
        signal, body = get_object_or_404(Signal, pk=pk), AnalyseSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            run, _ = queue.ask_about(signal, by=user_of(request), at=timezone.now(), **body.validated_data)
        except lifecycle.NotPending as ended:
            raise Conflict(str(ended)) from None
        except NotConfigured as missing:
            raise serializers.ValidationError({"analyst": [str(missing)]}, code=IMPOSSIBLE) from None
        address = reverse("orchestrationrun-detail", args=[run.pk], request=request)
        return Response(RunDetailSerializer(run).data, 202, headers={"Location": address})
