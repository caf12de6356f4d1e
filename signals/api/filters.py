"""Filters that several of the lists share."""

from django import forms
from django_filters import fields
from django_filters.rest_framework import BaseInFilter, ChoiceFilter
from drf_spectacular.utils import extend_schema_field

from signals.models.configs import strategy_choices
from signals.strategies import STRATEGIES


class StrategiesField(fields.BaseCSVField):
    def clean(self, value: list[str] | None) -> list[str] | None:
        strategies: list[str] | None = super().clean(value)
        if strategies is not None and not all(strategies):
            raise forms.ValidationError(f"Name a strategy. Choose from: {', '.join(STRATEGIES)}.")
        return strategies


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": list(STRATEGIES)}, "minItems": 1})
class StrategiesFilter(BaseInFilter, ChoiceFilter):
    """One strategy, or several separated by commas."""

    base_field_class = StrategiesField

    def __init__(self) -> None:
        super().__init__(field_name="strategy_id", choices=strategy_choices())
