from typing import Any

from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from core.api.bodies import Body
from core.api.filters import YesNoFilter
from core.api.permissions import MayChange
from core.api.refusals import Conflict, conflict
from core.api.users import user_of
from market.api.filters import SymbolsFilter
from market.ingestion import answers
from market.models import UnexplainedMove

WORDS = {"split": answers.Kind.SPLIT, "real": answers.Kind.REAL, "bad_data": answers.Kind.BAD_DATA}
WORD_OF = {kind.value: word for word, kind in WORDS.items()}


class UnexplainedMoveSerializer(serializers.ModelSerializer[UnexplainedMove]):
    answer = serializers.SerializerMethodField(help_text="split, real or bad_data; null while it is open.")
    answered_by = serializers.SlugRelatedField[Any](
        "username",
        read_only=True,
        allow_null=True,
        help_text="Null while it is open, and when a provider or a file answered it.",
    )

    class Meta:
        model = UnexplainedMove
        fields = [
            *["id", "symbol", "date", "looks_like", "close_before", "open_after", "timeframe", "source"],
            *["asked_at", "answer", "ratio", "answered_by", "answered_at", "why"],
        ]

    def get_answer(self, move: UnexplainedMove) -> str | None:
        return WORD_OF.get(move.answer)


class AnswerSerializer(Body):
    answer = serializers.ChoiceField(
        [*WORDS.items()],
        help_text="split restates all bars before it; real changes nothing and is not asked about again;"
        " bad_data drops the bars of this session.",
    )
    ratio = serializers.FloatField(
        default=None,
        allow_null=True,
        min_value=1 / answers.MOST,
        max_value=answers.MOST,
        help_text="Of a split, and of no other answer: new shares for one old, 7 for 7:1, 0.1 for 1:10.",
    )
    why = serializers.CharField(max_length=answers.LONGEST_WHY, help_text="Kept with the answer.")

    def validate(self, fields: dict[str, Any]) -> dict[str, Any]:
        try:
            given = answers.Answer(WORDS[fields["answer"]], fields["why"], fields["ratio"])
        except answers.AnswerRefused as refusal:
            raise serializers.ValidationError(str(refusal)) from None
        return {"given": given}


class UnexplainedMoveFilters(FilterSet):
    symbol = SymbolsFilter()
    open = YesNoFilter(method="of_state", label="Whether nobody has answered it.")
    answer = ChoiceFilter(choices=[(word, word) for word in WORDS], method="answered_so")

    def of_state(self, queryset: Any, name: str, value: bool) -> Any:
        return queryset.filter(answer="") if value else queryset.exclude(answer="")

    def answered_so(self, queryset: Any, name: str, value: str) -> Any:
        return queryset.filter(answer=WORDS[value])


class UnexplainedMoveViewSet(ReadOnlyModelViewSet[UnexplainedMove]):
    """Moves of the size of a share split that nothing explains, newest first.

    While one is open, its symbol has no new signals and none of its signals can be approved.
    """

    queryset = UnexplainedMove.objects.select_related("answered_by").order_by("-date", "symbol", "pk")
    serializer_class = UnexplainedMoveSerializer
    filterset_class = UnexplainedMoveFilters
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(
        request=AnswerSerializer,
        responses={200: UnexplainedMoveSerializer, **conflict("It was answered already, or is gone.")},
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def answer(self, request: Request, pk: str) -> Response:
        """Say what the move was. An answer is final. 409 when another came first, saying whose."""
        move, body = self.get_object(), AnswerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        try:
            answers.answer(move, body.validated_data["given"], by=user_of(request), at=timezone.now())
        except answers.AnswerRefused as refusal:
            raise Conflict(str(refusal)) from None
        return Response(self.get_serializer(self.get_object()).data)
