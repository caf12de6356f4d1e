"""The frame of the pages on one's own account, for every user, with a role or without."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from desk import status_bar
from desk.page import READ, viewer


def show(
    request: HttpRequest, template: str, at: datetime, context: Mapping[str, Any], status: int = 200
) -> HttpResponse:
    """Render a page. The status bar is for those who have a role."""
    bar = {"status_bar": status_bar.load(at)} if viewer(request).has_perm(READ) else {}
    return render(request, template, {"now": at, **bar, **context}, status=status)
