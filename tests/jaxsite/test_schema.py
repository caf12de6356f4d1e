"""The OpenAPI description, its page, and what browsers are allowed to do."""

import io
import json
import re

import pytest
import yaml
from django.core.management import call_command
from django.test import Client
from pytest_django import Settings

from jaxsite import __version__
from jaxsite.rest import refusals, schema

pytestmark = pytest.mark.django_db
STRICT = (
    "default-src 'self'; script-src 'self'; object-src 'none'; style-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'"
)


def test_the_description_is_valid_and_free_of_warnings() -> None:
    text = io.StringIO()
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=text)
    assert "/api/v1/candles/:" in text.getvalue()


def test_the_description_is_served_to_everyone(client: Client) -> None:
    described = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()
    assert described["paths"]["/api/v1/quotes/"]["get"]["responses"].keys() == {
        *["200", "400", "401", "403", "406", "422", "503"]
    }
    assert "422" in described["paths"]["/api/v1/inbox/"]["get"]["responses"]
    assert set(described["components"]["securitySchemes"]) == {"token", "cookieAuth"}
    assert described["info"]["version"] == __version__


def test_the_description_has_the_limits_of_pages_and_filters(client: Client) -> None:
    paths = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["paths"]
    described = {
        (path, parameter["name"]): parameter["schema"]
        for path, operations in paths.items()
        for parameter in operations.get("get", {}).get("parameters", ())
    }
    limits = [schema for (_, name), schema in described.items() if name == "limit"]
    assert {(limit["minimum"], limit["maximum"] >= 1000) for limit in limits} == {(1, True)}
    assert described["/api/v1/orders/", "offset"]["minimum"] == 0
    assert described["/api/v1/audit/", "before"]["minimum"] == 1
    assert described["/api/v1/signals/", "strategy"]["items"]["type"] == "string"


def test_the_description_says_what_may_be_null(client: Client) -> None:
    described = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["components"]["schemas"]
    account = described["Account"]["properties"]
    assert [name for name, field in account.items() if field.get("nullable")] == [
        *["account", "exposure", "realised_today"]
    ]
    proposal = described["Proposal"]["properties"]
    assert {"waits_until", "good_until", "flat_at", "limit_price"} <= {
        name for name, field in proposal.items() if field.get("nullable")
    }


def test_a_text_that_may_be_blank_is_one_kind_of_text(client: Client) -> None:
    described = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["components"]["schemas"]
    note = described["ResumeRequest"]["properties"]["note"]
    assert "oneOf" not in note
    assert re.fullmatch(note["pattern"], "")
    assert note["maxLength"] == 500


@pytest.mark.parametrize(
    ("confidence", "fits"),
    [("0", True), ("0.6", True), ("1", True), ("1.000", True), ("1.001", False), ("5", False), ("10", False)],
)
def test_the_description_says_that_a_confidence_is_at_most_one(
    client: Client, confidence: str, fits: bool
) -> None:
    described = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["components"]["schemas"]
    pattern = described["BacktestSetupRequest"]["properties"]["minimum_confidence"]["pattern"]
    assert bool(re.search(pattern, confidence)) == fits


@pytest.mark.parametrize("accept", ["application/json", "application/vnd.oai.openapi", "*/*"])
def test_a_client_that_has_the_description_is_not_sent_it_again(client: Client, accept: str) -> None:
    first = client.get("/api/schema/", headers={"Accept": accept})
    etag = first["ETag"]
    assert (first.status_code, first["Cache-Control"], len(first.content) > 10_000) == (200, "no-cache", True)
    again = client.get("/api/schema/", headers={"Accept": accept, "If-None-Match": f'"other", W/{etag}'})
    assert (again.status_code, again["ETag"], again.content) == (304, etag, b"")
    assert client.get("/api/schema/", headers={"If-None-Match": '"other"'}).status_code == 200


def test_the_formats_of_the_description_say_the_same_and_have_etags_of_their_own(client: Client) -> None:
    text = client.get("/api/schema/?format=json")
    assert text.json() == yaml.safe_load(client.get("/api/schema/").content)
    assert text["ETag"] != client.get("/api/schema/")["ETag"]


def test_the_description_is_made_once(client: Client) -> None:
    client.get("/api/schema/")
    described = schema.described()
    client.get("/api/schema/", headers={"Accept": "application/json"})
    assert schema.described() is described


@pytest.mark.parametrize(
    ("heading", "component"),
    [
        ("Instruments", "Instrument"),
        ("Quotes", "Quote"),
        ("Candles", "PaginatedCandleList"),
        ("Ingestion runs", "IngestionRun"),
        ("Gaps", "Gap"),
        ("Signals", "Signal"),
        ("Strategies", "Strategy"),
        ("Scans", "Scan"),
        ("Backtests", "BacktestDetail"),
        ("Halts", "Halt"),
        ("Audit", "Event"),
    ],
)
def test_the_examples_in_the_docs_have_the_described_fields(
    client: Client, settings: Settings, heading: str, component: str
) -> None:
    described = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["components"]["schemas"]
    text = (settings.BASE_DIR / "docs" / "api.md").read_text()
    section = text.split(f"\n## {heading}\n")[1]
    example = json.loads(section.split("```json\n")[1].split("```")[0])
    assert list(example) == list(described[component]["properties"])


def test_the_docs_show_all_that_one_signal_adds(client: Client, settings: Settings) -> None:
    described = client.get("/api/schema/", HTTP_ACCEPT="application/json").json()["components"]["schemas"]
    section = (settings.BASE_DIR / "docs" / "api.md").read_text().split("\n## Signals\n")[1]
    listed, added = [json.loads(part.split("```")[0]) for part in section.split("```json\n")[1:3]]
    assert [*listed, *added] == list(described["SignalDetail"]["properties"])
    assert list(added["record"]["pooled"]) == list(described["Record"]["properties"])


def test_the_docs_show_all_that_an_error_may_say(settings: Settings) -> None:
    section = (settings.BASE_DIR / "docs" / "api.md").read_text().split("\n## Errors\n")[1]
    wrong, forbidden = [json.loads(part.split("```")[0]) for part in section.split("```json\n")[1:3]]
    assert list(wrong | forbidden) == list(refusals.SCHEMA["properties"])


def test_the_docs_load_nothing_from_elsewhere(client: Client) -> None:
    page = client.get("/api/docs/")
    addresses = re.findall(r'(?:src|href)="([^"]+)"', page.content.decode())
    assert len(addresses) == 6
    for address in addresses:
        assert address.startswith("/")
        asset = client.get(address)
        assert asset.status_code == 200
        asset.close()


def test_the_docs_have_a_policy_of_their_own(client: Client) -> None:
    policy = client.get("/api/docs/")["Content-Security-Policy"]
    assert "script-src 'self'" in policy.split("; ")
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "frame-ancestors 'none'" in policy


@pytest.mark.parametrize("address", ["/admin/login/", "/health", "/api/v1/quotes/"])
def test_everything_else_has_the_strict_policy(client: Client, address: str) -> None:
    answer = client.get(address)
    assert sorted(answer["Content-Security-Policy"].split("; ")) == sorted(STRICT.split("; "))
    assert (answer["X-Frame-Options"], answer["X-Content-Type-Options"]) == ("DENY", "nosniff")
    assert answer["Referrer-Policy"] == "same-origin"
