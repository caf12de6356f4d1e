"""The nightly cross-check against a second provider, with vendors on loopback."""

from ast import literal_eval
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.test import Client
from django.utils import timezone
from django_q.models import Schedule
from pytest_django import Settings

from market import doctor, tasks
from market.ingestion import crosscheck
from market.models import Candle, Disagreement, ProviderPace
from market.models import Fault as FaultRow
from tests import make
from tests.admin_users import reader
from tests.faults.loops import refuse_rows
from tests.loopback import candles, watch
from tests.vendors import Alpaca, IBBridge, Polygon, faults
from tests.vendors.prices import Bar
from tests.vendors.server import Fault

__all__ = ["reader"]

pytestmark = pytest.mark.django_db

NIGHT = datetime(2024, 7, 3, 2, 0, tzinfo=UTC)
freezes_at_night = time_machine.travel(NIGHT, tick=False)
CLOSE, VOLUME, BARS, UNIT = Disagreement.Figure


@pytest.fixture(autouse=True)
def watchlist(settings: Settings) -> None:
    watch(settings, "AAPL", "MSFT")
    settings.CANDLE_TIMEFRAMES, settings.CANDLE_BACKFILL = ["1d", "15m"], 60


@pytest.fixture
def stored(bridge: IBBridge) -> IBBridge:
    """The bridge, whose bars are stored as of the night."""
    bridge.now = NIGHT
    candles(NIGHT)
    return bridge


def check(second: Alpaca | Polygon) -> set[tuple[str, str, str]]:
    """Compare with a second provider that no pace holds up; return symbol, figure and note."""
    second.now = NIGHT
    ProviderPace.objects.all().delete()
    crosscheck.check(NIGHT)
    return set(Disagreement.objects.values_list("symbol", "figure", "note"))


def hundredth(bars: list[Bar]) -> list[Bar]:
    return [bar._replace(volume=bar.volume / 100) for bar in bars]


def test_two_providers_that_agree_leave_no_row(stored: IBBridge, alpaca: Alpaca) -> None:
    assert check(alpaca) == set()
    assert alpaca.visits


def test_without_a_second_provider_nothing_is_asked(stored: IBBridge) -> None:
    before = len(stored.visits)
    assert crosscheck.check(NIGHT) == (0, [])
    assert len(stored.visits) == before


def test_prices_that_are_not_adjusted_differ_in_each_session(stored: IBBridge, alpaca: Alpaca) -> None:
    alpaca.basis["AAPL"] = 10.0
    rows = check(alpaca)
    assert ("AAPL", CLOSE, "10 times") in rows
    assert {symbol for symbol, _, _ in rows} == {"AAPL"}
    assert Disagreement.objects.filter(figure=CLOSE).count() > 2
    assert {row.other for row in Disagreement.objects.all()} == {"alpaca"}


def test_a_second_provider_that_counts_lots_is_found_out(stored: IBBridge, alpaca: Alpaca) -> None:
    alpaca.spoil = hundredth
    assert check(alpaca) == {
        (symbol, VOLUME, "the other one looks like lots of 100 shares") for symbol in ("AAPL", "MSFT")
    }


def test_bars_inside_in_lots_are_found_out_by_the_bar_of_their_day(stored: IBBridge) -> None:
    Candle.objects.filter(timeframe="15m", symbol="AAPL").update(volume=1)
    quarters = Candle.objects.filter(
        timeframe="15m", symbol="AAPL", opened_at__date=NIGHT - timedelta(days=1)
    )
    Candle.objects.filter(timeframe="1d", symbol="AAPL").update(volume=100 * quarters.count())
    assert crosscheck.check(NIGHT) == (1, [])
    row = Disagreement.objects.get()
    assert (row.symbol, row.figure, row.note) == (
        "AAPL",
        UNIT,
        "the stored one looks like lots of 100 shares",
    )


def test_a_session_with_fewer_bars_is_told(stored: IBBridge, alpaca: Alpaca) -> None:
    alpaca.spoil = lambda bars: [bar for bar in bars if bar.opened_at.hour not in (15, 16)]
    assert ("AAPL", BARS, "") in check(alpaca)
    row = Disagreement.objects.filter(figure=BARS).first()
    assert row is not None
    assert row.stored - row.given == 8


@pytest.mark.parametrize("fault", [faults.status(500), faults.web_page, faults.reset])
def test_a_second_provider_that_fails_disagrees_in_nothing(
    stored: IBBridge, alpaca: Alpaca, fault: Fault
) -> None:
    alpaca.fail(fault)
    assert check(alpaca) == set()


@freezes_at_night
def test_what_failed_is_compared_later_in_the_night(stored: IBBridge, alpaca: Alpaca) -> None:
    alpaca.now = NIGHT
    alpaca.spoil = hundredth
    alpaca.fail(faults.status(500))
    tasks.cross_check()
    again = Schedule.objects.get(func="market.tasks.cross_check", schedule_type=Schedule.ONCE)
    assert (again.next_run, again.cluster) == (timezone.now() + timedelta(hours=1), "slow")
    assert not Disagreement.objects.exists()
    alpaca.heal()
    tasks.cross_check(*literal_eval(again.args))
    assert {row.symbol for row in Disagreement.objects.all()} == {"AAPL", "MSFT"}
    assert Schedule.objects.count() == 1


def test_one_that_cannot_be_stored_keeps_no_other(stored: IBBridge, alpaca: Alpaca) -> None:
    alpaca.now, alpaca.spoil = NIGHT, hundredth
    ProviderPace.objects.all().delete()
    with refuse_rows("provider_disagreements", "NEW.symbol = 'AAPL'"):
        assert crosscheck.check(NIGHT).uncompared == ["AAPL"]
    assert {row.symbol for row in Disagreement.objects.all()} == {"MSFT"}
    fault = FaultRow.objects.get()
    assert (fault.work, fault.subject, fault.source) == (FaultRow.Work.COMPARE, "AAPL", "alpaca")


@freezes_at_night
def test_a_provider_that_fails_all_night_is_left_for_the_next(stored: IBBridge, alpaca: Alpaca) -> None:
    alpaca.fail(faults.status(500))
    tasks.cross_check(["AAPL"], tasks.CROSS_CHECKS)
    assert not Schedule.objects.exists()


@pytest.mark.parametrize(
    ("as_of", "provider", "is_told"),
    [
        ("2024-07-02T20:00", "ib_bridge", True),
        ("2024-07-02T19:50", "ib_bridge", True),
        ("2024-07-02T15:00", "ib_bridge", False),
        ("2024-07-02T20:00", "alpaca", False),
    ],
    ids=["after the close", "just before it", "in the midst of the session", "of one exchange only"],
)
def test_quotes_in_lots_are_found_out_by_the_bar_of_their_day(
    stored: IBBridge, as_of: str, provider: str, is_told: bool
) -> None:
    day = Candle.objects.get(symbol="AAPL", timeframe="1d", opened_at__date=NIGHT - timedelta(days=1))
    assert day.volume
    at = datetime.fromisoformat(f"{as_of}Z")
    make.quote("AAPL", day.close, at, volume=day.volume / 100, provider=provider)
    assert crosscheck.check(NIGHT).disagreements == is_told
    lots = {"ib_bridge's quotes": ["AAPL"]} if is_told else {}
    assert crosscheck.counted_in_lots(Disagreement.objects.all()) == lots


def test_a_symbol_that_the_second_does_not_have_is_not_compared(stored: IBBridge, polygon: Polygon) -> None:
    polygon.symbols, polygon.basis["AAPL"] = ("AAPL",), 10.0
    assert {symbol for symbol, _, _ in check(polygon)} == {"AAPL"}


def test_bars_that_cannot_be_true_are_not_compared(stored: IBBridge, alpaca: Alpaca) -> None:
    alpaca.spoil = faults.with_zeros
    assert {figure for _, figure, _ in check(alpaca)} <= {BARS}


def test_twice_is_the_same_as_once_and_what_agrees_again_is_forgotten(
    stored: IBBridge, alpaca: Alpaca
) -> None:
    alpaca.basis["AAPL"] = 10.0
    check(alpaca)
    count = Disagreement.objects.count()
    check(alpaca)
    assert Disagreement.objects.count() == count
    alpaca.basis.clear()
    assert check(alpaca) == set()


def test_the_pace_of_the_second_provider_is_kept(
    stored: IBBridge, polygon: Polygon, settings: Settings
) -> None:
    settings.POLYGON_REQUESTS_PER_MINUTE = 2  # one is left for quotes
    check(polygon)
    assert len(polygon.visits) == 1


def test_the_doctor_counts_and_admin_lists_them(stored: IBBridge, alpaca: Alpaca, reader: Client) -> None:
    alpaca.spoil = hundredth
    check(alpaca)
    finding = doctor.prices.disagreements()
    assert "of 2 instruments differ" in finding.text
    assert "The volume of alpaca's bars looks like lots of 100 shares: AAPL, MSFT." in finding.advice
    page = reader.get("/admin/market/disagreement/").content.decode()
    assert "the other one looks like lots of 100 shares" in page
