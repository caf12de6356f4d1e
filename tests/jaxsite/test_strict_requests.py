"""What a program sends counts or is refused: nothing is ignored or converted silently."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from rest_framework.test import APIClient

from approvals.models import TradingHalt
from jaxsite.rest import schema
from market.models import Instrument
from tests import make

pytestmark = pytest.mark.django_db
ZEROS = {"id": "00000000-0000-0000-0000-000000000000", "number": "1", "symbol": "AAPL"}
NUMBERED = ("approvals", "fills", "ingestion-runs", "scans")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield address, method and description of everything that the API does."""
    for path, methods in schema.described()["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


def address(path: str) -> str:
    if path.split("/")[3] in NUMBERED:
        path = path.replace("{id}", "1")
    return re.sub(r"\{(\w+)\}", lambda name: ZEROS[name[1]], path.replace("strategies/{id}", "strategies/x"))


@pytest.fixture
def client() -> APIClient:
    make.instrument("AAPL")
    client = APIClient(raise_request_exception=False)
    client.force_authenticate(User.objects.create_superuser("ann"))
    return client


def test_no_operation_ignores_a_parameter_that_it_does_not_know(client: APIClient) -> None:
    answers = {
        (path, method): getattr(client, method)(f"{address(path)}?unheard=1").status_code
        for path, method, _ in operations()
    }
    assert len(answers) > 50
    # A row is looked for first.
    assert {key: status for key, status in answers.items() if status not in (400, 404)} == {}


def test_no_list_takes_a_parameter_without_a_value(client: APIClient) -> None:
    answers = {
        (path, parameter["name"]): client.get(f"{path}?{parameter['name']}=").status_code
        for path, _, operation in operations()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "query" and "{" not in path
    }
    assert len(answers) > 50
    assert {key: status for key, status in answers.items() if status != 400} == {}


@pytest.mark.parametrize("query", ["limit=\u0661", "limit=1_0", "before=\uff11", "before=1.5"])
def test_a_number_is_written_in_plain_digits(client: APIClient, query: str) -> None:
    assert client.get(f"/api/v1/audit/?{query}").status_code == 400


@pytest.mark.parametrize(
    "query",
    [
        "signal=\u0660\u0660\u0660\u0660\u0660\u0660\u0660\u0660-0000-0000-0000-000000000000",
        "signal={00000000-0000-0000-0000-000000000000}",
        "signal=urn:uuid:00000000-0000-0000-0000-000000000000",
    ],
)
def test_a_uuid_is_written_as_it_is_shown(client: APIClient, query: str) -> None:
    assert client.get(f"/api/v1/outcomes/?{query}").status_code == 400


def test_an_instant_is_written_in_plain_digits(client: APIClient) -> None:
    assert client.get("/api/v1/orders/?created_after=\u0662\u0660\u0662\u0664-07-03").status_code == 400
    assert client.get("/api/v1/orders/?created_after=2024-07-03").status_code == 200


@pytest.mark.parametrize(
    ("instant", "status"),
    [
        ("0450-06-18T14:15:00-23:39", 200),
        ("2024-07-03T14:00%2B23:59", 200),
        ("0001-01-01T00:00%2B09:00", 400),
    ],
)
def test_an_instant_may_have_any_offset(client: APIClient, instant: str, status: int) -> None:
    assert client.get(f"/api/v1/orders/?created_after={instant}").status_code == status


def test_the_name_of_a_user_is_text(client: APIClient) -> None:
    User.objects.create_user("J\u00fcrgen")
    assert client.get("/api/v1/scorecard/?user=J\u00fcrgen").status_code == 200
    assert client.get("/api/v1/scorecard/?user=J\u00fcrge").status_code == 422


@pytest.mark.parametrize(
    "body", [b'{"reason": 0}', b'{"reason": true}', b'{"reason": "a", "reason": "b"}', b'{"reason": "\xff"}']
)
def test_a_body_means_one_thing_only(client: APIClient, body: bytes) -> None:
    answer = client.post("/api/v1/halts/", body, content_type="application/json")
    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert not TradingHalt.objects.exists()


@pytest.mark.parametrize("charset", ["utf-16", "no-such-charset", "latin-1", "\u0661"])
def test_a_body_is_utf_8_whatever_it_says(client: APIClient, charset: str) -> None:
    content = '{"reason": "Schl\u00fc\u00dfe"}'
    answer = client.generic("POST", "/api/v1/halts/", content, f"application/json; charset={charset}")
    assert (answer.status_code, answer.json()["reason"]) == (201, "Schl\u00fc\u00dfe")


@pytest.mark.parametrize("size", [0.05, True, "1_0", "\u0661", "1e-2", " ", ""])
def test_a_decimal_is_text_in_plain_digits(client: APIClient, size: Any) -> None:
    answer = client.patch("/api/v1/instruments/AAPL/", {"tick_size": size})
    assert (answer.status_code, [*answer.json()["errors"]]) == (400, ["tick_size"])


def test_a_symbol_that_is_sent_as_it_is_changes_nothing(client: APIClient) -> None:
    assert client.patch("/api/v1/instruments/AAPL/", {"symbol": "aapl", "name": "Apple"}).status_code == 200
    assert Instrument.objects.get(pk="AAPL").name == "Apple"


def test_options_are_told_in_every_format(client: APIClient) -> None:
    assert client.options("/api/v1/candles/?format=csv").status_code == 200


def test_each_refusal_is_described_as_a_problem_and_none_by_default() -> None:
    for path, method, operation in operations():
        answers = operation["responses"]
        wanted = {"400", "401", "403", "406", "503"}
        wanted |= {"404"} if "{" in path else set()
        wanted |= {"408", "413", "415"} if method != "get" else set()
        assert wanted <= answers.keys(), path
        assert "default" not in answers
        for status, answer in answers.items():
            assert status < "400" or "$ref" in answer or [*answer["content"]] == ["application/problem+json"]


def test_decisions_describe_their_version() -> None:
    answers = schema.described()["paths"]["/api/v1/signals/{id}/approve/"]["post"]["responses"]
    assert {"409", "412", "422", "428"} <= answers.keys()
    assert "ETag" in answers["412"]["headers"]
    shared = schema.described()["components"]["responses"]
    assert [*shared["Unavailable"]["headers"], *shared["Unauthorized"]["headers"]] == [
        "Retry-After",
        "WWW-Authenticate",
    ]


def test_what_a_request_may_hold_is_described_to_the_last_field() -> None:
    schemas = schema.described()["components"]["schemas"]
    requests = {name: body for name, body in schemas.items() if name.endswith("Request")}
    assert len(requests) > 10
    assert all(body["additionalProperties"] is False for body in requests.values())
    assert schemas["StartHaltRequest"]["properties"]["reason"]["minLength"] == 1
    assert schemas["ApproveRequest"]["properties"]["limit_price"]["pattern"].startswith("^[0-9]{1,12}")


def test_no_value_by_default_is_one_that_is_not_allowed() -> None:
    """Generators of clients leave out such a body."""
    for name, body in schema.described()["components"]["schemas"].items():
        for field, described in body.get("properties", {}).items():
            assert not ("default" in described and described["default"] == "" and "allOf" in described), (
                name,
                field,
            )
