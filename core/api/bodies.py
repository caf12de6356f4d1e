"""Building blocks of request and response bodies."""

from collections.abc import Iterable, Mapping
from typing import Any

from rest_framework import serializers


class Body(serializers.Serializer[Any]):
    """A request body. Unknown fields are refused with those that exist."""

    def to_internal_value(self, given: Any) -> Any:
        if isinstance(given, Mapping) and (unknown := given.keys() - self.fields.keys()):
            accepted = ", ".join(self.fields) or "none, the body is empty"
            wrong = f"is not a known field. Choose from: {accepted}."
            raise serializers.ValidationError({name: [f"{name:.50} {wrong}"] for name in sorted(unknown)})
        return super().to_internal_value(given)


class OneOf(serializers.ChoiceField):
    """A value of a list that the refusal names."""

    def __init__(self, allowed: Iterable[str], **options: Any) -> None:
        values = [str(value) for value in allowed]
        refusal = "{input!s:.50} is not a known value. Choose from: " + f"{', '.join(values)}."
        super().__init__(values, error_messages={"invalid_choice": refusal}, **options)


def stamp(text: str | None) -> str | None:
    """Return an instant of stored JSON as it is written everywhere in the API."""
    return text and text.replace("+00:00", "Z")
