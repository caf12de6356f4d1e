from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.views.page import page, show


@page
@require_GET
def away(request: HttpRequest) -> HttpResponse:
    return show(request, "away.html", timezone.now(), {})
