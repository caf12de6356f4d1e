"""The frame of every page: who may see it, and what the status bar says."""

import re
from datetime import timedelta

import pytest
import time_machine
from django.contrib.auth.models import Permission, User
from django.test import Client

from approvals import gate, halt, proposals
from approvals.models import Fill, Order, TradingHalt
from desk import status_bar
from market.models import IngestionRun, Split
from market.prices import Feed
from signals.models import Signal
from tests import make
from tests.clock import NOW

PAGES = ["/", "/signals/", "/positions/", "/status/"]


@pytest.mark.parametrize("address", PAGES)
def test_a_stranger_is_asked_to_log_in(client: Client, db: None, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/login/?next={address}")


def test_a_login_without_a_role_is_told_so(client: Client, db: None) -> None:
    client.force_login(User.objects.create_user("nobody"))
    answer = client.get("/")
    assert answer.status_code == 403
    assert "Your login has no role yet" in answer.content.decode()
    assert ">Log out<" in answer.content.decode()


def test_nothing_of_a_page_is_kept_by_the_browser(trader: Client) -> None:
    assert "no-store" in trader.get("/").headers["Cache-Control"]


def items() -> dict[str, str]:
    return {item.name: item.text for item in status_bar.load(make.T0).items}


@pytest.mark.django_db
class TestStatusBar:
    def test_all_is_well(self) -> None:
        make.only("AAPL")
        make.july_2024()
        make.ready()
        make.quote("AAPL")
        assert items() == {
            "Feed": "live",
            "Market": "open, closes",
            "Worker": "alive,",
            "Broker": "paper",
            "Trading": "on",
        }

    def test_the_worst_feed_of_the_watchlist_is_what_it_says(self) -> None:
        make.only("AAPL", "MSFT")
        make.ready()
        make.quote("AAPL")
        make.quote("MSFT", feed=Feed.DELAYED, delay_seconds=900)
        assert items()["Feed"] == "delayed 15 min"

    def test_a_feed_that_is_away_is_down_whatever_was_quoted_last(self) -> None:
        make.only("AAPL")
        make.ready(make.T0 - timedelta(hours=1))
        make.quote("AAPL")
        assert (items()["Feed"], items()["Worker"]) == ("down", "silent for")
        assert (items()["Broker"], items()["Trading"]) == ("paper, away", "waits"), "nobody asked for an hour"

    def test_a_feed_that_is_just_back_is_not_down(self) -> None:
        make.only("AAPL")
        make.ready()
        IngestionRun.objects.exclude(pk=IngestionRun.objects.latest("started_at").pk).delete()
        (feed,) = (item for item in status_bar.load(make.T0).items if item.name == "Feed")
        assert (feed.tone, feed.text) == ("warn", "back")
        assert "Approving is possible from" in feed.why

    def test_after_the_close_it_says_when_the_market_opens(self) -> None:
        make.only("AAPL")
        make.july_2024()
        at = make.T0.replace(hour=18)  # an early close; the 4th is a holiday
        (market,) = (item for item in status_bar.load(at).items if item.name == "Market")
        assert (market.text, market.until) == ("closed, opens", make.T0.replace(day=5, hour=13, minute=30))

    def test_those_wait_that_can_be_acted_on(self) -> None:
        """Counted in SQL as proposals tell it: whatever is held, a split since included."""
        symbols = ["AAPL", "MSFT", "NVDA", "JPM", "TSLA"]
        make.only(*symbols)
        make.july_2024()
        make.ready()
        make.held("MSFT")
        make.held("NVDA", -10)
        for symbol, sold in (("JPM", 15), ("TSLA", 20)):  # of the 20 that 10 have become
            entry = make.order(symbol, status=Order.Status.FILLED, filled_quantity=10)
            make.fill(entry, executed_at=make.T0 - timedelta(days=2))
            ratio = {"date": make.T0.date(), "ratio": 2, "source": "test"}
            Split.objects.create(symbol=symbol, recorded_at=make.T0, **ratio)
            make.fill(entry, sold, side=Signal.Type.SELL, leg=Fill.Leg.STOP)
        for symbol in symbols:
            make.sell(symbol)
            make.signal(symbol, timeframe="1h")
        every = proposals.propose_all(list(Signal.objects.pending(make.T0)), make.T0)
        can = [proposal for proposal in every if proposal.is_actionable]
        bar = status_bar.load(make.T0)
        assert {proposal.symbol for proposal in can if proposal.signal.signal_type == Signal.Type.SELL} == {
            "MSFT",
            "JPM",
        }
        assert (bar.waiting, bar.measured) == (len(can), len(every) - len(can)) == (7, 3)

    def test_a_halt_is_told_with_its_reason(self) -> None:
        make.ready()
        halt.start(TradingHalt.Cause.PERSON, "Fed day", make.T0, by=make.trader())
        bar = status_bar.load(make.T0)
        assert bar.is_halted
        assert "by ann: Fed day" in bar.problems[-1].why


class TestHalting:
    @pytest.fixture
    def operator(self, trader: Client) -> Client:
        may = Permission.objects.filter(codename__in=["add_tradinghalt", "change_tradinghalt"])
        make.trader().user_permissions.add(*may)
        return trader

    def test_a_person_halts_and_resumes(self, operator: Client) -> None:
        assert re.search(r"<button[^>]*>Halt trading", operator.get("/halt/").content.decode())
        operator.post("/halt/", {"reason": "Fed day"})
        assert "Fed day" in gate.state(make.T0).halted
        operator.post("/resume/", {"note": "over"})
        assert gate.state(make.T0).halted == ""

    @pytest.mark.parametrize("address", ["/", "/signals/", "/positions/", "/scorecard/", "/status/"])
    def test_a_trader_halts_from_the_bar_of_a_page_and_does_not_resume(
        self, trader: Client, address: str
    ) -> None:
        assert 'href="/halt/"' in trader.get(address).content.decode()
        trader.post("/halt/", {"reason": "Fed day"})
        assert "Fed day" in gate.state(make.T0).halted
        assert 'href="/resume/"' not in trader.get(address).content.decode()
        assert trader.post("/resume/", {"note": "over"}).status_code == 403

    def test_whoever_may_not_halt_cannot(self, trader: Client) -> None:
        make.trader().user_permissions.remove(Permission.objects.get(codename="add_tradinghalt"))
        assert trader.post("/halt/", {"reason": "Fed day"}).status_code == 403
        assert not TradingHalt.objects.exists()


@pytest.mark.parametrize(("hour", "opening"), [(18, r"\w{3} 20:00"), (19, "20:00")])
def test_times_are_in_the_viewers_zone_with_the_exchanges_beside(
    trader: Client, hour: int, opening: str
) -> None:
    """The weekday stands before the hour unless it is today's, which begins at 18:30 UTC in this zone."""
    make.only("AAPL")
    now = NOW.replace(hour=hour, minute=0)
    make.session(f"{now.date() + timedelta(days=1)}", "14:30", "21:00")
    make.session(f"{now.date()}", "00:00", "00:01", closed=True)
    trader.cookies["zone"] = "Asia/Kolkata"
    with time_machine.travel(now):
        page = trader.get("/").content.decode()
    exchange_time = r'<span class="annotation">\w*\s?\d\d:30 New York'
    assert re.search(rf'Z" title="[^"]* UTC">{opening}</time> {exchange_time}', page)


@pytest.mark.parametrize("zone", ["../../etc/passwd", "Nowhere/Else", "", "\0"])
def test_a_zone_that_nobody_knows_is_utc(trader: Client, zone: str) -> None:
    trader.cookies["zone"] = zone
    assert "Times are in UTC" in trader.get("/").content.decode()
