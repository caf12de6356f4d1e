"""A request reaches Django whole or not at all, an answer leaves it whole."""

import asyncio
import json
from dataclasses import dataclass, field

import pytest

from jaxsite.web.asgi import Message, Receive, Scope, Send
from jaxsite.web.bodies import ORDINARY, Allowance
from jaxsite.web.whole_requests import WholeRequests

LOAD = "/load/"
UPLOADS = {LOAD: Allowance(1_000_000, seconds=5)}
CHUNKED = {"transfer-encoding": "chunked"}


@dataclass
class Django:
    """An application that notes what it is asked, and answers with the body."""

    status: int = 200
    asked: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body, more = body + message["body"], message["more_body"]
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        self.asked.append((scope["method"], headers, body))
        await send({"type": "http.response.start", "status": self.status, "headers": []})
        await send({"type": "http.response.body", "body": body})


@dataclass
class Client:
    """A request, part by part, and what it is answered."""

    parts: list[bytes]
    stays: bool = True
    answer: list[Message] = field(default_factory=list)

    async def receive(self) -> Message:
        if not self.stays:
            return {"type": "http.disconnect"}
        part = self.parts.pop(0) if self.parts else b""
        return {"type": "http.request", "body": part, "more_body": bool(self.parts)}

    async def send(self, message: Message) -> None:
        self.answer.append(message)

    def post(self, django: Django, headers: dict[str, str], path: str = "/") -> "Client":
        given = [(name.encode(), value.encode()) for name, value in headers.items()]
        scope = {"type": "http", "method": "POST", "path": path, "headers": given}
        asyncio.run(WholeRequests(django, UPLOADS.get)(scope, self.receive, self.send))
        return self

    @property
    def status(self) -> int:
        return int(self.answer[0]["status"])

    @property
    def body(self) -> bytes:
        assert not self.answer[-1]["more_body"]
        return b"".join(message["body"] for message in self.answer[1:])


def test_the_parts_of_a_body_arrive_as_one_request() -> None:
    django = Django()
    client = Client([b"a" * 1000, b"b" * 1000]).post(django, {"content-length": "2000"})
    assert django.asked == [("POST", {"content-length": "2000"}, b"a" * 1000 + b"b" * 1000)]
    assert (client.status, client.body) == (200, b"a" * 1000 + b"b" * 1000)


def test_a_chunked_body_gets_the_length_that_django_reads_by() -> None:
    django = Django()
    Client([b"abc", b"de"]).post(django, CHUNKED)
    assert django.asked == [("POST", {"content-length": "5"}, b"abcde")]


@pytest.mark.parametrize(
    ("headers", "parts"), [({"content-length": "65537"}, []), (CHUNKED, [b"x" * ORDINARY.size, b"x"])]
)
@pytest.mark.parametrize("path", ["/", "/api/v1/halts/"])
def test_a_body_that_is_too_large_never_reaches_it(
    headers: dict[str, str], parts: list[bytes], path: str
) -> None:
    django = Django()
    client = Client([*parts]).post(django, headers, path)
    assert (django.asked, client.status) == ([], 413)
    assert (b"connection", b"close") in client.answer[0]["headers"]
    detail = json.loads(client.body)["detail"] if path.startswith("/api/") else client.body.decode().strip()
    assert detail == "The request has more than 64 kB."


def test_the_largest_that_is_allowed_does() -> None:
    django = Django()
    body = b"x" * ORDINARY.size
    assert Client([body]).post(django, {"content-length": str(len(body))}).status == 200


def test_the_page_of_a_file_is_asked_for_before_it_is_read() -> None:
    django = Django()
    headers = {"content-length": "100000", "content-type": "multipart/form-data", "cookie": "sessionid=x"}
    Client([b"x" * 100_000]).post(django, headers, LOAD)
    looked, posted = django.asked
    assert looked == ("GET", {"cookie": "sessionid=x"}, b"")
    assert (posted[0], len(posted[2])) == ("POST", 100_000)


@pytest.mark.parametrize("status", [302, 403, 404])
def test_who_may_not_see_the_page_gets_its_answer(status: int) -> None:
    django = Django(status)
    client = Client([b"x" * 100_000]).post(django, {"content-length": "100000"}, LOAD)
    assert ([method for method, _, _ in django.asked], client.status) == (["GET"], status)


def test_a_file_has_a_limit_too() -> None:
    django = Django()
    client = Client([]).post(django, {"content-length": "1000001"}, LOAD)
    assert ([method for method, _, _ in django.asked], client.status) == (["GET"], 413)


def test_headers_that_wsgi_takes_for_others_are_left_out() -> None:
    django = Django()
    Client([]).post(django, {"SCRIPT_NAME": "/evil", "x_forwarded_for": "203.0.113.9", "x-b": "kept"})
    assert django.asked == [("POST", {"x-b": "kept"}, b"")]


def test_django_is_not_asked_for_a_client_that_has_left() -> None:
    django = Django()
    client = Client([], stays=False).post(django, {"content-length": "5"})
    assert (django.asked, client.answer) == ([], [])
