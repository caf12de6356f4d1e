from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.bodies import stamp
from signals.models import StrategyRecord


class CaseSerializer(serializers.Serializer[Any]):
    """One trade of a record that has few."""

    symbol = serializers.CharField()
    bar = serializers.SerializerMethodField(help_text="Opening of the bar that spoke.")
    r = serializers.FloatField(help_text="The result over the risk really taken, costs included.")
    planned_r = serializers.FloatField(
        allow_null=True,
        default=None,
        help_text="The same over the planned risk. Null: recorded before there was one.",
    )
    ended = serializers.CharField(help_text="What ended it: target, stop, opposite, timeout, session close.")

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_bar(self, case: dict[str, str]) -> str | None:
        return stamp(case["bar"])


class DoubtedSerializer(serializers.Serializer[Any]):
    """A bar in doubt."""

    symbol = serializers.CharField()
    bar = serializers.SerializerMethodField(help_text="Its opening.")

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_bar(self, doubted: dict[str, str]) -> str | None:
        return stamp(doubted["bar"])


class RecordSerializer(serializers.ModelSerializer[StrategyRecord]):
    """How the ideas of a strategy turned out over stored history."""

    sentence = serializers.CharField(read_only=True, help_text="The figures as a person reads them.")
    listed = CaseSerializer(many=True, read_only=True, help_text="The cases themselves while they are few.")

    doubted_bars = DoubtedSerializer(many=True, read_only=True, help_text="The newest of the bars in doubt.")

    class Meta:
        model = StrategyRecord
        fields = [
            *["sentence", "cases", "targets", "stops", "luck", "mean_r", "mean_r_low", "mean_r_high"],
            "mean_planned_r",
            *["listed", "bars", "doubted", "doubted_bars", "first_at", "last_at", "computed_at"],
        ]
