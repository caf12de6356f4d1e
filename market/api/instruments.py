from decimal import Decimal
from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.db import IntegrityError, transaction
from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.mixins import CreateModelMixin, ListModelMixin, RetrieveModelMixin, UpdateModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.validators import UniqueValidator
from rest_framework.viewsets import GenericViewSet

from core.api.bodies import StrictFields
from core.api.filters import YesNoFilter
from core.api.refusals import IMPOSSIBLE
from core.api.users import user_of
from core.models import choices
from market import sessions
from market.api.filters import SYMBOL_IN_ADDRESS, SymbolInBody, WatchlistFilter, is_symbol
from market.api.search import ASKING, FAILED, SearchInQuery, SearchSerializer, search
from market.imports import spelling
from market.imports.master import adding
from market.ingestion import request_budget
from market.models import Instrument
from market.providers.listings import Kind, Status

EXISTS = "An instrument with this symbol already exists."


class InstrumentSerializer(StrictFields, serializers.ModelSerializer[Instrument]):
    remark = ""
    symbol = SymbolInBody(validators=[is_symbol, UniqueValidator(Instrument.objects.all(), EXISTS)])

    class Meta:
        model = Instrument
        fields = [
            *["symbol", "name", "exchange", "kind", "calendar", "currency", "tick_size", "lot_size"],
            *["status", "delisted_on", "borrowable", "details_from", "details_at"],
            *["watched", "split_pending_since"],
        ]
        read_only_fields = [
            *["status", "delisted_on", "borrowable", "details_from", "details_at", "split_pending_since"],
        ]
        extra_kwargs = {
            "tick_size": {"min_value": Decimal("0.000001")},
            "lot_size": {"min_value": 1},
        }

    def validate_symbol(self, symbol: str) -> str:
        if self.instance and symbol != self.instance.symbol:
            refusal = "A symbol changes by a corporate action: record a change of symbol."
            raise serializers.ValidationError(refusal, code=IMPOSSIBLE)
        ours = spelling.ours(symbol)
        if self.instance is None and ours != symbol and Instrument.objects.filter(pk=ours).exists():
            raise serializers.ValidationError(f"{ours}: {EXISTS}", code="unique")
        return symbol if self.instance else ours

    def validate_calendar(self, calendar: str) -> str:
        try:
            sessions.ensure([calendar], timezone.now())
        except sessions.UnknownCalendar as unknown:
            raise serializers.ValidationError(str(unknown), code=IMPOSSIBLE) from None
        return calendar

    def create(self, fields: dict[str, Any]) -> Instrument:
        candidate = adding.candidate(fields["symbol"])
        details = candidate.details(fields, timezone.now())
        try:
            with transaction.atomic():
                instrument = Instrument.objects.create(**fields | details)
        except IntegrityError:
            raise serializers.ValidationError(
                {"symbol": ["Someone else has just added it."]}, IMPOSSIBLE
            ) from None
        self.remark = candidate.remark
        return instrument

    def update(self, instrument: Instrument, fields: dict[str, Any]) -> Instrument:
        if "watched" in fields:
            fields["watched_for_lists"] = False
        for name, value in fields.items():
            setattr(instrument, name, value)
        # Only what was sent: ingestion may write the other fields of the row at the same moment.
        instrument.save(update_fields=fields.keys() - {"symbol"})
        return instrument


class SavedInstrumentSerializer(InstrumentSerializer):
    """An instrument that was just written, and what to know of it."""

    warning = serializers.SerializerMethodField(
        help_text="What no provider has and what it looks like, that it is delisted, or that the watchlist"
        " asks more of the first provider than its pace allows; else empty."
    )

    class Meta(InstrumentSerializer.Meta):
        fields = [*InstrumentSerializer.Meta.fields, "warning"]

    def get_warning(self, instrument: Instrument) -> str:
        pace = request_budget.warning() if instrument.watched else ""
        return f"{pace} {self.remark}".strip()


class InstrumentFilters(FilterSet):
    watched = YesNoFilter()
    status = ChoiceFilter(choices=choices(Status))
    kind = ChoiceFilter(choices=choices(Kind))
    list = WatchlistFilter(field_name="pk")


class InstrumentViewSet(
    ListModelMixin,
    RetrieveModelMixin,
    CreateModelMixin,
    UpdateModelMixin,
    GenericViewSet[Instrument],
):
    """The instruments. None is ever deleted: set `watched` to false and its history stays readable."""

    queryset = Instrument.objects.order_by("symbol")
    serializer_class = InstrumentSerializer
    filterset_class = InstrumentFilters
    lookup_value_regex = SYMBOL_IN_ADDRESS
    http_method_names = ["get", "post", "patch", "head", "options"]

    def get_serializer_class(self) -> type[InstrumentSerializer]:
        is_write = self.action in ("create", "partial_update")
        return SavedInstrumentSerializer if is_write else InstrumentSerializer

    @extend_schema(parameters=[SearchInQuery], responses={200: SearchSerializer, 503: FAILED})
    @action(["get"], detail=False, filterset_class=None, pagination_class=None)
    def search(self, request: Request) -> Response:
        """Search for instruments by symbol or name: the stored ones first, then what a provider lists.

        A provider is asked for users who may change watchlists.
        """
        query = SearchInQuery(data={name: text for name, text in request.query_params.items() if name == "q"})
        query.is_valid(raise_exception=True)
        found = search(query.validated_data["q"], may_ask=user_of(request).has_perm(ASKING))
        return Response(SearchSerializer(found).data)

    def get_object(self) -> Instrument:
        self.kwargs["pk"] = self.kwargs["pk"].upper()
        return super().get_object()

    def perform_create(self, serializer: serializers.BaseSerializer[Instrument]) -> None:
        with transaction.atomic():
            self._log(serializer.save(), ADDITION, [{"added": {}}])

    def perform_update(self, serializer: serializers.BaseSerializer[Instrument]) -> None:
        before, after = serializer.instance, serializer.validated_data
        changed = [name for name, value in after.items() if getattr(before, name) != value]
        with transaction.atomic():
            instrument = serializer.save()
            if changed:
                self._log(instrument, CHANGE, [{"changed": {"fields": [_label(name) for name in changed]}}])

    def _log(self, instrument: Instrument, action: int, message: list[dict[str, Any]]) -> None:
        LogEntry.objects.log_actions(
            self.request.user.pk or 0, [instrument], action, message, single_object=True
        )


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()
