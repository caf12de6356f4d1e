import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import CharField, Func, QuerySet, Value
from django_filters.rest_framework import FilterSet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from core.api.filters import InstantFilter
from core.api.paging import NewestRows
from core.formatting import plain
from market.api.filters import SymbolFilter, timeframe_filter
from market.models import Candle

FIELDS = [
    *["opened_at", "open", "high", "low", "close", "volume", "vwap"],
    *["session", "is_final", "suspect", "revisions", "provider", "feed"],
]

# Written by the database: reading 10,000 instants only to write them again is a third of an answer's time.
STAMP = Func("opened_at", Value('YYYY-MM-DD"T"HH24:MI:SS"Z"'), function="to_char", output_field=CharField())


class CandleSerializer(serializers.ModelSerializer[Candle]):
    """Describes the answer. The rows themselves skip it, being many: plain values are seven times faster."""

    class Meta:
        model = Candle
        fields = FIELDS


class CandleFilters(FilterSet):
    symbol = SymbolFilter(required=True)
    timeframe = timeframe_filter(required=True)
    to = InstantFilter("opened_at", "lt", help_text="Only bars that opened before this instant.")


# A keyword cannot be declared in the class.
CandleFilters.base_filters["from"] = InstantFilter(
    "opened_at", "gte", help_text="Only bars that opened at this instant or later."
)


class NewestBars(NewestRows):
    """The newest bars, oldest first."""

    earlier_query_param = "to"
    name = "bars"
    default_limit = 1_000
    max_limit = 10_000

    def position(self, row: Any) -> object:
        return row[0]

    def paginate_queryset(
        self, queryset: QuerySet[Any] | Sequence[Any], request: Request, view: APIView | None = None
    ) -> list[Any]:
        return super().paginate_queryset(queryset, request, view)[::-1]

    def get_paginated_response(self, data: Sequence[Sequence[Any]]) -> Response:
        rows = (dict(zip(FIELDS, row, strict=True)) for row in data)
        return super().get_paginated_response([row | {"volume": plain(row["volume"])} for row in rows])


class CSVRenderer(BaseRenderer):
    media_type = "text/csv"
    format = "csv"

    def render(
        self,
        data: Mapping[str, Any],
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> str:
        text = io.StringIO()
        lines = csv.writer(text, lineterminator="\n")
        lines.writerow(FIELDS)
        lines.writerows(row.values() for row in data.get("results", ()))  # OPTIONS has none
        return text.getvalue()


class CandleViewSet(GenericViewSet[Candle]):
    """The bars of one symbol and timeframe, newest last; JSON, or CSV by Accept or `?format=csv`.

    `opened_at` is UTC. A daily bar is stamped 00:00 of its session's date, a weekly one of its Monday.
    """

    queryset = Candle.objects.order_by("-opened_at", "symbol", "timeframe")
    serializer_class = CandleSerializer
    filterset_class = CandleFilters
    pagination_class = NewestBars
    renderer_classes = [JSONRenderer, CSVRenderer]

    @extend_schema(
        responses={
            (200, "application/json"): CandleSerializer(many=True),
            (200, "text/csv"): OpenApiTypes.STR,
        }
    )
    def list(self, request: Request) -> Response:
        candles = self.filter_queryset(self.get_queryset()).annotate(stamp=STAMP)
        rows = self.paginate_queryset(candles.values_list("stamp", *FIELDS[1:]))
        return self.get_paginated_response(rows)
