"""Earnings dates: those on record, those that a person records, and what is wrong withdrawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin

from market import formatting as market_formatting
from market.admin.facts import FactAdmin, FactFileForm, StandsFilter
from market.admin.forms import SymbolField
from market.imports import earnings as files
from market.ingestion import earnings
from market.ingestion.facts import LONGEST_WHY
from market.models import EarningsDate
from market.providers.earnings import Earnings, ReportTime

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[EarningsDate]
else:
    ModelForm = forms.ModelForm

SAID = ["date", "time", "is_confirmed", "fiscal_period"]
FIELDS = ["symbol", *SAID, "why"]


class EarningsForm(ModelForm):
    """A date that a person records, in place of what is recorded of that report."""

    symbol = SymbolField(max_length=16)
    why = forms.CharField(max_length=LONGEST_WHY, help_text="The reason or source, kept with it.")

    class Meta:
        model = EarningsDate
        fields = FIELDS

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors:
            said = {name: cleaned[name] for name in ("symbol", *SAID)}
            self.given = Earnings(**said | {"time": ReportTime(cleaned["time"])})
        return cleaned

    def validate_constraints(self) -> None:
        """Leave it to recording, which replaces what is recorded of the day."""


class FileForm(FactFileForm):
    file = forms.FileField(help_text="Columns: symbol, date, then time, status and fiscal_period.")
    why = forms.CharField(max_length=LONGEST_WHY, help_text="The reason or source.")

    def read(self, content: bytes) -> Sequence[Earnings]:
        return files.read(content, self.cleaned_data["symbol"])


@admin.register(EarningsDate)
class EarningsDateAdmin(FactAdmin):
    """The facts. A new one takes the place of dates within a month of it; a wrong one is withdrawn."""

    ledger = earnings.LEDGER
    add_form, file_form, fields_to_add = EarningsForm, FileForm, FIELDS
    load_title = "Load earnings dates"
    list_display = ["about", "chart_of", "terms", "fiscal_period", "source", "recorded", "state"]
    list_filter = [StandsFilter, "is_confirmed", "source"]
    search_fields = ["symbol"]
    ordering = ["-date", "symbol", "-pk"]
    date_hierarchy = "date"
    facts = ["chart_of", "date", "terms", "fiscal_period", "source", "recorded", "recorded_by", "state"]

    @admin.display(description="date", ordering="date")
    def about(self, fact: EarningsDate) -> str:
        return fact.date.isoformat()

    @admin.display(description="when")
    def terms(self, fact: EarningsDate) -> str:
        return market_formatting.earnings_terms(fact)
