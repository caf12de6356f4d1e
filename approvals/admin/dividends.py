"""Dividends of the account on paper: those paid, and those that wait for a rate, which a person may give."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from approvals import formatting as approval_formatting
from approvals.models import PaperDividend, WaitingDividend
from core import formatting
from core.admin.read_only import LogAdmin, TitledAdmin
from core.admin.users import user_of
from market import formatting as market_formatting

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[WaitingDividend]
else:
    ModelForm = forms.ModelForm


@admin.register(PaperDividend)
class PaperDividendAdmin(LogAdmin):
    list_display = ["ex_date", "chart_of", "quantity", "for_one", "cash", "converted", "recorded"]
    search_fields = ["symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-pk"]
    fields = ["ex_date", "chart_of", "quantity", "for_one", "cash", "converted", "recorded"]

    @admin.display(description="symbol")
    def chart_of(self, dividend: PaperDividend) -> SafeString:
        return market_formatting.chart_link(dividend.symbol)

    @admin.display(description="for one share")
    def for_one(self, dividend: PaperDividend) -> str:
        return f"{market_formatting.amount(dividend.amount)} {dividend.currency}"

    @admin.display(description="converted")
    def converted(self, dividend: PaperDividend) -> str:
        """Return the rate that it was paid at, of when and whose; nothing for the account's own currency."""
        if dividend.rate is None or dividend.rate_as_of is None:
            return formatting.NOTHING
        rate, as_of = dividend.rate.normalize(), f"{dividend.rate_as_of:%Y-%m-%d %H:%M} UTC"
        return f"{dividend.value} {dividend.currency} at {rate:f} of {as_of} from {dividend.rate_source}"

    @admin.display(description="recorded (UTC)")
    def recorded(self, dividend: PaperDividend) -> str:
        return approval_formatting.at(dividend.recorded_at)


class RateForm(ModelForm):
    """The rate that a person gives for a dividend that waits for one."""

    rate = forms.DecimalField(
        min_value=Decimal("1e-10"),
        max_digits=20,
        decimal_places=10,
        help_text="What one unit of its currency is worth in the account's: it is paid at that.",
    )

    class Meta:
        model = WaitingDividend
        fields = ["rate"]


@admin.register(WaitingDividend)
class WaitingDividendAdmin(TitledAdmin):
    """Those that are due in a currency of which no rate is known."""

    form = RateForm
    list_display = ["ex_date", "chart_of", "quantity", "for_one", "value", "currency", "why", "since"]
    search_fields = ["symbol__exact"]
    ordering = ["ex_date", "symbol", "currency"]
    fields = ["ex_date", "chart_of", "quantity", "for_one", "value", "currency", "why", "since", "rate"]
    readonly_fields = ["ex_date", "chart_of", "quantity", "for_one", "value", "currency", "why", "since"]
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: WaitingDividend | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: WaitingDividend, form: Any, change: bool) -> None:
        """Keep who gave the rate, and when. What was paid meanwhile stays paid."""
        given = {"rate": obj.rate, "rate_by": user_of(request), "rate_at": timezone.now()}
        WaitingDividend.objects.filter(pk=obj.pk).update(**given)

    @admin.display(description="symbol")
    def chart_of(self, dividend: WaitingDividend) -> SafeString:
        return market_formatting.chart_link(dividend.symbol)

    @admin.display(description="for one share")
    def for_one(self, dividend: WaitingDividend) -> str:
        return f"{market_formatting.amount(dividend.amount)} {dividend.currency}"
