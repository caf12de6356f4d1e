"""What the broker's statements say otherwise than the book, by the API."""

import pytest
from rest_framework.test import APIClient

from tests import make
from tests.query_counts import CountQueries

ADDRESS = "/api/v1/statement-differences/"

pytestmark = pytest.mark.django_db


def test_the_open_ones_are_listed_with_what_to_do(reader: APIClient, count_queries: CountQueries) -> None:
    make.statement_difference(ended_at=make.T0)
    row = make.statement_difference(name="AAPL")
    with count_queries(f"GET {ADDRESS}"):
        listed = reader.get(ADDRESS, {"open": "true"}).json()["results"]
    assert [(own["id"], own["name"], own["ours"], own["stated"]) for own in listed] == [
        (row.pk, "AAPL", "10", "7")
    ]
    assert listed[0]["compared_until"] == "2024-07-03T14:00:00Z"


def test_a_stranger_may_not(stranger: APIClient) -> None:
    assert stranger.get(ADDRESS).status_code in (401, 403)
