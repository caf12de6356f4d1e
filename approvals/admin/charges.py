"""Money that moved by itself: fees of the day after, interest, dividends, as the broker says."""

from django.contrib import admin

from approvals import formatting as approval_formatting
from approvals.models import Charge
from core.admin.filters import DayFilter
from core.admin.read_only import LogAdmin


class ChargedFilter(DayFilter):
    field = "at"


@admin.register(Charge)
class ChargeAdmin(LogAdmin):
    list_display = [
        "charged",
        "kind",
        "amount",
        "currency",
        "what",
        "symbol",
        "execution_id",
        "broker",
        "charge_id",
    ]
    list_filter = ["kind", "currency", ChargedFilter]
    search_fields = ["symbol__exact", "charge_id__exact", "execution_id__exact"]
    search_help_text = "A symbol in capitals, or the broker's id of the charge or of its execution"
    ordering = ["-at", "-pk"]
    fields = [
        *["charged", "kind", "amount", "currency", "what", "symbol", "execution_id", "broker", "charge_id"],
        "recorded",
    ]

    @admin.display(description="charged (UTC)")
    def charged(self, charge: Charge) -> str:
        return approval_formatting.at(charge.at)

    @admin.display(description="recorded (UTC)")
    def recorded(self, charge: Charge) -> str:
        return approval_formatting.at(charge.recorded_at)
