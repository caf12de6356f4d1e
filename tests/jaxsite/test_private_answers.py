"""No cache keeps what the API tells a user, not even an error."""

import pytest
from django.test import Client

from tests import make

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/instruments/", 200),
        ("/api/v1/instruments/AAPL/", 200),
        ("/api/v1/positions/", 200),
        ("/api/v1/instruments/?limit=x", 400),
        ("/api/v1/nowhere/", 404),
    ],
)
def test_an_answer_is_not_kept(client: Client, address: str, status: int) -> None:
    make.instrument("AAPL")
    client.force_login(make.trader())
    answer = client.get(address)
    assert (answer.status_code, answer["Cache-Control"]) == (status, "no-store")


def test_neither_is_the_refusal_of_a_stranger(client: Client) -> None:
    answer = client.get("/api/v1/positions/")
    assert (answer.status_code, answer["Cache-Control"]) == (401, "no-store")


def test_static_files_are(client: Client) -> None:
    answer = client.get("/static/site.css")
    assert "no-store" not in answer["Cache-Control"]
    answer.close()
