"""The account as its broker sees it: what it holds and what it was worth."""

from django.contrib import admin
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals import positions
from approvals.admin.exits import PositionExits
from approvals.models import AccountSnapshot, BrokerPosition
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin
from market import formatting as market_formatting


class SeenFilter(DayFilter):
    field = "at"


@admin.register(BrokerPosition)
class BrokerPositionAdmin(PositionExits):
    list_display = ["symbol", "held", "ours", "not_ours", "cost", "seen_on"]
    search_fields = ["symbol"]
    search_help_text = "A part of the symbol"
    ordering = ["symbol"]
    fields = ["chart_of", "held", "ours", "not_ours", "cost", "seen_on", "results"]

    @admin.display(description="symbol")
    def chart_of(self, position: BrokerPosition) -> SafeString:
        return market_formatting.chart_link(position.symbol)

    @admin.display(description="quantity", ordering="quantity")
    def held(self, position: BrokerPosition) -> str:
        return f"{position.quantity:,}"

    @admin.display(description="not ours")
    def not_ours(self, position: BrokerPosition) -> str:
        return f"{position.foreign:,}"

    @admin.display(description="average cost")
    def cost(self, position: BrokerPosition) -> str:
        return approval_formatting.price(position.average_cost)

    @admin.display(description="seen (UTC)")
    def seen_on(self, position: BrokerPosition) -> str:
        return approval_formatting.at(position.seen_at)

    @admin.display(description="profit and loss")
    def results(self, position: BrokerPosition) -> str:
        held = positions.of(position.symbol)
        realised, unrealised = map(approval_formatting.money, (held.realised, held.unrealised))
        unknown = ", a commission not yet known" if held.commissions_unknown else ""
        return f"{realised} realised{unknown}, {unrealised} open"


@admin.register(AccountSnapshot)
class AccountSnapshotAdmin(LogAdmin):
    list_display = ["seen_on", "broker", "worth", "money", "power", "currency"]
    list_filter = [SeenFilter]
    ordering = ["-pk"]
    fields = ["seen_on", "broker", "worth", "money", "power", "currency"]

    @admin.display(description="seen (UTC)")
    def seen_on(self, account: AccountSnapshot) -> str:
        return approval_formatting.at(account.at)

    @admin.display(description="equity")
    def worth(self, account: AccountSnapshot) -> str:
        return approval_formatting.money(account.equity)

    @admin.display(description="cash")
    def money(self, account: AccountSnapshot) -> str:
        return approval_formatting.money(account.cash)

    @admin.display(description="buying power")
    def power(self, account: AccountSnapshot) -> str:
        return approval_formatting.money(account.buying_power)
