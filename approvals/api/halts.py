from typing import Any

from django.utils import timezone
from django_filters.rest_framework import FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from approvals import halt
from approvals.models import TradingHalt
from core.api.bodies import Body
from core.api.filters import YesNoFilter
from core.api.permissions import MayChange
from core.api.users import user_of

NOT_HALTED = "Trading is not halted: there is nothing to resume."
RESUMED = "Trading goes on. Orders that waited meanwhile are held: each needs a new look before it goes out."


class HaltSerializer(serializers.ModelSerializer[TradingHalt]):
    """No approval and no entry order while one of these is open. Exits are always possible."""

    started_by = serializers.SlugRelatedField[Any](
        "username", read_only=True, allow_null=True, help_text="Null: Jax itself, or the command line."
    )
    ended_by = serializers.SlugRelatedField[Any]("username", read_only=True, allow_null=True)

    class Meta:
        model = TradingHalt
        fields = [
            *["id", "cause", "reason", "started_at", "started_by", "until"],
            *["ended_at", "ended_by", "ended_note"],
        ]


class StartHaltSerializer(Body):
    reason = serializers.CharField(max_length=500, help_text="Why. Everybody who cannot trade reads it.")


class ResumeSerializer(Body):
    note = serializers.CharField(
        max_length=500, required=False, allow_blank=True, default="", help_text="What was found."
    )


class ResumedSerializer(serializers.Serializer[Any]):
    detail = serializers.CharField(help_text="What this means.")
    ended = HaltSerializer(many=True, help_text="The halts that ended now.")


class HaltFilters(FilterSet):
    open = YesNoFilter(field_name="ended_at", lookup_expr="isnull", help_text="Whether it still halts.")


class HaltViewSet(ListModelMixin, GenericViewSet[TradingHalt]):
    """What halted trading, newest first. `?open=true` says whether anything does now."""

    queryset = TradingHalt.objects.select_related("started_by", "ended_by")
    serializer_class = HaltSerializer
    filterset_class = HaltFilters

    @extend_schema(request=StartHaltSerializer, responses={201: HaltSerializer, 200: HaltSerializer})
    def create(self, request: Request) -> Response:
        """Halt. 200 with the halt as it was begun when a person has halted already."""
        body, at = StartHaltSerializer(data=request.data), timezone.now()
        body.is_valid(raise_exception=True)
        begun = halt.start(TradingHalt.Cause.PERSON, body.validated_data["reason"], at, user_of(request))
        is_new = begun.started_at == at
        return Response(HaltSerializer(begun).data, status.HTTP_201_CREATED if is_new else status.HTTP_200_OK)

    @extend_schema(request=ResumeSerializer, responses=ResumedSerializer)
    @action(["post"], detail=False, permission_classes=[MayChange], filterset_class=None)
    def resume(self, request: Request) -> Response:
        """End every halt, whatever caused it."""
        body = ResumeSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        ended = halt.end(timezone.now(), user_of(request), body.validated_data["note"])
        ended = list(self.get_queryset().filter(pk__in=[ended_halt.pk for ended_halt in ended]))
        answer = {"detail": RESUMED if ended else NOT_HALTED, "ended": ended}
        return Response(ResumedSerializer(answer).data)
