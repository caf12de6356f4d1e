from typing import Any

from django.http import Http404
from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api.bodies import Body
from core.api.permissions import MayChange
from core.api.refusals import Conflict, conflict
from core.api.users import user_of
from market.api.filters import SymbolsFilter
from market.ingestion.review.bars import Decision, ReviewRefused
from market.ingestion.review.items import Act, Item, NoSuchItem
from market.models import ReviewItem
from market.models.review import LONGEST_WHY

# Moves are answered under their own address.
ACTS = (Act.ACCEPT, Act.DROP, Act.FETCH)


class ReviewItemSerializer(serializers.ModelSerializer[ReviewItem]):
    class Meta:
        model = ReviewItem
        fields = ["id", "kind", "symbol", "timeframe", "at", "source", "says"]


class OneReviewItemSerializer(ReviewItemSerializer):
    version = serializers.SerializerMethodField(help_text="What a decision names as seen.")
    acts = serializers.SerializerMethodField(help_text="What can be decided about it here.")

    class Meta(ReviewItemSerializer.Meta):
        fields = [*ReviewItemSerializer.Meta.fields, "version", "acts"]

    def get_version(self, row: ReviewItem) -> str:
        return _load(row.id).version

    def get_acts(self, row: ReviewItem) -> list[str]:
        return [act.value for act in _load(row.id).acts if act in ACTS]


class ReviewDecisionSerializer(Body):
    act = serializers.ChoiceField(
        [(act.value, act.value) for act in ACTS],
        help_text="accept believes a bar and leaves the others as they are; drop takes a bar out of signals,"
        " risk and reports; fetch has the queue ask the provider again.",
    )
    why = serializers.CharField(max_length=LONGEST_WHY, help_text="Kept in the log and the audit chain.")
    version = serializers.CharField(max_length=64, help_text="Of the item as it was seen.")


class ReviewedSerializer(serializers.Serializer[Any]):
    """Whether it waits any more: what is fetched again does until a bar came."""

    id = serializers.CharField()
    waits = serializers.BooleanField()


class ReviewFilters(FilterSet):
    symbol = SymbolsFilter()
    kind = ChoiceFilter(choices=ReviewItem.Kind.choices)


class ReviewItemViewSet(ReadOnlyModelViewSet[ReviewItem]):
    """What waits for a person about the data: bars in doubt, refused rows, gaps, disagreements, moves."""

    queryset = ReviewItem.objects.order_by("-at", "id")
    filterset_class = ReviewFilters
    lookup_value_regex = r"[a-z]{3,12}:[^/\s]{1,60}"

    def get_serializer_class(self) -> type[ReviewItemSerializer]:
        return OneReviewItemSerializer if self.action == "retrieve" else ReviewItemSerializer

    @extend_schema(
        request=ReviewDecisionSerializer,
        responses={200: ReviewedSerializer, **conflict("It has changed since, or cannot be done with it.")},
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def decide(self, request: Request, pk: str) -> Response:
        """Decide about it. 409 when it has changed since it was seen, or when that is not done with it."""
        row, body = self.get_object(), ReviewDecisionSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        try:
            decision = Decision(user_of(request), given["why"], timezone.now(), given["version"])
            _load(row.id).decide(Act(given["act"]), decision)
        except ReviewRefused as refusal:
            raise Conflict(str(refusal)) from None
        return Response({"id": row.id, "waits": ReviewItem.objects.filter(pk=row.id).exists()})


def _load(name: str) -> Item:
    try:
        return Item.load(name)
    except NoSuchItem as error:  # it went a moment ago
        raise Http404 from error
