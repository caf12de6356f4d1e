from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.models import choices
from market.api.filters import SYMBOL_IN_ADDRESS
from market.models import CurrencyPair
from market.prices import Doubt
from market.quotes.pairs import with_rates


class RateSerializer(serializers.Serializer[Any]):
    """What one unit of the first currency of a pair is worth in the second. Null while no rate is known."""

    pair = serializers.CharField(source="pair.symbol", help_text="As in EUR/USD.")
    rate = serializers.FloatField(source="quote.price", default=None, allow_null=True)
    bid = serializers.FloatField(source="quote.bid", default=None, allow_null=True)
    ask = serializers.FloatField(source="quote.ask", default=None, allow_null=True)
    as_of = serializers.DateTimeField(
        source="quote.as_of", default=None, allow_null=True, help_text="The provider's time."
    )
    received_at = serializers.DateTimeField(
        source="quote.received_at", default=None, allow_null=True, help_text="Our time."
    )
    age_seconds = serializers.FloatField(
        allow_null=True,
        help_text="How long currencies traded since as_of, less the feed's stated delay.",
    )
    usable = serializers.BooleanField(source="is_usable", help_text="Whether money is counted at it.")
    why_none = serializers.CharField(help_text="Why it is not usable; empty when it is.")
    provider = serializers.CharField(source="quote.provider", default="", allow_blank=True)
    feed = serializers.CharField(
        source="quote.feed", default="", help_text="live, delayed or simulated, as of quotes."
    )
    doubt = serializers.ChoiceField(
        source="quote.doubt",
        choices=["", *choices(Doubt)],
        default="",
        help_text="Why the newest rate is not believed; empty when it is. `rate` is the one before.",
    )
    needed_since = serializers.DateTimeField(source="pair.needed_since")
    asked_at = serializers.DateTimeField(source="pair.asked_at", allow_null=True)
    problem = serializers.CharField(
        source="pair.problem", help_text="Why none came when the providers were asked last."
    )


def shown(pairs: Iterable[CurrencyPair]) -> Any:
    return RateSerializer(with_rates(pairs, timezone.now()), many=True).data


class CurrencyPairViewSet(GenericViewSet[CurrencyPair]):
    """The rates between the currencies of the account and of what is watched or held, by pair."""

    queryset = CurrencyPair.objects.order_by("symbol")
    serializer_class = RateSerializer
    lookup_value_regex = SYMBOL_IN_ADDRESS

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(shown(page or []))

    def retrieve(self, request: Request, pk: str) -> Response:
        self.kwargs["pk"] = pk.upper()
        return Response(shown([self.get_object()])[0])
