from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from market import feeds
from market.models import IngestionRun, Installation, Instrument, ProviderPace, ProviderStatus
from market.providers.base import Limit
from tests import make

Kind = IngestionRun.Kind
MESSAGES, HISTORY = Limit("messages", 50, 1.0), Limit("history", 60, 600.0)


@given(
    batches=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 30), st.integers(0, 3)), max_size=20),
    count=st.integers(1, 10),
    seconds=st.floats(0.1, 5),
)
def test_no_window_ever_holds_more_than_the_limit(
    batches: list[tuple[float, int, int]], count: int, seconds: float
) -> None:
    limit, now, given_out = Limit("any", count, seconds), 0.0, list[float]()
    for pause, wanted, spare in batches:
        now += pause
        given_out += feeds.slots({limit: list(given_out)}, wanted, now=now, spare=spare)
    ordered = sorted(given_out)
    assert all(
        late - early >= seconds * 0.999999 for early, late in zip(ordered, ordered[count:], strict=False)
    )


def test_the_first_window_is_given_at_once_and_the_next_after_it() -> None:
    moments = feeds.slots({MESSAGES: []}, 100, now=0.0)
    assert moments == [0.0] * 50 + [1.0] * 50


def test_what_cannot_be_sent_within_seconds_is_declined() -> None:
    assert len(feeds.slots({HISTORY: []}, 100, now=0.0)) == 60
    assert feeds.slots({HISTORY: [0.0] * 60}, 5, now=100.0) == []


def test_the_tightest_limit_decides() -> None:
    moments = feeds.slots({MESSAGES: [], HISTORY: [0.0] * 57}, 10, now=1.0)
    assert moments == [1.0] * 3


def test_candles_leave_a_share_for_quotes() -> None:
    minute = Limit("requests", 5, 60.0)
    candles = feeds.slots({minute: []}, 5, now=0.0, spare=1)
    assert len(candles) == 4
    assert feeds.slots({minute: candles}, 1, now=0.0) == [0.0]


@pytest.mark.django_db
def test_two_workers_draw_from_the_same_slots() -> None:
    minute = Limit("requests", 5, 60.0)
    first = feeds.DatabasePace("polygon").reserve([minute], 3)
    second = feeds.DatabasePace("polygon").reserve([minute], 3)
    assert (len(first), len(second)) == (3, 2)
    assert len(ProviderPace.objects.get().slots) == 5


@pytest.mark.django_db
def test_a_provider_cools_off_from_its_third_failure_on_longer_each_time_up_to_half_an_hour() -> None:
    status = feeds.status("alpaca", Kind.QUOTES)
    pauses = []
    for _ in range(12):
        status.failed(make.T0, "no answer")
        pauses.append(status.cool_off_until and status.cool_off_until - make.T0)
    minutes = [pause and pause / timedelta(minutes=1) for pause in pauses]
    assert minutes == [None, None, 1, 2, 4, 8, 16, 30, 30, 30, 30, 30]


@pytest.mark.django_db
def test_a_success_ends_the_cooling_off() -> None:
    status = feeds.status("alpaca", Kind.QUOTES)
    status.failed(make.T0, "gone", pause=timedelta(hours=1))
    assert status.cools_off(make.T0)
    status.succeeded(make.T0)
    kept = ProviderStatus.objects.get()
    assert (kept.consecutive_failures, kept.cools_off(make.T0)) == (0, False)


@pytest.mark.django_db
def test_failing_at_quotes_does_not_keep_a_provider_from_candles(settings: Settings) -> None:
    settings.DATA_KIND, settings.POLYGON_API_KEY = "real", "key"
    feeds.status("polygon", Kind.QUOTES).failed(make.T0, "not entitled", pause=timedelta(hours=1))
    assert feeds.ready(Kind.QUOTES, make.T0) == []
    assert [provider.name for provider in feeds.ready(Kind.CANDLES, make.T0)] == ["polygon"]


def test_a_key_switches_a_provider_on_in_the_order_of_the_setting(settings: Settings) -> None:
    settings.DATA_KIND = "real"
    settings.ALPACA_API_KEY = settings.ALPACA_API_SECRET = settings.POLYGON_API_KEY = "key"
    settings.PROVIDERS = ["polygon", "simulator", "alpaca"]
    assert [provider.name for provider in feeds.enabled()] == ["polygon", "alpaca"]


def test_with_nothing_configured_the_simulator_serves() -> None:
    assert [provider.name for provider in feeds.enabled()] == ["simulator"]


@pytest.mark.django_db
def test_a_database_never_changes_between_simulated_and_real_data() -> None:
    feeds.settle_installation("simulated", make.T0)
    feeds.settle_installation("simulated", make.T0)
    with pytest.raises(feeds.WrongData, match="DATA=simulated"):
        feeds.settle_installation("real", make.T0)
    assert Installation.objects.get().data == "simulated"


@pytest.mark.django_db
def test_simulated_instruments_trade_round_the_clock() -> None:
    feeds.settle_installation("simulated", make.T0)
    assert set(Instrument.objects.values_list("calendar", flat=True)) == {"24/7"}
