"""The page that walks a person through the settings of IB Gateway."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.brokers.ib import setup
from approvals.brokers.ib.walkthrough import State
from desk.page import page_by_the_clock, show


@require_GET
@page_by_the_clock
def index(request: HttpRequest) -> HttpResponse:
    steps = setup.steps(settings)
    to_do = next((step for step in steps if step.state is State.TODO), None)
    return show(request, "desk/gateway.html", timezone.now(), {"steps": steps, "to_do": to_do})
