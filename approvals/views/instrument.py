from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.views.page import page, show
from market.models import Instrument


@page
@require_GET
def instrument(request: HttpRequest, symbol: str) -> HttpResponse:
    found = get_object_or_404(Instrument, pk=symbol)
    return show(request, "instrument.html", timezone.now(), {"instrument": found})
