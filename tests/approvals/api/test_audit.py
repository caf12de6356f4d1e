"""GET /api/v1/audit/."""

import pytest
from rest_framework.test import APIClient

from approvals import audit
from approvals.models import AuditEvent
from tests import make
from tests.approvals import audit_rows
from tests.query_counts import CountQueries

pytestmark = pytest.mark.django_db

URL = "/api/v1/audit/"


def numbers(client: APIClient, query: str = "") -> list[int]:
    return [event["number"] for event in client.get(f"{URL}{query}").json()["results"]]


def test_an_event_is_shown_with_the_text_that_was_hashed(reader: APIClient) -> None:
    event = audit_rows.event(quantity=10)
    [listed] = reader.get(URL).json()["results"]
    assert listed == {
        "number": 1,
        "at": "2024-07-03T14:01:00Z",
        "kind": "order sent",
        "actor": "tina",
        "subject": "order 1",
        "log_entry": None,
        "text": event.text,
        "previous_hash": audit.START,
        "hash": event.hash,
    }
    assert reader.get(f"{URL}1/").json() == listed


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", [4, 3, 2, 1]),
        ("?kind=gate opened", [4]),
        ("?subject=order 2", [2]),
        ("?actor=tina", [3, 2, 1]),
        ("?at_after=2024-07-03T14:02:00Z", [3, 2]),
        ("?at_before=2024-07-03T14:02:00Z", [4, 1]),
        ("?kind=order sent&before=3", [2, 1]),
        ("?before=9223372036854775808", [4, 3, 2, 1]),
    ],
)
def test_events_are_found_newest_first(reader: APIClient, query: str, expected: list[int]) -> None:
    audit_rows.chain(3)
    audit.append("gate opened", "gate", make.T0)
    assert numbers(reader, query) == expected


def test_a_page_says_where_the_earlier_events_are(reader: APIClient) -> None:
    audit_rows.chain(5)
    first = reader.get(f"{URL}?limit=2&kind=order sent").json()
    second = reader.get(first["earlier"]).json()
    third = reader.get(second["earlier"]).json()
    shown = [[event["number"] for event in page["results"]] for page in (first, second, third)]
    assert shown == [[5, 4], [3, 2], [1]]
    assert third["earlier"] is None


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "limit=x", "before=0", "at_after=soon", "offset=1", "kind=%00"]
)
def test_what_it_cannot_keep_is_refused(reader: APIClient, query: str) -> None:
    assert reader.get(f"{URL}?{query}").status_code == 400


@pytest.mark.parametrize("address", [URL, f"{URL}1/"])
def test_a_stranger_may_not_read_it(stranger: APIClient, nobody: APIClient, address: str) -> None:
    audit_rows.event()
    assert (stranger.get(address).status_code, nobody.get(address).status_code) == (401, 403)


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_nobody_writes_it(reader: APIClient, method: str) -> None:
    event = audit_rows.event()
    assert getattr(reader, method)(f"{URL}1/", {"kind": "x"}).status_code in (403, 405)
    assert AuditEvent.objects.get() == event


@pytest.mark.parametrize("events", [1, 5])
def test_a_list_costs_the_same_queries_however_long(
    reader: APIClient, count_queries: CountQueries, events: int
) -> None:
    audit_rows.chain(events)
    with count_queries("GET /api/v1/audit/"):  # two for the token, two for the role, the events
        assert len(numbers(reader)) == events
