"""Paging of rows that are never counted: the newest ones, and where those before them are."""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView

from core.api.filters import WholeNumberField


class NewestRows(BasePagination):
    """The newest `limit` rows of a list that is ordered so, and the address of the ones before them.

    One row more than asked is read to learn whether there are earlier ones.
    """

    limit_query_param = "limit"
    earlier_query_param: str  # the list's own filter for rows before one
    name: str  # what its rows are called
    default_limit: int
    max_limit: int

    def position(self, row: Any) -> object:
        """Return the value of `earlier_query_param` that leads to the rows before this one."""
        raise NotImplementedError

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        number = WholeNumberField(min_value=1, max_value=self.max_limit)
        try:
            limit = int(number.clean(request.query_params.get(self.limit_query_param, self.default_limit)))
        except forms.ValidationError as refusal:
            raise ValidationError({self.limit_query_param: refusal.messages}) from None
        rows = list(queryset[: limit + 1])
        self.earlier = None
        if len(rows) > limit:
            position = self.position(rows[limit - 1])
            self.earlier = replace_query_param(
                request.build_absolute_uri(), self.earlier_query_param, position
            )
        return rows[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"count": len(data), "earlier": self.earlier, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["count", "earlier", "results"],
            "properties": {
                "count": {"type": "integer", "description": f"How many {self.name} are in this answer."},
                "earlier": {"type": "string", "format": "uri", "nullable": True},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        number = {"type": "integer", "minimum": 1, "maximum": self.max_limit, "default": self.default_limit}
        return [{"name": self.limit_query_param, "in": "query", "required": False, "schema": number}]
