"""What an operator may enter about an instrument."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils import timezone

from market import sessions
from market.imports import spelling
from market.imports.master import adding, lookup
from market.imports.master.adding import BY_A_PERSON, BY_A_PROVIDER, Candidate
from market.models import ALWAYS_OPEN, Installation, Instrument
from market.providers import currencies

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
        fields = ["symbol", *BY_A_PERSON, "watched"]

    def clean_currency(self) -> str:
        return currencies.code(self.cleaned_data["currency"])

    def clean_calendar(self) -> str:
        calendar = str(self.cleaned_data["calendar"])
        try:
            sessions.ensure([calendar], timezone.now())
        except sessions.UnknownCalendar as unknown:
            raise ValidationError(str(unknown)) from unknown
        return calendar


class NewInstrumentForm(InstrumentForm):
    """A new one: a provider's word fills in what a person leaves as it is.

    `picked`: the symbol that was chosen from a search, whose listing the form was filled in with.
    """

    picked = forms.CharField(required=False, max_length=16, widget=forms.HiddenInput)
    unlisted = forms.BooleanField(
        required=False, label="Add it although no provider has it", widget=forms.HiddenInput
    )
    candidate: Candidate | None = None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        symbol = cleaned.get("symbol")
        if symbol and not Instrument.objects.filter(pk=symbol).exists():
            self.candidate = adding.candidate(symbol)
            if refusal := _refusal(self.candidate, symbol, allowed=cleaned["unlisted"]):
                self.fields["unlisted"].widget = forms.CheckboxInput()
                self.add_error("symbol", refusal)
            else:
                cleaned |= self._fill_in(self.candidate, cleaned["picked"])
        return cleaned

    def _fill_in(self, candidate: Candidate, picked: str) -> dict[str, Any]:
        """Set what only a provider says. Return what it says of the fields that were left as they were."""
        given = BY_A_PERSON if picked == candidate.symbol else self.changed_data
        details = candidate.details(given, timezone.now())
        for name in BY_A_PROVIDER:
            if name in details:
                setattr(self.instance, name, details.pop(name))
        return details


def as_listed(text: str) -> dict[str, Any]:
    """Return what a new form begins with for a symbol that was chosen: what a provider says of it."""
    try:
        candidate = adding.candidate(spelling.ours(text))
    except spelling.NoSymbol:
        return {}
    if candidate.listing is None:
        return {"symbol": candidate.symbol}
    return candidate.details((), timezone.now()) | {"symbol": candidate.symbol, "picked": candidate.symbol}


def _refusal(candidate: Candidate, symbol: str, *, allowed: bool) -> str:
    """Return why a symbol is not added as it is written; empty when it may be."""
    if allowed:
        return ""
    if candidate.answer.given:
        return f"{symbol} is {candidate.symbol}: write that."
    nevertheless = "To add it nevertheless, tick the box below."
    return f"{candidate.reason} {nevertheless}" if lookup.is_absent(candidate.answer) else ""
