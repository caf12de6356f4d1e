"""Who is told what by /health and /metrics, and under which names of the site."""

from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.test import Client
from pytest_django import Settings

from core.redaction import secret_values
from jaxsite.processes.metrics_token import ensure_token, read_token
from tests import make

pytestmark = pytest.mark.django_db

STRANGER: dict[str, Any] = {"REMOTE_ADDR": "203.0.113.9"}
TOKEN = "a-token-of-a-monitor"


@pytest.fixture(autouse=True)
def token(settings: Settings) -> None:
    settings.METRICS_TOKEN = TOKEN
    make.ready(make.T0)


@pytest.mark.parametrize(
    "call",
    [
        STRANGER,
        {"REMOTE_ADDR": "10.0.0.7"},
        {"REMOTE_ADDR": ""},
        {"headers": {"X-Forwarded-For": "203.0.113.9"}},
        {"headers": {"Forwarded": "for=203.0.113.9"}},
        {"headers": {"X-Real-IP": "203.0.113.9"}},
        {"headers": {"Via": "1.1 proxy"}},
        {"headers": {"X-Forwarded-Proto": "https"}},
        {"headers": {"Authorization": "Bearer wrong"}, **STRANGER},
        {"headers": {"Authorization": "Bearer "}, **STRANGER},
        {"headers": {"Authorization": f"Token {TOKEN}"}, **STRANGER},
        {"headers": {"Authorization": "Bearer t\u00f6ken"}, **STRANGER},
    ],
)
def test_a_stranger_is_told_whether_jax_is_well_and_no_figure(client: Client, call: Any) -> None:
    health, metrics = client.get("/health", **call), client.get("/metrics", **call)
    assert (health.status_code, health.json().keys()) == (200, {"status"})
    assert (metrics.status_code, metrics["WWW-Authenticate"]) == (401, "Bearer")
    assert metrics["Content-Type"] == "application/problem+json"
    assert metrics.json().keys() == {"type", "title", "status", "detail", "instance"}


@pytest.mark.parametrize(
    "call",
    [
        {},
        {"REMOTE_ADDR": "::1"},
        {"REMOTE_ADDR": "127.0.0.9"},
        {"headers": {"Authorization": f"Bearer {TOKEN}"}, **STRANGER},
        {"headers": {"Authorization": f"bearer  {TOKEN} ", "X-Forwarded-For": "203.0.113.9"}},
    ],
)
def test_this_machine_and_a_monitor_with_the_token_are_told_all(client: Client, call: Any) -> None:
    assert "worker" in client.get("/health", **call).json()["checks"]
    assert client.get("/metrics", **call).status_code == 200


def test_without_a_token_no_call_has_it(client: Client, settings: Settings) -> None:
    settings.METRICS_TOKEN = ""
    answer = client.get("/metrics", headers={"Authorization": "Bearer "}, **STRANGER)
    assert answer.status_code == 401


@pytest.mark.parametrize("host", ["127.0.0.1:8095", "localhost:8095", "localhost", "[::1]:8095"])
def test_this_machine_may_scrape_by_its_own_names_in_production(
    client: Client, settings: Settings, host: str
) -> None:
    settings.ALLOWED_HOSTS = [".jax.example.org"]
    for address in ("/health", "/metrics"):
        assert client.get(address, headers={"Host": host}).status_code == 200
        assert client.get(address, headers={"Host": host}, **STRANGER).status_code == 400
        assert client.get(address, headers={"Host": "evil.example"}).status_code == 400
    assert client.get("/login/", headers={"Host": host}).status_code == 400


def test_the_token_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "var" / "metrics_token"
    assert read_token(path) == ""
    ensure_token(path)
    first = read_token(path)
    ensure_token(path)
    assert len(first) > 30
    assert read_token(path) == first
    assert path.stat().st_mode & 0o777 == 0o600


def test_the_token_is_a_secret() -> None:
    assert "METRICS_TOKEN" in configured.SECRET_SETTINGS
    assert TOKEN in secret_values(configured)
