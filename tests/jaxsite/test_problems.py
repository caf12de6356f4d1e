import socket
import string
from json import loads
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import OperationalError
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries
from pytest_django.live_server_helper import LiveServer
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from jaxsite.rest import problems
from jaxsite.views import errors
from market.api.quotes import QuoteViewSet

pytestmark = pytest.mark.django_db
LISTS = [
    *["instruments", "quotes", "candles", "ingestion-runs", "gaps"],
    *["signals", "strategies", "scans", "backtests"],
]
PARAMETERS = [
    *["symbol", "timeframe", "from", "to", "limit", "offset", "watched", "reason", "kind", "format"],
    *["status", "strategy", "min_confidence", "generated_after", "started_before", "ordering"],
]


@pytest.fixture
def client() -> APIClient:
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_superuser("someone"))
    return client


def assert_problem(answer: Any, status: int, title: str) -> dict[str, Any]:
    assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json")
    problem: dict[str, Any] = answer.json()
    assert (problem["type"], problem["title"], problem["status"]) == ("about:blank", title, status)
    return problem


def test_a_refusal_names_each_field_and_the_address(client: APIClient) -> None:
    problem = assert_problem(client.post("/api/v1/instruments/", {"name": 5}), 400, "Bad Request")
    assert problem["instance"] == "/api/v1/instruments/"
    assert problem["errors"] == {"symbol": ["This field is required."]}
    assert problem["detail"] == "symbol: This field is required."


@pytest.mark.parametrize(
    ("wrong", "errors"),
    [
        ({"symbols": {1: ["Blank."]}}, {"symbols": ["1: Blank."]}),
        ({"rules": {"stop": {"atr": ["Low.", "Odd."]}}}, {"rules": ["stop: atr: Low.", "stop: atr: Odd."]}),
        ({"rows": [{"x": ["Blank."]}, {}, ["Odd."]]}, {"rows": ["x: Blank.", "Odd."]}),
        (["Odd."], {"body": ["Odd."]}),
    ],
)
def test_what_is_wrong_inside_a_field_is_told_in_plain_text(
    rf: Any, wrong: Any, errors: dict[str, Any]
) -> None:
    answer: Any = problems.handle(ValidationError(wrong), {"request": rf.get("/api/v1/backtests/")})
    assert loads(answer.content)["errors"] == errors
    assert "ErrorDetail" not in answer.content.decode()


@pytest.mark.parametrize(
    "address", ["/api/", "/api/v2/quotes/", "/api/v1/unheard-of/", "/api/v1/quotes/%00/"]
)
def test_an_unknown_address_is_a_problem(client: APIClient, address: str) -> None:
    assert_problem(client.get(address), 404, "Not Found")


def test_an_unknown_symbol_is_a_problem(client: APIClient) -> None:
    assert_problem(client.get("/api/v1/quotes/ZZZ/"), 404, "Not Found")


def test_an_unknown_page_stays_a_page(client: APIClient) -> None:
    assert client.get("/nowhere/")["Content-Type"] == "text/html; charset=utf-8"


def test_a_stranger_is_told_how_to_log_in() -> None:
    answer = Client().get("/api/v1/quotes/")
    assert_problem(answer, 401, "Unauthorized")
    assert answer["WWW-Authenticate"] == "Token"


def test_our_own_failure_is_a_problem_that_gives_nothing_away(
    client: APIClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QuoteViewSet, "list", lambda *_: 1 / 0)
    problem = assert_problem(client.get("/api/v1/quotes/"), 500, "Internal Server Error")
    assert "division" not in str(problem)


def test_our_own_failure_on_a_page_is_a_page_that_asks_nothing_of_the_database(
    rf: Any, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_num_queries(0):
        answer = errors.server_error(rf.get("/admin/market/instrument/"))
    assert answer.status_code == 500
    assert b"This is our fault." in answer.content


def test_a_database_that_is_away_is_a_problem_that_passes(rf: Any) -> None:
    secret = OperationalError("connection to user jax password hunter2 failed")
    answer: Any = problems.handle(secret, {"request": rf.get("/api/v1/quotes/")})
    assert (answer.status_code, answer["Retry-After"]) == (503, "5")
    assert b"hunter2" not in answer.content


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"nul",
        b"\xff\xfe",
        b'{"symbol": "\\u0000"}',
        b'{"symbol": "\\ud800"}',
        b"[1]",
        b'"x"',
        b"[" * 9999,
    ],
)
def test_a_malformed_body_is_refused(client: APIClient, body: bytes) -> None:
    answer = client.post("/api/v1/instruments/", body, content_type="application/json")
    assert_problem(answer, 400, "Bad Request")


def test_a_body_that_is_not_json_is_refused(client: APIClient) -> None:
    answer = client.post("/api/v1/instruments/", "symbol=IBM", content_type="text/plain")
    assert_problem(answer, 415, "Unsupported Media Type")


def test_a_session_without_its_csrf_token_may_not_write() -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(User.objects.create_superuser("admin"))
    answer = browser.post("/api/v1/instruments/", {"symbol": "IBM"}, "application/json")
    assert "CSRF" in assert_problem(answer, 403, "Forbidden")["detail"]


@pytest.mark.parametrize("accept", ["text/html", "text/html,*/*;q=0.8", "application/xml"])
def test_there_is_no_page_to_browse(client: APIClient, accept: str) -> None:
    answer = client.get("/api/v1/quotes/", HTTP_ACCEPT=accept)
    assert answer["Content-Type"] in ("application/json", "application/problem+json")


@pytest.mark.parametrize("token", [b"\0", b"a\0b", b"\xff\xfe", "é".encode(), b"0" * 5000, b"' OR 1=1"])
def test_a_token_of_odd_bytes_is_refused_over_http(live_server: LiveServer, token: bytes) -> None:
    at = urlsplit(live_server.url)
    with socket.create_connection((at.hostname or "", at.port or 0), timeout=60) as line:
        line.sendall(
            b"GET /api/v1/quotes/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
            b"Authorization: Token " + token + b"\r\n\r\n"
        )
        status = line.makefile("rb").readline()
    assert b" 401 " in status


odd = st.one_of(
    st.binary(max_size=20),
    st.sampled_from(
        [b"%00", b"%ff", b"AAPL", b"1d", b"9" * 5000, b"-1", b"1e999", b"%ED%A0%80", b"0001-01-01"]
    ),
    st.integers(-(10**30), 10**30).map(lambda number: str(number).encode()),
    st.datetimes().map(lambda at: at.isoformat().encode()),
)
query = st.lists(st.tuples(st.sampled_from(PARAMETERS), odd), max_size=4)


@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(noun=st.sampled_from(LISTS), query=query)
def test_no_query_string_makes_us_fail(client: APIClient, noun: str, query: list[tuple[str, bytes]]) -> None:
    raw = b"&".join(name.encode() + b"=" + value for name, value in query).decode("latin-1")
    assert client.get(f"/api/v1/{noun}/", QUERY_STRING=raw).status_code in (200, 400, 422)


json = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(st.characters(), max_size=20),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(string.ascii_letters), inner, max_size=2)
    ),
    max_leaves=4,
)


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    derandomize=True,
)
@given(
    name=st.sampled_from(["symbol", "name", "currency", "tick_size", "watched", "split_pending_since"]),
    value=json,
)
def test_no_value_makes_us_fail(client: APIClient, name: str, value: Any) -> None:
    answer = client.patch("/api/v1/instruments/AAPL/", {name: value})
    assert answer.status_code in (200, 400, 422)
