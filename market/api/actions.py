from decimal import Decimal
from typing import Any

from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, DateFilter, FilterSet
from drf_spectacular.utils import OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api.bodies import Body
from core.api.filters import YesNoFilter
from core.api.permissions import MayChange
from core.api.refusals import IMPOSSIBLE, Conflict, conflict
from core.api.users import user_of
from market.api.facts import WhySerializer, refusals, valid
from market.api.filters import SymbolInBody, SymbolsFilter
from market.imports import spelling
from market.ingestion import effects, recording
from market.models import CorporateAction
from market.providers.actions import MOST, Action, Kind, amount


class CorporateActionSerializer(serializers.ModelSerializer[CorporateAction]):
    class Meta:
        model = CorporateAction
        fields = [
            *["id", "symbol", "kind", "ex_date", "pay_date", "record_date", "declared_date"],
            *["amount", "currency", "ratio", "new_symbol", "source", "recorded_at", "ended_at"],
            *["answered_at", "answer"],
        ]
        extra_kwargs = {
            "answered_at": {"help_text": "When a person dealt with one whose effect cannot be computed."},
            "answer": {"help_text": "What was done about it."},
            "amount": {
                "help_text": "Cash for one share of the ex-date, not restated for later splits; 0 for none."
            },
            "ended_at": {
                "help_text": "When another fact replaced it or it was withdrawn; null while it stands."
            },
        }


class NewActionSerializer(WhySerializer):
    """A fact that a person records, in place of what is recorded of that kind and day."""

    symbol = SymbolInBody(help_text="Of an instrument; of a change of symbol the old one. Any spelling.")
    kind = serializers.ChoiceField(CorporateAction.Kind.choices)
    ex_date = serializers.DateField(
        help_text="First session without the dividend, in new shares, under the new symbol, or after the end."
    )
    amount = serializers.DecimalField(
        18, 8, min_value=0, max_value=MOST, default=Decimal(0), help_text="Cash for one share."
    )
    currency = serializers.RegexField(
        "^[A-Za-z]{3}$", default="", allow_blank=True, help_text="Of the amount, as in USD."
    )
    ratio = serializers.DecimalField(
        18,
        8,
        min_value=0,
        max_value=MOST,
        default=Decimal(0),
        help_text="Of a split or merger, new shares for one old: 4 for 4:1, 1.5 for 3:2, 0.1 for 1:10.",
    )
    new_symbol = SymbolInBody(default="", allow_blank=True, help_text="Of a change of symbol or merger.")
    pay_date = serializers.DateField(default=None, allow_null=True)
    record_date = serializers.DateField(default=None, allow_null=True)
    declared_date = serializers.DateField(default=None, allow_null=True)

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        why = fields.pop("why")
        fields |= {name: _ours(name, fields[name]) for name in ("symbol", "new_symbol")}
        given = Action(
            **fields
            | {"kind": Kind(fields["kind"]), "currency": fields["currency"].upper()}
            | {name: amount(fields[name]) for name in ("amount", "ratio")}
        )
        if given.problem:
            raise serializers.ValidationError(f"It is {given.problem}.", code=IMPOSSIBLE)
        return {"given": given, "why": why}


class EffectSerializer(Body):
    text = serializers.CharField(max_length=effects.LONGEST, help_text="What was done about it.")
    is_restating = serializers.BooleanField(
        default=False,
        help_text="Of a split or stock dividend: stored prices and holdings are still in old shares and are"
        " restated by its ratio.",
    )


def _ours(name: str, symbol: str) -> str:
    try:
        return spelling.ours(symbol) if symbol else ""
    except spelling.NoSymbol as reason:
        raise serializers.ValidationError({name: [str(reason)]}, code=IMPOSSIBLE) from None


class CorporateActionFilters(FilterSet):
    symbol = SymbolsFilter()
    kind = ChoiceFilter(choices=CorporateAction.Kind.choices)
    current = YesNoFilter(method="that_stand", label="Whether nothing has replaced it.")
    since = DateFilter("ex_date", "gte", label="Ex-date on or after this day.")
    until = DateFilter("ex_date", "lte", label="Ex-date on or before this day.")
    asks = YesNoFilter(method="that_ask", label="Whether a person has to deal with it.")

    def that_stand(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.filter(ended_at__isnull=value)

    def that_ask(self, queryset: Any, name: str, value: bool) -> Any:
        asking = CorporateAction.objects.asking(timezone.now()).values("pk")
        return queryset.filter(pk__in=asking) if value else queryset.exclude(pk__in=asking)


class CorporateActionViewSet(ReadOnlyModelViewSet[CorporateAction]):
    """Dividends, splits, changes of symbol, mergers and delistings, newest ex-date first.

    A correction is a new row; the one it replaced has `ended_at`.
    """

    queryset = CorporateAction.objects.order_by("-ex_date", "symbol", "-pk")
    serializer_class = CorporateActionSerializer
    filterset_class = CorporateActionFilters
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(
        request=NewActionSerializer,
        responses={
            201: CorporateActionSerializer,
            200: OpenApiResponse(CorporateActionSerializer, description="It was recorded so already."),
            **conflict("No such instrument, or a change of symbol that cannot be followed."),
        },
    )
    def create(self, request: Request) -> Response:
        """Record a fact, in place of what is recorded of that kind and day.

        A change of symbol, a delisting or a merger is followed at once, or on its day. 422 when it lacks what
        it takes: a dividend amount and currency, a split a ratio other than 1, a merger cash or a ratio.
        """
        body = valid(NewActionSerializer, request)
        given: Action = body["given"]
        with refusals():
            new = recording.record(given, by=user_of(request), why=body["why"], at=timezone.now())
        names = ("symbol", "kind", "ex_date", "amount", "ratio", "new_symbol")
        fact = CorporateAction.objects.current().get(**{name: getattr(given, name) for name in names})
        return Response(self.get_serializer(fact).data, status=201 if new else 200)

    @extend_schema(
        request=WhySerializer,
        responses={200: CorporateActionSerializer, **conflict("It was replaced or withdrawn already.")},
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw a fact that is wrong. A provider that gives it again is not believed.

        Its delisting is undone; a change of symbol that was followed stays: record the one back.
        """
        fact, body = self.get_object(), valid(WhySerializer, request)
        with refusals():
            recording.withdraw(fact, by=user_of(request), why=body["why"], at=timezone.now())
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        request=EffectSerializer,
        responses={200: CorporateActionSerializer, **conflict("It does not ask, or not any more.")},
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def answer(self, request: Request, pk: str) -> Response:
        """Say what was done about an action whose effect cannot be computed: entries in its share go on."""
        fact, body = self.get_object(), valid(EffectSerializer, request)
        try:
            effects.answer(fact, **body, by=user_of(request), at=timezone.now())
        except effects.EffectRefused as refusal:
            raise Conflict(str(refusal)) from None
        return Response(self.get_serializer(self.get_object()).data)
