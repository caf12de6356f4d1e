"""What the API answers is for one user: no cache keeps it, neither a browser's nor a proxy's."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

PRIVATE = "/api/v1/"


class PrivateAnswers:
    """Says so in every answer of the API, those of errors too."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        answer = self.get_response(request)
        if request.path.startswith(PRIVATE):
            answer.headers.setdefault("Cache-Control", "no-store")
        return answer
