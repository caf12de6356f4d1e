"""Filters that the lists of several apps share."""

from typing import Any

from django_filters.rest_framework import IsoDateTimeFilter, NumberFilter, TypedChoiceFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

UUID_IN_ADDRESS = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"


class InstantFilter(IsoDateTimeFilter):
    def __init__(self, field_name: str, lookup_expr: str, help_text: str) -> None:
        super().__init__(
            field_name=field_name,
            lookup_expr=lookup_expr,
            help_text=help_text,
            error_messages={
                "invalid": "Give an instant such as 2024-07-03T14:00:00Z (send a plus sign as %2B) or a date."
            },
        )


@extend_schema_field({"type": "integer", "minimum": 1})
class PositiveFilter(NumberFilter):
    def __init__(self, field_name: str, lookup_expr: str, help_text: str) -> None:
        super().__init__(field_name=field_name, lookup_expr=lookup_expr, min_value=1, help_text=help_text)


@extend_schema_field(OpenApiTypes.BOOL)
class YesNoFilter(TypedChoiceFilter):
    """true or false. (A BooleanFilter ignores what is neither.)"""

    def __init__(self, **options: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda value: value == "true", **options)
