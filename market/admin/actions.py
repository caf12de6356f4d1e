"""Corporate actions: those on record, those that a person records, and what is wrong withdrawn."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString

from core import formatting
from core.admin.read_only import ModelAdmin, ReadOnlyAdmin, TitledAdmin
from core.admin.users import user_of
from market import formatting as market_formatting
from market.admin.forms import SymbolField
from market.imports import actions as files
from market.imports.csvfile.splits import ratio_of
from market.ingestion import actions, renames
from market.models import CorporateAction, SymbolChange
from market.providers.actions import Action, Kind, amount

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[CorporateAction]
else:
    ModelForm = forms.ModelForm

FILE = "file"
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
    why = forms.CharField(max_length=actions.LONGEST_WHY, help_text="The reason or source, kept with it.")

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
        return str(self.cleaned_data["currency"]).upper()

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            content = {name: cleaned[name] for name in FIELDS if name not in ("kind", "why")}
            self.action = Action(kind=Kind(cleaned["kind"]), **content)
            if self.action.problem:
                raise ValidationError(f"It is {self.action.problem}.")
        return cleaned


class WithdrawForm(ModelForm):
    """Why a fact is wrong."""

    why = forms.CharField(
        label="Withdraw because",
        max_length=actions.LONGEST_WHY,
        help_text="Nothing counts it any more, and a provider that gives it again is not believed.",
    )

    class Meta:
        model = CorporateAction
        fields = ["why"]


class FileForm(forms.Form):
    file = forms.FileField(help_text="Columns: symbol, ex_date, then amount, ratio or new_symbol.")
    symbol = SymbolField(required=False, max_length=16, help_text="Of rows that name none.")
    currency = forms.CharField(max_length=3, initial="USD", help_text="Of rows that name none.")
    why = forms.CharField(max_length=actions.LONGEST_WHY, help_text="The reason or source.")

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file: UploadedFile[Any] | None = cleaned.get("file")
        if file is not None and not self.errors:
            try:
                self.actions = files.read(file.read(), cleaned["symbol"], cleaned["currency"])
            except files.BadActions as reason:
                raise ValidationError(str(reason)) from reason
        return cleaned


class StandsFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [("coming", "to come"), ("stands", "stands"), ("ended", "replaced or withdrawn")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "coming":
            return queryset.announced(timezone.now().date())
        return queryset.filter(ended_at__isnull=self.value() == "stands") if self.value() else queryset


@admin.register(CorporateAction)
class CorporateActionAdmin(TitledAdmin):
    """The facts. A new one takes the place of what is recorded of its day; a wrong one is withdrawn."""

    actions = None
    list_display = ["about", "chart_of", "kind", "terms", "pay_date", "source", "recorded", "state"]
    list_filter = [StandsFilter, "kind", "source"]
    search_fields = ["symbol", "new_symbol"]
    ordering = ["-ex_date", "symbol", "-pk"]
    date_hierarchy = "ex_date"
    facts = ["chart_of", "kind", "ex_date", "terms", *DATES, "source", "recorded", "recorded_by", "state"]

    def has_delete_permission(self, request: HttpRequest, obj: CorporateAction | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: CorporateAction | None = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.ended_at is None)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> type[Any]:
        form = WithdrawForm if obj else ActionForm
        return super().get_form(request, obj, change, **options | {"form": form})

    def get_fields(self, request: HttpRequest, obj: CorporateAction | None = None) -> Any:
        return [*self.facts, "why"] if obj else FIELDS

    def get_readonly_fields(self, request: HttpRequest, obj: CorporateAction | None = None) -> Any:
        return self.facts if obj else []

    def log_addition(self, request: HttpRequest, obj: CorporateAction, message: Any) -> Any:
        """Log nothing: recording logs itself, from wherever it came."""

    def log_change(self, request: HttpRequest, obj: CorporateAction, message: Any) -> Any:
        """Log nothing: withdrawing logs itself."""

    def save_model(self, request: HttpRequest, obj: CorporateAction, form: Any, change: bool) -> None:
        """Record or withdraw: neither saves the row of the form."""
        why, by, at = form.cleaned_data["why"], user_of(request), timezone.now()
        try:
            if change:
                actions.withdraw(obj, by=by, why=why, at=at)
            else:
                actions.enter([form.action], actions.PERSON, by=by, why=why, at=at)
                self._follow(form.action, by, at)
            messages.success(request, f"{obj} is {'withdrawn' if change else 'recorded'}.")
        except (actions.ActionRefused, renames.RenameRefused) as refusal:
            messages.error(request, str(refusal))

    def _follow(self, action: Action, by: User, at: datetime) -> None:
        """Follow a change of symbol at once when its day has come."""
        if action.kind is Kind.SYMBOL_CHANGE and action.ex_date <= at.date():
            renames.follow(action.symbol, action.new_symbol, action.ex_date, actions.PERSON, at, by=by)

    def response_add(
        self, request: HttpRequest, obj: CorporateAction, post_url_continue: Any = None
    ) -> HttpResponse:
        return redirect("admin:market_corporateaction_changelist")

    def response_change(self, request: HttpRequest, obj: CorporateAction) -> HttpResponse:
        return redirect("admin:market_corporateaction_changelist")

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.load)
        return [path("load/", page, name="market_corporateaction_load"), *super().get_urls()]

    def load(self, request: HttpRequest) -> HttpResponse:
        """Take a CSV file of facts, whole or not at all."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = FileForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            why, by = form.cleaned_data["why"], user_of(request)
            try:
                new = actions.enter(form.actions, FILE, by=by, why=why, at=timezone.now())
                messages.success(request, f"{new} new of {len(form.actions)} in the file.")
                return redirect("admin:market_corporateaction_changelist")
            except actions.ActionRefused as refusal:
                form.add_error(None, str(refusal))
        context = self.admin_site.each_context(request)
        context |= {"title": "Load corporate actions", "opts": self.opts, "form": form}
        return TemplateResponse(request, "admin/market/corporateaction/load.html", context)

    @admin.display(description="ex-date", ordering="ex_date")
    def about(self, fact: CorporateAction) -> str:
        return fact.ex_date.isoformat()

    @admin.display(description="symbol", ordering="symbol")
    def chart_of(self, fact: CorporateAction) -> SafeString:
        return market_formatting.chart_link(fact.symbol)

    @admin.display(description="for one share")
    def terms(self, fact: CorporateAction) -> str:
        return market_formatting.action_terms(fact) or formatting.NOTHING

    @admin.display(description="recorded (UTC)", ordering="recorded_at")
    def recorded(self, fact: CorporateAction) -> str:
        return market_formatting.stamp(fact.recorded_at)

    @admin.display(description="state")
    def state(self, fact: CorporateAction) -> SafeString:
        if fact.ended_at is None:
            return formatting.dot("good", "stands")
        ended = "withdrawn" if fact.ended_by_id else "replaced"
        return formatting.dot("warn", f"{ended} {market_formatting.stamp(fact.ended_at)}")


@admin.register(SymbolChange)
class SymbolChangeAdmin(ReadOnlyAdmin):
    """Changes of symbol that were followed."""

    list_display = ["old", "new", "since", "is_shared", "source", "followed_at", "followed_by"]
    list_select_related = ["followed_by"]
    search_fields = ["old", "new"]
