from collections.abc import Sequence
from typing import Any

from django import forms
from django.db.models import QuerySet
from django_filters.rest_framework import CharFilter, FilterSet, NumberFilter
from rest_framework import serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param
from rest_framework.views import APIView
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.models import AuditEvent
from core.api.filters import InstantFilter

MOST = 1_000


class EventSerializer(serializers.ModelSerializer[AuditEvent]):
    """Something that happened. The text is exactly what was hashed: JSON, with the facts in it."""

    class Meta:
        model = AuditEvent
        fields = [
            *["number", "at", "kind", "actor", "subject", "log_entry"],
            *["text", "previous_hash", "hash"],
        ]


class EventFilters(FilterSet):
    kind = CharFilter(help_text="As in order filled.")
    subject = CharFilter(help_text="As in order 6f1c..., signal 8a0d..., halt 3, gate.")
    actor = CharFilter(help_text="A user's name.")
    at_after = InstantFilter("at", "gte", help_text="At this instant or later.")
    at_before = InstantFilter("at", "lt", help_text="Before this instant.")
    before = NumberFilter("number", "lt", min_value=1, help_text="Only events with a lower number.")


class NewestEvents(BasePagination):
    """The newest `limit` events of those asked for, newest first, and where the ones before them are.

    One row more than asked is read to learn whether there are earlier ones: events are never counted.
    """

    limit_query_param = "limit"
    limit = forms.IntegerField(min_value=1, max_value=MOST)
    default_limit = 100

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        try:
            limit = int(self.limit.clean(request.query_params.get("limit", self.default_limit)))
        except forms.ValidationError as wrong:
            raise serializers.ValidationError({"limit": wrong.messages}) from None
        events = list(queryset[: limit + 1])
        self.earlier = None
        if len(events) > limit:
            self.earlier = replace_query_param(
                request.build_absolute_uri(), "before", events[limit - 1].number
            )
        return events[:limit]

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"count": len(data), "earlier": self.earlier, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["count", "earlier", "results"],
            "properties": {
                "count": {"type": "integer", "description": "How many events are in this answer."},
                "earlier": {"type": "string", "format": "uri", "nullable": True},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: APIView) -> list[dict[str, Any]]:
        number = {"type": "integer", "minimum": 1, "maximum": MOST, "default": self.default_limit}
        return [{"name": "limit", "in": "query", "required": False, "schema": number}]


class AuditViewSet(ReadOnlyModelViewSet[AuditEvent]):
    """The chain of what happened, newest first. `manage.py verify_audit` checks it."""

    queryset = AuditEvent.objects.order_by("-number")
    serializer_class = EventSerializer
    filterset_class = EventFilters
    pagination_class = NewestEvents
    lookup_value_regex = "[0-9]{1,18}"
