"""Every page of the admin: who may see it, who may not write it, and what stands on it."""

from datetime import date

import pytest
from django.contrib.admin.models import ADDITION, LogEntry
from django.contrib.auth.models import User
from django.db.models import Model
from django.test import Client
from pytest_django import Settings

from market.models import (
    CandleImport,
    CandleProgress,
    Gap,
    IngestionRun,
    IngestionTotal,
    Installation,
    Instrument,
    ProviderStatus,
    Quote,
    Split,
    TradingSession,
)
from tests import make

RECORDED = [
    *[
        CandleImport,
        CandleProgress,
        Gap,
        IngestionRun,
        IngestionTotal,
        Installation,
        LogEntry,
        ProviderStatus,
        Quote,
        Split,
    ],
]
LISTS = [*RECORDED, Instrument, TradingSession]
TO_ENTER = [
    "/admin/market/instrument/add/",
    "/admin/market/instrument/AAPL/change/",
    "/admin/market/instrument/AAPL/load/",
    "/admin/market/tradingsession/add/",
]
BANNER = "no price here is real"


def address(model: type[Model]) -> str:
    return f"/admin/{model._meta.app_label}/{model._meta.model_name}/"


def row_address(model: type[Model]) -> str:
    return f"{address(model)}{model._default_manager.get().pk}/"


@pytest.fixture(autouse=True)
def stored(db: None) -> None:
    """One row of everything."""
    at, symbol = make.T0, {"symbol": "AAPL"}
    make.only("AAPL")
    make.quote("AAPL")
    make.candle("AAPL", "2024-07-02", 100.0)
    make.session("2024-07-03")
    CandleProgress.objects.create(**symbol, timeframe="1d", answered_at=at, answered_through=at)
    Gap.objects.create(
        **symbol, timeframe="1d", first_at=at, last_at=at, bars=1, reason="outage", found_at=at
    )
    IngestionRun.objects.create(kind="quotes", started_at=at)
    IngestionTotal.objects.create(kind="quotes")
    Installation.objects.create(pk=1, data="simulated", decided_at=at)
    ProviderStatus.objects.create(provider="alpaca", kind="quotes")
    Split.objects.create(**symbol, date=date(2014, 6, 9), ratio=7, source="alpaca", recorded_at=at)
    clerk = User.objects.create_user("somebody")
    file = {"file_name": "AAPL.csv", "size": 1, "digest": "0", "status": "loaded"}
    CandleImport.objects.create(**symbol, timeframe="1d", **file, requested_by=clerk, queued_at=at)
    LogEntry.objects.log_actions(clerk.pk, Instrument.objects.filter(pk="AAPL"), ADDITION, "Added.")


@pytest.mark.parametrize("page", ["/admin/", *map(address, LISTS), *TO_ENTER])
def test_the_operator_sees_it_and_a_stranger_is_asked_who_he_is(
    operator: Client, stranger: Client, page: str
) -> None:
    assert operator.get(page).status_code == 200
    assert stranger.get(page).headers["Location"].startswith("/admin/login/?next=")


@pytest.mark.parametrize("page", [*map(address, LISTS), *TO_ENTER])
def test_staff_without_permission_may_not_see_it(clerk: Client, page: str) -> None:
    assert clerk.get(page).status_code == 403


@pytest.mark.parametrize("page", [*map(address, LISTS)])
def test_a_reader_sees_what_is_stored(reader: Client, page: str) -> None:
    assert reader.get(page).status_code == 200


def test_a_reader_may_not_load_a_file(reader: Client) -> None:
    assert reader.get("/admin/market/instrument/AAPL/load/").status_code == 403
    assert reader.post("/admin/market/instrument/AAPL/load/").status_code == 403


@pytest.mark.parametrize("model", RECORDED)
def test_each_recorded_row_has_a_page_of_its_own(operator: Client, model: type[Model]) -> None:
    assert operator.get(f"{row_address(model)}change/").status_code == 200


@pytest.mark.parametrize("model", RECORDED)
def test_what_is_recorded_is_neither_added_nor_changed_nor_deleted(
    operator: Client, model: type[Model]
) -> None:
    row = row_address(model)
    tries = [address(model), f"{address(model)}add/", f"{row}change/", f"{row}delete/"]
    assert [operator.post(page, {"post": "yes"}).status_code for page in tries] == [403] * 4
    assert model._default_manager.count() == 1


@pytest.mark.parametrize("model", RECORDED)
def test_no_action_reaches_recorded_rows(operator: Client, model: type[Model]) -> None:
    selected = model._default_manager.get().pk
    content = {"action": "delete_selected", "_selected_action": selected, "index": 0, "post": "yes"}
    assert operator.post(address(model), content).status_code == 403
    assert model._default_manager.count() == 1


@pytest.mark.parametrize("model", [Instrument, TradingSession])
def test_what_history_stands_on_is_never_deleted(operator: Client, model: type[Model]) -> None:
    row, before = model._default_manager.first(), model._default_manager.count()
    assert row is not None
    assert operator.post(f"{address(model)}{row.pk}/delete/", {"post": "yes"}).status_code == 403
    assert model._default_manager.count() == before


@pytest.mark.parametrize(
    "page", ["/admin/", *map(address, LISTS), *TO_ENTER, "/admin/nowhere/", "/api/docs/"]
)
def test_every_page_of_a_simulated_installation_says_so(operator: Client, page: str) -> None:
    assert BANNER in operator.get(page).content.decode()


def test_the_page_to_log_in_says_so_too(stranger: Client) -> None:
    assert BANNER in stranger.get("/admin/login/", follow=True).content.decode()


@pytest.mark.parametrize("page", ["/admin/", "/admin/market/instrument/", "/api/docs/"])
def test_a_real_installation_does_not(operator: Client, settings: Settings, page: str) -> None:
    settings.DATA_KIND = "real"
    assert BANNER not in operator.get(page).content.decode()


@pytest.mark.parametrize("page", ["/admin/", *map(address, LISTS), *TO_ENTER, "/admin/login/"])
def test_no_page_needs_what_the_policy_forbids(operator: Client, page: str) -> None:
    answer = operator.get(page)
    text = answer.content.decode()
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"].split("; ")
    assert not [banned for banned in ("<style", " style=", "onclick=", "<script>") if banned in text]


def test_the_market_stands_first_and_the_api_and_health_are_at_hand(operator: Client) -> None:
    page = operator.get("/admin/")
    assert page.context["app_list"][0]["app_label"] == "market"
    assert 'href="/api/docs/"' in page.content.decode()
    assert 'href="/health"' in page.content.decode()
