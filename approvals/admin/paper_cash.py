"""Cash of the account on paper: what people move, with a form for it, what holding costs, borrow rates."""

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST

from approvals import formatting as approval_formatting
from approvals.execution.paper import transfers
from approvals.execution.paper.transfers import Kind
from approvals.models import BorrowRate, PaperCharge, PaperTransfer
from core.admin.read_only import LogAdmin, TitledAdmin
from core.admin.users import may, user_of
from market import formatting as market_formatting
from market.models import Instrument

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[BorrowRate]
else:
    ModelForm = forms.ModelForm


class TransferForm(forms.Form):
    """What is moved, and why."""

    kind = forms.ChoiceField(choices=PaperTransfer.Kind.choices)
    amount = forms.DecimalField(min_value=Decimal("0.01"), max_digits=15, decimal_places=2)
    reason = forms.CharField(max_length=300)


@admin.register(PaperTransfer)
class PaperTransferAdmin(LogAdmin):
    """The transfers, with a form that makes one: the broker commits it by itself."""

    list_display = ["moved", "account", "kind", "cash", "by", "reason"]
    list_filter = ["account", "kind"]
    list_select_related = ["by"]
    search_fields = ["reason"]
    ordering = ["-pk"]
    fields = ["moved", "account", "kind", "cash", "by", "reason"]

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(require_POST(self.move))
        return [path("move/", view, name="approvals_papertransfer_move"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        given = {"may_move": may(request, "approvals.add_papertransfer")}
        return super().changelist_view(request, given | (extra_context or {}))

    def move(self, request: HttpRequest) -> HttpResponse:
        if not may(request, "approvals.add_papertransfer"):
            raise PermissionDenied
        form = TransferForm(request.POST)
        if form.is_valid():
            self._move(request, form.cleaned_data)
        else:
            wrong = "; ".join(f"{name}: {' '.join(map(str, errors))}" for name, errors in form.errors.items())
            self.message_user(request, f"Nothing was moved. {wrong}", messages.ERROR)
        return redirect("admin:approvals_papertransfer_changelist")

    def _move(self, request: HttpRequest, given: dict[str, Any]) -> None:
        kind, user = Kind(given["kind"]), user_of(request)
        try:
            transfer = transfers.move(kind, given["amount"], user, given["reason"], timezone.now())
        except transfers.NotMoved as refusal:
            self.message_user(request, f"Nothing was moved. {refusal}", messages.ERROR)
        else:
            self.message_user(request, f"{transfer.kind.capitalize()}: {transfer.cash:+,.2f}.")

    @admin.display(description="at (UTC)")
    def moved(self, transfer: PaperTransfer) -> str:
        return approval_formatting.at(transfer.at)


@admin.register(PaperCharge)
class PaperChargeAdmin(LogAdmin):
    list_display = [
        *["day", "account", "kind", "chart_of", "quantity", "price", "rate", "nights", "cash", "recorded"]
    ]
    list_filter = ["account", "kind"]
    search_fields = ["symbol__exact"]
    search_help_text = "A symbol in capitals"
    ordering = ["-pk"]
    fields = ["day", "account", "kind", "chart_of", "quantity", "price", "rate", "nights", "cash", "recorded"]

    @admin.display(description="symbol")
    def chart_of(self, charge: PaperCharge) -> SafeString:
        return market_formatting.chart_link(charge.symbol)

    @admin.display(description="recorded (UTC)")
    def recorded(self, charge: PaperCharge) -> str:
        return approval_formatting.at(charge.recorded_at)


class BorrowRateForm(ModelForm):
    """A yearly rate of a symbol that is known."""

    rate = forms.DecimalField(
        min_value=0,
        max_value=100,
        max_digits=9,
        decimal_places=6,
        help_text="Of the value, for a year; 0.05: 5%.",
    )

    class Meta:
        model = BorrowRate
        fields = ["symbol", "rate"]

    def clean_symbol(self) -> str:
        symbol = str(self.cleaned_data["symbol"]).strip().upper()
        if not Instrument.objects.filter(pk=symbol).exists():
            raise forms.ValidationError(f"{symbol} is not known here. Put it on the watchlist first.")
        return symbol


@admin.register(BorrowRate)
class BorrowRateAdmin(TitledAdmin):
    """What borrowing costs; nights that were charged keep their rate."""

    form = BorrowRateForm
    list_display = ["symbol", "rate"]
    search_fields = ["symbol__exact"]
    ordering = ["symbol"]
    actions = None
