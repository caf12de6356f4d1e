"""A proxy with TLS while PRODUCTION is off is noticed, and those who come through it are told what to do."""

import logging

import pytest
from django.contrib.auth.models import User
from django.test import Client
from pytest_django import Settings

from tests import make

pytestmark = pytest.mark.django_db

ADVICE = "PRODUCTION is off"
OVER_HTTPS = [
    {"X-Forwarded-Proto": "https"},
    {"X-Forwarded-Proto": "http, https"},
    {"Forwarded": 'for=203.0.113.9;proto="https"'},
]


@pytest.mark.parametrize("headers", OVER_HTTPS)
@pytest.mark.parametrize("address", ["/login/", "/", "/admin/", "/nowhere/"])
def test_a_page_says_so(client: Client, headers: dict[str, str], address: str) -> None:
    client.force_login(User.objects.create_superuser("ann"))
    assert ADVICE in client.get(address, headers=headers, follow=True).content.decode()


@pytest.mark.parametrize("address", ["/", "/admin/", "/nowhere/"])
@pytest.mark.parametrize("headers", [{}, {"X-Forwarded-Proto": "http"}, {"X-Forwarded-For": "203.0.113.9"}])
def test_nothing_is_said_without_tls(client: Client, headers: dict[str, str], address: str) -> None:
    client.force_login(User.objects.create_superuser("ann"))
    assert ADVICE not in client.get(address, headers=headers).content.decode()


def test_nothing_is_said_in_production(client: Client, settings: Settings) -> None:
    settings.PRODUCTION = True
    assert ADVICE not in client.get("/login/", headers=OVER_HTTPS[0]).content.decode()


def test_a_form_that_is_refused_for_it_says_why(client: Client) -> None:
    client = Client(enforce_csrf_checks=True)
    headers = {"X-Forwarded-Proto": "https", "Origin": "https://jax.example.org"}
    answer = client.post("/login/", headers=headers)
    assert answer.status_code == 403
    assert ADVICE in answer.content.decode()


def test_a_name_that_is_refused_for_it_says_why(client: Client) -> None:
    headers = {"X-Forwarded-Proto": "https", "Host": "jax.example.org"}
    answer = client.get("/login/", headers=headers)
    assert answer.status_code == 400
    assert ADVICE in answer.content.decode()


def test_health_is_degraded_for_a_monitor_that_comes_that_way(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = "a-token"
    make.ready(make.T0)
    headers = {"X-Forwarded-Proto": "https", "Authorization": "Bearer a-token"}
    answer = client.get("/health", headers=headers).json()
    assert (answer["status"], answer["checks"]["proxy"]["status"]) == ("degraded", "degraded")
    assert ADVICE in answer["checks"]["proxy"]["message"]
    assert "proxy" not in client.get("/health").json()["checks"]


def test_the_log_says_it_once(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "jaxsite.views.proxy"):
        for _ in range(3):
            client.get("/login/", headers=OVER_HTTPS[0])
    assert [ADVICE in record.message for record in caplog.records].count(True) == 1
