"""REST framework's classes as our API uses them: parser, negotiation, pages, filters.

The apps below get them through the REST_FRAMEWORK settings.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from django import forms
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import pagination, parsers
from rest_framework.exceptions import ErrorDetail, ParseError, ValidationError
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.utils import json

from core.api.filters import WholeNumberField
from core.api.refusals import IMPOSSIBLE
from core.sanitize import is_hostile, why_hostile

if TYPE_CHECKING:  # it reads the settings that name this module
    from rest_framework.views import APIView


LAST_OFFSET = 2**31 - 1


class JSONParser(parsers.JSONParser):
    """JSON in UTF-8, whatever charset is named, with each name once and no hostile text."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        try:
            content = json.loads(
                stream.read().decode(),
                parse_constant=json.strict_constant,
                object_pairs_hook=_with_names_once,
            )
        except RecursionError:
            raise ParseError("The JSON is nested too deeply.") from None
        except ValueError as wrong:
            raise ParseError(f"JSON parse error - {wrong}") from None
        for name, value in content.items() if isinstance(content, dict) else ():
            _refuse_hostile(name, value)
        return content


def _with_names_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object. Raises ValueError for two of one name: which one counts?"""
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("a name stands twice in an object")
    return members


def _refuse_hostile(name: str, value: Any) -> None:
    """Raise ValidationError for such text in a field. The fields refuse null characters themselves."""
    for text in _texts([name, value]):
        if is_hostile(text.replace("\x00", "")):
            raise ValidationError({name: [why_hostile(text)]})


def _texts(content: Any) -> Iterator[str]:
    """Yield every text of a JSON structure, names included."""
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for name, value in content.items():
            yield name
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)


class Negotiation(DefaultContentNegotiation):
    def filter_renderers(self, renderers: Iterable[BaseRenderer], format: str) -> list[BaseRenderer]:
        by_format = {renderer.format: renderer for renderer in renderers}
        if format not in by_format:
            raise ValidationError({"format": [_unknown(format, by_format)]})
        return [by_format[format]]


class Pages(pagination.LimitOffsetPagination):
    """Pages by limit and offset. A limit it cannot keep is refused, not quietly replaced."""

    default_limit = 100
    max_limit = 1_000

    def get_limit(self, request: Request) -> int:
        return self._number(request, "limit", 1, self.max_limit, self.default_limit)

    def get_offset(self, request: Request) -> int:
        return self._number(request, "offset", 0, LAST_OFFSET, 0)

    def get_schema_operation_parameters(self, view: "APIView") -> list[dict[str, Any]]:
        sizes = {"minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        starts = {"minimum": 0, "maximum": LAST_OFFSET, "default": 0}
        return [
            {"name": name, "in": "query", "required": False, "schema": {"type": "integer"} | bounds}
            for name, bounds in ((self.limit_query_param, sizes), (self.offset_query_param, starts))
        ]

    def _number(self, request: Request, name: str, low: int, high: int, default: int) -> int:
        number = WholeNumberField(min_value=low, max_value=high)
        try:
            return int(number.clean(request.query_params.get(name, default)))
        except forms.ValidationError as wrong:
            raise ValidationError({name: wrong.messages}) from None


class StrictFilters(DjangoFilterBackend):
    """Filters that refuse what they do not know: a parameter, a value, or one parameter given twice."""

    def filter_queryset(self, request: Any, queryset: QuerySet[Any], view: "APIView") -> QuerySet[Any]:
        # The filters of a list do not choose among one row.
        filterset = None if getattr(view, "detail", False) else self.get_filterset(request, queryset, view)
        refuse_unknown_parameters(request, view, filterset.form.fields if filterset else ())
        if filterset is None:
            return queryset
        refuse_other_digits(request, filterset.form)
        if not filterset.is_valid():
            raise ValidationError(dict(_explained(filterset.form)))
        return filterset.qs


def refuse_unknown_parameters(request: Request, view: "APIView", filters: Iterable[str]) -> None:
    pages = getattr(view, "paginator", None)
    names = [getattr(pages, f"{part}_query_param", None) for part in ("limit", "offset")]
    allowed = [*filters, *(name for name in names if name), str(api_settings.URL_FORMAT_OVERRIDE)]
    for name, values in request.query_params.lists():
        if name not in allowed:
            raise ValidationError({name: [_unknown(name, allowed, "parameter")]})
        if len(values) > 1:
            raise ValidationError({name: ["Give it once. Several values are separated by commas."]})
        if not values[0].strip():
            raise ValidationError({name: ["Give it a value, or leave it out."]})


def refuse_other_digits(request: Request, form: forms.Form) -> None:
    """Raise ValidationError for digits of other alphabets where no text is asked for: Python reads them."""
    for name, value in request.query_params.items():
        field = form.fields.get(name)
        is_text = field is None or type(field) is forms.CharField or isinstance(field, forms.ModelChoiceField)
        if not is_text and not str(value).isascii():
            raise ValidationError({name: [f"{value:.50} is not a known value."]})


def _explained(form: forms.Form) -> Iterator[tuple[str, list[ErrorDetail]]]:
    for name, errors in form.errors.as_data().items():
        yield (
            name,
            [
                ErrorDetail(text, _code(form, name, error))
                for error in errors
                for text in _messages(form, name, error)
            ],
        )


def _code(form: forms.Form, name: str, error: forms.ValidationError) -> str | None:
    is_row = error.code == "invalid_choice" and isinstance(form.fields.get(name), forms.ModelChoiceField)
    return IMPOSSIBLE if is_row else error.code


def _messages(form: forms.Form, name: str, error: forms.ValidationError) -> Sequence[str]:
    choices = getattr(form.fields.get(name), "choices", None)
    if error.code != "invalid_choice" or not choices:
        return error.messages
    return [_unknown((error.params or {}).get("value"), [value for value, _ in choices if value])]


def _unknown(value: object, allowed: Iterable[object], what: str = "value") -> str:
    return f"{value!s:.50} is not a known {what}. Choose from: {', '.join(map(str, allowed))}."
