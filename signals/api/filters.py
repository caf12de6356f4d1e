"""Filters that several of the lists share."""

from django_filters.rest_framework import BaseInFilter, ChoiceFilter
from drf_spectacular.utils import extend_schema_field

from signals.models.configs import strategy_choices
from signals.strategies import STRATEGIES


@extend_schema_field({"type": "array", "items": {"type": "string", "enum": list(STRATEGIES)}})
class StrategiesFilter(BaseInFilter, ChoiceFilter):
    """One strategy, or several separated by commas."""

    def __init__(self) -> None:
        super().__init__(field_name="strategy_id", choices=strategy_choices())
