from dataclasses import fields
from inspect import getdoc
from typing import Any

from django.db import transaction
from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api import accepted
from core.api.bodies import Body, OneOf, stamp
from core.api.filters import UUID_IN_ADDRESS
from core.api.refusals import IMPOSSIBLE
from core.api.users import user_of
from market.api.filters import SymbolInBody, timeframe_filter
from market.prices import Timeframe
from signals import backtest
from signals.api.filters import StrategiesFilter
from signals.backtest import Figures
from signals.models import Backtest
from signals.strategies import STRATEGIES

MOST_SYMBOLS = 1_000


class BacktestSerializer(serializers.ModelSerializer[Backtest]):
    requested_by = serializers.SlugRelatedField[Any](
        "username", read_only=True, allow_null=True, help_text="Who asked for it; null when nobody did."
    )
    symbols = serializers.SerializerMethodField()
    parameters = serializers.SerializerMethodField(help_text="Those that are not the strategy's defaults.")

    class Meta:
        model = Backtest
        fields = [
            *["id", "strategy_id", "timeframe", "symbols", "since", "until"],
            *["parameters", "minimum_confidence", "lifetime_bars"],
            *["longest_holding_bars", "flat_at_close", "cost_bps", "status", "error"],
            *["requested_by", "queued_at", "started_at", "finished_at"],
        ]

    def get_symbols(self, backtest: Backtest) -> list[str]:
        symbols: list[str] = backtest.symbols
        return symbols

    def get_parameters(self, backtest: Backtest) -> dict[str, float]:
        parameters: dict[str, float] = backtest.parameters
        return parameters


KINDS: dict[object, dict[str, object]] = {
    int: {"type": "integer"},
    float: {"type": "number", "nullable": True},
    str: {"type": "string"},
    str | None: {"type": "string", "format": "date-time", "nullable": True},
}
COLUMNS = {column.name: KINDS[column.type] for column in fields(Figures)}
MEANING = (getdoc(Figures) or "").replace("NaN is unknown", "null is unknown")


@extend_schema_field({"type": "object", "description": MEANING, "properties": COLUMNS})
class RowField(serializers.DictField):
    """One row of figures, in their order: the database keeps JSON in an order of its own."""

    def to_representation(self, row: dict[str, Any]) -> dict[str, Any]:
        stamps = {name: stamp(row.get(name)) for name in ("first_at", "last_at")}
        return {name: (row | stamps)[name] for name in COLUMNS if name in row}


class ResultSerializer(serializers.Serializer[Any]):
    rows = serializers.ListField(
        child=RowField(), help_text="All symbols together first (`symbol` is empty), then each."
    )
    warnings = serializers.ListField(child=serializers.CharField(), help_text="What a reader must know.")
    text = serializers.CharField(help_text="The table as the command prints it.")
    without_moves = serializers.ListField(
        child=RowField(),
        required=False,
        help_text="The rows that unexplained moves change, without the trades open over them. Not there when"
        " they change none.",
    )


class BacktestDetailSerializer(BacktestSerializer):
    result = ResultSerializer(allow_null=True, read_only=True, help_text="Null until it is completed.")

    class Meta(BacktestSerializer.Meta):
        fields = [*BacktestSerializer.Meta.fields, "result"]


NAMES = sorted({parameter.name for strategy in STRATEGIES.values() for parameter in fields(strategy)})


@extend_schema_field(
    {
        "type": "object",
        "properties": {name: {"type": "number"} for name in NAMES},
        "additionalProperties": False,
    }
)
class ParametersField(serializers.DictField):
    """Numbers by name. Which of them a strategy has, the backtest itself says."""

    def to_internal_value(self, given: Any) -> Any:
        parameters = super().to_internal_value(given)
        for name, value in parameters.items():
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise serializers.ValidationError(f"{name:.50} must be a number.")
        return parameters


class BacktestSetupSerializer(Body):
    strategy_id = OneOf(STRATEGIES)
    timeframe = OneOf(Timeframe)
    symbols = serializers.ListField(child=SymbolInBody(), min_length=1, max_length=MOST_SYMBOLS)
    since = serializers.DateField(
        default=None, allow_null=True, help_text="First day. Null: all that is stored."
    )
    until = serializers.DateField(default=None, allow_null=True, help_text="Last day.")
    parameters = ParametersField(
        default=dict, help_text="In place of those configured. GET /api/v1/strategies/ says which there are."
    )
    minimum_confidence = serializers.DecimalField(
        5, 4, min_value=0, max_value=1, default=None, allow_null=True
    )
    cost_bps = serializers.FloatField(
        min_value=0,
        max_value=backtest.MOST_COST_BPS,
        default=backtest.COST_BPS,
        help_text="Costs each way in basis points of the price.",
    )


class BacktestFilters(FilterSet):
    strategy = StrategiesFilter()
    timeframe = timeframe_filter()
    status = ChoiceFilter(choices=Backtest.Status.choices)


class BacktestViewSet(ReadOnlyModelViewSet[Backtest]):
    """Strategies over stored history, newest first. The list leaves out the results."""

    queryset = Backtest.objects.select_related("requested_by").order_by("-queued_at", "id")
    serializer_class = BacktestDetailSerializer
    filterset_class = BacktestFilters
    lookup_value_regex = UUID_IN_ADDRESS

    def get_serializer_class(self) -> type[BacktestSerializer]:
        return BacktestSerializer if self.action == "list" else BacktestDetailSerializer

    @extend_schema(
        request=BacktestSetupSerializer,
        responses={202: BacktestDetailSerializer},
        parameters=[accepted.LOCATION],
    )
    def create(self, request: Request) -> Response:
        """Ask for a backtest. It runs in the slow queue; its address says how far it is."""
        body = BacktestSetupSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            with transaction.atomic():
                test = backtest.request(**body.validated_data, by=user_of(request), at=timezone.now())
                accepted.log(request, test)
        except backtest.BacktestRefused as refusal:
            raise serializers.ValidationError(refusal.errors, code=IMPOSSIBLE) from None
        return accepted.accepted(self, test)
