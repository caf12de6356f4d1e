from django_filters.rest_framework import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from market.models import IngestionRun


class IngestionRunSerializer(serializers.ModelSerializer[IngestionRun]):
    class Meta:
        model = IngestionRun
        fields = [
            *["id", "kind", "outcome", "started_at", "finished_at"],
            *["asked", "stored", "failed", "waiting", "rows", "providers", "failures", "rejected"],
        ]


class IngestionRunFilters(FilterSet):
    kind = ChoiceFilter(choices=IngestionRun.Kind.choices)
    outcome = ChoiceFilter(choices=IngestionRun.Outcome.choices)


class IngestionRunViewSet(ReadOnlyModelViewSet[IngestionRun]):
    """The cycles of ingestion, newest first: what was asked, what came, what failed and why."""

    queryset = IngestionRun.objects.order_by("-started_at", "-pk")
    serializer_class = IngestionRunSerializer
    filterset_class = IngestionRunFilters
    lookup_value_regex = "[0-9]{1,18}"
