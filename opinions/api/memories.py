from django_filters.rest_framework import CharFilter, ChoiceFilter, FilterSet
from rest_framework import serializers
from rest_framework.mixins import ListModelMixin
from rest_framework.viewsets import GenericViewSet

from market.api.filters import SymbolsFilter
from opinions.models import Memory, MemoryQuerySet
from signals.api.filters import StrategiesFilter


class MemorySerializer(serializers.ModelSerializer[Memory]):
    """A case of the past: what was decided, or how something turned out."""

    class Meta:
        model = Memory
        fields = [
            *["id", "kind", "symbol", "strategy_id", "timeframe", "side", "regime", "known_at", "text"],
            *["features", "reference", "bank", "created_at"],
        ]


class MemoryFilters(FilterSet):
    q = CharFilter(
        method="saying", help_text='Words that it must hold, in any form; "a phrase", or, and -not work.'
    )
    symbol = SymbolsFilter()
    strategy = StrategiesFilter()
    kind = ChoiceFilter(choices=Memory.Kind.choices)

    def saying(self, memories: MemoryQuerySet, name: str, words: str) -> MemoryQuerySet:
        return memories.saying(words)


class MemoryViewSet(ListModelMixin, GenericViewSet[Memory]):
    """What is remembered, the newest first. Analysts are given the cases most alike."""

    queryset = Memory.objects.defer("search").order_by("-known_at", "id")
    serializer_class = MemorySerializer
    filterset_class = MemoryFilters
