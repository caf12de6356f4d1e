"""Operators edit the watchlists in admin, by the rules of the desk's editor."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from market.imports.master import watchlists
from market.models import Instrument, Watchlist, WatchlistEntry
from tests import make
from tests.query_counts import CountQueries

LIST = "/admin/market/watchlist/"


@pytest.fixture(autouse=True)
def tech(db: None) -> Watchlist:
    make.only("AAPL", "MSFT", "NVDA")
    return watchlists.create("Tech", by=make.trader("bob"), at=timezone.now(), with_watched=True)


def shown(client: Client, address: str) -> dict[str, Any]:
    """What the page's form would send if nothing was changed in it."""
    context = client.get(address).context
    forms = [
        context["adminform"].form,
        *(row.formset.management_form for row in context["inline_admin_formsets"]),
    ]
    for inline in context["inline_admin_formsets"]:
        forms += inline.formset.initial_forms
    fields: dict[str, Any] = {}
    for form in forms:
        for bound in form:
            fields[bound.html_name] = bound.value() if bound.value() not in (None, False) else ""
            if bound.field.show_hidden_initial:
                fields[bound.html_initial_name] = fields[bound.html_name]
    return {name: value for name, value in fields.items() if not name.endswith("-DELETE")}


def save(client: Client, tech: Watchlist, fields: dict[str, Any]) -> Any:
    return client.post(f"{LIST}{tech.pk}/change/", fields, follow=True)


def row_of(fields: dict[str, Any], symbol: str) -> str:
    """The prefix of an entry's fields."""
    (name,) = [name for name, value in fields.items() if name.endswith("-symbol") and value == symbol]
    return name.removesuffix("symbol")


def stored(tech: Watchlist) -> list[tuple[str, str, str]]:
    return [(row.instrument_id, row.group, row.note) for row in tech.entries.all()]


def log() -> list[str]:
    return [entry.get_change_message() for entry in LogEntry.objects.order_by("pk")][1:]


def test_entries_are_noted_grouped_ordered_and_removed(
    operator: Client, tech: Watchlist, count_queries: CountQueries
) -> None:
    with count_queries("admin watchlist"):
        fields = shown(operator, f"{LIST}{tech.pk}/change/")
    apple, nvidia = row_of(fields, "AAPL"), row_of(fields, "NVDA")
    fields |= {f"{nvidia}place": "1", f"{nvidia}note": "Chips", f"{row_of(fields, 'MSFT')}DELETE": "on"}
    page = save(operator, tech, fields | {f"{apple}group": "Phones"})
    assert page.redirect_chain, page.context["errors"]
    assert stored(tech) == [("NVDA", "", "Chips"), ("AAPL", "Phones", "")]
    assert log() == [
        "Deleted entry “MSFT”.",
        "Changed Group for entry “AAPL”.",
        "Changed Note for entry “NVDA”.",
        "Changed Position for entry “NVDA”.",
    ]
    assert Instrument.objects.get(pk="MSFT").watched  # an operator's own wish, not the list's


def test_nothing_changed_writes_nothing(operator: Client, tech: Watchlist) -> None:
    save(operator, tech, shown(operator, f"{LIST}{tech.pk}/change/"))
    assert log() == []


def test_a_new_row_asks_the_provider(operator: Client, tech: Watchlist) -> None:
    fields = shown(operator, f"{LIST}{tech.pk}/change/")
    new = {
        "entries-TOTAL_FORMS": "4",
        "entries-3-symbol": "brk-b",
        "entries-3-group": "Value",
        "entries-3-note": "",
    }
    save(operator, tech, fields | new)
    assert stored(tech)[-1] == ("BRK.B", "Value", "")
    assert Instrument.objects.get(pk="BRK.B").name == "Berkshire Hathaway Inc. Class B"


def test_a_new_row_that_no_provider_has_says_what_it_looks_like(operator: Client, tech: Watchlist) -> None:
    fields = shown(operator, f"{LIST}{tech.pk}/change/")
    page = save(operator, tech, fields | {"entries-TOTAL_FORMS": "4", "entries-3-symbol": "APPL"})
    assert "It looks like AAPL." in page.content.decode()
    assert tech.entries.count() == 3


def test_two_tabs_lose_nothing(operator: Client, tech: Watchlist) -> None:
    fields = shown(operator, f"{LIST}{tech.pk}/change/")
    apple, microsoft = row_of(fields, "AAPL"), row_of(fields, "MSFT")
    WatchlistEntry.objects.filter(instrument="AAPL").update(note="Theirs", group="Phones")
    WatchlistEntry.objects.filter(instrument="NVDA").delete()
    page = save(operator, tech, fields | {f"{apple}note": "Mine", f"{microsoft}note": "Cloud"})
    text = page.content.decode()
    assert ("made this “Theirs” meanwhile" in text, 'value="Mine"' in text) == (True, True)
    assert stored(tech) == [("AAPL", "Phones", "Theirs"), ("MSFT", "", "")]
    again = fields | {f"{apple}note": "Mine", f"initial-{apple}note": "Theirs", f"{microsoft}note": "Cloud"}
    gone = {f"{row_of(fields, 'NVDA')}note": "Chips"}
    page = save(operator, tech, again | gone)
    (warning, _) = [str(message) for message in page.context["messages"]]
    assert warning == "NVDA was taken out of the list meanwhile: Chips was not stored."
    assert stored(tech) == [("AAPL", "Phones", "Mine"), ("MSFT", "", "Cloud")]


def test_an_old_name_does_not_come_back_with_a_note(operator: Client, tech: Watchlist) -> None:
    fields = shown(operator, f"{LIST}{tech.pk}/change/")
    watchlists.rename(tech, "Technology", by=make.trader())
    save(operator, tech, fields | {f"{row_of(fields, 'AAPL')}note": "Mine"})
    tech.refresh_from_db()
    assert (tech.name, stored(tech)[0][2]) == ("Technology", "Mine")
    page = save(operator, tech, fields | {"name": "Techies"})
    assert "made this “Technology” meanwhile" in page.content.decode()


def test_a_list_is_made_renamed_handed_over_and_deleted(operator: Client, tech: Watchlist) -> None:
    make.trader("ann")
    fields = shown(operator, f"{LIST}add/")
    assert fields["owner"] == User.objects.get(username="operator").pk
    operator.post(f"{LIST}add/", fields | {"name": "Banks", "with_watched": "on"})
    banks = Watchlist.objects.get(name="Banks")
    assert banks.entries.count() == 3
    changed = shown(operator, f"{LIST}{banks.pk}/change/") | {"name": "Insurers"}
    save(operator, banks, changed | {"owner": User.objects.get(username="ann").pk})
    banks.refresh_from_db()
    assert (banks.name, str(banks.created_by)) == ("Insurers", "ann")
    operator.post(f"{LIST}{banks.pk}/delete/", {"post": "yes"})
    assert log() == ["Added.", "Changed Name.", "Changed Owner.", "Deleted watchlist “Insurers”."]


def test_a_taken_name_is_refused(operator: Client, tech: Watchlist) -> None:
    page = operator.post(f"{LIST}add/", {"name": "tech"})
    assert "There is a watchlist with this name already." in page.content.decode()


def test_a_list_is_searched_and_pasted_into(operator: Client, tech: Watchlist) -> None:
    address = f"{LIST}{tech.pk}/add/"
    assert "Berkshire Hathaway Inc. Class B" in operator.get(f"{address}?q=berkshire").content.decode()
    page = operator.post(address, {"text": "###Value,brk-b,XXXXXXXXXXXXXXXXXX"})
    assert "Left out" in page.content.decode()
    done = operator.post(address, {"text": page.context["text"], "add": "1"}, follow=True)
    assert "Added: BRK.B." in done.content.decode()
    assert stored(tech)[-1] == ("BRK.B", "Value", "")


def test_a_long_list_is_edited_page_by_page(operator: Client, tech: Watchlist) -> None:
    symbols = [f"T{number:03}" for number in range(120)]
    Instrument.objects.bulk_create(Instrument(symbol=symbol, calendar="24/7") for symbol in symbols)
    WatchlistEntry.objects.bulk_create(
        WatchlistEntry(watchlist=tech, instrument_id=symbol, position=position)
        for position, symbol in enumerate(symbols, 4)
    )
    fields = shown(operator, f"{LIST}{tech.pk}/change/?page=3")
    assert fields["entries-INITIAL_FORMS"] == 23
    save(operator, tech, fields | {f"{row_of(fields, 'T119')}place": "1"})
    assert stored(tech)[0][0] == "T119"
    assert log() == ["Changed Position for entry “T119”."]


def test_who_may_only_read_reads(reader: Client, clerk: Client, tech: Watchlist) -> None:
    page = reader.get(f"{LIST}{tech.pk}/change/").content.decode()
    assert ("AAPL" in page, "Save" in page) == (True, False)
    assert reader.post(f"{LIST}{tech.pk}/change/", {"name": "x"}).status_code == 403
    assert reader.get(f"{LIST}{tech.pk}/add/").status_code == 403
    assert clerk.get(LIST).status_code == 403


def test_the_lists_are_found_by_owner_and_symbol(
    operator: Client, tech: Watchlist, count_queries: CountQueries
) -> None:
    with count_queries("admin watchlists"):
        page = operator.get(f"{LIST}?q=NVDA&created_by__id__exact={tech.created_by_id}")
    assert [(row.name, row.size) for row in page.context["cl"].result_list] == [("Tech", 3)]
