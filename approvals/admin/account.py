"""The account as its broker sees it: what it holds and what it was worth."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import positions
from approvals.admin import words
from approvals.admin.kept import DayFilter, Kept
from approvals.admin.leaving import LeavingPositions
from approvals.models import AccountSnapshot, BrokerPosition
from market import words as market_words


class SeenFilter(DayFilter):
    field = "at"


@admin.register(BrokerPosition)
class BrokerPositionAdmin(LeavingPositions):
    list_display = ["symbol", "quantity", "ours", "not_ours", "cost", "seen"]
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"
    ordering = ["symbol"]
    fields = ["chart_of", "quantity", "ours", "not_ours", "cost", "seen", "results"]

    @admin.display(description="symbol")
    def chart_of(self, position: BrokerPosition) -> SafeString:
        return market_words.chart_link(position.symbol)

    @admin.display(description="not ours")
    def not_ours(self, position: BrokerPosition) -> str:
        return f"{position.foreign:,}"

    @admin.display(description="average cost")
    def cost(self, position: BrokerPosition) -> str:
        return words.price(position.average_cost)

    @admin.display(description="seen (UTC)")
    def seen(self, position: BrokerPosition) -> str:
        return words.at(position.seen_at)

    @admin.display(description="what it made")
    def results(self, position: BrokerPosition) -> str:
        found = positions.of(position.symbol)
        return f"{words.money(found.realised)} realised, {words.money(found.unrealised)} open"


@admin.register(AccountSnapshot)
class AccountSnapshotAdmin(Kept):
    list_display = ["seen", "broker", "worth", "money", "power", "currency"]
    list_filter = [SeenFilter]
    ordering = ["-pk"]
    fields = ["seen", "broker", "worth", "money", "power", "currency"]

    @admin.display(description="seen (UTC)")
    def seen(self, account: AccountSnapshot) -> str:
        return words.at(account.at)

    @admin.display(description="equity")
    def worth(self, account: AccountSnapshot) -> str:
        return words.money(account.equity)

    @admin.display(description="cash")
    def money(self, account: AccountSnapshot) -> str:
        return words.money(account.cash)

    @admin.display(description="buying power")
    def power(self, account: AccountSnapshot) -> str:
        return words.money(account.buying_power)
