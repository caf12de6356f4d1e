"""The stored candles, of one symbol or all that are suspect. The whole table is never counted or read."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from core import formatting
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin, ModelAdmin
from core.admin.users import may
from market.admin.review.item_page import address
from market.ingestion.review.bars import PRICES, Key
from market.models import Candle, CandleRow
from market.prices import Feed, Timeframe
from market.providers import registry
from market.store import BY_HAND

A_DAY = timedelta(days=1, microseconds=-1)
ALL_OF_TIME = (datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC))
Request = HttpRequest


class ChoiceFilter(admin.SimpleListFilter):
    """Some values of a column, known without reading the table: `field`."""

    field: str
    choices_of: tuple[tuple[str, str], ...]

    def lookups(self, request: Request, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return list(self.choices_of)

    def queryset(self, request: Request, queryset: QuerySet[CandleRow]) -> QuerySet[CandleRow]:
        is_known = self.value() in dict(self.choices_of)
        return queryset.filter(**{self.field: self.value()}) if is_known else queryset


class TimeframeFilter(ChoiceFilter):
    title = parameter_name = field = "timeframe"
    choices_of = tuple((timeframe.value, timeframe.value) for timeframe in Timeframe)


class ProviderFilter(ChoiceFilter):
    title, parameter_name, field = "source", "provider", "provider"
    choices_of = tuple(
        (name, name) for name in [*(spec.name for spec in registry.SPECS), "import", "built", BY_HAND]
    )


class FeedFilter(ChoiceFilter):
    title = parameter_name = field = "feed"
    choices_of = tuple((feed.value, feed.value) for feed in Feed)


class SessionFilter(ChoiceFilter):
    title = parameter_name = field = "session"
    choices_of = tuple((value, str(label)) for value, label in Candle.Session.choices)


class StateFilter(admin.SimpleListFilter):
    title, parameter_name = "state", "state"
    states = {
        "suspect": Q(suspect=True),
        "revised": Q(revisions__gt=0),
        "unfinished": Q(is_final=False),
    }

    def lookups(self, request: Request, model_admin: ModelAdmin) -> list[tuple[str, str]]:
        return [(name, name) for name in self.states]

    def queryset(self, request: Request, queryset: QuerySet[CandleRow]) -> QuerySet[CandleRow]:
        chosen = self.states.get(str(self.value()))
        return queryset if chosen is None else queryset.filter(chosen)


class OpenedFilter(DayFilter):
    title, field = "opened", "opened_at"


@admin.register(CandleRow)
class CandleRowAdmin(LogAdmin):
    """Bars of one symbol, newest first within a timeframe; of all symbols only those in doubt.

    That is the order of the table's key, backwards: a page is read from the index, however many there are.
    """

    list_display = ["bar", *PRICES, "shares", "provider", "feed", "session", "state", "revisions"]
    list_display_links = None
    list_filter = [TimeframeFilter, StateFilter, ProviderFilter, FeedFilter, SessionFilter, OpenedFilter]
    list_per_page = 50
    ordering = ["-symbol", "-timeframe", "-opened_at"]
    search_fields = ["symbol"]
    search_help_text = (
        "A whole symbol, as AAPL; with days, as AAPL 2024-01-02 2024-06-28. Without one: all bars in doubt."
    )

    def has_view_permission(self, request: Request, obj: CandleRow | None = None) -> bool:
        return may(request, "market.view_candle")

    def has_module_permission(self, request: Request) -> bool:
        return self.has_view_permission(request)

    def get_search_results(
        self, request: Request, queryset: QuerySet[CandleRow], search_term: str
    ) -> tuple[QuerySet[CandleRow], bool]:
        symbol, *days = search_term.split() or [""]
        if not symbol:
            return queryset.filter(suspect=True), False
        first, last = _span(days)
        return queryset.filter(symbol=symbol.upper(), opened_at__gte=first, opened_at__lte=last), False

    @admin.display(description="bar (UTC)")
    def bar(self, row: CandleRow) -> SafeString:
        key = Key(row.symbol, Timeframe(row.timeframe), row.opened_at)
        return format_html('<a href="{}">{}</a>', address(key.name), key)

    @admin.display(description="volume")
    def shares(self, row: CandleRow) -> str:
        return formatting.NOTHING if row.volume is None else f"{row.volume:,.10g}"

    @admin.display(description="state")
    def state(self, row: CandleRow) -> SafeString:
        if row.suspect:
            return formatting.dot("warn", "suspect")
        return (
            formatting.dot("good", "believed") if row.is_final else formatting.dot("none", "not closed yet")
        )


def _span(days: Sequence[str]) -> tuple[datetime, datetime]:
    """Return the first and last moment that one or two dates name; what is no date names all of time."""
    try:
        first, last = (datetime.combine(date.fromisoformat(day), time(), UTC) for day in (days[0], days[-1]))
        return first, (last + A_DAY if len(days) > 1 else ALL_OF_TIME[1])
    except (IndexError, ValueError, OverflowError):
        return ALL_OF_TIME
