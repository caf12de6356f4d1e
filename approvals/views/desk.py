from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.views.page import page, show


@page
@require_GET
def desk(request: HttpRequest) -> HttpResponse:
    return show(request, "desk.html", timezone.now(), {})
