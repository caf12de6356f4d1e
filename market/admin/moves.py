"""Moves of the size of a split that nothing explains, each beside its neighbours; an operator answers."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import ModelAdmin, TitledAdmin
from core.admin.tables import table
from core.admin.users import user_of
from market import formatting as market_formatting
from market.imports.csvfile.splits import ratio_of
from market.ingestion import answers
from market.models import Candle, Instrument, UnexplainedMove

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[UnexplainedMove]
else:
    ModelForm = forms.ModelForm

NEIGHBOURS = 5  # bars on each side


class AnswerForm(ModelForm):
    """What the move was, and why: an answer is final."""

    ratio = forms.CharField(
        required=False,
        max_length=20,
        help_text="Of a split: new shares for one old, as 7 or 3/2, 1/10 for one new share for ten old.",
    )

    class Meta:
        model = UnexplainedMove
        fields = ["answer", "ratio", "why"]
        help_texts = {
            "answer": "A split restates all bars before it. A real move changes nothing and is not asked"
            " about again. Bad data drops the bars of this session."
        }

    def clean_ratio(self) -> float | None:
        written = self.cleaned_data["ratio"].strip()
        try:
            return ratio_of(written) if written else None
        except (ValueError, ZeroDivisionError) as error:
            raise ValidationError("Write 7, 3/2 or 1/10.") from error

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            try:
                self.given = answers.Answer(answers.Kind(cleaned["answer"]), cleaned["why"], cleaned["ratio"])
            except (ValueError, answers.AnswerRefused) as refusal:
                raise ValidationError(str(refusal)) from refusal
        return cleaned


class StateFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("open", "to answer"), ("answered", "answered")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[UnexplainedMove]
    ) -> QuerySet[UnexplainedMove]:
        if self.value() == "open":
            return queryset.filter(answer="")
        return queryset.exclude(answer="") if self.value() == "answered" else queryset


@admin.register(UnexplainedMove)
class UnexplainedMoveAdmin(TitledAdmin):
    """The questions, and the page that takes an answer. One that was answered can only be read."""

    actions = None
    form = AnswerForm
    list_display = ["about", "chart_of", "moved", "like", "source", "asked", "state"]
    list_filter = [StateFilter]
    list_select_related = ["answered_by"]
    search_fields = ["symbol"]
    ordering = ["answered_at", "-date", "symbol"]
    fields = ["chart_of", "date", "moved", "like", "source", "asked", "around", "answer", "ratio", "why"]
    readonly_fields = ["chart_of", "date", "moved", "like", "source", "asked", "around"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: UnexplainedMove | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: UnexplainedMove | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.is_open)

    def get_fields(self, request: HttpRequest, obj: UnexplainedMove | None = None) -> Any:
        answered = [] if obj is None or obj.is_open else ["answered_by", "answered_at"]
        return [*self.fields, *answered]

    def save_model(self, request: HttpRequest, obj: UnexplainedMove, form: Any, change: bool) -> None:
        """Take the answer. Nothing else of the row is written here."""

    def log_change(self, request: HttpRequest, obj: UnexplainedMove, message: Any) -> Any:
        """Log nothing: the answer logs itself, from wherever it came."""

    def response_change(self, request: HttpRequest, obj: UnexplainedMove) -> HttpResponse:
        given = answers.Answer(answers.Kind(obj.answer), obj.why, obj.ratio)
        try:
            answers.answer(obj, given, by=user_of(request), at=timezone.now())
            self.message_user(request, f"{obj}: {given}.")
        except answers.AnswerRefused as refusal:
            self.message_user(request, str(refusal), messages.ERROR)
        return redirect("admin:market_unexplainedmove_changelist")

    @admin.display(description="date", ordering="date")
    def about(self, move: UnexplainedMove) -> str:
        return move.date.isoformat()

    @admin.display(description="symbol", ordering="symbol")
    def chart_of(self, move: UnexplainedMove) -> SafeString:
        return market_formatting.chart_link(move.symbol, move.timeframe)

    @admin.display(description="close before, open after")
    def moved(self, move: UnexplainedMove) -> str:
        return f"{move.close_before:g} to {move.open_after:g}"

    @admin.display(description="like a split of", ordering="looks_like")
    def like(self, move: UnexplainedMove) -> str:
        return market_formatting.split_ratio(move.looks_like)

    @admin.display(description="asked (UTC)", ordering="asked_at")
    def asked(self, move: UnexplainedMove) -> str:
        return market_formatting.stamp(move.asked_at)

    @admin.display(description="state", ordering="answer")
    def state(self, move: UnexplainedMove) -> SafeString:
        if move.is_open:
            return formatting.dot("warn", "to answer")
        by = f" by {move.answered_by}" if move.answered_by else ""
        return formatting.dot("good", f"{move.get_answer_display()}{by}")

    @admin.display(description="bars around it")
    def around(self, move: UnexplainedMove) -> SafeString | str:
        return table(["opened (UTC)", "open", "high", "low", "close", "volume", "provider"], _around(move))


def _around(move: UnexplainedMove) -> Iterator[list[str]]:
    """Yield the bars on both sides of the move, oldest first, in words."""
    instrument = Instrument.objects.get(pk=move.symbol)
    bars = Candle.objects.filter(symbol=move.symbol, timeframe=move.timeframe, session="regular")
    before = list(bars.filter(opened_at__date__lt=move.date).order_by("-opened_at")[:NEIGHBOURS])
    after = list(bars.filter(opened_at__date__gte=move.date).order_by("opened_at")[:NEIGHBOURS])
    for bar in [*reversed(before), *after]:
        prices = [
            market_formatting.price(value, instrument) for value in (bar.open, bar.high, bar.low, bar.close)
        ]
        opened = market_formatting.stamp(bar.opened_at, move.timeframe)
        yield [opened, *prices, market_formatting.volume(bar.volume), bar.provider]
