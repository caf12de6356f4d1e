"""Opinions of analysts as the API shows them."""

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from opinions.analysts.base import Action
from opinions.models import OrchestrationRun, Stance


class FactorSerializer(serializers.Serializer[Any]):
    verdict = serializers.ChoiceField(["for", "against", "neutral"])
    text = serializers.CharField()


class RunSerializer(serializers.ModelSerializer[OrchestrationRun]):
    """One analysis of a signal or an instrument, without what the analyst was given."""

    stance = serializers.SerializerMethodField(
        help_text="What it says to the signal's trade: for, against, undecided, unfounded (it agrees on"
        " grounds that do not hold) or none."
    )
    agent_suggestion = serializers.ChoiceField(
        [action.value for action in Action],
        allow_blank=True,
        help_text="Empty while there is none, and when it failed.",
    )
    key_factors = FactorSerializer(many=True, help_text="What speaks for and against.")
    is_grounded = serializers.SerializerMethodField(
        help_text="Whether every number in its text is in the snapshot. Null until it is completed."
    )
    inventions = serializers.ListField(
        source="invented",
        child=serializers.CharField(),
        help_text="Numbers in its text that are nowhere in the snapshot.",
    )
    contradictions = serializers.ListField(
        child=serializers.CharField(), help_text="Where the answer does not agree with itself."
    )
    duration_seconds = serializers.FloatField(allow_null=True, help_text="Null until it has ended.")
    notes = serializers.ListField(
        child=serializers.CharField(), help_text="What was missing, and why it went on without."
    )
    requested_by = serializers.CharField(
        source="requested_by.username",
        default=None,
        allow_null=True,
        help_text="Null: it came by itself.",
    )

    class Meta:
        model = OrchestrationRun
        fields = [
            *["id", "trigger_type", "symbol", "signal", "analyst", "model", "status", "agent_suggestion"],
            *["confidence", "stance", "reasoning", "key_factors", "is_grounded", "inventions"],
            *["contradictions", "memories_recalled", "notes", "error", "tokens", "cost_usd", "context"],
            *["requested_by", "queued_at", "started_at", "finished_at", "duration_seconds"],
        ]

    @extend_schema_field(serializers.ChoiceField(Stance.choices))
    def get_stance(self, run: OrchestrationRun) -> str:
        return run.stance(run.signal.signal_type).value if run.signal else Stance.NONE.value

    def get_is_grounded(self, run: OrchestrationRun) -> bool | None:
        return not run.inventions if run.status == OrchestrationRun.Status.COMPLETED else None


class ExchangeSerializer(serializers.Serializer[Any]):
    sent = serializers.CharField()
    answered = serializers.CharField()


class RunDetailSerializer(RunSerializer):
    """With all that the analyst was given, and what was sent and answered."""

    inputs = serializers.JSONField(allow_null=True, help_text="The snapshot. Null until it is taken.")
    exchanges = ExchangeSerializer(many=True)

    class Meta(RunSerializer.Meta):
        fields = [*RunSerializer.Meta.fields, "inputs", "exchanges"]
