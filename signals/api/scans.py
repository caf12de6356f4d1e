from typing import Any

from django.db import transaction
from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema, extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api import accepted
from core.api.bodies import Body
from core.api.filters import InstantFilter
from core.api.users import user_of
from signals import scan
from signals.models import Scan


class CountsSerializer(serializers.Serializer[Any]):
    """The result of one strategy and timeframe in a scan: why there is no signal, when there is none."""

    strategy_id = serializers.CharField()
    timeframe = serializers.CharField()
    symbols = serializers.IntegerField(help_text="Symbols looked at.")
    evaluated = serializers.IntegerField(help_text="Closed bars evaluated.")
    warming_up = serializers.IntegerField(help_text="Symbols with fewer bars than the strategy needs.")
    stale = serializers.IntegerField(help_text="Symbols left out, their newest closed bar being too old.")
    split_pending = serializers.IntegerField(help_text="Symbols left out, their history not yet restated.")
    unexplained_move = serializers.IntegerField(
        help_text="Symbols left out: a move of the size of a split waits for an answer."
    )
    ideas = serializers.IntegerField(help_text="What the strategy said at those bars.")
    below_minimum = serializers.IntegerField(help_text="Ideas below the configured minimum confidence.")
    late = serializers.IntegerField(help_text="Ideas right after an outage of ours: the event may be older.")
    expired = serializers.IntegerField(help_text="Ideas that would have expired already.")
    superseded = serializers.IntegerField(help_text="Pending signals whose place a newer idea took.")
    stored = serializers.IntegerField(help_text="Ideas that became signals.")
    reasons = serializers.DictField(child=serializers.CharField(), help_text="An example for a count.")


COUNTS = list(CountsSerializer().fields)


class ScanSerializer(serializers.ModelSerializer[Scan]):
    requested_by = serializers.SlugRelatedField[Any](
        "username", read_only=True, allow_null=True, help_text="Who asked for it; null when nobody did."
    )
    counts = serializers.SerializerMethodField(help_text="One entry for each strategy and timeframe.")
    ended = serializers.SerializerMethodField(
        help_text="Pending signals that ended by themselves, by reason."
    )

    class Meta:
        model = Scan
        fields = [
            *["id", "trigger", "outcome", "requested_by", "started_at", "finished_at"],
            *["evaluated", "stored", "counts", "ended"],
        ]

    @extend_schema_field(CountsSerializer(many=True))
    def get_counts(self, scan: Scan) -> Any:
        # The database keeps the names of a JSON object in an order of its own.
        return [{name: entry[name] for name in COUNTS if name in entry} for entry in scan.counts]

    def get_ended(self, scan: Scan) -> dict[str, int]:
        ended: dict[str, int] = scan.ended
        return ended


class ScanFilters(FilterSet):
    outcome = ChoiceFilter(choices=Scan.Outcome.choices)
    started_after = InstantFilter("started_at", "gte", help_text="Started at this instant or later.")
    started_before = InstantFilter("started_at", "lt", help_text="Started before this instant.")


class ScanViewSet(ReadOnlyModelViewSet[Scan]):
    """The scans, newest first: what was evaluated, what came of it, and what did not."""

    queryset = Scan.objects.select_related("requested_by").order_by("-started_at", "-pk")
    serializer_class = ScanSerializer
    filterset_class = ScanFilters
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(request=None, responses={202: ScanSerializer}, parameters=[accepted.LOCATION])
    def create(self, request: Request) -> Response:
        """Ask for a scan now. It runs as soon as a worker is free; its address says how far it is."""
        Body(data=request.data).is_valid(raise_exception=True)
        with transaction.atomic():
            requested = scan.request(by=user_of(request), at=timezone.now())
            accepted.log(request, requested)
        return accepted.accepted(self, requested)
