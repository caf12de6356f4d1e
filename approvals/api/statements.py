from typing import Any

from django_filters.rest_framework import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.models import StatementDifference
from core.api.filters import YesNoFilter


class StatementDifferenceSerializer(serializers.ModelSerializer[StatementDifference]):
    answered_by = serializers.SlugRelatedField[Any](
        "username",
        read_only=True,
        allow_null=True,
        help_text="Null while it is open, and when a later comparison agreed.",
    )
    compared_until = serializers.DateTimeField(
        source="statement.until", read_only=True, help_text="The end of the newest statement that has it."
    )

    class Meta:
        model = StatementDifference
        fields = [
            *["id", "broker", "kind", "name", "ours", "stated", "detail", "happened_at", "compared_until"],
            *["first_seen_at", "last_seen_at", "ended_at", "answered_by", "why"],
        ]


class StatementDifferenceFilters(FilterSet):
    open = YesNoFilter(field_name="ended_at", lookup_expr="isnull", help_text="Whether it still differs.")
    kind = ChoiceFilter(choices=StatementDifference.Kind.choices)


class StatementDifferenceViewSet(ReadOnlyModelViewSet[StatementDifference]):
    """What the broker's statements say otherwise than Jax's book, newest first.

    Compared each night. One ends when a later comparison agrees, or when a person answers it in admin.
    """

    queryset = StatementDifference.objects.select_related("answered_by", "statement").order_by("-pk")
    serializer_class = StatementDifferenceSerializer
    filterset_class = StatementDifferenceFilters
    lookup_value_regex = "[0-9]{1,18}"
