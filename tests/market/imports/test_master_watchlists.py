"""Editing named watchlists: what two people change at once stays, and what a list has is watched."""

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from market.imports import watchlist as lists
from market.imports.master import adding, watchlists
from market.imports.master.order import Move
from market.imports.master.watchlists import EditRefused
from market.models import Instrument, Watchlist
from tests import make

AT = make.T0


@pytest.fixture
def ann(db: None) -> User:
    make.only("AAPL", "MSFT", "TSLA")
    return make.trader()


@pytest.fixture
def tech(ann: User) -> Watchlist:
    return watchlists.create("Tech", by=ann, at=AT)


def put(watchlist: Watchlist, text: str, by: User) -> watchlists.Added:
    wanted = adding.candidates(lists.parse(text).entries, may_add_unlisted=False)
    return watchlists.add(watchlist, wanted, by=by, at=AT)


def order(watchlist: Watchlist) -> list[tuple[str, str]]:
    return [(entry.group, entry.instrument_id) for entry in watchlist.entries.order_by("position")]


def instrument(symbol: str) -> Instrument:
    return Instrument.objects.get(pk=symbol)


def test_what_is_new_comes_with_what_the_provider_says(tech: Watchlist, ann: User) -> None:
    result = put(tech, "ibm, BRKB", ann)
    assert list(result.added) == ["IBM", "BRK.B"]
    ibm = instrument("IBM")
    assert (ibm.name, ibm.exchange, ibm.kind, ibm.status) == (
        "International Business Machines Corporation",
        "XNYS",
        "share",
        "active",
    )
    assert (ibm.calendar, ibm.details_from, ibm.details_at) == ("24/7", "simulator", AT)
    assert (ibm.watched, ibm.watched_for_lists) == (True, True)


def test_adding_twice_is_the_same_as_once(tech: Watchlist, ann: User) -> None:
    put(tech, "AAPL", ann)
    result = put(tech, "AAPL", ann)
    assert (list(result.added), list(result.already), tech.entries.count()) == ([], ["AAPL"], 1)


def test_a_delisted_one_is_added_for_its_history(tech: Watchlist, ann: User) -> None:
    put(tech, "TWTR", ann)
    twitter = instrument("TWTR")
    assert (twitter.watched, twitter.status, str(twitter.delisted_on)) == (False, "delisted", "2022-11-08")


def test_one_that_is_stored_as_delisted_is_listed_and_not_watched(tech: Watchlist, ann: User) -> None:
    Instrument.objects.filter(pk="AAPL").update(status="delisted", watched=False)
    put(tech, "AAPL", ann)
    assert (tech.entries.count(), instrument("AAPL").watched) == (1, False)


def test_a_note_is_one_line(tech: Watchlist, ann: User) -> None:
    put(tech, "AAPL", ann)
    watchlists.write(tech.entries.get(), group=" A\tB ", note="one\ntwo", seen=("", ""), by=ann)
    assert (tech.entries.get().group, tech.entries.get().note) == ("A B", "one two")


def test_what_no_provider_has_is_not_added_and_says_what_it_looks_like(tech: Watchlist, ann: User) -> None:
    (candidate,) = adding.candidates(lists.parse("APPL").entries, may_add_unlisted=False)
    assert candidate.verdict is adding.Verdict.REFUSED
    assert "It looks like AAPL." in candidate.reason
    assert list(put(tech, "APPL", ann).refused) == ["APPL"]
    assert not Instrument.objects.filter(pk="APPL").exists()


def test_an_operator_may_add_what_no_provider_has(tech: Watchlist, ann: User) -> None:
    wanted = adding.candidates(lists.parse("ACME").entries, may_add_unlisted=True)
    watchlists.add(tech, wanted, by=ann, at=AT)
    assert (instrument("ACME").status, instrument("ACME").details_from) == ("unknown", "")


def test_what_is_watched_for_lists_only_is_not_when_it_leaves_the_last_one(
    tech: Watchlist, ann: User
) -> None:
    other = watchlists.create("Other", by=ann, at=AT)
    for each in (tech, other):
        put(each, "IBM, AAPL", ann)
    watchlists.remove(tech.entries.get(instrument="IBM"), by=ann)
    assert instrument("IBM").watched
    watchlists.delete(other, by=ann)
    assert (instrument("IBM").watched, instrument("IBM").watched_for_lists) == (False, False)
    watchlists.remove(tech.entries.get(instrument="AAPL"), by=ann)
    assert instrument("AAPL").watched  # an operator switched it on


def test_groups_stay_together_and_move_together(tech: Watchlist, ann: User) -> None:
    put(tech, "###Chips,NVDA,AMD,###Software,MSFT,###Chips,INTC", ann)
    assert order(tech) == [
        ("Chips", "NVDA"),
        ("Chips", "AMD"),
        ("Chips", "INTC"),
        ("Software", "MSFT"),
    ]
    watchlists.move(tech.entries.get(instrument="INTC"), Move.UP, by=ann)
    assert [symbol for _, symbol in order(tech)] == ["NVDA", "INTC", "AMD", "MSFT"]
    watchlists.move(tech.entries.get(instrument="AMD"), Move.DOWN, by=ann)
    assert [symbol for _, symbol in order(tech)] == ["MSFT", "NVDA", "INTC", "AMD"]
    watchlists.move(tech.entries.get(instrument="MSFT"), Move.UP, by=ann)
    assert order(tech)[0] == ("Software", "MSFT")


def test_an_entry_that_joins_a_group_comes_after_its_members(tech: Watchlist, ann: User) -> None:
    put(tech, "TSLA, ###Software, MSFT, ###Chips, AMD", ann)
    entry = tech.entries.get(instrument="TSLA")
    watchlists.write(entry, group="Software", note="Cars, too.", seen=("", ""), by=ann)
    assert order(tech) == [("Software", "TSLA"), ("Software", "MSFT"), ("Chips", "AMD")]


def test_two_who_edit_different_entries_lose_nothing(tech: Watchlist, ann: User) -> None:
    put(tech, "AAPL, MSFT, TSLA", ann)
    apple, tesla = (tech.entries.get(instrument=symbol) for symbol in ("AAPL", "TSLA"))  # both look
    watchlists.write(apple, group="", note="Wait for earnings.", seen=("", ""), by=ann)
    watchlists.move(tesla, Move.UP, by=make.trader("bob"))
    assert [(entry.instrument_id, entry.note) for entry in tech.entries.all()] == [
        ("AAPL", "Wait for earnings."),
        ("TSLA", ""),
        ("MSFT", ""),
    ]


def test_of_two_who_write_one_note_the_second_is_told(tech: Watchlist, ann: User) -> None:
    put(tech, "AAPL", ann)
    entry = tech.entries.get()
    watchlists.write(entry, group="", note="Buy.", seen=("", ""), by=ann)
    with pytest.raises(EditRefused, match="Someone else has changed AAPL meanwhile"):
        watchlists.write(entry, group="", note="Sell.", seen=("", ""), by=ann)
    watchlists.write(entry, group="", note="Buy.", seen=("", ""), by=ann)  # the same again
    assert tech.entries.get().note == "Buy."


def test_what_was_removed_meanwhile_is_told(tech: Watchlist, ann: User) -> None:
    put(tech, "AAPL", ann)
    entry = tech.entries.get()
    watchlists.remove(entry, by=ann)
    watchlists.remove(entry, by=ann)
    with pytest.raises(EditRefused, match="taken out"):
        watchlists.move(entry, Move.UP, by=ann)
    with pytest.raises(EditRefused, match="taken out"):
        watchlists.write(entry, group="", note="x", seen=("", ""), by=ann)


@pytest.mark.parametrize("name", ["tech", " Tech ", "", " ", "x" * 61])
def test_a_name_is_its_own(tech: Watchlist, ann: User, name: str) -> None:
    with pytest.raises(EditRefused):
        watchlists.create(name, by=ann, at=AT)
    assert Watchlist.objects.count() == 1


def test_every_change_is_logged(tech: Watchlist, ann: User) -> None:
    put(tech, "AAPL", ann)
    entry = tech.entries.get()
    watchlists.write(entry, group="", note="Buy.", seen=("", ""), by=ann)
    watchlists.rename(tech, "Technology", by=ann)
    watchlists.remove(entry, by=ann)
    watchlists.delete(tech, by=ann)
    assert [row.get_change_message() for row in LogEntry.objects.order_by("pk")] == [
        "Added.",
        "Added entry “AAPL”.",
        "Changed Note for entry “AAPL”.",
        "Changed Name.",
        "Deleted entry “AAPL”.",
        "Deleted watchlist “Technology”.",
    ]


def test_a_list_of_all_that_is_watched(ann: User) -> None:
    made = watchlists.create("All", by=ann, at=AT, with_watched=True)
    assert [symbol for _, symbol in order(made)] == ["AAPL", "MSFT", "TSLA"]


def test_a_list_has_an_end(tech: Watchlist, ann: User) -> None:
    Instrument.objects.bulk_create(Instrument(symbol=f"S{number}") for number in range(1001))
    with pytest.raises(EditRefused, match="at most 1,000"):
        put(tech, "\n".join(f"S{number}" for number in range(1001)), ann)
    assert not tech.entries.exists()
