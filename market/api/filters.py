"""Filters that several of the lists share."""

from collections.abc import Collection
from typing import Any

from django import forms
from django.core.validators import RegexValidator
from django_filters import fields
from django_filters.rest_framework import BaseInFilter, CharFilter, ChoiceFilter, Filter
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from core.api.filters import WholeNumberField
from core.api.refusals import IMPOSSIBLE
from core.models import choices
from market.models import Instrument, Watchlist, WatchlistEntry
from market.prices import Timeframe

LARGEST_ROW = 2**63 - 1
SYMBOL_IN_ADDRESS = r"[A-Za-z0-9.\-/]+?"
SYMBOL = r"[A-Za-z0-9][A-Za-z0-9.\-/]{0,15}"
DESCRIPTION = {"type": "string", "pattern": f"^{SYMBOL}$"}
NO_SYMBOL = "A symbol is 1 to 16 letters, digits, dots, dashes or slashes, as in AAPL or BRK.B."
is_symbol = RegexValidator(rf"^{SYMBOL}\Z", NO_SYMBOL)


def refuse_strangers(symbols: Collection[str]) -> None:
    existing = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
    if unknown := sorted(set(symbols) - existing):
        raise forms.ValidationError(
            f"{', '.join(unknown)}: no such instrument. Choose from those at /api/v1/instruments/.",
            code=IMPOSSIBLE,
        )


class SymbolField(forms.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(validators=[is_symbol], **options)

    def to_python(self, value: Any) -> str:
        return str(super().to_python(value)).upper()


class OneSymbolField(SymbolField):
    def validate(self, value: str) -> None:
        super().validate(value)
        if value:
            refuse_strangers([value])


class SymbolsField(fields.BaseCSVField):
    def clean(self, value: list[str] | None) -> list[str] | None:
        symbols: list[str] | None = super().clean(value)
        refuse_strangers(symbols or [])
        return symbols


@extend_schema_field(DESCRIPTION)
class SymbolFilter(CharFilter):
    field_class = OneSymbolField


@extend_schema_field({"type": "array", "items": DESCRIPTION, "minItems": 1})
class SymbolsFilter(BaseInFilter, CharFilter):
    """One symbol, or several separated by commas."""

    base_field_class = SymbolsField
    field_class = SymbolField


@extend_schema_field(DESCRIPTION)
class SymbolInBody(serializers.CharField):
    """A symbol in a request body, in small letters or capitals."""

    default_validators = [is_symbol]

    def to_internal_value(self, given: Any) -> str:
        return str(super().to_internal_value(given)).upper()


class WatchlistField(WholeNumberField):
    def validate(self, value: int | None) -> None:
        super().validate(value)
        if value is not None and not Watchlist.objects.filter(pk=value).exists():
            raise forms.ValidationError(
                "There is no such watchlist. Choose from those at /api/v1/watchlists/.", code=IMPOSSIBLE
            )


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": LARGEST_ROW})
class WatchlistFilter(Filter):
    """Those whose instrument is in a watchlist."""

    field_class = WatchlistField

    def __init__(self, field_name: str = "symbol") -> None:
        super().__init__(
            field_name=field_name,
            min_value=1,
            max_value=LARGEST_ROW,
            help_text="Of this watchlist's instruments.",
        )

    def filter(self, qs: Any, value: int | None) -> Any:
        if value is None:
            return qs
        return qs.filter(**{f"{self.field_name}__in": WatchlistEntry.objects.symbols(value)})


def timeframe_filter(**options: Any) -> ChoiceFilter:
    return ChoiceFilter(choices=choices(Timeframe), **options)
