"""Building blocks of request and response bodies."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from rest_framework import serializers

Field = serializers.Field[Any, Any, Any, Any]

# What JSON value a field takes, and how a refusal calls it. REST framework takes 0 for a text, too.
JSON_TYPES: list[tuple[tuple[type[Field], ...], tuple[type, ...], str]] = [
    ((serializers.BooleanField,), (bool,), "true or false"),
    ((serializers.IntegerField,), (int,), "a whole number"),
    ((serializers.FloatField,), (int, float), "a number"),
    ((serializers.DecimalField,), (str,), 'a decimal in quotes, as in "119.72"'),
    ((serializers.CharField, serializers.ChoiceField, serializers.DateField), (str,), "text, in quotes"),
]


class StrictFields:
    """For serializers of request bodies: refuses unknown fields and values of another JSON type."""

    fields: Any
    is_json = True  # else each value is text, in a query string

    def to_internal_value(self, given: Any) -> Any:
        if isinstance(given, Mapping) and (unknown := given.keys() - self.fields.keys()):
            accepted = ", ".join(self.fields) or "none, the body is empty"
            wrong = f"is not a known field. Choose from: {accepted}."
            raise serializers.ValidationError({name: [f"{name:.50} {wrong}"] for name in sorted(unknown)})
        value = super().to_internal_value(given)  # type: ignore[misc]  # that of the serializer it is mixed into
        if wrong_types := dict(self._wrong_types(given)):
            raise serializers.ValidationError(wrong_types)
        return value

    def _wrong_types(self, given: Mapping[str, Any]) -> Iterator[tuple[str, list[str]]]:
        for name, value in given.items():
            field = self.fields[name]
            if refusal := _wrong_type(field, value) if self.is_json else _other_digits(field, value):
                yield name, [refusal]


class Body(StrictFields, serializers.Serializer[Any]):
    """A request body."""


def _wrong_type(field: Field, value: Any) -> str:
    """Return why this JSON value is none for the field; empty: it may be one."""
    if isinstance(field, serializers.ListField) and isinstance(value, list):
        return next(filter(None, (_wrong_type(field.child, item) for item in value)), "")
    for classes, types, name in JSON_TYPES:
        if isinstance(field, classes):
            is_right = isinstance(value, types) and isinstance(value, bool) == (types == (bool,))
            return "" if value is None or (is_right and _is_plain(field, value)) else f"It must be {name}."
    return ""


def _other_digits(field: Field, value: str) -> str:
    """Return why a text of a form or an address is none for the field; empty: it may be one."""
    if isinstance(field, serializers.CharField):
        return ""
    is_plain = _is_plain(field, value) and value.isascii()
    return "" if is_plain else "It must be a number in digits 0 to 9."


def _is_plain(field: Field, value: Any) -> bool:
    """Return whether a decimal or date is written in digits 0 to 9 and no other way."""
    if isinstance(field, serializers.DecimalField):
        return bool(re.fullmatch(decimal_pattern(field), value))
    return not isinstance(field, serializers.DateField) or bool(
        re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", value)
    )


def decimal_pattern(field: serializers.DecimalField) -> str:
    """Return the regular expression of the texts that the field takes. It knows nothing of upper limits."""
    places, digits = field.decimal_places, field.max_digits
    whole = f"{{1,{digits - places}}}" if digits is not None and places is not None else "+"
    sign = "" if field.min_value is not None and field.min_value >= 0 else "-?"
    above = r"(?!0+(?:\.0+)?$)" if field.min_value else ""
    return rf"{sign}{above}[0-9]{whole}(?:\.[0-9]{{1,{places}}})?"


class OneOf(serializers.ChoiceField):
    """A value of a list that the refusal names."""

    def __init__(self, allowed: Iterable[str], **options: Any) -> None:
        values = [str(value) for value in allowed]
        refusal = "{input!s:.50} is not a known value. Choose from: " + f"{', '.join(values)}."
        super().__init__(values, error_messages={"invalid_choice": refusal}, **options)


def stamp(text: str | None) -> str | None:
    """Return an instant of stored JSON as it is written everywhere in the API."""
    return text and text.replace("+00:00", "Z")
