"""Instruments beside their newest quotes, in one query: the ORM knows no relation between the two."""

from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.models import Model

from market.models import Instrument, Quote


def _columns(model: type[Model]) -> list[str]:
    return [field.column for field in model._meta.concrete_fields if field.column]


OF_INSTRUMENTS, OF_QUOTES = _columns(Instrument), _columns(Quote)
COLUMNS = ", ".join(
    [*(f"instruments.{one}" for one in OF_INSTRUMENTS), *(f"quotes.{one}" for one in OF_QUOTES)]
)
Pair = tuple[Instrument, Quote | None]


def pair(row: Sequence[Any]) -> Pair:
    """What COLUMNS say."""
    middle = len(OF_INSTRUMENTS)
    end = middle + len(OF_QUOTES)
    instrument = Instrument.from_db(DEFAULT_DB_ALIAS, OF_INSTRUMENTS, row[:middle])
    has_quote = row[middle + OF_QUOTES.index("as_of")] is not None
    return instrument, Quote.from_db(DEFAULT_DB_ALIAS, OF_QUOTES, row[middle:end]) if has_quote else None
