from dataclasses import Field, dataclass, fields
from inspect import getdoc
from typing import Any

from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from signals.api.records import RecordSerializer
from signals.models import StrategyConfig, StrategyRecord
from signals.strategies import STRATEGIES, BadParameters, Strategy


@extend_schema_field(float)
class NumberField(serializers.ReadOnlyField):
    """A number as it is: 14 bars, not 14.0."""


class ParameterSerializer(serializers.Serializer[Any]):
    """A number that a strategy can be set to."""

    name = serializers.CharField()
    meaning = serializers.CharField(source="metadata.meaning")
    default = NumberField()
    least = NumberField(source="metadata.least")
    most = NumberField(source="metadata.most")
    whole = serializers.SerializerMethodField(help_text="Only whole numbers.")

    def get_whole(self, parameter: "Field[Any]") -> bool:
        return isinstance(parameter.default, int)


class ConfigurationSerializer(serializers.ModelSerializer[StrategyConfig]):
    """A strategy switched on, or off, for a timeframe."""

    parameters = serializers.SerializerMethodField(
        help_text="All parameters in force. Null when those stored do not fit the strategy any more."
    )

    class Meta:
        model = StrategyConfig
        fields = [
            *["timeframe", "enabled", "parameters", "minimum_confidence"],
            *["lifetime_bars", "longest_holding_bars", "flat_at_close"],
        ]

    def get_parameters(self, config: StrategyConfig) -> dict[str, float] | None:
        try:
            strategy = config.strategy
        except BadParameters:
            return None
        return {field.name: getattr(strategy, field.name) for field in fields(strategy)}


class StrategyRecordSerializer(RecordSerializer):
    class Meta(RecordSerializer.Meta):
        fields = ["timeframe", "symbol", *RecordSerializer.Meta.fields]


@dataclass(frozen=True)
class Described:
    """A strategy as the API shows it."""

    strategy: type[Strategy]
    configurations: list[StrategyConfig]
    records: list[StrategyRecord]

    @property
    def description(self) -> str:
        return getdoc(self.strategy) or ""

    @property
    def parameters(self) -> "tuple[Field[Any], ...]":
        return fields(self.strategy)


class StrategySerializer(serializers.Serializer[Any]):
    id = serializers.CharField(source="strategy.id")
    title = serializers.CharField(source="strategy.title")
    description = serializers.CharField()
    parameters = ParameterSerializer(many=True)
    configurations = ConfigurationSerializer(many=True)
    records = StrategyRecordSerializer(
        many=True, help_text="By timeframe, pooled over the watchlist (`symbol` is empty) before each symbol."
    )


def describe(strategies: list[type[Strategy]], records: Any) -> list[Described]:
    """Return these strategies with their configurations and their part of the records."""
    ids = [strategy.id for strategy in strategies]
    configs = list(StrategyConfig.objects.filter(strategy_id__in=ids).order_by("strategy_id", "timeframe"))
    strategy_records = list(
        records.filter(strategy_id__in=ids).order_by("strategy_id", "timeframe", "symbol")
    )
    return [
        Described(
            strategy,
            [config for config in configs if config.strategy_id == strategy.id],
            [record for record in strategy_records if record.strategy_id == strategy.id],
        )
        for strategy in strategies
    ]


class StrategyViewSet(GenericViewSet[Any]):
    """The strategies: what they can be set to, what they are set to, and what they have shown so far."""

    queryset = StrategyConfig.objects.all()
    serializer_class = StrategySerializer
    filterset_class = None
    lookup_value_regex = "[A-Za-z0-9_]{1,40}"

    @extend_schema(responses=StrategySerializer(many=True))
    def list(self, request: Request) -> Response:
        """All strategies, with their records pooled over the watchlist."""
        self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(list(STRATEGIES.values())) or []
        described = describe(page, StrategyRecord.objects.filter(symbol=""))
        return self.get_paginated_response(StrategySerializer(described, many=True).data)

    @extend_schema(responses=StrategySerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """One strategy, with its records on each symbol too."""
        self.filter_queryset(self.get_queryset())
        if pk not in STRATEGIES:
            raise NotFound(f"There is no strategy {pk}. There are: {', '.join(STRATEGIES)}.")
        [described] = describe([STRATEGIES[pk]], StrategyRecord.objects.all())
        return Response(StrategySerializer(described).data)
