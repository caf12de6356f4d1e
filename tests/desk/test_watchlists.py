"""The pages of the named watchlists."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from market.imports import watchlist as lists
from market.models import Instrument, Watchlist
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def market() -> None:
    make.only("AAPL", "MSFT")


@pytest.fixture
def tech(trader: Client) -> Watchlist:
    trader.post("/watchlists/new/", {"name": "Tech", "watched": "on"})
    return Watchlist.objects.get()


def read(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def test_a_first_list_takes_what_is_watched(trader: Client, tech: Watchlist) -> None:
    make.quote("AAPL", 186.5)
    page = read(trader, f"/watchlists/{tech.pk}/")
    assert ("186.50" in page, "no quote yet" in page) == (True, True)
    assert "Tech" in read(trader, "/watchlists/")


def test_a_search_shows_what_there_is_and_adds_it(trader: Client, tech: Watchlist) -> None:
    page = read(trader, f"/watchlists/{tech.pk}/add/?q=berkshire")
    assert "Berkshire Hathaway Inc. Class B" in page
    trader.post(f"/watchlists/{tech.pk}/add/", {"text": "BRK.B", "add": "1"})
    assert "BRK.B" in read(trader, f"/watchlists/{tech.pk}/")


def test_a_search_that_finds_nothing_says_what_it_looks_like(trader: Client, tech: Watchlist) -> None:
    page = read(trader, f"/watchlists/{tech.pk}/add/?q=AAPL240719C00190000")
    assert "It looks like an option" in page


def test_a_pasted_list_is_looked_at_before_it_is_added(trader: Client, tech: Watchlist) -> None:
    address = f"/watchlists/{tech.pk}/add/"
    page = trader.post(address, {"text": "IBM, APPL, TWTR"})
    text = page.content.decode()
    assert ("It looks like AAPL" in text, "delisted: added for its history only" in text) == (True, True)
    assert tech.entries.count() == 2
    answer = trader.post(address, {"text": page.context["text"], "add": "1"}, follow=True)
    assert "Added: IBM, TWTR. Not added: APPL." in answer.content.decode()
    assert not Instrument.objects.get(pk="TWTR").watched


def test_an_export_is_imported_again_with_groups_and_notes(trader: Client, tech: Watchlist) -> None:
    entry = tech.entries.get(instrument="MSFT")
    wrote = {"group": "Software", "note": '=1+1, "quoted"', "seen_group": "", "seen_note": "", "act": "save"}
    trader.post(f"/watchlists/{tech.pk}/entries/{entry.pk}/", wrote)
    answer = trader.get(f"/watchlists/{tech.pk}/export/")
    assert answer["Content-Disposition"] == 'attachment; filename="tech.csv"'
    again = lists.parse(answer.content.decode()).entries
    assert [(row.symbol, row.group, row.note) for row in again] == [
        ("AAPL", "", ""),
        ("MSFT", "Software", '=1+1, "quoted"'),
    ]
    trader.post("/watchlists/new/", {"name": "Copy"})
    copy = Watchlist.objects.get(name="Copy")
    page = trader.post(
        f"/watchlists/{copy.pk}/add/", {"file": SimpleUploadedFile("tech.csv", answer.content)}
    )
    trader.post(f"/watchlists/{copy.pk}/add/", {"text": page.context["text"], "add": "1"})
    assert [(row.instrument_id, row.note) for row in copy.entries.all()] == [
        ("AAPL", ""),
        ("MSFT", '=1+1, "quoted"'),
    ]


def test_buttons_move_and_remove_without_scripts(trader: Client, tech: Watchlist) -> None:
    entry = tech.entries.get(instrument="MSFT")
    address = f"/watchlists/{tech.pk}/entries/{entry.pk}/"
    trader.post(address, {"act": "up"})
    assert [row.instrument_id for row in tech.entries.all()] == ["MSFT", "AAPL"]
    trader.post(address, {"act": "remove"})
    answer = trader.post(address, {"act": "up"}, follow=True)
    assert "taken out of the list meanwhile" in answer.content.decode()


def test_a_list_is_renamed_and_deleted_after_a_question(trader: Client, tech: Watchlist) -> None:
    trader.post(f"/watchlists/{tech.pk}/rename/", {"name": "Technology"})
    assert "Delete Technology" in read(trader, f"/watchlists/{tech.pk}/delete/")
    trader.post(f"/watchlists/{tech.pk}/delete/")
    assert not Watchlist.objects.exists()
    assert Instrument.objects.get(pk="AAPL").watched


def test_a_viewer_reads_and_changes_nothing(trader: Client, tech: Watchlist) -> None:
    viewer = Client()
    user = make.trader("vic")
    user.user_permissions.set(user.user_permissions.filter(codename__startswith="view_"))
    viewer.force_login(user)
    assert "Edit" not in read(viewer, f"/watchlists/{tech.pk}/")
    entry = tech.entries.first()
    assert entry is not None
    for name in ("edit/", "add/", "delete/"):
        assert viewer.get(f"/watchlists/{tech.pk}/{name}").status_code == 403
    for name in ("rename/", "add/", "delete/", f"entries/{entry.pk}/"):
        assert viewer.post(f"/watchlists/{tech.pk}/{name}", {"name": "x"}).status_code == 403
    assert viewer.post("/watchlists/new/", {"name": "x"}).status_code == 403


def test_hostile_text_is_shown_as_text(trader: Client, tech: Watchlist) -> None:
    entry = tech.entries.get(instrument="MSFT")
    wrote = {"group": "<b>", "note": "<script>alert(1)</script>", "act": "save"}
    trader.post(f"/watchlists/{tech.pk}/entries/{entry.pk}/", wrote)
    for address in ("", "edit/"):
        assert "<script>alert" not in read(trader, f"/watchlists/{tech.pk}/{address}")


def test_two_tabs_lose_nothing(trader: Client, tech: Watchlist) -> None:
    entry = tech.entries.get(instrument="MSFT")
    address = f"/watchlists/{tech.pk}/entries/{entry.pk}/"
    seen = {"seen_group": "", "seen_note": ""}
    trader.post(address, seen | {"group": "Software", "note": "Theirs"})
    answer = trader.post(address, seen | {"group": "", "note": "Mine"})
    page = answer.content.decode()
    assert (answer.status_code, 'value="Mine"' in page) == (409, True)
    assert "Someone else has changed MSFT meanwhile: group “Software”, note “Theirs”." in page
    again = {"seen_group": "Software", "seen_note": "Theirs", "group": "Software", "note": "Mine"}
    assert trader.post(address, again).status_code == 302
    entry.refresh_from_db()
    assert (entry.group, entry.note) == ("Software", "Mine")


def test_a_list_renamed_in_two_tabs_keeps_the_first_name(trader: Client, tech: Watchlist) -> None:
    address = f"/watchlists/{tech.pk}/rename/"
    trader.post(address, {"name": "Theirs", "seen_name": "Tech"})
    answer = trader.post(address, {"name": "Mine", "seen_name": "Tech"})
    page = answer.content.decode()
    assert ("has called the list Theirs meanwhile" in page, 'value="Mine"' in page) == (True, True)
    tech.refresh_from_db()
    assert tech.name == "Theirs"
