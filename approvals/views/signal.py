from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from approvals.views.page import page, show
from signals.models import Signal


@page
@require_GET
def signal(request: HttpRequest, pk: UUID) -> HttpResponse:
    return show(request, "signal.html", timezone.now(), {"signal": get_object_or_404(Signal, pk=pk)})
