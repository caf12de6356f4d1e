"""What is written comes in the body. A parameter beside it is refused: ignored, it would seem to count."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import SAFE_METHODS
from rest_framework.settings import api_settings

from jaxsite.rest.problems import problem


class RefuseQueriesOfWrites:
    """Answers 400 for POST /api/v1/signals/.../approve/?quantity=5."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(
        self, request: HttpRequest, view: Any, args: list[Any], kwargs: dict[str, Any]
    ) -> HttpResponse | None:
        method = str(request.method)
        if method in SAFE_METHODS or method.lower() not in getattr(view, "actions", ()):
            return None
        for name in request.GET.keys() - {api_settings.URL_FORMAT_OVERRIDE}:
            refusal = f"{name:.50} is not a known parameter: what you send goes into the body."
            return problem(request, 400, f"{name:.50}: {refusal}", {name: [refusal]})
        return None
