"""What the positions page asks where the account holds other shares than Jax traded, and the answer to it."""

from collections.abc import Iterable
from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST

from approvals.execution import drift_answers
from approvals.models import Drift
from approvals.positions import Position
from desk.page import part, viewer

ANSWER = "approvals.change_drift"


class AnswerForm(forms.Form):
    answer = forms.ChoiceField(choices=Drift.Answer.choices)
    price = forms.DecimalField(max_digits=18, decimal_places=6, min_value=0, required=False)
    why = forms.CharField(max_length=drift_answers.LONGEST_WHY)


@dataclass(frozen=True)
class Question:
    """A drift that waits for a person, with the answers that are possible."""

    drift: Drift

    @property
    def answers(self) -> list[tuple[str, str]]:
        possible = Drift.CLOSES if self.drift.gone else (Drift.Answer.NOT_OURS,)
        return [(answer.value, answer.label) for answer in possible]


def questions(positions: Iterable[Position]) -> list[Question]:
    """Return what waits for a person. One query where the account holds others' shares, else none."""
    if not any(position.quantity and position.foreign for position in positions):
        return []
    return [Question(drift) for drift in Drift.objects.open().exclude(detail="")]


@part
@permission_required(ANSWER, raise_exception=True)
@require_POST
def answer(request: HttpRequest, pk: int) -> HttpResponse:
    """Say what became of the shares."""
    drift, form = get_object_or_404(Drift, pk=pk), AnswerForm(request.POST)
    if not form.is_valid():
        messages.error(request, "It was not answered: choose what became of them, and say why.")
        return redirect("positions")
    given = form.cleaned_data
    try:
        drift_answers.answer(
            drift,
            Drift.Answer(given["answer"]),
            by=viewer(request),
            at=timezone.now(),
            why=given["why"],
            price=given["price"],
        )
    except drift_answers.DriftRefused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, f"{drift.symbol}: {Drift.Answer(given['answer']).label}.")
    return redirect("positions")
