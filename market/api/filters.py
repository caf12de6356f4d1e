"""Filters that several of the lists share."""

from collections.abc import Collection
from typing import Any

from django import forms
from django_filters import fields
from django_filters.rest_framework import (
    BaseInFilter,
    CharFilter,
    ChoiceFilter,
)

from core.models import choices
from market.models import Instrument
from market.prices import Timeframe

SYMBOL_IN_ADDRESS = r"[A-Za-z0-9.\-/]+?"


def refuse_strangers(symbols: Collection[str]) -> None:
    existing = set(Instrument.objects.filter(symbol__in=symbols).values_list("symbol", flat=True))
    if unknown := sorted(set(symbols) - existing):
        raise forms.ValidationError(
            f"{', '.join(unknown)}: no such instrument. Choose from those at /api/v1/instruments/."
        )


class SymbolField(forms.CharField):
    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=16, **options)

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


class SymbolFilter(CharFilter):
    field_class = OneSymbolField


class SymbolsFilter(BaseInFilter, CharFilter):
    """One symbol, or several separated by commas."""

    base_field_class = SymbolsField
    field_class = SymbolField


def timeframe_filter(**options: Any) -> ChoiceFilter:
    return ChoiceFilter(choices=choices(Timeframe), **options)
