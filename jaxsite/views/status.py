from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.views.page import page, show
from jaxsite import health


@page
@require_GET
def status(request: HttpRequest) -> HttpResponse:
    at = timezone.now()
    return show(request, "status.html", at, {"checks": health.examine(at)})
