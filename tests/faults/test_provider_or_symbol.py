"""Several symbols that fail, one provider that fails: which of both it is, at each vendor and each work."""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from pytest_django import Settings

from market.ingestion import cycle
from market.ingestion.asking import CONTROLS, LONGEST_SEARCH, MOST_PARTS, ask
from market.models import CandleProgress, Fault, IngestionRun, ProviderPace, ProviderStatus, Quote
from market.prices import Feed, Timeframe
from market.providers.base import ProviderError, Quotes
from tests import make
from tests.loopback import AT, candles, quotes, watch
from tests.vendors import Alpaca, IBBridge, Polygon, faults
from tests.vendors.server import Fault as VendorFault
from tests.vendors.server import Reply, Turn

pytestmark = pytest.mark.django_db

MINUTE = timedelta(minutes=1)
SYMBOLS = ["AAPL", "AMD", "AMZN", "GOOGL", "META", "MSFT", "NFLX", "NVDA"]
PLACES = {"front": 0, "middle": 3, "end": 8}


@pytest.fixture(autouse=True)
def watchlist(settings: Settings) -> None:
    watch(settings, *SYMBOLS)


def quoted_since(at: datetime) -> set[str]:
    return set(Quote.objects.filter(received_at__gte=at).values_list("symbol", flat=True))


def answered_since(at: datetime) -> set[str]:
    return set(CandleProgress.objects.filter(answered_at__gte=at).values_list("symbol", flat=True))


def failing() -> set[str]:
    return set(Fault.objects.values_list("subject", flat=True))


def failures(provider: str, kind: str) -> int:
    return ProviderStatus.objects.get(provider=provider, kind=kind).consecutive_failures


def some(count: int, place: str) -> set[str]:
    """So many of the symbols that follow one another."""
    last = max(PLACES[place], count) if place == "end" else PLACES[place] + count
    return set(SYMBOLS[min(last, len(SYMBOLS)) - count :][:count])


def unless_asked_for(bad: set[str], status: int) -> VendorFault:
    """Fail a request for any of the bad symbols as a whole."""

    def fault(turn: Turn) -> None:
        asked = set(turn.visit.query["symbols"].split(","))
        turn.send(Reply.json({"message": "oops"}, status) if asked & bad else turn.reply())

    return fault


FEW = [(count, place) for count in (1, 2, 3) for place in PLACES]


class TestSeveralSymbolsThatFail:
    """2, 3 of 8 symbols fail, wherever they stand: it is theirs, and the others have their data."""

    @pytest.mark.parametrize(("count", "place"), FEW)
    def test_in_one_request_for_quotes(self, alpaca: Alpaca, count: int, place: str) -> None:
        quotes()
        alpaca.fail(unless_asked_for(bad := some(count, place), 422))
        alpaca.now = AT + MINUTE
        quotes(alpaca.now)
        assert (quoted_since(alpaca.now), failing()) == (set(SYMBOLS) - bad, bad)
        assert failures("alpaca", "quotes") == 0

    @pytest.mark.parametrize(("count", "place"), FEW)
    def test_in_one_request_for_candles(self, alpaca: Alpaca, count: int, place: str) -> None:
        candles()
        alpaca.fail(unless_asked_for(bad := some(count, place), 422))
        alpaca.now = AT + 15 * MINUTE
        candles(alpaca.now)
        assert (answered_since(alpaca.now), failing()) == (set(SYMBOLS) - bad, bad)

    @pytest.mark.parametrize("status", [404, 422, 500])
    @pytest.mark.parametrize(("count", "place"), [(2, "front"), (3, "end"), (7, "front")])
    def test_in_requests_of_their_own(self, bridge: IBBridge, count: int, place: str, status: int) -> None:
        candles()
        for symbol in (bad := some(count, place)):
            bridge.fail(faults.status(status), on=f"/candles/{symbol}")
        bridge.now = AT + 15 * MINUTE
        candles(bridge.now)
        assert (answered_since(bridge.now), failing()) == (set(SYMBOLS) - bad, bad)
        assert failures("ib_bridge", "candles") == 0

    def test_all_but_one(self, alpaca: Alpaca) -> None:
        quotes()
        alpaca.fail(unless_asked_for(bad := set(SYMBOLS) - {"META"}, 422))
        for minute in range(1, 6):
            alpaca.now = AT + minute * MINUTE
            quotes(alpaca.now)
        assert "META" in quoted_since(AT + MINUTE)
        assert failing() <= bad

    def test_that_are_asked_for_before_the_others_do_not_keep_these_waiting(self, alpaca: Alpaca) -> None:
        candles()
        alpaca.fail(unless_asked_for(bad := {"AAPL", "AMD"}, 422))
        for quarter in range(1, 9):
            alpaca.now = AT + quarter * 15 * MINUTE
            candles(alpaca.now)
            assert answered_since(alpaca.now) == set(SYMBOLS) - bad
        assert failing() == bad
        assert failures("alpaca", "candles") == 0

    def test_that_are_new_do_not_keep_other_new_ones_waiting(self, bridge: IBBridge) -> None:
        for number in range(12):
            make.instrument(f"AA{number}")  # before all others
        bridge.fail(faults.status(500, detail="Contract not found"), on="/*/AA[0-9]*")
        assert (candles().stored, quotes().stored) == (8, 8)
        assert len(failing()) == 12
        assert failures("ib_bridge", "candles") == failures("ib_bridge", "quotes") == 0

    def test_come_after_the_others_when_they_are_asked_for_again(self, bridge: IBBridge) -> None:
        make.instrument("AAAA")
        bridge.fail(faults.status(500, detail="Contract not found"), on="/*/AAAA")
        candles()
        bridge.now = AT + 15 * MINUTE
        candles(bridge.now)
        last = [visit.path for visit in bridge.visits_to("/candles/*")][-len(SYMBOLS) - 1 :]
        assert last.index("/candles/AAAA") == len(SYMBOLS)


class TestAProviderThatFails:
    @pytest.mark.parametrize("status", [404, 422, pytest.param(502, marks=pytest.mark.long)])
    def test_for_all_in_one_request_is_blamed_and_recovers_at_once(self, alpaca: Alpaca, status: int) -> None:
        quotes()
        alpaca.fail(faults.status(status))
        for minute in range(1, 11):
            alpaca.now = AT + minute * MINUTE
            quotes(alpaca.now)
        row = ProviderStatus.objects.get(provider="alpaca", kind="quotes")
        assert row.consecutive_failures >= 3
        assert row.cool_off_until is not None
        assert failing() == set()
        alpaca.heal()
        alpaca.now = row.cool_off_until
        assert quotes(alpaca.now).stored == len(SYMBOLS)

    @pytest.mark.parametrize("work", [quotes, candles])
    def test_for_each_request_is_blamed(
        self, bridge: IBBridge, work: Callable[[datetime], IngestionRun]
    ) -> None:
        work(AT)
        bridge.fail(faults.status(500), on="/[qc]*/*")
        bridge.now = AT + 15 * MINUTE
        work(bridge.now)
        assert failures("ib_bridge", "quotes" if work is quotes else "candles") == 1
        assert failing() == set()
        bridge.heal()
        bridge.now += MINUTE
        assert work(bridge.now).stored == len(SYMBOLS)

    def test_while_one_symbol_after_another_is_asked_for_is_blamed(self, bridge: IBBridge) -> None:
        candles()
        ProviderPace.objects.all().delete()
        for number, _ in enumerate(cycle.backfill(SYMBOLS, Timeframe.D1, AT - timedelta(days=5), AT)):
            if number == 2:
                bridge.fail(faults.status(500), on="/candles/*")
        assert failing() == set()
        assert failures("ib_bridge", "candles") == 1

    def test_by_answering_for_none_of_all_gives_way_to_the_next(
        self, alpaca: Alpaca, polygon: Polygon
    ) -> None:
        alpaca.answers["/v2/stocks/snapshots"] = {}
        assert quotes().stored == len(SYMBOLS)
        assert set(Quote.objects.values_list("provider", flat=True)) == {"polygon"}
        assert failing() == set()
        assert failures("alpaca", "quotes") == 1

    def test_for_some_symbols_is_helped_out_by_the_next(self, alpaca: Alpaca, polygon: Polygon) -> None:
        alpaca.fail(unless_asked_for({"AMD", "NVDA"}, 422))
        assert quotes().stored == len(SYMBOLS)
        taken = set(Quote.objects.filter(provider="polygon").values_list("symbol", flat=True))
        assert taken == failing() == {"AMD", "NVDA"}


class Poisoned:
    """A provider that fails every request with a poisoned symbol in it."""

    name = "poisoned"

    def __init__(self, poisoned: set[str], wait: Callable[[], None] = lambda: None) -> None:
        self.poisoned, self.wait, self.asked = poisoned, wait, 0

    def answer(self, symbols: list[str]) -> Quotes:
        self.asked += 1
        if self.poisoned & set(symbols):
            self.wait()
            raise ProviderError("no answer", is_general=False)
        return Quotes([make.tick(symbol) for symbol in symbols], Feed.LIVE)

    def run(self, symbols: list[str], current: cycle.Cycle) -> set[str]:
        names = dict(zip(symbols, symbols, strict=True))
        answers = ask(current, self, names, lambda part: self.answer(list(part)))  # type: ignore[arg-type]  # asks only by the question
        return {tick.symbol for answer in answers for tick in answer.ticks}


def a_cycle() -> cycle.Cycle:
    return cycle.Cycle(IngestionRun(kind="quotes", started_at=AT))


@hypothesis_settings(
    max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(size=st.integers(5, 60), places=st.sets(st.integers(0, 59), max_size=2))
def test_two_symbols_at_any_places_cost_only_themselves(size: int, places: set[int]) -> None:
    symbols = [f"S{number}" for number in range(size)]
    provider, current = Poisoned({symbols[place % size] for place in places}), a_cycle()
    assert provider.run(symbols, current) == set(symbols) - provider.poisoned
    assert {about[2] for about in current.faulty} == provider.poisoned
    assert not current.dead
    assert provider.asked <= MOST_PARTS


@pytest.mark.parametrize("size", [2, 3, 8, 500])
def test_a_provider_that_is_down_costs_few_requests(size: int) -> None:
    symbols = [f"S{number}" for number in range(size)]
    provider, current = Poisoned(set(symbols)), a_cycle()
    assert provider.run(symbols, current) == set()
    assert (current.dead, current.faulty) == ({"poisoned"}, {})
    assert provider.asked <= 1 + CONTROLS


def test_a_provider_that_never_answers_is_not_asked_for_long() -> None:
    with time_machine.travel(AT, tick=False) as clock:
        provider, current = Poisoned(set(SYMBOLS), lambda: clock.shift(22)), a_cycle()
        began = time.monotonic()
        provider.run(SYMBOLS, current)
        assert time.monotonic() - began < LONGEST_SEARCH + 22
    assert (current.dead, current.faulty) == ({"poisoned"}, {})


def test_whom_it_asks_to_be_sure_changes_with_each_cycle() -> None:
    """Otherwise as many bad symbols as are asked for to be sure could have a provider blamed for ever."""
    symbols = [f"S{number}" for number in range(40)]
    for number in range(20):
        provider = Poisoned(set(symbols[:20]))
        current = cycle.Cycle(IngestionRun(kind="quotes", started_at=AT + number * MINUTE))
        if provider.run(symbols, current):
            return
    pytest.fail("the sound ones were never found")
