from typing import Any

from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, DateFilter, FilterSet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api.filters import YesNoFilter
from core.api.permissions import MayChange
from core.api.refusals import conflict
from core.api.users import user_of
from market.api.facts import WhySerializer, refusals, valid
from market.api.filters import SymbolInBody, SymbolsFilter
from market.ingestion.earnings import LEDGER
from market.ingestion.facts import PERSON
from market.models import EarningsDate
from market.providers.earnings import LONGEST_PERIOD, Earnings, ReportTime


class EarningsDateSerializer(serializers.ModelSerializer[EarningsDate]):
    class Meta:
        model = EarningsDate
        fields = [
            *["id", "symbol", "date", "time", "is_confirmed", "fiscal_period"],
            *["source", "recorded_at", "ended_at"],
        ]
        extra_kwargs = {
            "time": {"help_text": "Before, during or after the session of that day."},
            "ended_at": {
                "help_text": "When another fact replaced it or it was withdrawn; null while it stands."
            },
        }


class NewEarningsSerializer(WhySerializer):
    """A date that a person records, in place of dates within a month of it."""

    symbol = SymbolInBody(help_text="Of an instrument.")
    date = serializers.DateField(help_text="Of the exchange.")
    time = serializers.ChoiceField(
        EarningsDate.ReportTime.choices,
        default=EarningsDate.ReportTime.UNKNOWN,
        help_text="Before, during or after the session of that day.",
    )
    is_confirmed = serializers.BooleanField(default=False, help_text="By the company; else it is estimated.")
    fiscal_period = serializers.CharField(
        max_length=LONGEST_PERIOD, default="", allow_blank=True, help_text="As in Q4 2026."
    )

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        why = fields.pop("why")
        return {"given": Earnings(**fields | {"time": ReportTime(fields["time"])}), "why": why}


class EarningsDateFilters(FilterSet):
    symbol = SymbolsFilter()
    time = ChoiceFilter(choices=EarningsDate.ReportTime.choices)
    confirmed = YesNoFilter(field_name="is_confirmed", label="Whether the company has confirmed it.")
    current = YesNoFilter(method="that_stand", label="Whether nothing has replaced it.")
    since = DateFilter("date", "gte", label="On or after this day.")
    until = DateFilter("date", "lte", label="On or before this day.")

    def that_stand(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.filter(ended_at__isnull=value)


class EarningsDateViewSet(ReadOnlyModelViewSet[EarningsDate]):
    """When companies report earnings, newest first.

    A correction is a new row; the one it replaced has `ended_at`.
    """

    queryset = EarningsDate.objects.order_by("-date", "symbol", "-pk")
    serializer_class = EarningsDateSerializer
    filterset_class = EarningsDateFilters
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(
        request=NewEarningsSerializer,
        responses={
            201: EarningsDateSerializer,
            200: OpenApiResponse(EarningsDateSerializer, description="It was recorded so already."),
            **conflict("No such instrument."),
        },
    )
    def create(self, request: Request) -> Response:
        """Record when a company reports, in place of dates within a month of it."""
        body = valid(NewEarningsSerializer, request)
        given, by = body["given"], user_of(request)
        with refusals():
            new = LEDGER.enter([given], PERSON, by=by, why=body["why"], at=timezone.now())
        fact = EarningsDate.objects.current().get(symbol=given.symbol, date=given.date)
        return Response(self.get_serializer(fact).data, status=201 if new else 200)

    @extend_schema(
        request=WhySerializer,
        responses={200: EarningsDateSerializer, **conflict("It was replaced or withdrawn already.")},
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw a date that is wrong. A provider that gives it again is not believed."""
        fact, body = self.get_object(), valid(WhySerializer, request)
        with refusals():
            LEDGER.withdraw(fact, by=user_of(request), why=body["why"], at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)
