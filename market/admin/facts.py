"""What the admin pages of facts share: those on record, those that a person records, what is withdrawn."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

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
from core.admin.read_only import ModelAdmin, TitledAdmin
from core.admin.users import user_of
from market import formatting as market_formatting
from market.admin.forms import SymbolField
from market.imports.facts import BadFile
from market.ingestion.facts import FILE, LONGEST_WHY, PERSON, FactRefused, Ledger
from market.ingestion.renames import RenameRefused


class WithdrawForm(forms.ModelForm):  # type: ignore[type-arg]  # of whichever facts
    """Why a fact is wrong."""

    why = forms.CharField(
        label="Withdraw because",
        max_length=LONGEST_WHY,
        help_text="Nothing counts it any more, and a provider that gives it again is not believed.",
    )

    class Meta:
        fields: ClassVar[list[str]] = ["why"]


class FactFileForm(forms.Form):
    file = forms.FileField()
    symbol = SymbolField(required=False, max_length=16, help_text="Of rows that name none.")

    def read(self, content: bytes) -> Sequence[Any]:
        """Return the facts of the file. Raises BadFile."""
        raise NotImplementedError

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        file: UploadedFile[Any] | None = cleaned.get("file")
        if file is not None and not self.errors:
            try:
                self.given = self.read(file.read())
            except BadFile as reason:
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


class FactAdmin(TitledAdmin):
    """A new fact takes the place of what is recorded of its event; a wrong one is withdrawn.

    The form of a new one has `given`, the form of a file, too.
    """

    ledger: Ledger[Any]
    add_form: type[Any]
    file_form: type[FactFileForm]
    fields_to_add: Sequence[str]
    facts: Sequence[str]
    load_title: str
    actions = None

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and (obj is None or obj.ended_at is None)

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **options: Any
    ) -> type[Any]:
        form = WithdrawForm if obj else self.add_form
        return super().get_form(request, obj, change, **options | {"form": form})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return [*self.facts, "why"] if obj else self.fields_to_add

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self.facts if obj else []

    def log_addition(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Log nothing: recording logs itself, from wherever it came."""

    def log_change(self, request: HttpRequest, obj: Any, message: Any) -> Any:
        """Log nothing: withdrawing logs itself."""

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Record or withdraw: neither saves the row of the form."""
        why, by, at = form.cleaned_data["why"], user_of(request), timezone.now()
        try:
            if change:
                self.withdraw(obj, by=by, why=why, at=at)
            else:
                self.record(form.given, by=by, why=why, at=at)
            messages.success(request, f"{obj} is {'withdrawn' if change else 'recorded'}.")
        except (FactRefused, RenameRefused) as refusal:
            messages.error(request, str(refusal))

    def record(self, given: Any, *, by: User, why: str, at: datetime) -> None:
        self.ledger.enter([given], PERSON, by=by, why=why, at=at)

    def withdraw(self, fact: Any, *, by: User, why: str, at: datetime) -> None:
        self.ledger.withdraw(fact, by=by, why=why, at=at)

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: Any = None) -> HttpResponse:
        return redirect(self._address("changelist"))

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return redirect(self._address("changelist"))

    def _address(self, page: str) -> str:
        return f"admin:{self.opts.app_label}_{self.opts.model_name}_{page}"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.load)
        name = f"{self.opts.app_label}_{self.opts.model_name}_load"
        return [path("load/", page, name=name), *super().get_urls()]

    def load(self, request: HttpRequest) -> HttpResponse:
        """Take a CSV file of facts, whole or not at all."""
        if not self.has_add_permission(request):
            raise PermissionDenied
        form = self.file_form(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            why, by = form.cleaned_data["why"], user_of(request)
            try:
                new = self.ledger.enter(form.given, FILE, by=by, why=why, at=timezone.now())
                messages.success(request, f"{new} new of {len(form.given)} in the file.")
                return redirect(self._address("changelist"))
            except FactRefused as refusal:
                form.add_error(None, str(refusal))
        context = self.admin_site.each_context(request)
        context |= {"title": self.load_title, "opts": self.opts, "form": form}
        return TemplateResponse(request, f"admin/market/{self.opts.model_name}/load.html", context)

    @admin.display(description="symbol", ordering="symbol")
    def chart_of(self, fact: Any) -> SafeString:
        return market_formatting.chart_link(fact.symbol)

    @admin.display(description="recorded (UTC)", ordering="recorded_at")
    def recorded(self, fact: Any) -> str:
        return market_formatting.stamp(fact.recorded_at)

    @admin.display(description="state")
    def state(self, fact: Any) -> SafeString:
        if fact.ended_at is None:
            return formatting.dot("good", "stands")
        ended = "withdrawn" if fact.ended_by_id else "replaced"
        return formatting.dot("warn", f"{ended} {market_formatting.stamp(fact.ended_at)}")
