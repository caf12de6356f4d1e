"""Search which instruments there are: those that are stored, then what a provider lists."""

from collections.abc import Iterator
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import serializers

from core.api.bodies import Body
from core.api.refusals import Unavailable
from market.imports.master import lookup
from market.imports.master.lookup import Found
from market.models import Instrument
from market.providers.listings import Kind, Listing, Status

MOST = 25
ASKING = "market.change_watchlist"  # it costs requests of a provider's pace
STORED_ONLY = "Only stored instruments: searching the providers takes the permission to change watchlists."
RETRY = {"Retry-After": "60"}  # the pace is by the minute


class SearchInQuery(Body):
    is_json = False
    q = serializers.CharField(
        max_length=lookup.LONGEST_SEARCH, help_text="A symbol in any spelling, or words of a name."
    )


class FoundSerializer(serializers.Serializer[Any]):
    symbol = serializers.CharField(help_text="As it is written here.")
    name = serializers.CharField()
    exchange = serializers.CharField()
    currency = serializers.CharField()
    kind = serializers.ChoiceField([kind.value for kind in Kind])
    status = serializers.ChoiceField([status.value for status in Status])
    delisted_on = serializers.DateField(allow_null=True)
    tick_size = serializers.DecimalField(10, 6, allow_null=True)
    lot_size = serializers.IntegerField(allow_null=True)
    borrowable = serializers.BooleanField(allow_null=True)
    watched = serializers.BooleanField(allow_null=True, help_text="Null: it is not stored here.")


class SearchSerializer(serializers.Serializer[Any]):
    results = FoundSerializer(many=True, help_text="Those that are stored first; at most 25.")
    provider = serializers.CharField(help_text="Who was asked; empty when none could be.")
    reason = serializers.CharField(
        help_text="Why a provider gave none: it has none, it failed, none can be asked."
    )


FAILED = OpenApiResponse(
    description="The providers do not answer, or none can be asked; nothing stored fits."
)


def search(text: str, *, may_ask: bool) -> dict[str, Any]:
    """Return what fits. Raises Unavailable when nothing does and no provider could be asked.

    `may_ask`: whether the user may make a provider's requests for it.
    """
    here, found = lookup.stored(text), lookup.search(text) if may_ask else Found([], reason=STORED_ONLY)
    if not here and not found.is_known:
        raise Unavailable(
            f"It is not known whether there is such an instrument: {found.reason}.", None, RETRY
        )
    results = list(_results(here, found.listings))[:MOST]
    return {"results": results, "provider": found.provider, "reason": found.reason}


def _results(here: list[Instrument], listings: Any) -> Iterator[Instrument | dict[str, Any]]:
    yield from here
    watched = {row.symbol: row.watched for row in here}
    others: list[Listing] = [listing for listing in listings if listing.symbol not in watched]
    more = Instrument.objects.in_bulk([listing.symbol for listing in others]) if others else {}
    for listing in others:
        yield more.get(listing.symbol) or _unstored(listing)


def _unstored(listing: Listing) -> dict[str, Any]:
    fields = FoundSerializer().fields.keys() - {"watched"}
    return {name: getattr(listing, name) for name in fields} | {"watched": None}
