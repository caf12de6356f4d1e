from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.views.page import page, show


@page
@require_GET
def account(request: HttpRequest) -> HttpResponse:
    return show(request, "account/account.html", timezone.now(), {})
