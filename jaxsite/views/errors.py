"""Answers to failed requests: problem details for the API, pages for browsers.

The pages need no database and no login: neither may be there.
"""

from typing import cast

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from desk.page import READ
from jaxsite.rest.problems import API, problem
from jaxsite.views.context import installation


def error_page(request: HttpRequest, status: int, template: str = "") -> HttpResponse:
    """Render without the request, so that nothing in the frame reads the user."""
    html = render_to_string(template or f"{status}.html", installation(request))
    return HttpResponse(html, status=status, headers={"Cache-Control": "no-store"})


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return problem(request, 400, "The request is not well formed.")
    return error_page(request, 400)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403, saying what is missing: role, permission or factor. The user has been read already."""
    user = cast(User, request.user)
    context = {"has_role": user.has_perm(READ), "refusal": getattr(user, "refusal", "")}
    return render(request, "403.html", context, status=403)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return problem(request, 404, "There is nothing at this address. /api/docs/ lists those that exist.")
    return error_page(request, 404)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(API):
        return problem(request, 500, "This is our fault. What went wrong is in the log of the web server.")
    return error_page(request, 500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without its token: an old page, blocked cookies, or another site's form."""
    return error_page(request, 403, "403_csrf.html")
