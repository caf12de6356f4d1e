from collections.abc import Iterable
from typing import Any

from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from core.formatting import plain
from core.models import choices
from market import quotes
from market.api.filters import SYMBOL_IN_ADDRESS, SymbolsFilter, WatchlistFilter
from market.models import Quote
from market.prices import Doubt, Feed

FEEDS = [choice for choice in choices(Feed) if choice[0] != Feed.IMPORTED]  # files have bars only


class SharesField(serializers.FloatField):
    """Shares or parts of one; a whole number is written as one."""

    def to_representation(self, value: Any) -> Any:
        return plain(float(value))


class QuoteSerializer(serializers.Serializer[Any]):
    """A quote and what it means. Null is unknown: no previous close, a bid that was not given."""

    symbol = serializers.CharField(source="quote.symbol")
    price = serializers.FloatField(source="quote.price")
    previous_close = serializers.FloatField(
        allow_null=True,
        help_text="The last final daily close before the quote's session, on its split basis.",
    )
    previous_close_on = serializers.DateField(allow_null=True, help_text="The date of that close.")
    change = serializers.FloatField(allow_null=True)
    change_percent = serializers.FloatField(allow_null=True)
    bid = serializers.FloatField(source="quote.bid", allow_null=True)
    ask = serializers.FloatField(source="quote.ask", allow_null=True)
    bid_size = SharesField(source="quote.bid_size", allow_null=True)
    ask_size = SharesField(source="quote.ask_size", allow_null=True)
    volume = SharesField(source="quote.volume", allow_null=True)
    exchange = serializers.CharField(source="quote.exchange")
    as_of = serializers.DateTimeField(source="quote.as_of", help_text="The provider's time.")
    received_at = serializers.DateTimeField(source="quote.received_at", help_text="Our time.")
    age_seconds = serializers.FloatField(
        help_text="Now less as_of less the feed's stated delay; not below zero."
    )
    stale = serializers.BooleanField(help_text="Too old while its exchange is open.")
    doubt = serializers.ChoiceField(
        source="quote.doubt",
        choices=["", *choices(Doubt)],
        help_text="Why the newest price is not believed yet; empty when it is. `price` is the one before.",
    )
    doubtful_price = serializers.FloatField(source="quote.doubtful_price", allow_null=True)
    doubtful_as_of = serializers.DateTimeField(source="quote.doubtful_as_of", allow_null=True)
    book = serializers.ChoiceField(
        source="quote.book",
        choices=["", *Quote.Book.choices],
        help_text="Crossed: the bid is above the ask. Locked: they are equal.",
    )
    halt = serializers.CharField(
        source="quote.halt", help_text="Why trading is halted, where the provider says so; else empty."
    )
    provider = serializers.CharField(source="quote.provider")
    feed = serializers.ChoiceField(source="quote.feed", choices=FEEDS)
    delay_seconds = serializers.IntegerField(
        source="quote.delay_seconds", help_text="The feed's stated delay."
    )


def shown(stored: Iterable[Quote]) -> Any:
    symbols = [quote.symbol for quote in stored]
    views = quotes.quotes_with_change(symbols, timezone.now())
    return QuoteSerializer([views[symbol] for symbol in symbols if symbol in views], many=True).data


class QuoteFilters(FilterSet):
    symbol = SymbolsFilter()
    list = WatchlistFilter()
    feed = ChoiceFilter(choices=FEEDS)


class QuoteViewSet(GenericViewSet[Quote]):
    """The newest quote of each instrument. Those of pairs that are only needed as rates are under rates."""

    queryset = Quote.objects.of_instruments().order_by("symbol")
    serializer_class = QuoteSerializer
    filterset_class = QuoteFilters
    lookup_value_regex = SYMBOL_IN_ADDRESS

    def list(self, request: Request) -> Response:
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return self.get_paginated_response(shown(page or []))

    def retrieve(self, request: Request, pk: str) -> Response:
        self.kwargs["pk"] = pk.upper()
        return Response(shown([self.get_object()])[0])
