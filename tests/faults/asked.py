"""Which parameters and fields a page asks for: noted as it asks, so that none has to be listed."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict

ASKED: set[str] = set()


class Noting(QueryDict):
    """Notes each name that is looked up in it, there or not."""

    def get(self, name: Any, default: Any = None) -> Any:
        ASKED.add(str(name))
        return super().get(name, default)

    def getlist(self, name: Any, default: Any = None) -> Any:
        ASKED.add(str(name))
        return super().getlist(name, default)

    def __getitem__(self, name: Any) -> Any:
        ASKED.add(str(name))
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        ASKED.add(str(name))
        return super().__contains__(name)


class NoteNames:
    """Middleware that hands views such dictionaries."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.GET = noting(request.GET)  # type: ignore[assignment]  # no immutable one
        if request.method == "POST":
            request._post = noting(request.POST)  # type: ignore[attr-defined]  # where Django keeps it
        return self.get_response(request)


def noting(given: QueryDict) -> Noting:
    noting = Noting(mutable=True)
    for name, values in given.lists():
        noting.setlist(name, values)
    return noting


def names() -> Iterator[str]:
    """Yield the names noted since the last time, and forget them."""
    yield from sorted(ASKED)
    ASKED.clear()
