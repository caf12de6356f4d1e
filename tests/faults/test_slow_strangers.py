"""Peers that send or read slowly, or without end, hold up no other: real processes and proxies."""

import socket
import time
from collections.abc import Iterator

import pytest
import requests
from django.db import connection
from pytest_django import DjangoDbBlocker

from jaxsite.models import Beat
from tests.strangers import (
    LARGE_FILE,
    Habit,
    be_silent,
    read_nothing,
    send_without_end,
    strangers,
    trickle_a_body,
    trickle_a_header,
)
from tests.web import Web, behind, running

pytestmark = [pytest.mark.slow, pytest.mark.long, pytest.mark.django_db]

# On a quiet machine the limit is 250 ms, which `make bench` measures; a busy one takes longer.
SOON = 10.0
HABITS = [
    pytest.param(trickle_a_header, 10, id="headers"),
    pytest.param(trickle_a_body, 10, id="bodies"),
    pytest.param(send_without_end, 10, id="endless"),
    pytest.param(read_nothing, 10, id="readers"),
    pytest.param(be_silent, 1000, id="silent"),
]
FORM = "Host: localhost\r\nContent-Type: application/x-www-form-urlencoded\r\n"


@pytest.fixture(scope="module")
def web(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[Web]:
    with running() as started:
        yield started
    with django_db_blocker.unblock():
        Beat.objects.all().delete()  # written by the server, past the tests' transactions
        connection.close()


@pytest.fixture(scope="module", params=["direct", "nginx", "caddy"])
def port(web: Web, request: pytest.FixtureRequest) -> Iterator[int]:
    """Where the world reaches the web server: itself, or a proxy as docs/operations.md sets it up."""
    if request.param == "direct":
        yield web.port
    else:
        with behind(request.param, web) as port:
            yield port


@pytest.mark.parametrize(("habit", "count"), HABITS)
def test_others_are_answered_meanwhile(port: int, habit: Habit, count: int) -> None:
    with strangers(port, habit, count):
        for path in ["/health", "/login/"] * 5:
            assert requests.get(f"http://127.0.0.1:{port}{path}", timeout=SOON).status_code == 200


def test_a_body_that_trickles_is_given_up(web: Web) -> None:
    with strangers(web.port, trickle_a_body, 3) as still_open:
        assert still_open() == 3
        began = time.monotonic()
        answer = exchange(web.port, f"POST /login/ HTTP/1.1\r\n{FORM}Content-Length: 9\r\n\r\nx")
        assert 14 < time.monotonic() - began < 14 + SOON
        assert answer.startswith("HTTP/1.1 408 ")
        assert "The request did not arrive within 15 s." in answer


@pytest.mark.parametrize(
    "path", ["/login/", "/api/v1/halts/", "/admin/market/instrument/", "/nowhere", "/static/site.css"]
)
def test_a_large_body_is_refused_by_its_length_before_it_is_sent(web: Web, path: str) -> None:
    head = f"POST {path} HTTP/1.1\r\n{FORM}Expect: 100-continue\r\nContent-Length: 65537\r\n\r\n"
    answer = exchange(web.port, head)
    assert answer.startswith("HTTP/1.1 413 Request Entity Too Large\r\n")
    assert "connection: close" in answer
    kind = "application/problem+json" if path.startswith("/api/") else "text/plain"
    assert f"content-type: {kind}" in answer
    assert "The request has more than 64 kB." in answer


def test_a_refusal_arrives_though_the_client_goes_on_sending(web: Web) -> None:
    answer = requests.post(f"{web.url}/login/", data=b"x" * 2_000_000, timeout=SOON)
    assert (answer.status_code, answer.text) == (413, "The request has more than 64 kB.\n")


def test_a_body_of_no_declared_length_is_bounded_too(web: Web) -> None:
    answer = requests.post(f"{web.url}/login/", data=iter([b"x" * 1024] * 65), timeout=SOON)
    assert answer.status_code == 413
    small = requests.post(f"{web.url}/login/", data=iter([b"username=ann", b"&password=x"]), timeout=SOON)
    assert small.status_code == 403  # read by Django: it misses the token of the form


def test_a_file_of_a_stranger_is_refused_before_it_is_sent(web: Web) -> None:
    page = "/admin/market/instrument/AAPL/load/"
    answer = exchange(web.port, f"POST {page} HTTP/1.1\r\n{FORM}Content-Length: 9999999\r\n\r\n")
    assert answer.startswith("HTTP/1.1 302 ")
    assert "location: /admin/login/?next=" in answer
    assert "connection: close" in answer


@pytest.mark.parametrize(
    "header",
    [
        "SCRIPT_NAME: /evil",
        "Script-Name: /evil",
        "PATH_INFO: /evil",
        "REMOTE_ADDR: 203.0.113.9",
        "X_Forwarded_For: 203.0.113.9",
    ],
)
def test_a_header_cannot_pass_for_what_the_server_knows(web: Web, header: str) -> None:
    answer = exchange(web.port, f"GET /health HTTP/1.0\r\nHost: localhost\r\n{header}\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200 ")
    assert '"service":"jax"' in answer  # told to this machine alone
    page = exchange(web.port, f"GET /status/ HTTP/1.0\r\nHost: localhost\r\n{header}\r\n\r\n")
    assert "location: /login/?next=/status/" in page


@pytest.mark.parametrize(
    "head",
    [
        "GET /%FF%00 HTTP/1.1",
        "GET \xff HTTP/1.1",
        "OPTIONS * HTTP/1.1",
        "GET //%2e%2e HTTP/1.1",
        "nonsense",
        "GET / HTTP/9.9",
    ],
)
def test_a_malformed_request_is_no_fault_of_ours(web: Web, head: str) -> None:
    answer = exchange(web.port, f"{head}\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    assert answer[9:10] in ("2", "3", "4")


def test_a_header_without_end_is_refused(web: Web) -> None:
    answer = exchange(web.port, f"GET / HTTP/1.1\r\nHost: localhost\r\nX-Long: {'x' * 100_000}")
    assert answer.startswith("HTTP/1.1 400 ")


def test_readers_of_nothing_cost_little_memory(web: Web) -> None:
    before = memory(web)
    with strangers(web.port, read_nothing, 300):
        for _ in range(5):
            assert requests.get(f"{web.url}/login/", timeout=4 * SOON).status_code == 200
        assert memory(web) - before < 300 * 2**20  # what they asked for at once has 450 MB


def test_a_large_answer_arrives_whole(web: Web) -> None:
    answer = requests.get(f"{web.url}{LARGE_FILE}", timeout=SOON)
    assert len(answer.content) > 1_000_000
    assert len(requests.get(f"{web.url}{LARGE_FILE}", timeout=SOON).content) == len(answer.content)


def memory(web: Web) -> int:
    return sum(int(process.memory_info().rss) for process in web.children())


def exchange(port: int, request: str) -> str:
    """Send it, and return all that comes until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall(request.encode("latin-1"))
        answer = b""
        while part := connection.recv(65536):
            answer += part
        return answer.decode("latin-1")
