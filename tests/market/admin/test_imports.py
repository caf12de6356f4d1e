"""Load CSV: a file is refused at once or queued, and its page says what became of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django_q.models import OrmQ
from pytest_django import Settings

from market import tasks
from market.admin import imports
from market.models import Candle, CandleImport, Installation, Split
from tests import make

IMPORTS = "/admin/market/candleimport/"
LOAD = "/admin/market/instrument/AAPL/load/"
DAYS = "date,open,high,low,close,volume\n2024-07-01,100,102,99,101,1000\n2024-07-02,101,103,100,102,2000\n"
MINUTES = "time,open,high,low,close,volume\n2024-07-02 09:30,100,102,99,101,1000\n"


@pytest.fixture(autouse=True)
def real(db: None, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")
    make.july_2024()
    make.session("2099-07-05")


def load(client: Client, text: str = DAYS, *, file_name: str = "AAPL.csv", **fields: str) -> Any:
    file = SimpleUploadedFile(file_name, text.encode())
    return client.post(LOAD, {"file": file, "timeframe": "1d", "zone": "", "splits": ""} | fields)


def complaints(page: Any) -> str:
    return " ".join(message for messages in page.context["form"].errors.values() for message in messages)


def work() -> None:
    """What the worker does with the files that wait."""
    for row in CandleImport.objects.filter(status="queued"):
        tasks.load_csv(row.pk)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("a\nERROR forged.csv", "aERROR forged.csv"),
        ("nul\x00.csv", "nul.csv"),
        ("right\u202evsc.csv", "rightvsc.csv"),
        ("../../etc/passwd.csv", "passwd.csv"),
    ],
)
def test_of_a_hostile_file_name_the_plain_part_is_kept(operator: Client, name: str, kept: str) -> None:
    load(operator, file_name=name)
    assert CandleImport.objects.get().file_name == kept


def test_a_file_is_queued_for_the_slow_cluster(operator: Client) -> None:
    page = load(operator)
    row = CandleImport.objects.get()
    assert page.headers["Location"] == f"{IMPORTS}{row.pk}/change/"
    assert [(task.key, task.func(), task.args()) for task in OrmQ.objects.all()] == [
        ("slow", "market.tasks.load_csv", (row.pk,))
    ]
    assert not Candle.objects.exists()
    assert not LogEntry.objects.exists()


def test_its_page_renews_itself_until_it_is_loaded(operator: Client) -> None:
    address = load(operator).headers["Location"]
    waiting = operator.get(address)
    assert waiting.headers["Refresh"]
    assert "queued" in waiting.content.decode()
    work()
    loaded = operator.get(address)
    assert "Refresh" not in loaded.headers
    assert "2 bars, 2 new" in loaded.content.decode()
    assert "/instruments/AAPL/?timeframe=1d" in loaded.content.decode()


def test_a_loaded_file_is_written_down_and_no_longer_kept(operator: Client) -> None:
    load(operator)
    work()
    assert [candle.close for candle in Candle.objects.filter(timeframe="1d").order_by("opened_at")] == [
        101,
        102,
    ]
    entry = LogEntry.objects.get()
    assert (str(entry.user), entry.object_id) == ("operator", "AAPL")
    assert "Loaded AAPL.csv. AAPL 1d, 2024-07-01 to 2024-07-02: 2 bars" in entry.change_message
    assert CandleImport.objects.get().content is None


def test_uploading_it_twice_queues_it_once(operator: Client) -> None:
    assert load(operator).headers["Location"] == load(operator).headers["Location"]
    assert CandleImport.objects.count() == OrmQ.objects.count() == 1


def test_loading_it_twice_changes_nothing(operator: Client) -> None:
    load(operator)
    work()
    before = list(Candle.objects.order_by("pk").values())
    load(operator)
    work()
    assert list(Candle.objects.order_by("pk").values()) == before
    assert "0 new, 0 changed, 2 kept" in CandleImport.objects.latest("pk").report


def test_times_without_a_zone_are_read_in_the_chosen_one(operator: Client) -> None:
    load(operator, MINUTES, timeframe="1m", zone="America/New_York")
    work()
    assert f"{Candle.objects.get().opened_at:%H:%M}" == "13:30"


def test_what_is_said_of_columns_and_times_is_used_when_it_is_loaded(operator: Client) -> None:
    said = {"columns": "time, close, low, high, open, volume", "stamps": "close", "zone": "America/New_York"}
    load(operator, "2024-07-02 09:31,10,9,11,10,5\n", timeframe="1m", **said)
    work()
    assert f"{Candle.objects.get().opened_at:%H:%M}" == "13:30"


def test_a_zone_in_which_most_bars_lie_outside_the_session_is_asked_about(operator: Client) -> None:
    rows = [f"2024-07-02 {9 + (30 + i) // 60:02d}:{(30 + i) % 60:02d},10,11,9,10,5\n" for i in range(390)]
    text = MINUTES.partition("\n")[0] + "\n" + "".join(rows)
    for said in ({"zone": "UTC"}, {"zone": "UTC", "outside_hours": "on"}):
        load(operator, text, timeframe="1m", **said)
        work()
    allowed, asked = CandleImport.objects.all()
    assert "240 of 390 bars lie outside trading hours: is the zone New York?" in asked.report
    assert (allowed.status, Candle.objects.filter(timeframe="1m").count()) == ("loaded", 390)


def test_splits_restate_the_prices(operator: Client) -> None:
    load(operator, splits="2024-07-02:2")
    work()
    assert Split.objects.get().ratio == 2
    assert Candle.objects.get(timeframe="1d", close=50.5).volume == 2_000


def test_what_only_the_whole_file_shows_is_on_its_page(operator: Client) -> None:
    """Beyond what is looked at before it is queued."""
    first = datetime(1990, 1, 1, tzinfo=UTC)
    days = [f"{first + timedelta(days=day):%Y-%m-%d},100,102,99,101,1000\n" for day in range(4_000)]
    header = DAYS[: DAYS.index("\n") + 1]
    address = load(operator, header + "".join(days) + "2024-07-03,104,103,100,102,1\n").headers["Location"]
    work()
    page = operator.get(address).content.decode()
    assert "Nothing was loaded." in page
    assert "line 4002" in page
    assert not Candle.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"text": "open,close\n1,2\n"}, "column"),
        ({"file_name": "AAPL.pdf"}, "File extension"),
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
    assert not CandleImport.objects.exists()


def test_a_file_that_is_too_large_is_for_the_command(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "LARGEST", 50)
    assert "use manage.py import_candles" in complaints(load(operator))


def test_a_simulated_installation_takes_no_real_data(operator: Client) -> None:
    Installation.objects.create(pk=1, data="simulated", decided_at=make.T0)
    assert "Nothing was loaded." in complaints(load(operator))
    assert not CandleImport.objects.exists()
    assert not Candle.objects.exists()


def test_a_reader_may_not(reader: Client) -> None:
    assert load(reader).status_code == 403
    assert not CandleImport.objects.exists()


def test_a_reader_may_look(operator: Client, reader: Client) -> None:
    address = load(operator).headers["Location"]
    assert reader.get(address).status_code == reader.get(IMPORTS).status_code == 200
    assert reader.post(address).status_code == 403
