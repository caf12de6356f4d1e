"""The trades page: what closed trades made, together and each, as a table and as files."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.models import Charge, Trade
from approvals.positions.trades.export import charges_csv, tax_lots_csv, trades_csv
from approvals.positions.trades.lots import Method
from approvals.positions.trades.summary import charged, summaries
from core.paging import paged
from desk.page import page, part, show, without_page
from signals.models import Signal
from signals.strategies import STRATEGIES

PER_PAGE = 50
READ_AT_ONCE = 2000  # rows of a file
DAY = timedelta(days=1)


class Filters(forms.Form):
    symbol = forms.CharField(max_length=16, required=False)
    side = forms.ChoiceField(choices=[("", "both sides"), *Signal.Type.choices], required=False)
    strategy = forms.ChoiceField(
        choices=[
            ("", "all strategies"),
            *((strategy.id, strategy.title) for strategy in STRATEGIES.values()),
        ],
        required=False,
    )
    exit = forms.ChoiceField(choices=[("", "all exits"), *Trade.Exit.choices], required=False)
    since = forms.DateField(required=False, widget=forms.DateInput({"type": "date"}))
    until = forms.DateField(required=False, widget=forms.DateInput({"type": "date"}))

    def apply(self) -> QuerySet[Trade]:
        """Return the trades that the valid fields name; all where none is given. Days are the viewer's."""
        self.is_valid()
        values = self.cleaned_data
        columns = {"side": "side", "strategy_id": "strategy", "exit": "exit"}
        lookups: dict[str, Any] = {
            column: values[name] for column, name in columns.items() if values.get(name)
        }
        if values.get("symbol"):
            lookups["symbol__istartswith"] = values["symbol"].strip()
        if values.get("since"):
            lookups["closed_at__gte"] = _midnight(values["since"])
        if values.get("until"):
            lookups["closed_at__lt"] = _midnight(values["until"] + DAY)
        return Trade.objects.filter(**lookups)

    def charges(self) -> QuerySet[Charge]:
        """Return the charges of the days, and of the symbol where one is named."""
        self.is_valid()
        values, lookups = self.cleaned_data, dict[str, Any]()
        if values.get("symbol"):
            lookups["symbol__istartswith"] = values["symbol"].strip()
        if values.get("since"):
            lookups["at__gte"] = _midnight(values["since"])
        if values.get("until"):
            lookups["at__lt"] = _midnight(values["until"] + DAY)
        return Charge.objects.filter(**lookups)


class LotsForm(forms.Form):
    """What a table of tax lots is to hold."""

    year = forms.IntegerField(required=False, min_value=1900, max_value=2999)
    method = forms.ChoiceField(choices=[(method.value, method.name) for method in Method])
    washes = forms.BooleanField(required=False)


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


@page
@require_GET
def index(request: HttpRequest) -> HttpResponse:
    at, filters = timezone.now(), Filters(request.GET)
    trades = filters.apply()
    shown = paged(trades.select_related("decided_by"), request.GET.get("page"), PER_PAGE)
    context = {
        "filters": filters,
        "summaries": summaries(trades),
        "charged": charged(filters.charges()),
        "page": shown,
        "others": without_page(request),
        "lots": LotsForm(initial={"year": timezone.localtime(at).year - 1, "method": Method.FIFO.value}),
    }
    return show(request, "desk/trades.html", at, context)


@part
@require_GET
def export(request: HttpRequest) -> HttpResponse:
    """Return the trades that the filters let through as a CSV file."""
    trades = Filters(request.GET).apply().select_related("decided_by")
    return _file(trades_csv(trades.iterator(READ_AT_ONCE)), "trades.csv")


@part
@require_GET
def export_charges(request: HttpRequest) -> HttpResponse:
    """Return the charges of the days and the symbol of the filters as a CSV file."""
    return _file(charges_csv(Filters(request.GET).charges().iterator(READ_AT_ONCE)), "charges.csv")


@part
@require_GET
def tax_lots(request: HttpRequest) -> HttpResponse:
    """Return what was sold in a year as a CSV file, one row a lot."""
    form = LotsForm(request.GET)
    if not form.is_valid():
        return HttpResponse(form.errors.as_text(), status=400, content_type="text/plain; charset=utf-8")
    year, method = form.cleaned_data["year"], Method(form.cleaned_data["method"])
    lines = tax_lots_csv(year, method, washes=form.cleaned_data["washes"])
    return _file(lines, f"tax-lots-{year or 'all'}-{method.value}.csv")


def _file(lines: Iterable[str], name: str) -> HttpResponse:
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer.writelines(lines)
    return answer
