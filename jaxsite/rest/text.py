"""Text that no person types: control characters, and marks that turn the direction of what follows."""

from collections.abc import Callable, Iterator

from django.core.exceptions import BadRequest
from django.http import Http404, HttpRequest, HttpResponse, QueryDict

from core.sanitize import is_hostile

FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class RefuseHostileText:
    """Answers 404 for such text in an address, 400 in its query or a form. For JSON the API's parser does."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if is_hostile(request.path, one_line=True):
            raise Http404
        if any(is_hostile(text, one_line=True) for text in _texts(request.GET)):
            raise BadRequest("A parameter has characters that no text has.")
        if request.content_type in FORMS and any(map(is_hostile, _texts(request.POST))):
            raise BadRequest("A field has characters that no text has.")
        return self.get_response(request)


def _texts(given: QueryDict) -> Iterator[str]:
    for name, values in given.lists():
        yield from (name, *values)
