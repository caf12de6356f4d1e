"""Text that no person types: control characters, and marks that turn the direction of what follows."""

from collections.abc import Callable, Iterator

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from core.sanitize import is_hostile, why_hostile
from jaxsite.rest.problems import API, problem

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class RefuseHostileText:
    """Answers 404 for such text in an address, 400 in its query or a form. For JSON the API's parser does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_hostile(request.path, one_line=True):
            raise Http404
        for name, text in _texts(request.GET):
            if is_hostile(name + text, one_line=True):
                return _refused(request, name, text)
        if request.content_type in FORMS:
            for name, text in _texts(request.POST):
                if is_hostile(name + text):
                    return _refused(request, name, text)
        return self.get_response(request)


def _refused(request: HttpRequest, name: str, text: str) -> HttpResponse:
    """Refuse a parameter or field with such text: the API by its name."""
    why = why_hostile(text)
    if not request.path.startswith(API):
        raise BadRequest(why)
    return problem(request, 400, f"{name}: {why}", {name: [why]})


def _texts(given: QueryDict) -> Iterator[tuple[str, str]]:
    return ((name, text) for name, values in given.lists() for text in values)
