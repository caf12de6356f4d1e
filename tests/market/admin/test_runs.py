"""Ingestion as people read it: in words, never as raw JSON."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from market.models import IngestionRun, ProviderStatus
from tests import make
from tests.query_counts import CountQueries

LIST = "/admin/market/ingestionrun/"


def a_run(**values: object) -> IngestionRun:
    usual = {
        "kind": "quotes",
        "outcome": "finished",
        "started_at": make.T0,
        "finished_at": make.T0 + timedelta(seconds=1.5),
        "asked": 3,
        "stored": 2,
        "failed": 1,
        "providers": {"alpaca": {"asked": 3, "stored": 2, "failed": 1, "seconds": 1.4, "error": "<429>"}},
        "failures": {"NOPE": "alpaca: not known there"},
        "rejected": {"price is not positive": {"count": 1_200, "example": "AAPL 0.0"}},
    }
    return IngestionRun.objects.create(**usual | values)


def test_a_run_tells_what_failed_what_was_refused_and_by_whom(operator: Client) -> None:
    page = operator.get(f"{LIST}{a_run().pk}/change/").content.decode()
    assert "<tr><td>NOPE</td><td>alpaca: not known there</td></tr>" in page
    assert "<tr><td>price is not positive</td><td>1200</td><td>AAPL 0.0</td></tr>" in page
    assert "<td>alpaca</td><td>3</td><td>2</td><td>1</td><td>1.4</td><td>&lt;429&gt;</td>" in page
    assert "{&#x27;" not in page


def test_the_list_counts_them(operator: Client) -> None:
    a_run()
    page = operator.get(LIST).content.decode()
    assert '<td class="field-refused">1,200</td>' in page
    assert '<td class="field-duration">1.5 s</td>' in page


def test_a_run_without_trouble_says_none(operator: Client) -> None:
    run = a_run(providers={}, failures={}, rejected={})
    page = operator.get(f"{LIST}{run.pk}/change/").content.decode()
    assert page.count('<div class="readonly">none</div>') == 3


@pytest.mark.parametrize("trouble", ["failed", "rejected"])
def test_the_runs_with_trouble_are_found(operator: Client, trouble: str) -> None:
    a_run(failed=0, rejected={})
    run = a_run()
    assert list(operator.get(f"{LIST}?trouble={trouble}").context["cl"].result_list) == [run]


@pytest.mark.parametrize(
    ("values", "state"),
    [
        ({}, "not asked yet"),
        ({"last_success_at": make.T0}, "asked"),
        ({"consecutive_failures": 1}, "failed last time, is asked again"),
        (
            {"cool_off_until": timedelta(hours=1), "consecutive_failures": 5},
            "cools off until",
        ),
    ],
)
def test_the_state_of_a_provider_is_told(operator: Client, values: dict[str, object], state: str) -> None:
    at = timezone.now()
    given = {name: at + value if isinstance(value, timedelta) else value for name, value in values.items()}
    ProviderStatus.objects.create(provider="alpaca", kind="quotes", **given)
    assert f">{state}" in operator.get("/admin/market/providerstatus/").content.decode()


def test_many_runs_take_as_many_queries_as_one(operator: Client, count_queries: CountQueries) -> None:
    for _ in range(150):
        a_run()
    with count_queries(
        "admin ingestion runs"
    ):  # who asks (2), the count, the page, the dates of the drill-down (2)
        operator.get(LIST)
