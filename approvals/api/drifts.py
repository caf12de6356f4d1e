from typing import Any

from django.utils import timezone
from django_filters.rest_framework import ChoiceFilter, FilterSet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import ReadOnlyModelViewSet

from approvals.execution import drift_answers
from approvals.models import Drift
from core.api.bodies import Body
from core.api.filters import YesNoFilter
from core.api.permissions import MayChange
from core.api.refusals import Conflict, conflict
from core.api.users import user_of
from market.api.filters import SymbolsFilter

WORDS = {
    "adopt": Drift.Answer.ADOPTED,
    "assign": Drift.Answer.ASSIGNED,
    "write_off": Drift.Answer.WRITTEN_OFF,
    "not_ours": Drift.Answer.NOT_OURS,
}
WORD_OF = {answer: word for word, answer in WORDS.items()}


class DriftSerializer(serializers.ModelSerializer[Drift]):
    held = serializers.DecimalField(None, None, read_only=True, help_text="Parts of a share included.")
    gone = serializers.IntegerField(help_text="Shares of ours that the account does not hold.")
    answer = serializers.SerializerMethodField(
        help_text="What became of them; null while it is open, and when the account agreed again by itself."
    )
    answered_by = serializers.SlugRelatedField[Any](
        "username",
        read_only=True,
        allow_null=True,
        help_text="Null while it is open, and when the broker's executions answered it.",
    )

    class Meta:
        model = Drift
        fields = [
            *["id", "symbol", "ours", "held", "gone", "cause", "detail", "first_seen_at", "last_seen_at"],
            *["ended_at", "answer", "price", "answered_by", "why"],
        ]

    def get_answer(self, drift: Drift) -> str | None:
        return WORD_OF.get(Drift.Answer(drift.answer)) if drift.answer else None


class DriftAnswerSerializer(Body):
    answer = serializers.ChoiceField(
        [*WORDS],
        help_text="adopt: they were sold (a short: bought back) at `price`; assign: an option took or brought"
        " them at `price`; write_off: they are gone for nothing; not_ours: the shares that are more are left"
        " alone.",
    )
    price = serializers.DecimalField(
        18, 6, default=None, allow_null=True, min_value=0, help_text="For a share, in its currency."
    )
    why = serializers.CharField(max_length=drift_answers.LONGEST_WHY, help_text="Kept with the answer.")


class DriftFilters(FilterSet):
    symbol = SymbolsFilter()
    open = YesNoFilter(field_name="ended_at", lookup_expr="isnull", help_text="Whether it still waits.")
    cause = ChoiceFilter(choices=Drift.Cause.choices)


class DriftViewSet(ReadOnlyModelViewSet[Drift]):
    """Symbols of which the account holds other shares than Jax traded, newest first.

    While one is open, no entry is made in its symbol. What executions at the broker explain ends by itself.
    """

    queryset = Drift.objects.select_related("answered_by").order_by("-pk")
    serializer_class = DriftSerializer
    filterset_class = DriftFilters
    lookup_value_regex = "[0-9]{1,18}"

    @extend_schema(
        request=DriftAnswerSerializer,
        responses={200: DriftSerializer, **conflict("It is over, has changed, or cannot be answered so.")},
    )
    @action(["post"], detail=True, permission_classes=[MayChange], filterset_class=None)
    def answer(self, request: Request, pk: str) -> Response:
        """Say what became of the shares. An answer is final; what is gone is closed in the book with it.

        Stops and targets of what is gone are ended at the broker. 409 when it is over, or cannot be so.
        """
        drift, body = self.get_object(), DriftAnswerSerializer(data=request.data)
        body.is_valid(raise_exception=True)
        given = body.validated_data
        try:
            drift_answers.answer(
                drift,
                WORDS[given["answer"]],
                by=user_of(request),
                at=timezone.now(),
                why=given["why"],
                price=given["price"],
            )
        except drift_answers.DriftRefused as refusal:
            raise Conflict(str(refusal)) from None
        return Response(self.get_serializer(self.get_object()).data)
