"""What an operator may enter about an instrument."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from market import sessions
from market.imports import spelling
from market.models import ALWAYS_OPEN, Installation, Instrument

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Instrument]
else:
    ModelForm = forms.ModelForm


def first_calendar() -> str:
    """Return the calendar of a new instrument: simulated ones never close."""
    simulated = settings.DATA_KIND == Installation.Data.SIMULATED
    return ALWAYS_OPEN if simulated else str(Instrument._meta.get_field("calendar").default)


class SymbolField(forms.CharField):
    def to_python(self, value: Any) -> str:
        text = super().to_python(value) or ""
        try:
            return spelling.ours(text) if text else ""
        except spelling.NoSymbol as reason:
            raise ValidationError(str(reason)) from reason


class InstrumentForm(ModelForm):
    symbol = SymbolField(max_length=16, help_text="AAPL, BRK.B, BAC.PRK. Other spellings become these.")

    class Meta:
        model = Instrument
        fields = [
            *[
                "symbol",
                "name",
                "exchange",
                "kind",
                "calendar",
                "currency",
                "tick_size",
                "lot_size",
                "watched",
            ],
        ]

    def clean_currency(self) -> str:
        return str(self.cleaned_data["currency"]).upper()

    def clean_calendar(self) -> str:
        calendar = str(self.cleaned_data["calendar"])
        try:
            sessions.ensure([calendar], timezone.now())
        except sessions.UnknownCalendar as unknown:
            raise ValidationError(str(unknown)) from unknown
        return calendar
