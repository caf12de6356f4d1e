"""Several instruments at once: looked at first, then added, and twice is the same as once."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from pytest_django import Settings

from market.models import Instrument
from tests import make

PAGE = "/admin/market/instrument/several/"
LIST = "NASDAQ:AAPL, brk-b, TSE:7203\nBRKB; EURONEXT:AIR"


@pytest.fixture(autouse=True)
def real(db: None, settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.only("AAPL", "MSFT")
    make.instrument("TSLA", "24/7")
    Instrument.objects.filter(pk="TSLA").update(watched=False)


def look(client: Client, text: str = LIST) -> Any:
    return client.post(PAGE, {"text": text})


def add(client: Client, text: str = LIST) -> Any:
    """Press the button under the look at a list, which sends what the page holds."""
    return client.post(PAGE, {"text": look(client, text).context["text"], "add": "1"}, follow=True)


def watched() -> set[str]:
    return set(Instrument.objects.watched().values_list("symbol", flat=True))


def test_a_look_changes_nothing_and_tells_what_each_line_would_become(operator: Client) -> None:
    page = look(operator, f"{LIST}\nTSLA")
    assert watched() == {"AAPL", "MSFT"}
    assert {row.entry.symbol: row.verdict.name for row in page.context["wanted"]} == {
        "AAPL": "STORED",
        "BRK.B": "BY_HAND",
        "7203": "BY_HAND",
        "BRKB": "BY_HAND",
        "TSLA": "STORED",
    }
    text = page.content.decode()
    assert "No provider cannot be asked" not in text
    assert "Or is it BRK.B?" in text
    assert ("watched already" in text, "known, watched again" in text) == (True, True)
    assert "Left out: The exchange EURONEXT is not known here" in text


def test_adding_creates_what_is_new_and_watches_what_was_not(operator: Client) -> None:
    page = add(operator, "AAPL,TSLA,TSE:7203")
    assert watched() == {"AAPL", "MSFT", "TSLA", "7203"}
    tokyo = Instrument.objects.get(pk="7203")
    assert (tokyo.calendar, tokyo.currency) == ("XTKS", "JPY")
    assert "Added: 1. Watched again: 1." in page.content.decode()
    assert set(LogEntry.objects.values_list("object_id", flat=True)) == {"7203", "TSLA"}


def test_adding_twice_is_the_same_as_once(operator: Client) -> None:
    add(operator, "NVDA")
    assert "Added: 0. Watched again: 0." in add(operator, "NVDA").content.decode()
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_of_another_program(operator: Client, encoding: str) -> None:
    content = "Symbol,Name\nMUV2,Münchener Rück\n".encode(encoding)
    page = operator.post(PAGE, {"file": SimpleUploadedFile("list.csv", content)})
    operator.post(PAGE, {"text": page.context["text"], "add": "1"})
    assert Instrument.objects.get(pk="MUV2").name == "Münchener Rück"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "There is nothing in it"),
        (" \n# only a remark", "There is nothing in it"),
        ("A\n" * 2001, "at most"),
    ],
)
def test_what_holds_no_list_is_refused(operator: Client, text: str, said: str) -> None:
    assert said in look(operator, text).content.decode()


def test_hostile_text_is_shown_as_text(operator: Client) -> None:
    page = look(operator, "<script>alert(1)</script>").content.decode()
    assert "<script>alert" not in page
    assert "Left out" in page


def test_simulated_ones_never_close(operator: Client, settings: Settings) -> None:
    settings.DATA_KIND = "simulated"
    add(operator, "TSE:6758")
    assert Instrument.objects.get(pk="6758").calendar == "24/7"


def test_who_may_not_add_instruments_may_not_look(reader: Client, clerk: Client) -> None:
    assert reader.get(PAGE).status_code == 403
    assert clerk.post(PAGE, {"text": "NVDA", "add": "1"}).status_code == 403
    assert "NVDA" not in watched()


@pytest.mark.parametrize("written", ["brk-b", "BRK B", "BRK/B"])
def test_one_instrument_is_stored_in_our_spelling(operator: Client, written: str) -> None:
    fields = {"symbol": written, "calendar": "24/7", "currency": "usd", "tick_size": "0.01", "watched": "on"}
    operator.post("/admin/market/instrument/add/", fields | {"kind": "share", "lot_size": "1"})
    assert "BRK.B" in watched()
