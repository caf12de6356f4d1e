"""The import wizard: upload, columns, check, load; a file is its user's, and nothing is half-loaded."""

import io
from datetime import timedelta
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django_q.models import OrmQ
from pytest_django import Settings

from market import tasks
from market.admin.wizard import checked
from market.imports import preparation
from market.models import Candle, CandleImport, CandleUpload, Installation, Instrument, Split
from tests import make
from tests.faults.loops import refuse_rows
from tests.market.admin import wizard_steps as wizard
from tests.market.admin.wizard_steps import DAYS, IMPORTS, LOAD, MINUTES, UPLOAD, work
from tests.query_counts import CountQueries

HOURS = "".join(f"2024-07-02 {9 + (30 + i) // 60:02d}:{(30 + i) % 60:02d},10,11,9,10,5\n" for i in range(390))
MANY = """date,Name,open,high,low,close,volume
2024-07-01,AAPL,100,102,99,101,1000
2024-07-01,NEW.US,10,11,9,10,0.5
2024-07-02,AAPL,101,103,100,102,1000
2024-07-02,NEW.US,10,9,11,10,7
"""


@pytest.fixture(autouse=True)
def real(db: None, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL")
    make.july_2024()
    make.session("2099-07-05")


def text(page: Any) -> str:
    return " ".join(page.content.decode().split())


def test_a_file_is_looked_at_and_then_loaded(operator: Client) -> None:
    checked = wizard.to_check(operator)
    assert "2 new, 0 stored alike" in text(checked)
    assert not OrmQ.objects.exists()
    waiting = wizard.send(operator, wizard.address("check"), load="Load")
    assert waiting.headers["Refresh"]
    work()
    done = operator.get(wizard.address("progress"))
    assert "Refresh" not in done.headers
    assert "AAPL 1d, 2024-07-01 to 2024-07-02: 2 bars, 2 new" in text(done)
    assert "/instruments/AAPL/?timeframe=1d" in text(done)
    loaded = CandleImport.objects.get()
    assert (loaded.file_name, loaded.size, loaded.content) == ("AAPL.csv", len(DAYS), None)
    assert "Loaded AAPL.csv." in LogEntry.objects.get().change_message


def test_the_load_page_of_an_instrument_begins_it(operator: Client) -> None:
    assert "Bars of AAPL." in text(operator.get(LOAD))
    columns = wizard.upload(operator, name="bars.csv", to=LOAD).headers["Location"]
    assert wizard.entered(operator.get(columns).content.decode())["symbol"] == "AAPL"


def test_columns_without_names_are_mapped_by_hand(operator: Client) -> None:
    columns = wizard.upload(operator, "2024-07-02 09:31,10,9,11,10,5\n" * 2).headers["Location"]
    page = operator.get(columns)
    assert "was not recognized" in text(page)
    guessed = wizard.entered(page.content.decode())
    assert [guessed[f"column_{i}"] for i in range(6)] == ["date", "open", "high", "low", "close", "volume"]
    mapped = {"column_1": "close", "column_2": "low", "column_3": "high", "column_4": "open"}
    said = {"timeframe": "1m", "zone": "America/New_York", "stamps": "close"}
    checked = wizard.send(operator, columns, **mapped, **said)
    wizard.send(operator, checked.request["PATH_INFO"], load="Load")
    work()
    assert f"{Candle.objects.get().opened_at:%H:%M}" == "13:30"


def test_a_column_cannot_be_named_twice(operator: Client) -> None:
    columns = wizard.upload(operator).headers["Location"]
    assert "Two columns are called open." in text(wizard.send(operator, columns, column_2="open"))


def test_the_prices_and_a_date_must_be_named(operator: Client) -> None:
    columns = wizard.upload(operator).headers["Location"]
    page = wizard.send(operator, columns, column_0="-", column_4="-")
    assert "Say which column is date, close." in text(page)


def test_a_decimal_comma_does_not_hide_what_is_a_price(operator: Client) -> None:
    columns = wizard.upload(operator, "2024-07-02;09:31;10,5;9;11;10,25;5\n" * 2).headers["Location"]
    guessed = wizard.entered(operator.get(columns).content.decode())
    assert [guessed[f"column_{i}"] for i in range(4)] == ["date", "time", "open", "high"]


def test_a_wrong_zone_is_corrected_by_one_press(operator: Client) -> None:
    checked = wizard.to_check(operator, MINUTES.partition("\n")[0] + "\n" + HOURS, zone="UTC")
    assert "240 of 390 bars lie outside trading hours: is the zone New York?" in text(checked)
    assert 'name="load"' not in text(checked)
    corrected = wizard.send(operator, wizard.address("check"), fix="zone=America/New_York")
    assert "outside trading hours" not in text(corrected)
    assert "390 new" in text(corrected)


def test_an_answer_that_no_page_has_is_refused(operator: Client) -> None:
    wizard.to_check(operator)
    for fix in ("zone=Mars", "stamps=never", "symbols=x", "uploaded_by=1", "", "=", "splits:x=none"):
        wizard.send(operator, wizard.address("check"), fix=fix or "no answer")
    said = CandleUpload.objects.get().said
    assert (said["zone"], said["stamps"], "uploaded_by" in said) == ("", "", False)


@pytest.mark.parametrize(
    ("first", "asked", "fix"),
    [
        ("07/01/2024", "which stands first, the day or the month?", "date_order=month"),
        ("2024-07-01,", "of the size of a split", "splits:0=none"),
    ],
)
def test_what_is_in_doubt_is_asked(operator: Client, first: str, asked: str, fix: str) -> None:
    second = "07/02/2024" if "/" in first else "2024-07-02"
    rows = [f"{first.strip(',')},70,71,69,70,1", f"{second},10,11,9,10,1"]
    if "/" in first:
        rows = [row.replace("70,71,69,70", "10,11,9,10") for row in rows]
    checked = wizard.to_check(operator, "date,open,high,low,close,volume\n" + "\n".join(rows) + "\n")
    assert asked in text(checked).lower()
    assert "2 new" in text(wizard.send(operator, wizard.address("check"), fix=fix))


def test_splits_restate_the_prices(operator: Client) -> None:
    wizard.to_check(operator)
    wizard.send(operator, wizard.address("check"), splits_0="2024-07-02:2")
    wizard.send(operator, wizard.address("check"), load="Load")
    work()
    assert Split.objects.get().ratio == 2
    assert Candle.objects.get(timeframe="1d", close=50.5).volume == 2_000


def test_what_is_stored_already_is_told(operator: Client) -> None:
    wizard.load(operator)
    work()
    changed = DAYS.replace("102,2000", "102.5,2000") + "2024-07-03,101,103,100,102,1\n"
    assert "1 new, 1 stored alike, 1 different from an earlier import, which are overwritten" in text(
        wizard.to_check(operator, changed)
    )
    Candle.objects.filter(timeframe="1d").update(provider="polygon", feed="live")
    assert "1 different from a provider" in text(wizard.to_check(operator, changed))


def test_each_symbol_of_a_file_is_loaded_by_itself(operator: Client) -> None:
    checked = wizard.to_check(operator, MANY, "sp500.csv", column_1="symbol")
    assert "line 5: high 9 is below low 11" in text(checked)
    refused = operator.get(f"{wizard.address('refused').rstrip('/')}.csv").content.decode()
    assert refused.splitlines()[1] == 'NEW,5,high 9 is below low 11,"2024-07-02,NEW.US,10,9,11,10,7"'
    wizard.send(operator, wizard.address("check"), load="Load")
    work()
    assert {*Candle.objects.values_list("symbol", flat=True)} == {"AAPL"}


def test_a_symbol_that_cannot_be_queued_keeps_no_other(operator: Client) -> None:
    both = MANY.replace("NEW.US,10,9,11", "NEW.US,10,11,9")
    wizard.to_check(operator, both, "sp500.csv", column_1="symbol")
    with refuse_rows(CandleImport._meta.db_table, "NEW.symbol = 'AAPL'"):
        page = wizard.send(operator, wizard.address("check"), load="Load")
    assert "It cannot be queued (IntegrityError: this one is poisoned" in text(page)
    assert list(CandleImport.objects.values_list("symbol", flat=True)) == ["NEW"]


def test_a_new_symbol_joins_the_watchlist_when_that_is_wished(operator: Client) -> None:
    wizard.to_check(operator, MANY.replace("10,9,11,10,7", "10,11,9,10,7"), column_1="symbol")
    wizard.send(operator, wizard.address("check"), load="Load", watch="on", symbol_1="NEW")
    work()
    assert Instrument.objects.get(pk="NEW").watched
    assert {*CandleImport.objects.values_list("symbol", "status")} == {("AAPL", "loaded"), ("NEW", "loaded")}
    assert Candle.objects.get(symbol="NEW", timeframe="1d", close=10, volume=0.5)


def test_a_symbol_can_be_left_out_or_corrected(operator: Client) -> None:
    wizard.to_check(operator, MANY.replace("10,9,11,10,7", "10,11,9,10,7"), column_1="symbol")
    page = wizard.entered(operator.get(wizard.address("check")).content.decode()) | {"leave_out_0": "on"}
    operator.post(wizard.address("check"), page | {"symbol_1": "brk-b"})
    operator.post(wizard.address("check"), page | {"symbol_1": "BRK.B", "load": "Load"})
    assert list(CandleImport.objects.values_list("symbol", flat=True)) == ["BRK.B"]


def test_a_file_of_many_symbols_has_a_form_of_few_fields(
    operator: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checked, "MOST_EDITED", 1)
    wizard.to_check(operator, MANY, column_1="symbol")
    fields = wizard.entered(operator.get(wizard.address("check")).content.decode())
    assert not any(name.startswith(("symbol_", "splits_")) for name in fields)
    wizard.send(operator, wizard.address("check"), load="Load", leave_out_1="on")
    assert list(CandleImport.objects.values_list("symbol", flat=True)) == ["AAPL"]


def test_the_files_of_a_zip_are_named_by_symbol(operator: Client) -> None:
    file = io.BytesIO()
    with ZipFile(file, "w") as archive:
        archive.writestr("../../msft.us.txt", DAYS)
        archive.writestr("d/aapl.us.txt", DAYS)
    wizard.load(operator, file.getvalue(), "d_us.zip")
    work()
    assert {*Candle.objects.values_list("symbol", flat=True)} == {"AAPL", "MSFT"}


def test_what_is_not_loaded_yet_can_be_cancelled(operator: Client) -> None:
    wizard.load(operator)
    operator.post(wizard.address("cancel"))
    work()
    assert CandleImport.objects.get().report == "Cancelled by operator. Nothing was loaded."
    assert not Candle.objects.exists()


def test_uploading_it_twice_queues_it_once(operator: Client) -> None:
    wizard.load(operator)
    wizard.load(operator)
    assert CandleImport.objects.count() == OrmQ.objects.count() == 1


def test_a_large_file_is_looked_at_by_the_queue(operator: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preparation, "AT_ONCE", 10)
    waiting = wizard.to_check(operator)
    assert waiting.headers["Refresh"]
    assert [(task.key, task.func()) for task in OrmQ.objects.all()] == [
        ("slow", "market.tasks.prepare_upload")
    ]
    tasks.prepare_upload(CandleUpload.objects.get().pk)
    assert "2 new" in text(operator.get(wizard.address("check")))
    wizard.send(operator, wizard.address("check"), load="Load")
    tasks.prepare_upload(CandleUpload.objects.get().pk)
    assert CandleImport.objects.get().symbol == "AAPL"


def test_a_file_is_its_users(operator: Client) -> None:
    wizard.load(operator)
    other = Client()
    other.force_login(User.objects.create_superuser("other"))
    for step in ("columns", "check", "progress", "cancel"):
        assert other.get(wizard.address(step)).status_code in (404, 405)
        assert other.post(wizard.address(step)).status_code == 404


def test_a_reader_may_not(reader: Client, stranger: Client) -> None:
    for client, status in ((reader, 403), (stranger, 302)):
        assert wizard.upload(client).status_code == status
        assert wizard.upload(client, to=LOAD).status_code == status
    assert not CandleUpload.objects.exists()


def test_a_reader_may_look_at_what_was_loaded(operator: Client, reader: Client) -> None:
    wizard.load(operator)
    address = f"{IMPORTS}{CandleImport.objects.get().pk}/change/"
    assert reader.get(address).status_code == reader.get(IMPORTS).status_code == 200
    assert UPLOAD not in text(reader.get(IMPORTS))
    assert reader.post(address).status_code == 403


def test_a_file_is_kept_for_a_day(operator: Client) -> None:
    wizard.load(operator)
    work()
    tasks.prune()
    CandleUpload.objects.update(uploaded_at=make.T0 - timedelta(days=1))
    tasks.prune()
    assert not CandleUpload.objects.exists()
    assert CandleImport.objects.get().upload is None


def test_a_simulated_installation_takes_no_real_data(operator: Client) -> None:
    Installation.objects.create(pk=1, data="simulated", decided_at=make.T0)
    assert "simulated" in text(wizard.upload(operator)).partition("errorlist")[2]
    assert not CandleUpload.objects.exists()


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
    wizard.upload(operator, name=name)
    assert CandleUpload.objects.get().file_name == kept


def bomb() -> bytes:
    file = io.BytesIO()
    with ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1) as archive:
        for name in ("A.csv", "B.csv"):
            archive.writestr(name, bytes(140 << 20))
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "name", "complaint"),
    [
        (b"\x00\x01\x02", "a.csv", "the file is not text"),
        (b"PK\x03\x04 no archive", "a.zip", "damaged or cut off"),
        (b"", "a.csv", "empty"),
        (DAYS.encode(), "a.exe", "File extension"),
    ],
)
def test_what_is_no_file_of_bars_is_refused_at_once(
    operator: Client, content: bytes, name: str, complaint: str
) -> None:
    assert complaint in text(wizard.upload(operator, content, name))
    assert not CandleUpload.objects.exists()


def test_a_zip_that_unpacks_to_too_much_is_refused(operator: Client) -> None:
    assert "larger than 256 MB" in text(wizard.upload(operator, bomb(), "bomb.zip"))


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (",".join(["x"] * 1_000_000), "columns: at most 60 can be mapped"),
        ("=cmd|'/c calc'!A1,+1,@x\n" * 3, "was not recognized"),
        ("<script>alert(1)</script>,1,2\n" * 3, "&lt;script&gt;"),
        (DAYS.encode() + "Schlu\xdf\n".encode("cp1252"), "was recognized"),
    ],
)
def test_hostile_contents_are_shown_as_text(operator: Client, content: str | bytes, complaint: str) -> None:
    columns = wizard.upload(operator, content).headers["Location"]
    page = operator.get(columns)
    assert complaint in text(page)
    assert "<script>alert" not in text(page)
    assert wizard.send(operator, columns).status_code == 200


def test_refused_lines_are_no_formulas_in_a_spreadsheet(operator: Client) -> None:
    wizard.to_check(operator, DAYS + "=1+1,1,2,3,4,5\n")
    lines = operator.get(f"{wizard.address('refused').rstrip('/')}.csv").content.decode()
    assert '"\'=1+1,1,2,3,4,5"' in lines


def test_a_step_before_the_columns_leads_back_to_them(operator: Client) -> None:
    wizard.upload(operator)
    assert operator.get(wizard.address("check")).headers["Location"] == wizard.address("columns")


@pytest.mark.parametrize("content", [DAYS, MANY.replace("10,9,11,10,7", "10,11,9,10,7")])
def test_the_pages_ask_no_more_for_more_symbols(
    operator: Client, count_queries: CountQueries, content: str
) -> None:
    columns = wizard.upload(operator, content).headers["Location"]
    with count_queries("admin import columns"):
        operator.get(columns)
    checked = wizard.send(operator, columns)
    with count_queries("admin import check"):
        operator.get(checked.request["PATH_INFO"])
    wizard.send(operator, checked.request["PATH_INFO"], load="Load")
    with count_queries("admin import progress"):
        operator.get(wizard.address("progress"))
