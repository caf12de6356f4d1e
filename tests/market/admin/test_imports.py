"""Load CSV: the file of a form, stored as the command does."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from market.admin import imports
from market.models import Candle, Installation, Split
from tests import make

LOAD = "/admin/market/instrument/AAPL/load/"
DAYS = "date,open,high,low,close,volume\n2024-07-01,100,102,99,101,1000\n2024-07-02,101,103,100,102,2000\n"
MINUTES = "time,open,high,low,close,volume\n2024-07-02 09:30,100,102,99,101,1000\n"


@pytest.fixture(autouse=True)
def real(db: None, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")
    make.july_2024()
    make.session("2099-07-05")


def load(client: Client, text: str = DAYS, **fields: str) -> Any:
    file = SimpleUploadedFile("AAPL.csv", text.encode())
    return client.post(LOAD, {"file": file, "timeframe": "1d", "zone": "", "splits": ""} | fields)


def complaints(page: Any) -> str:
    return " ".join(message for messages in page.context["form"].errors.values() for message in messages)


def test_a_file_is_stored_told_and_written_down(operator: Client) -> None:
    page = load(operator)
    assert page.headers["Location"] == "/instruments/AAPL/?timeframe=1d"
    assert [candle.close for candle in Candle.objects.filter(timeframe="1d").order_by("opened_at")] == [
        101,
        102,
    ]
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id) == ("operator", "AAPL")
    assert "Loaded AAPL.csv. AAPL 1d, 2024-07-01 to 2024-07-02: 2 bars" in entry.change_message
    assert "2 bars, 2 new" in operator.get(page.headers["Location"]).content.decode()


def test_loading_it_twice_changes_nothing(operator: Client) -> None:
    load(operator)
    before = list(Candle.objects.order_by("pk").values())
    load(operator)
    assert list(Candle.objects.order_by("pk").values()) == before


def test_times_without_a_zone_are_read_in_the_chosen_one(operator: Client) -> None:
    load(operator, MINUTES, timeframe="1m", zone="America/New_York")
    assert f"{Candle.objects.get().opened_at:%H:%M}" == "13:30"


def test_splits_restate_the_prices(operator: Client) -> None:
    load(operator, splits="2024-07-02:2")
    assert Split.objects.get().ratio == 2
    assert Candle.objects.get(timeframe="1d", close=50.5).volume == 2_000


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"text": DAYS + "2024-07-03,104,103,100,102,1\n"}, "line 4"),
        ({"text": MINUTES, "timeframe": "1m"}, "has no time zone"),
        ({"timeframe": "1h"}, "Select a valid choice"),
        ({"zone": "Mars"}, "Select a valid choice"),
        ({"splits": "7 for 1"}, "is no split: write DATE:RATIO"),
        ({"splits": "2024-07-02:0"}, "a ratio above zero"),
    ],
)
def test_an_unfit_one_is_refused_with_what_to_do(
    operator: Client, fields: dict[str, str], complaint: str
) -> None:
    assert complaint in complaints(load(operator, **fields))
    assert not Candle.objects.exists()
    assert not LogEntry.objects.exists()


def test_a_file_that_is_too_large_is_for_the_command(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGEST", 50)
    assert "use manage.py import_candles" in complaints(load(operator))


def test_a_simulated_installation_takes_no_real_data(operator: Client) -> None:
    Installation.objects.create(pk=1, data="simulated", decided_at=make.T0)
    assert "Nothing was imported." in complaints(load(operator))
    assert not Candle.objects.exists()


def test_a_reader_may_not(reader: Client) -> None:
    assert load(reader).status_code == 403
    assert not Candle.objects.exists()
