"""Corporate actions: those on record, those that a person records, and what is wrong withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html

from core import formatting
from core.admin.read_only import ReadOnlyAdmin
from core.admin.users import user_of
from market import formatting as market_formatting
from market.admin.facts import FactAdmin, FactFileForm, StandsFilter
from market.admin.forms import SymbolField
from market.imports import actions as files
from market.imports.csvfile.splits import ratio_of
from market.ingestion import actions, effects, recording
from market.ingestion.facts import LONGEST_WHY
from market.models import CorporateAction, SymbolChange
from market.providers import currencies
from market.providers.actions import Action, Kind, amount

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[CorporateAction]
else:
    ModelForm = forms.ModelForm

DATES = ["pay_date", "record_date", "declared_date"]
FIELDS = ["symbol", "kind", "ex_date", "amount", "currency", "ratio", "new_symbol", *DATES, "why"]


class ActionForm(ModelForm):
    """A fact that a person records, in place of what is recorded of that day."""

    symbol = SymbolField(max_length=16)
    amount = forms.DecimalField(required=False, min_value=0, max_digits=18, decimal_places=8)
    ratio = forms.CharField(
        required=False, max_length=20, help_text="Of a split or merger: 4, 3/2, 1/10 new shares for one old."
    )
    new_symbol = SymbolField(required=False, max_length=16)
    why = forms.CharField(max_length=LONGEST_WHY, help_text="The reason or source, kept with it.")

    class Meta:
        model = CorporateAction
        fields = FIELDS

    def clean_ratio(self) -> Decimal:
        written = self.cleaned_data["ratio"].strip()
        try:
            return amount(ratio_of(written)) if written else Decimal(0)
        except (ValueError, ZeroDivisionError) as error:
            raise ValidationError("Write 4, 3/2 or 1/10.") from error

    def clean_amount(self) -> Decimal:
        return amount(self.cleaned_data["amount"] or 0)

    def clean_currency(self) -> str:
        return currencies.code(self.cleaned_data["currency"])

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            content = {name: cleaned[name] for name in FIELDS if name not in ("kind", "why")}
            self.given = Action(kind=Kind(cleaned["kind"]), **content)
            if self.given.problem:
                raise ValidationError(f"It is {self.given.problem}.")
        return cleaned


class FileForm(FactFileForm):
    file = forms.FileField(help_text="Columns: symbol, ex_date, then amount, ratio or new_symbol.")
    currency = forms.CharField(max_length=3, initial="USD", help_text="Of rows that name none.")
    why = forms.CharField(max_length=LONGEST_WHY, help_text="The reason or source.")

    def read(self, content: bytes) -> Sequence[Action]:
        return files.read(content, self.cleaned_data["symbol"], self.cleaned_data["currency"])


class AnswerForm(forms.Form):
    """What a person has done about an action whose effect cannot be computed."""

    text = forms.CharField(
        label="What was done",
        max_length=effects.LONGEST,
        help_text="Kept with it. As: prices are restated by the provider; the shares of NEW were sold.",
    )
    is_restating = forms.BooleanField(
        label="Restate by the ratio",
        required=False,
        help_text="Of a split or stock dividend: stored prices and what is held are still in old shares.",
    )


class ActionStateFilter(StandsFilter):
    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("asks", "asks"), *super().lookups(request, model_admin)]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "asks":
            return queryset.asking(timezone.now())
        return super().queryset(request, queryset)


@admin.register(CorporateAction)
class CorporateActionAdmin(FactAdmin):
    """The facts. A new one takes the place of what is recorded of its day; a wrong one is withdrawn."""

    ledger = actions.LEDGER
    add_form, file_form, fields_to_add = ActionForm, FileForm, FIELDS
    load_title = "Load corporate actions"
    list_display = ["about", "chart_of", "kind", "terms", "pay_date", "source", "recorded", "state"]
    list_filter = [ActionStateFilter, "kind", "source"]
    search_fields = ["symbol", "new_symbol"]
    ordering = ["-ex_date", "symbol", "-pk"]
    date_hierarchy = "ex_date"
    facts = [
        "chart_of",
        "kind",
        "ex_date",
        "terms",
        *DATES,
        "source",
        "recorded",
        "recorded_by",
        "state",
        "dealt_with",
    ]

    def record(self, given: Action, *, by: User, why: str, at: datetime) -> None:
        recording.record(given, by=by, why=why, at=at)

    def withdraw(self, fact: CorporateAction, *, by: User, why: str, at: datetime) -> None:
        recording.withdraw(fact, by=by, why=why, at=at)

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.answer)
        return [path("<int:pk>/answer/", page, name="market_corporateaction_answer"), *super().get_urls()]

    def answer(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Take what a person has done about an action that asks."""
        fact = get_object_or_404(CorporateAction, pk=pk)
        if not self.has_change_permission(request, fact):
            raise PermissionDenied
        form = AnswerForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                effects.answer(fact, **form.cleaned_data, by=user_of(request), at=timezone.now())
                messages.success(request, f"{fact} is dealt with.")
                return redirect("admin:market_corporateaction_changelist")
            except effects.EffectRefused as refusal:
                form.add_error(None, str(refusal))
        context = self.admin_site.each_context(request)
        context |= {"title": f"{fact}: deal with it", "opts": self.opts, "form": form, "fact": fact}
        return TemplateResponse(request, "admin/market/corporateaction/answer.html", context)

    @admin.display(description="dealt with")
    def dealt_with(self, fact: CorporateAction) -> str:
        """Return who dealt with it, or a link to do so while it asks."""
        if fact.answered_by:
            return f"{fact.answered_by} {market_formatting.stamp(fact.answered_at)}: {fact.answer}"
        if CorporateAction.objects.asking(timezone.now()).filter(pk=fact.pk).exists():
            return format_html(
                '<a href="{}">Deal with it</a>',
                reverse("admin:market_corporateaction_answer", args=[fact.pk]),
            )
        return formatting.NOTHING

    @admin.display(description="ex-date", ordering="ex_date")
    def about(self, fact: CorporateAction) -> str:
        return fact.ex_date.isoformat()

    @admin.display(description="for one share")
    def terms(self, fact: CorporateAction) -> str:
        return market_formatting.action_terms(fact) or formatting.NOTHING


@admin.register(SymbolChange)
class SymbolChangeAdmin(ReadOnlyAdmin):
    """Changes of symbol that were followed."""

    list_display = ["old", "new", "since", "is_shared", "source", "followed_at", "followed_by"]
    list_select_related = ["followed_by"]
    search_fields = ["old", "new"]
