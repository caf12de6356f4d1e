"""Text that no person means: it is refused, or found nowhere; it breaks nothing."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from drf_spectacular.generators import SchemaGenerator

from approvals.models import TradingHalt
from tests import make

pytestmark = [pytest.mark.long, pytest.mark.django_db]

HOSTILE = {
    "a NUL": "AA\x00PL",
    "control characters": "AA\x01\x1b[31mPL\x7f",
    "a line end": "AAPL\r\nSet-Cookie: a=b",
    "bidirectional marks": "\u202eLPAA\u2066",
    "digits of another alphabet": "\u0661\u0662\u0663",
    "superscripts": "\u00b2\u00b3",
    "half a surrogate": "\ud800",
    "very long": "9" * 100_000,
    "letters, very long": "A" * 100_000,
    "no UUID": "-" * 36,
    "nearly a UUID": "0" * 36,
    "quotes and brackets": "'\";--<script>${}{{7*7}}%s%(at)s\\",
    "a huge number": "1e999999",
    "not a number": "NaN",
    "a negative number": "-9223372036854775809",
    "nothing": "",
    "spaces": "   ",
}
PAGES = {
    "/": ["search", "page"],
    "/signals/": ["tab", "symbol", "side", "strategy", "timeframe", "page"],
    "/signals/news/": ["shown", "since", "symbol"],
    "/positions/": ["list", "span", "page"],
    "/scorecard/": ["by", "since", "until", "strategy", "timeframe", "user", "ledger", "page"],
    "/opinions/": ["page", "symbol", "analyst", "status", "trigger"],
    "/status/": ["page", "timeframe"],
    "/instruments/AAPL/": ["timeframe", "page", "until"],
    "/instruments/AAPL/bars/": ["timeframe", "until", "since", "bars"],
    "/login/": ["next"],
}
FORMS = {
    "/login/": ["username", "password", "next"],
    "/halt/": ["reason"],
    "/resume/": ["note"],
    "/account/zone/": ["zone"],
    "/account/tokens/": ["note", "scope", "days"],
    "/account/tokens/revoke/": ["token", "digest"],
    "/account/password/": ["old_password", "new_password1"],
    "/signals/{signal}/approve/": ["etag", "quantity", "limit_price", "stop_loss", "take_profit", "notes"],
    "/signals/{signal}/reject/": ["reason", "notes"],
    "/positions/AAPL/close/": ["shares", "notes"],
    "/admin/market/instrument/AAPL/change/": ["name", "calendar", "tick_size"],
}
FORM = "application/x-www-form-urlencoded"
OUR_FAULT = 500


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    generator = SchemaGenerator()  # type: ignore[no-untyped-call]  # it has no types
    return dict(generator.get_schema(request=None, public=True))  # type: ignore[no-untyped-call]  # nor has it


@pytest.fixture
def client() -> Client:
    make.instrument("AAPL")
    make.signal()
    client = Client(raise_request_exception=False)
    client.force_login(User.objects.create_superuser("ann"))
    return client


def encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def patterns(resolver: URLResolver, prefix: str = "") -> Iterator[str]:
    """Yield every address with a part that a caller chooses."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from patterns(pattern, route)
        elif isinstance(pattern, URLPattern) and ("<" in route):
            yield route


def filled(route: str, text: str) -> str:
    route = re.sub(r"\(\?P<\w+>(?:[^()]|\([^()]*\))*\)", "<>", route)
    route = re.sub(r"<[^>]*>", lambda _: encoded(text), route)
    return "/" + re.sub(r"[\^$]|\\Z|/\?", "", route).lstrip("/")


each_text = pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)


@each_text
def test_in_a_part_of_an_address(client: Client, text: str) -> None:
    answers = {
        (route, method.__name__): method(filled(route, text)).status_code
        for route in patterns(get_resolver())
        for method in (client.get, client.post)
    }
    assert len(answers) > 100
    assert failures(answers) == {}


@each_text
def test_in_a_query_parameter_of_the_api(client: Client, schema: dict[str, Any], text: str) -> None:
    answers = {
        (path, parameter["name"]): client.get(f"{path}?{parameter['name']}={encoded(text)}").status_code
        for path, operations in schema["paths"].items()
        if "{" not in path
        for parameter in operations.get("get", {}).get("parameters", [])
    }
    assert len(answers) > 50
    assert failures(answers) == {}


@each_text
def test_in_a_parameter_of_a_page(client: Client, text: str) -> None:
    answers = {
        (path, name): client.get(f"{path}?{name}={encoded(text)}").status_code
        for path, names in PAGES.items()
        for name in names
    }
    assert failures(answers) == {}


@each_text
def test_in_a_field_of_a_form(client: Client, text: str) -> None:
    answers: dict[Any, int] = {}
    for path, names in FORMS.items():
        for name in names:
            signal = make.signal(strategy_id=f"strategy_{len(answers)}")
            address, body = path.format(signal=signal.pk), f"{name}={encoded(text)}"
            answers[path, name] = client.post(address, body, content_type=FORM).status_code
    assert failures(answers) == {}


@each_text
def test_in_a_field_of_a_request_to_the_api(client: Client, schema: dict[str, Any], text: str) -> None:
    signal = str(make.signal(strategy_id="another").pk)
    answers: dict[Any, int] = {}
    for path, method, name in fields(schema):
        address = re.sub(r"\{[^}]*\}", signal, path)
        for kind, value in {"text": text, "list": [text], "object": {"a": text}}.items():
            send = getattr(client, method)
            answer = send(address, {name: value}, content_type="application/json")
            answers[path, method, name, kind] = answer.status_code
    assert len(answers) > 50
    assert failures(answers) == {}


@pytest.mark.parametrize("character", ["\x00", "\x1b", "\x7f", "\u202e", "\u2066"])
def test_what_no_person_types_is_refused_in_a_form_a_query_and_json(client: Client, character: str) -> None:
    text = f"fire {character} drill"
    assert client.post("/halt/", {"reason": text}).status_code == 400
    assert client.get("/signals/", {"symbol": text}).status_code == 400
    answer = client.post("/api/v1/halts/", {"reason": text}, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert not TradingHalt.objects.exists()


def test_line_ends_are_text_in_a_field(client: Client) -> None:
    client.post("/halt/", {"reason": "fire\r\ndrill"})
    assert TradingHalt.objects.exists()


def failures(answers: dict[Any, int]) -> dict[Any, int]:
    return {about: status for about, status in answers.items() if status >= OUR_FAULT}


def fields(schema: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    """Yield address, method and name of each field of a body."""
    for path, operations in schema["paths"].items():
        for method in {"post", "put", "patch"} & operations.keys():
            content = operations[method].get("requestBody", {}).get("content", {})
            reference = content.get("application/json", {}).get("schema", {}).get("$ref", "")
            body = schema["components"]["schemas"].get(reference.rpartition("/")[2], {})
            for name in body.get("properties", {}):
                yield path, method, name
