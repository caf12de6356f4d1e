"""Filters that the lists of several apps share."""

import re
from datetime import UTC, datetime
from typing import Any

from django import forms
from django_filters.fields import IsoDateTimeField
from django_filters.rest_framework import Filter, IsoDateTimeFilter, TypedChoiceFilter
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

UUID_IN_ADDRESS = "[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}"
LARGEST = 10**19 - 1


class WholeNumberField(forms.IntegerField):
    """A whole number in digits 0 to 9. (Its base takes those of other alphabets, and 1_000.)"""

    def to_python(self, value: Any) -> int | None:
        if value and not re.fullmatch("-?[0-9]{1,19}", str(value)):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class UUIDField(forms.UUIDField):
    """A UUID as it is shown everywhere. (Its base takes braces, URNs and digits of other alphabets.)"""

    def to_python(self, value: Any) -> Any:
        if value and not re.fullmatch(UUID_IN_ADDRESS, str(value)):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


@extend_schema_field(OpenApiTypes.UUID)
class UUIDFilter(Filter):
    field_class = UUIDField


class InstantField(IsoDateTimeField):
    """An instant, in UTC: PostgreSQL reads no offset of 16 hours and more."""

    def clean(self, value: Any) -> datetime | None:
        instant: datetime | None = super().clean(value)
        try:
            return instant and instant.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None


@extend_schema_field(
    {"anyOf": [{"type": "string", "format": "date-time"}, {"type": "string", "format": "date"}]}
)
class InstantFilter(IsoDateTimeFilter):
    field_class = InstantField

    def __init__(self, field_name: str, lookup_expr: str, help_text: str) -> None:
        super().__init__(
            field_name=field_name,
            lookup_expr=lookup_expr,
            help_text=help_text,
            error_messages={
                "invalid": "Give an instant such as 2024-07-03T14:00:00Z (send a plus sign as %2B) or a date."
            },
        )


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST})
class PositiveFilter(Filter):
    field_class = WholeNumberField

    def __init__(self, field_name: str, lookup_expr: str, help_text: str) -> None:
        super().__init__(
            field_name=field_name,
            lookup_expr=lookup_expr,
            min_value=1,
            max_value=LARGEST,
            help_text=help_text,
        )


@extend_schema_field(OpenApiTypes.BOOL)
class YesNoFilter(TypedChoiceFilter):
    """true or false. (A BooleanFilter ignores what is neither.)"""

    def __init__(self, **options: Any) -> None:
        choices = [("true", "true"), ("false", "false")]
        super().__init__(choices=choices, coerce=lambda value: value == "true", **options)
