"""How fields of requests are described in OpenAPI: with all that REST framework and the parser refuse."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from drf_spectacular.openapi import AutoSchema
from rest_framework import serializers

from core.api.bodies import decimal_pattern
from core.sanitize import HOSTILE_RANGES

TEXT = f"^[^{HOSTILE_RANGES}]*$"
NOT_BLANK = f"^[^{HOSTILE_RANGES}]*[^{HOSTILE_RANGES}\\s][^{HOSTILE_RANGES}]*$"
EMPTY = {"type": "string", "maxLength": 0}
MORE_THAN_ONE = r"0*(?:1\.0*[1-9]|[2-9]|[1-9][0-9])"
ONE_LINE = NOT_BLANK.replace(HOSTILE_RANGES, HOSTILE_RANGES + r"\t\n\r\u2028\u2029")


class TextField(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # registers itself, untyped
    """Text without control characters, and not only of spaces where it may not be blank."""

    target_class = serializers.CharField
    match_subclasses = True
    target: serializers.CharField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = _without_extensions(auto_schema, self.target, direction)
        if direction == "request":
            schema.setdefault("pattern", TEXT if self.target.allow_blank else NOT_BLANK)
        return schema


class DecimalField(OpenApiSerializerFieldExtension):  # type: ignore[no-untyped-call]  # as above
    """A decimal in a string, never an empty one."""

    target_class = serializers.DecimalField
    match_subclasses = True
    target: serializers.DecimalField

    def map_serializer_field(self, auto_schema: AutoSchema, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = _without_extensions(auto_schema, self.target, direction)
        if direction == "request":
            above = f"(?!{MORE_THAN_ONE})" if self.target.max_value == 1 else ""
            schema["pattern"] = f"^{above}{decimal_pattern(self.target)}$"
        return schema


def plain_texts(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Undo what drf-spectacular adds where text may be blank: `TEXT` takes an empty one, and so two fit."""
    for component in result.get("components", {}).get("schemas", {}).values():
        for described in component.get("properties", {}).values():
            options = described.get("oneOf", [])
            if options[1:] == [EMPTY] and options[0].get("pattern") == TEXT:
                described |= described.pop("oneOf")[0]
    return result


def _without_extensions(auto_schema: AutoSchema, field: Any, direction: str) -> dict[str, Any]:
    schema = auto_schema._map_serializer_field(field, direction, True)  # type: ignore[no-untyped-call]  # as above
    return dict(schema)
