"""What is stored: quotes, gaps, splits, and which kind of data this is."""

from django.contrib import admin
from django.utils.safestring import SafeString

from core.admin.read_only import ReadOnlyAdmin
from market import formatting as market_formatting
from market.models import Disagreement, Gap, Installation, Quote, Split


class OfSymbol(ReadOnlyAdmin):
    """Rows that name a symbol: it leads to the chart."""

    list_display_links = None
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"

    @admin.display(description="symbol", ordering="symbol")
    def chart_of(self, row: Quote | Gap | Split | Disagreement) -> SafeString:
        return market_formatting.chart_link(row.symbol, getattr(row, "timeframe", None))


@admin.register(Quote)
class QuoteAdmin(OfSymbol):
    list_display = [
        *[
            "chart_of",
            "price",
            "bid",
            "ask",
            "shares",
            "exchange",
            "of",
            "received",
            "provider",
            "feed",
            "doubt",
        ],
    ]
    list_filter = ["provider", "feed", "doubt"]

    @admin.display(description="volume", ordering="volume")
    def shares(self, quote: Quote) -> str:
        return market_formatting.volume(quote.volume)

    @admin.display(description="as of (UTC)", ordering="as_of")
    def of(self, quote: Quote) -> str:
        return f"{quote.as_of:%Y-%m-%d %H:%M:%S}"

    @admin.display(description="received (UTC)", ordering="received_at")
    def received(self, quote: Quote) -> str:
        return f"{quote.received_at:%Y-%m-%d %H:%M:%S}"


@admin.register(Disagreement)
class DisagreementAdmin(OfSymbol):
    list_display = ["chart_of", "date", "figure", "stored", "provider", "given", "other", "note", "found_on"]
    list_filter = ["figure", "provider", "other"]
    ordering = ["-date", "symbol", "figure", "other"]

    @admin.display(description="found (UTC)", ordering="found_at")
    def found_on(self, row: Disagreement) -> str:
        return market_formatting.stamp(row.found_at)


@admin.register(Gap)
class GapAdmin(OfSymbol):
    list_display = [
        *["chart_of", "timeframe", "first", "last", "bars", "reason", "attempts", "next", "found_on"],
    ]
    list_filter = ["reason", "timeframe"]
    ordering = ["-first_at", "symbol", "timeframe"]

    @admin.display(description="first missing bar", ordering="first_at")
    def first(self, gap: Gap) -> str:
        return market_formatting.stamp(gap.first_at, gap.timeframe)

    @admin.display(description="last missing bar", ordering="last_at")
    def last(self, gap: Gap) -> str:
        return market_formatting.stamp(gap.last_at, gap.timeframe)

    @admin.display(description="next attempt (UTC)", ordering="next_attempt_at")
    def next(self, gap: Gap) -> str:
        return market_formatting.stamp(gap.next_attempt_at) if gap.next_attempt_at else "not tried any more"

    @admin.display(description="found (UTC)", ordering="found_at")
    def found_on(self, gap: Gap) -> str:
        return market_formatting.stamp(gap.found_at)


@admin.register(Split)
class SplitAdmin(OfSymbol):
    list_display = ["chart_of", "on", "ratio", "source", "recorded"]
    list_filter = ["source"]

    @admin.display(description="date", ordering="date")
    def on(self, split: Split) -> str:
        return split.date.isoformat()

    @admin.display(description="recorded (UTC)", ordering="recorded_at")
    def recorded(self, split: Split) -> str:
        return market_formatting.stamp(split.recorded_at)


@admin.register(Installation)
class InstallationAdmin(ReadOnlyAdmin):
    list_display = ["data", "decided_at"]
