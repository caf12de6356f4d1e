from django_filters.rest_framework import CharFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.models import AuditEvent
from core.api.filters import InstantFilter, PositiveFilter
from core.api.paging import NewestRows


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
    before = PositiveFilter("number", "lt", help_text="Only events with a lower number.")


class NewestEvents(NewestRows):
    earlier_query_param = "before"
    name = "events"
    default_limit = 100
    max_limit = 1_000

    def position(self, row: AuditEvent) -> object:
        return row.number


class AuditViewSet(ReadOnlyModelViewSet[AuditEvent]):
    """The chain of what happened, newest first. `manage.py verify_audit` checks it."""

    queryset = AuditEvent.objects.order_by("-number")
    serializer_class = EventSerializer
    filterset_class = EventFilters
    pagination_class = NewestEvents
    lookup_value_regex = "[0-9]{1,18}"
