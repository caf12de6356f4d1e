from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    """The design's parts side by side, for whoever extends it."""
    if not settings.DEBUG:
        raise Http404("only when DEBUG is on")
    return render(request, "styleguide.html", {"now": timezone.now()})
