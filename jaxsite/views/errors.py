"""Pages for what went wrong. They need no database and no login: neither may be there."""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from desk.page import READ
from jaxsite import context


def page(status: int, template: str = "") -> HttpResponse:
    """Without the request, so that nothing in the frame asks who is looking."""
    shown = render_to_string(template or f"{status}.html", context.simulated())
    return HttpResponse(shown, status=status, headers={"Cache-Control": "no-store"})


def not_allowed(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Whoever is refused was looked up already: the page says whether a role or a permission is missing."""
    has_role = cast(User, request.user).has_perm(READ)
    return render(request, "403.html", {"has_role": has_role}, status=403)


def out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without its token: an old page, blocked cookies, or another site's."""
    return page(403, "403_csrf.html")
