"""What a second source says of one bar, and bars fetched again, with vendors on loopback."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from pytest_django import Settings

from market import tasks
from market.ingestion import crosscheck
from market.ingestion.review import bars as review
from market.ingestion.review import refetch
from market.ingestion.review.second_look import look
from market.models import BarVerdict, Candle, CandleProgress, Gap, ProviderPace, Refetch
from market.prices import Timeframe
from tests.loopback import candles, watch
from tests.vendors import Alpaca, IBBridge, faults
from tests.vendors.server import Fault

pytestmark = pytest.mark.django_db

NIGHT = datetime(2024, 7, 3, 2, 0, tzinfo=UTC)
KEY = review.Key("AAPL", Timeframe.D1, datetime(2024, 7, 1, tzinfo=UTC))


@pytest.fixture(autouse=True)
def stored(settings: Settings, bridge: IBBridge) -> IBBridge:
    """The bridge, whose bars are stored as of the night; one of them is in doubt."""
    watch(settings, "AAPL")
    settings.CANDLE_TIMEFRAMES, settings.CANDLE_BACKFILL = ["1d"], 20
    bridge.now = NIGHT
    candles(NIGHT)
    doubt()
    ProviderPace.objects.all().delete()
    return bridge


def doubt(**values: float) -> None:
    Candle.objects.filter(**KEY.columns()).update(suspect=True, **values)


@pytest.fixture
def olga() -> User:
    return User.objects.create_user("olga")


def bar() -> Candle:
    candle = KEY.candle()
    assert candle is not None
    return candle


def test_a_bar_that_the_second_source_gives_alike_is_believed_and_logged(alpaca: Alpaca, olga: User) -> None:
    alpaca.now = NIGHT
    looked = look(KEY, olga, NIGHT)
    assert (looked.says, looked.is_alike) == ("Believed: alpaca gives the same bar.", True)
    assert not bar().suspect
    assert BarVerdict.objects.get().agrees == "alpaca"
    assert LogEntry.objects.get().user == olga


def test_another_bar_is_shown_and_changes_nothing(alpaca: Alpaca, olga: User) -> None:
    alpaca.now, alpaca.basis["AAPL"] = NIGHT, 10.0
    looked = look(KEY, olga, NIGHT)
    assert (looked.says, looked.is_alike) == ("alpaca gives another bar.", False)
    assert looked.bar is not None
    assert bar().suspect


@pytest.mark.parametrize("fault", [faults.status(500), faults.web_page, faults.reset, faults.truncated])
def test_a_second_source_that_fails_is_a_sentence(alpaca: Alpaca, olga: User, fault: Fault) -> None:
    alpaca.fail(fault)
    looked = look(KEY, olga, NIGHT)
    assert looked.says.startswith("alpaca did not give it:")
    assert looked.bar is None


def test_a_bar_that_the_second_source_does_not_have(alpaca: Alpaca, olga: User) -> None:
    alpaca.now, alpaca.symbols = NIGHT, ("MSFT",)
    assert look(KEY, olga, NIGHT).says.startswith("alpaca")
    assert bar().suspect


def test_a_second_source_is_asked_for_a_bar_that_is_missing(alpaca: Alpaca, olga: User) -> None:
    alpaca.now = NIGHT
    bar().delete()
    looked = look(KEY, olga, NIGHT)
    assert (looked.says, looked.source) == ("alpaca gives a bar.", "alpaca")
    assert looked.bar is not None
    assert not Candle.objects.filter(**KEY.columns()).exists()


def test_for_a_refused_row_its_own_source_is_not_the_second(alpaca: Alpaca, olga: User) -> None:
    alpaca.now = NIGHT
    bar().delete()
    assert look(KEY, olga, NIGHT, "alpaca").source == "ib_bridge"


def test_without_a_second_source_nothing_is_asked(olga: User) -> None:
    assert look(KEY, olga, NIGHT).says.startswith("No second source")


def test_the_nightly_check_believes_what_the_second_source_gives_alike(alpaca: Alpaca) -> None:
    alpaca.now = NIGHT
    crosscheck.check(NIGHT)
    assert not bar().suspect
    assert BarVerdict.objects.get().agrees == "alpaca"


def decision(by: User, at: datetime = NIGHT) -> review.Decision:
    return review.Decision(by, "looks wrong", at, review.version(KEY.candle(), KEY.verdict()))


def fetched(by: User) -> Refetch:
    ProviderPace.objects.all().delete()
    row = refetch.request(KEY, decision(by))
    refetch.run(row, NIGHT)
    row.refresh_from_db()
    return row


def test_a_bar_fetched_again_says_what_came_of_it(olga: User) -> None:
    assert fetched(olga).result.startswith("It is as it was: open ")
    doubt(low=1.0)
    changed = fetched(olga)
    assert changed.status == "done"
    assert changed.result.startswith("It changed: open ")
    assert "low 1," in changed.result
    Candle.objects.filter(**KEY.columns()).delete()
    assert fetched(olga).result.startswith("It came: open ")


def test_a_provider_that_fails_is_told(stored: IBBridge, olga: User) -> None:
    stored.fail(faults.status(500))
    row = fetched(olga)
    assert row.status == "failed"
    assert row.result.startswith("ib_bridge: ")


def test_a_corrected_bar_is_not_fetched_over(olga: User) -> None:
    values = {"open": 10.0, "high": 11.0, "low": 9.0, "close": 10.0, "volume": None}
    review.correct(KEY, values, decision(olga))
    assert "take the correction back first" in fetched(olga).result
    assert bar().close == 10.0


def test_a_dropped_bar_stays_dropped(olga: User) -> None:
    review.drop(KEY, decision(olga))
    assert fetched(olga).result == "It stays dropped: with the same values it is left out."


def test_twice_is_fetched_once(stored: IBBridge, olga: User) -> None:
    row = refetch.request(KEY, decision(olga))
    with pytest.raises(review.ReviewRefused, match="being fetched already"):
        refetch.request(KEY, decision(olga))
    refetch.run(row, NIGHT)
    row.refresh_from_db()
    before = len(stored.visits)
    refetch.run(row, NIGHT)
    tasks.refetch(row.pk)
    tasks.refetch(0)
    assert len(stored.visits) == before


def test_what_a_dead_worker_left_may_be_asked_for_again(olga: User) -> None:
    refetch.request(KEY, decision(olga))
    refetch.request(KEY, decision(olga, NIGHT + timedelta(minutes=11)))
    assert Refetch.objects.count() == 2


def test_nothing_is_fetched_for_what_is_no_instrument(olga: User) -> None:
    with pytest.raises(review.ReviewRefused, match="is no instrument"):
        refetch.request(KEY._replace(symbol="NONE"), decision(olga))


class TestStretch:
    """Of a source that can be asked for an end, only the bar, or the gap, is asked for."""

    @pytest.fixture(autouse=True)
    def only_alpaca(self, settings: Settings, alpaca: Alpaca) -> None:
        settings.PROVIDERS, alpaca.now = ["alpaca"], NIGHT

    def test_bars_after_it_are_not_asked_for(self, alpaca: Alpaca, olga: User) -> None:
        key = KEY._replace(opened_at=datetime(2024, 6, 13, tzinfo=UTC))
        asked_before = CandleProgress.objects.get().answered_at
        row = refetch.request(key, replace(decision(olga), seen=""))
        refetch.run(row, NIGHT)
        (visit,) = alpaca.visits_to("/v2/stocks/bars")
        assert visit.query["start"][:10] == "2024-06-13"
        assert visit.query["end"][:10] <= "2024-06-15"
        assert CandleProgress.objects.get().answered_at == asked_before

    def test_other_gaps_stay_and_its_own_is_filled(self, olga: User) -> None:
        days = [datetime(2024, 6, day, tzinfo=UTC) for day in (13, 14, 26)]
        Candle.objects.filter(opened_at__in=days).delete()
        mine = make_gap(days[0], days[1], 2)
        other = make_gap(days[2], days[2], 1)
        row = refetch.request(KEY._replace(opened_at=days[0]), decision(olga), days[1])
        refetch.run(row, NIGHT)
        assert Candle.objects.filter(opened_at__in=days).count() == 2
        assert set(Gap.objects.values_list("pk", flat=True)) == {other.pk}, mine


def make_gap(first: datetime, last: datetime, bars: int) -> Gap:
    return Gap.objects.create(
        symbol="AAPL",
        timeframe="1d",
        first_at=first,
        last_at=last,
        bars=bars,
        reason="provider",
        found_at=NIGHT,
    )
