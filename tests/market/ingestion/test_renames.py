"""FB is META since 2022-06-09: one position, one history, the old name still found. Twice is once."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.utils import timezone

from approvals import audit, positions
from approvals.models import AuditEvent, BorrowRate, Fill, Order
from market import store
from market.ingestion.renames import RenameRefused, follow, follow_due
from market.models import Candle, CorporateAction, Instrument, SymbolChange, Watchlist, WatchlistEntry
from market.prices import Timeframe
from market.store import renaming
from opinions.models import Memory
from signals import backtest
from signals.models import Signal
from tests import make

pytestmark = pytest.mark.django_db

SINCE = date(2024, 7, 2)
AT = make.T0


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    """The edges read it."""
    with mock.patch.object(timezone, "now", return_value=AT):
        yield


@pytest.fixture(autouse=True)
def fb() -> None:
    make.only("FB")
    make.july_2024()
    for day, close in (("2024-06-28", 100.0), ("2024-07-01", 101.0)):
        make.candle("FB", day, close)


def rename() -> SymbolChange:
    return follow("FB", "META", SINCE, "person", AT)


def closes(symbol: str) -> list[float]:
    rows = Candle.objects.filter(symbol=symbol, timeframe="1d").order_by("opened_at")
    return list(rows.values_list("close", flat=True))


def test_history_goes_on_under_the_new_name() -> None:
    rename()
    make.candle("META", "2024-07-02", 102.0)
    assert closes("META") == [100.0, 101.0, 102.0]
    assert not Instrument.objects.filter(pk="FB").exists()
    assert len(store.read_bars(["META"], Timeframe.D1)["META"]) == 3


def test_fills_under_both_names_are_one_position() -> None:
    make.held("FB", quantity=10)
    rename()
    make.fill(make.order("META", quantity=5), 5)
    held = positions.of("META")
    assert held.quantity == 15
    assert positions.of("FB").quantity == 0
    assert [position.symbol for position in positions.open_positions()] == ["META"]


def test_orders_signals_and_memories_go_along() -> None:
    make.held("FB")
    signal = make.signal("FB", strategy_id="other")
    make.memory(symbol="FB")
    rename()
    assert set(Order.objects.values_list("symbol", flat=True)) == {"META"}
    signal.refresh_from_db()
    assert (signal.symbol, signal.status) == ("META", Signal.Status.PENDING)
    assert Memory.objects.get().symbol == "META"


def test_twice_is_the_same_as_once() -> None:
    first = rename()
    assert rename() == first
    assert SymbolChange.objects.count() == 1


def test_what_a_cycle_wrote_meanwhile_is_filed_with_the_next_round() -> None:
    rename()
    make.candle("FB", "2024-07-02", 102.0)
    follow_due(AT + timedelta(hours=1))
    assert closes("META") == [100.0, 101.0, 102.0]


def test_bars_that_the_new_name_has_already_stay() -> None:
    make.instrument("META", watched=False)
    make.candle("META", "2024-07-01", 111.0)
    rename()
    assert closes("META") == [100.0, 111.0]
    assert Instrument.objects.get(pk="META").watched


def test_a_borrow_rate_that_the_new_name_has_already_stays() -> None:
    for symbol, rate in (("FB", "0.01"), ("META", "0.02")):
        BorrowRate.objects.create(symbol=symbol, rate=Decimal(rate))
    rename()
    assert [str(row) for row in BorrowRate.objects.all()] == ["META: 2.00% a year"]


def test_a_reused_ticker_is_not_joined() -> None:
    make.candle("FB", "2024-08-01", 20.0)
    make.held("FB", at=datetime(2024, 7, 1, 14, tzinfo=UTC))
    make.held("FB", quantity=7, at=datetime(2024, 8, 1, 14, tzinfo=UTC))
    change = rename()
    assert change.is_shared
    assert (closes("FB"), closes("META")) == ([20.0], [100.0, 101.0])
    assert Fill.objects.get(symbol="META").quantity == 10
    assert Fill.objects.get(symbol="FB").quantity == 7


@pytest.mark.parametrize("day", [None, "2024-08-01"], ids=["without bars yet", "with its first bars"])
def test_a_change_told_of_a_new_companys_symbol_is_not_followed(day: str | None) -> None:
    rename()
    make.instrument("FB")
    if day:
        make.candle("FB", day, 20.0)
    make.action("FB", ex_date="2024-07-03", kind="symbol change", new_symbol="META", source="polygon")
    assert follow_due(AT) == []
    assert Instrument.objects.filter(pk="FB").exists()
    assert closes("META") == [100.0, 101.0]


def test_of_a_reused_symbol_only_records_from_before_the_change_can_move() -> None:
    make.candle("FB", "2024-08-01", 20.0)
    make.held("FB", at=datetime(2024, 8, 1, 14, tzinfo=UTC))
    assert rename().is_shared
    with (
        connection.cursor() as cursor,
        pytest.raises(IntegrityError, match="its rows are a record"),
        transaction.atomic(),
    ):
        cursor.execute("UPDATE fills SET symbol = 'META'")


def test_a_backtest_has_both_parts_of_the_history() -> None:
    closes = [close + 18.5 for close in make.turning(200)]
    make.history("FB", closes, Timeframe.D1, until=datetime(2024, 6, 28, tzinfo=UTC))
    queued = backtest.request(strategy_id="macd_crossover_v1", timeframe="1d", symbols=["FB"], by=None, at=AT)
    rename()
    make.history("META", [130.0] * 30, Timeframe.D1, until=datetime(2024, 8, 1, tzinfo=UTC))
    backtest.run(queued, AT)
    queued.refresh_from_db()
    assert queued.result
    row = queued.result["rows"][1]
    assert (row["symbol"], row["bars"], row["first_at"][:10]) == ("META", 232, "2023-12-11")
    assert row["exposure"] * row["bars"] > 2  # the trade goes on over the change


def test_the_chain_says_that_records_have_another_symbol_since() -> None:
    change = rename()
    assert (audit.seal(AT), audit.seal(AT)) == (1, 0)
    event = AuditEvent.objects.get()
    assert (event.kind, event.subject) == ("symbol changed", f"change of symbol {change.pk}")
    facts = json.loads(event.text)["facts"]
    assert (facts["old"], facts["new"], facts["since"]) == ("FB", "META", "2024-07-02")
    audit.verify()


def test_a_new_company_under_the_old_symbol_begins_anew(trader: Client) -> None:
    rename()
    make.instrument("FB")
    make.candle("FB", "2024-08-01", 20.0)
    follow_due(AT + timedelta(hours=1))
    assert closes("FB") == [20.0]
    assert SymbolChange.objects.current_names() == {}
    assert trader.get("/instruments/FB/").status_code == 200


def test_the_old_name_leads_to_the_new_one(trader: Client) -> None:
    rename()
    answer = trader.get("/instruments/FB/?timeframe=1d")
    assert (answer.status_code, answer["Location"]) == (302, "/instruments/META/?timeframe=1d")
    assert "/instruments/META/" in trader.get("/?search=FB").content.decode()
    assert trader.get("/instruments/NOPE/").status_code == 404


def test_a_chain_of_changes_ends_at_the_last_name() -> None:
    rename()
    follow("META", "MTVS", date(2024, 7, 3), "person", AT)
    assert SymbolChange.objects.current_names() == {"FB": "MTVS", "META": "MTVS"}


def test_the_page_says_what_it_was_called_before(trader: Client) -> None:
    assert "It was" not in trader.get("/instruments/FB/").content.decode()
    rename()
    assert "It was FB until 2024-07-02." in trader.get("/instruments/META/").content.decode()
    follow("META", "MTVS", date(2024, 7, 3), "person", AT)
    page = trader.get("/instruments/MTVS/").content.decode()
    assert "It was META until 2024-07-03, FB until 2024-07-02." in page


def test_a_company_that_took_over_a_symbol_was_called_nothing_before() -> None:
    follow("FB", "META", SINCE, "person", AT)
    follow("META", "MTVS", date(2024, 7, 3), "person", AT)
    make.instrument("META")
    assert SymbolChange.objects.all().leading_to("META") == []
    follow("META", "MATA", date(2024, 7, 5), "person", AT)
    assert [change.old for change in SymbolChange.objects.all().leading_to("MATA")] == ["META"]


def test_a_providers_fact_is_followed_on_its_day() -> None:
    make.action("FB", ex_date="2024-07-05", kind="symbol change", new_symbol="META")
    assert follow_due(AT) == []
    (change,) = follow_due(AT + timedelta(days=2))
    assert (change.new, change.source, change.followed_by) == ("META", "alpaca", None)
    assert CorporateAction.objects.get().symbol == "FB"
    assert follow_due(AT + timedelta(days=3)) == []


def test_two_decisions_of_one_moment_are_not_joined_and_nothing_moves() -> None:
    make.instrument("META")
    make.signal("FB")
    make.signal("META")
    with pytest.raises(RenameRefused, match="stay apart"):
        rename()
    assert closes("FB") == [100.0, 101.0]
    assert not SymbolChange.objects.exists()


def test_one_that_fails_keeps_no_other() -> None:
    make.action("FB", ex_date="2024-07-02", kind="symbol change", new_symbol="META")
    make.instrument("META")
    make.signal("FB")
    make.signal("META")
    make.instrument("ANTM")
    make.candle("ANTM", "2024-07-01", 100.0)
    make.action("ANTM", ex_date="2024-07-02", kind="symbol change", new_symbol="ELV")
    assert [change.new for change in follow_due(AT)] == ["ELV"]


@pytest.mark.parametrize(("old", "new"), [("NOPE", "META"), ("FB", "FB")])
def test_what_is_nothing_to_follow_is_refused(old: str, new: str) -> None:
    with pytest.raises(RenameRefused):
        follow(old, new, SINCE, "person", AT)


def test_a_record_changes_in_nothing_but_a_recorded_symbol() -> None:
    make.held("FB")
    rename()
    for column, value in (("symbol", "'OTHER'"), ("quantity", "99")):
        with (
            connection.cursor() as cursor,
            pytest.raises(IntegrityError, match="its rows are a record"),
            transaction.atomic(),
        ):
            cursor.execute(f"UPDATE fills SET {column} = {value}")
    assert Fill.objects.get().price == Decimal("185.50")


def test_the_command_follows_with_who_and_why() -> None:
    User.objects.create_superuser("olga")
    out = StringIO()
    call_command("rename_symbol", "fb", "meta", "2024-07-02", "--by", "olga", "--why", "notice", stdout=out)
    assert "FB is META since 2024-07-02." in out.getvalue()
    assert str(SymbolChange.objects.get().followed_by) == "olga"
    assert CorporateAction.objects.get().why == "notice"


@pytest.mark.parametrize(
    "args",
    [
        ["FB", "META", "2024-07-02", "--why", "w"],
        ["FB", "META", "2024-07-02", "--why", "w", "--by", "ann"],
        ["FB", "META", "2024-08-02", "--why", "w", "--by", "olga"],
        ["FB", "META", "2024-07-02", "--by", "olga"],
        ["NOPE", "META", "2024-07-02", "--why", "w", "--by", "olga"],
    ],
)
def test_the_command_refuses_and_changes_nothing(args: list[str]) -> None:
    User.objects.create_superuser("olga")
    User.objects.create_user("ann")
    with pytest.raises(CommandError):
        call_command("rename_symbol", *args)
    assert closes("FB") == [100.0, 101.0]
    assert not SymbolChange.objects.exists()


def test_a_person_records_it_in_the_admin_and_it_is_followed(client: Client) -> None:
    client.force_login(User.objects.create_superuser("olga"))
    given = {
        "symbol": "FB",
        "kind": "symbol change",
        "ex_date": "2024-07-02",
        "new_symbol": "META",
        "why": "w",
    }
    client.post("/admin/market/corporateaction/add/", given)
    assert closes("META") == [100.0, 101.0]


def test_every_table_that_names_symbols_is_thought_of() -> None:
    unknown = {table.name for table in renaming.tables() if table.keys} - renaming.FETCHED
    assert unknown == {
        "strategy_signals",
        "orders",
        "orchestration_runs",
        "candle_imports",
        "drifts",
        "paper_charges",
        "paper_dividends",
        "waiting_dividends",
    }


@pytest.fixture
def trader() -> Client:
    client = Client()
    client.force_login(make.trader())
    return client


def test_a_place_in_a_watchlist_goes_along_and_is_not_taken_twice() -> None:
    olga = User.objects.create_superuser("olga")
    names = ("one", "two")
    lists = [Watchlist.objects.create(name=name, created_by=olga, created_at=AT) for name in names]
    make.instrument("META")
    for each in lists:
        WatchlistEntry.objects.create(watchlist=each, instrument_id="FB", position=1)
    WatchlistEntry.objects.create(watchlist=lists[0], instrument_id="META", position=2)
    rename()
    places = WatchlistEntry.objects.order_by("watchlist__name").values_list(
        "watchlist__name", "instrument_id"
    )
    assert list(places) == [("one", "META"), ("two", "META")]
