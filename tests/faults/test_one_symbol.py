"""One symbol, calendar, gap or message that fails: the others go on, and it is told by name."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from approvals import notify, outcomes
from approvals.models import Notification
from jaxsite.monitoring import health
from market import doctor, sessions
from market import faults as faults_of
from market.ingestion import cycle, gaps
from market.ingestion.asking import ask
from market.models import (
    CandleProgress,
    Fault,
    Gap,
    IngestionRun,
    Instrument,
    ProviderStatus,
    Quote,
    TradingSession,
)
from market.prices import Feed
from market.providers.base import ProviderError, Quotes
from tests import make
from tests.approvals.listener import Listener
from tests.faults.loops import refuse_rows
from tests.loopback import AT, candles, quotes, watch
from tests.vendors import Alpaca, IBBridge, Polygon, faults
from tests.vendors.server import Reply, Turn

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SYMBOLS = ["AAPL", "AMD", "MSFT", "NVDA"]
NO_CONTRACT = faults.status(500, detail="Contract not found for it")


@pytest.fixture(autouse=True)
def watchlist(settings: Settings) -> None:
    watch(settings, *SYMBOLS)


def answered() -> set[str]:
    return set(CandleProgress.objects.values_list("symbol", flat=True))


def test_a_contract_that_ib_cannot_find_is_not_the_bridges_fault(bridge: IBBridge) -> None:
    candles()
    make.instrument("GONE")
    bridge.fail(NO_CONTRACT, on="/candles/GONE")
    for minute in range(1, 40):
        bridge.now = AT + minute * MINUTE
        candles(bridge.now)
    status = ProviderStatus.objects.get(provider="ib_bridge", kind="candles")
    assert (status.consecutive_failures, status.cool_off_until) == (0, None)
    fault = Fault.objects.get()
    assert (fault.subject, fault.source) == ("GONE", "ib_bridge")
    assert AT + MINUTE <= fault.since < AT + 2 * MINUTE
    assert "Contract not found" in fault.reason


def test_it_is_asked_for_ever_more_rarely(bridge: IBBridge) -> None:
    candles()
    make.instrument("GONE")
    bridge.fail(NO_CONTRACT, on="/candles/GONE")
    for minute in range(1, 61):
        bridge.now = AT + minute * MINUTE
        candles(bridge.now)
    assert 5 <= len(bridge.visits_to("/candles/GONE")) <= 8


def test_once_it_is_found_it_is_forgotten(bridge: IBBridge) -> None:
    bridge.fail(NO_CONTRACT, on="/candles/AMD", times=2)
    candles()
    assert Fault.objects.get().subject == "AMD"
    for minute in (1, 2, 3, 4):
        bridge.now = AT + minute * MINUTE
        candles(bridge.now)
    assert not Fault.objects.exists()
    assert answered() == set(SYMBOLS)


def test_a_bridge_that_fails_for_all_is_blamed_itself(bridge: IBBridge) -> None:
    bridge.fail(faults.status(500), on="/candles/*")
    candles()
    assert not Fault.objects.exists()
    assert ProviderStatus.objects.get(provider="ib_bridge", kind="candles").consecutive_failures == 1


def test_one_symbol_that_breaks_a_request_for_many_is_found(alpaca: Alpaca) -> None:
    def refuse(turn: Turn) -> None:
        turn.send(Reply(b"{", 500) if "AMD" in turn.visit.query["symbols"] else turn.reply())

    alpaca.fail(refuse)
    candles()
    assert answered() == set(SYMBOLS) - {"AMD"}
    assert Fault.objects.get().subject == "AMD"


class Poisoned:
    """A provider whose every answer breaks when a poisoned symbol is among those asked for."""

    name = "poisoned"

    def __init__(self, poisoned: set[str], error: Exception) -> None:
        self.poisoned, self.error, self.asked = poisoned, error, 0

    def ask(self, symbols: list[str]) -> list[str]:
        self.asked += 1
        if self.poisoned & set(symbols):
            raise self.error
        return symbols


ERRORS = [ValueError("no number"), KeyError("t"), ProviderError("500", is_general=False), ZeroDivisionError()]


@hypothesis_settings(
    max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(size=st.integers(3, 60), place=st.integers(0, 59), error=st.sampled_from(ERRORS))
def test_one_poisoned_symbol_at_any_place_costs_only_itself(size: int, place: int, error: Exception) -> None:
    symbols = [f"S{number}" for number in range(size)]
    provider = Poisoned({symbols[place % size]}, error)
    current = cycle.Cycle(IngestionRun(kind="quotes", started_at=AT))
    got: set[str] = set()
    for answer in ask(
        current,
        provider,  # type: ignore[arg-type]  # it is asked by the question below only
        dict(zip(symbols, symbols, strict=True)),
        lambda part: Quotes([make.tick(symbol) for symbol in provider.ask(list(part))], Feed.LIVE),
    ):
        got |= {tick.symbol for tick in answer.ticks}
    assert got == set(symbols) - provider.poisoned
    assert {about[2] for about in current.faulty} == provider.poisoned
    assert not current.dead
    assert provider.asked <= 14


def test_a_gap_that_is_never_answered_lets_the_others_go_first(bridge: IBBridge) -> None:
    candles()
    for number, symbol in enumerate(["AAPL", "AMD", "MSFT", "NVDA"]):
        Gap.objects.create(
            symbol=symbol, timeframe="15m", first_at=AT - timedelta(days=1), last_at=AT - timedelta(days=1),
            bars=1, reason="outage", found_at=AT, next_attempt_at=AT + number * timedelta(seconds=1),
        )  # fmt: skip
    bridge.fail(NO_CONTRACT, on="/candles/AAPL")
    bridge.fail(NO_CONTRACT, on="/candles/AMD")
    candles(AT + timedelta(minutes=2))
    assert {gap.symbol for gap in gaps.due(AT + timedelta(minutes=3))} == {"MSFT", "NVDA"}


class TestACalendar:
    def test_that_is_unknown_keeps_no_other(self) -> None:
        make.instrument("AMD", "NOWHERE")
        sessions.refresh_each(["NOWHERE", "XTKS"], AT)
        assert TradingSession.objects.filter(calendar="XTKS").exists()
        assert Fault.objects.get().subject == "NOWHERE"

    def test_lets_the_candles_of_others_come(self, bridge: IBBridge) -> None:
        make.instrument("AMD", "NOWHERE")
        candles()
        assert answered() >= set(SYMBOLS) - {"AMD"}

    def test_is_not_computed_again_at_once(self) -> None:
        sessions.ensure_each(["NOWHERE"], AT)
        sessions.ensure_each(["NOWHERE"], AT + timedelta(seconds=10))
        assert Fault.objects.get().failures == 1

    def test_whose_year_is_not_published_yet_is_recorded_and_asked_for_rarely(self) -> None:
        at = datetime(2031, 3, 1, tzinfo=UTC)
        make.session("2032-01-15", calendar="24/7")
        sessions.ensure_each(["XSHG", "24/7"], at)
        sessions.ensure_each(["XSHG", "24/7"], at + timedelta(seconds=10))
        fault = Fault.objects.get()
        assert (fault.subject, fault.failures) == ("XSHG", 1)
        assert TradingSession.objects.filter(calendar="XSHG").exists()


def test_the_others_have_their_quotes(bridge: IBBridge) -> None:
    bridge.fail(NO_CONTRACT, on="/quotes/AMD")
    for minute in (0, 1, 3):
        bridge.now = AT + minute * MINUTE
        quotes(bridge.now)
    assert set(Quote.objects.values_list("symbol", flat=True)) == set(SYMBOLS) - {"AMD"}
    fault = Fault.objects.get()
    assert (fault.subject, fault.failures) == ("AMD", 3)
    assert "Contract not found" in fault.reason


class TestWhereItIsShown:
    @pytest.fixture(autouse=True)
    def failing(self) -> None:
        about = faults_of.key(Fault.Work.QUOTES, "AMD", source="ib_bridge")
        for minute in (0, 1, 3):
            faults_of.record({about: "Contract not found for it"}, AT + minute * MINUTE)

    def test_health_is_degraded_and_names_it(self) -> None:
        check = next(check for check in health.run_checks(AT) if check.name == "symbols")
        assert check.status == health.Status.DEGRADED
        assert "AMD since 2024-07-02" in check.message

    def test_doctor_says_what_to_do(self) -> None:
        finding = next(each for each in doctor.failing.findings(AT) if "AMD" in each.about)
        assert "Contract not found" in finding.text
        assert "Check the symbol" in finding.advice

    def test_its_page_says_why(self, client: Client) -> None:
        client.force_login(make.trader())
        page = client.get("/instruments/AMD/").content.decode()
        assert "Contract not found" in page

    def test_what_is_not_watched_any_more_is_no_news(self) -> None:
        Instrument.objects.filter(pk="AMD").update(watched=False)
        assert next(check for check in health.run_checks(AT) if check.name == "symbols").status == "healthy"


class TestMessages:
    """People are told when something begins to count as failing, and when it does no more: once each."""

    def fail(self, *calendars: str, times: int = 1, at: datetime = AT) -> None:
        for number in range(times):
            failed = {faults_of.key(Fault.Work.SESSIONS, calendar): "not published" for calendar in calendars}
            faults_of.record(failed, at + number * MINUTE)

    def titles(self) -> list[str]:
        return list(Notification.objects.order_by("pk").values_list("title", flat=True))

    def test_not_before_the_third_failure_and_not_each_cycle(self) -> None:
        self.fail("XSHG", times=2)
        notify.about_faults(AT + 2 * MINUTE)
        assert self.titles() == []
        self.fail("XSHG", at=AT + 2 * MINUTE)
        for minute in (3, 4, 5):
            notify.about_faults(AT + minute * MINUTE)
        assert self.titles() == ["XSHG fails by itself since 2024-07-02 15:07 UTC, the others go on"]
        assert Notification.objects.get().body == "XSHG: sessions of a calendar: not published"

    def test_once_when_it_recovers_and_again_when_it_fails_anew(self) -> None:
        self.fail("XSHG", times=3)
        notify.about_faults(AT + 3 * MINUTE)
        faults_of.clear([faults_of.key(Fault.Work.SESSIONS, "XSHG")])
        notify.about_faults(AT + 4 * MINUTE)
        notify.about_faults(AT + 5 * MINUTE)
        self.fail("XSHG", times=3, at=AT + 6 * MINUTE)
        notify.about_faults(AT + 9 * MINUTE)
        assert [title.split(",")[0] for title in self.titles()] == [
            "XSHG fails by itself since 2024-07-02 15:07 UTC",
            "XSHG fails no more: it succeeds again",
            "XSHG fails by itself since 2024-07-02 15:13 UTC",
        ]

    def test_many_at_once_are_one_message(self, settings: Settings) -> None:
        self.fail("XSHG", "XTKS", "XBOM", "XHKG", "XKRX", times=3)
        notify.about_faults(AT + 3 * MINUTE)
        with Listener() as listener:
            settings.NOTIFY_URLS = [listener.url()]
            notify.send(AT + 3 * MINUTE)
            assert len(listener.taken) == 1
        assert "5 messages" in listener.taken[0]["title"]

    def test_what_is_not_tried_any_more_is_no_news(self) -> None:
        self.fail("XSHG", times=3)
        later = AT + timedelta(days=2)
        notify.about_faults(later)
        assert self.titles() == []
        faults_of.forget_old(later)
        assert not Fault.objects.exists()


def test_a_signal_without_an_outcome_is_named_as_people_know_it() -> None:
    signal = make.signal("AAPL", indicators={"price": 1})
    with refuse_rows("outcomes"):
        for minute in (0, 1, 3, 6):
            outcomes.refresh(AT + minute * MINUTE)
    check = next(check for check in health.run_checks(AT + 7 * MINUTE) if check.name == "symbols")
    assert "BUY AAPL macd_crossover_v1 1d of 2024-07-02 00:00 since" in check.message
    assert str(signal.pk) not in check.message


@pytest.mark.parametrize("place", range(4))
def test_one_symbol_that_polygon_fails_on_keeps_no_other(place: int, settings: Settings) -> None:
    with Polygon(now=AT) as vendor:
        settings.POLYGON_BASE_URL, settings.POLYGON_API_KEY = vendor.url, vendor.key
        settings.POLYGON_REQUESTS_PER_MINUTE = 1000
        victim = SYMBOLS[place]
        vendor.fail(faults.status(500), on=f"/v2/aggs/ticker/{victim}/*")
        candles()
        assert answered() == set(SYMBOLS) - {victim}
    assert Fault.objects.get().subject == victim
    assert ProviderStatus.objects.get(provider="polygon", kind="candles").cool_off_until is None
