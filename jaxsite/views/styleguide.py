"""The design's decisions side by side, for developers of pages."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_GET

COLOURS = {
    "ink": "text",
    "loud": "headings and figures that count",
    "muted": "labels, and what is only there to be looked up",
    "paper": "the page",
    "panel": "what lies on it",
    "sunk": "what is pressed or hovered",
    "line": "between rows",
    "edge": "around what can be pressed",
    "accent": "links",
    "accent-fill": "the one button that a page is for",
    "chosen": "what is chosen",
    "up": "money that is made, always with a sign or an arrow",
    "down": "money that is lost, likewise",
    "good": "a state that is well",
    "warn": "a state to know of",
    "bad": "a state to act on",
}
SIZES = ("small", "body", "large", "title", "figure")
SPACES = ("s1", "s2", "s3", "s4", "s6", "s8")


@require_GET
def styleguide(request: HttpRequest) -> HttpResponse:
    if not settings.DEBUG:
        raise Http404("only when DEBUG is on")
    context = {"now": timezone.now(), "colours": COLOURS, "sizes": SIZES, "spaces": SPACES}
    return render(request, "jaxsite/styleguide.html", context)
