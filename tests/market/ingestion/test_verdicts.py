"""What a person decides about a bar, and how ingestion keeps to it."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from market import store
from market.ingestion import gaps, pipeline, splits
from market.ingestion.review import bars as review
from market.ingestion.review.agreement import believe
from market.models import BarVerdict, Candle, Gap, ReviewItem
from market.prices import Bars, Feed, Timeframe, to_datetime
from market.quality import Rejections
from market.sessions import load
from tests import make

pytestmark = pytest.mark.django_db

START = (make.T0 - timedelta(days=30)).replace(hour=0, minute=0)
AT = make.T0 + timedelta(days=10)
BAD = 20


@pytest.fixture(autouse=True)
def round_the_clock() -> None:
    make.round_the_clock(make.T0, 60)
    make.only("AAPL", calendar="24/7")


@pytest.fixture
def olga() -> User:
    return User.objects.create_user("olga")


def days(size: int = 25, low: float = 10.0) -> Bars:
    """Daily bars that hardly move, but for a lonely wick at row 20."""
    bars = make.bars([100.0 + n % 3 for n in range(size)], START, Timeframe.D1)
    bars.low[BAD] = low
    return bars


def record(bars: Bars, timeframe: Timeframe = Timeframe.D1, provider: str = "alpaca") -> store.Written:
    given = {"AAPL": bars}
    return pipeline.record(
        given, timeframe, provider=provider, feed=Feed.LIVE, at=AT, rejections=Rejections()
    )


def key(row: int = BAD, bars: Bars | None = None, timeframe: Timeframe = Timeframe.D1) -> review.Key:
    opened_at = (days() if bars is None else bars).opened_at[row]
    return review.Key("AAPL", timeframe, to_datetime(opened_at))


def decision(about: review.Key, by: User, why: str = "seen on the tape") -> review.Decision:
    return review.Decision(by, why, AT, review.version(about.candle(), about.verdict()))


def suspects(timeframe: Timeframe = Timeframe.D1) -> list[datetime]:
    marked = Candle.objects.filter(timeframe=timeframe, suspect=True).order_by("opened_at")
    return list(marked.values_list("opened_at", flat=True))


def test_an_accepted_bar_is_believed_whenever_it_comes_again(olga: User) -> None:
    record(days())
    assert suspects() == [key().opened_at]
    review.accept(key(), decision(key(), olga))
    assert suspects() == []
    record(days())
    record(days(26)[15:])
    assert suspects() == []


def test_an_accepted_bar_with_other_values_is_doubted_again(olga: User) -> None:
    record(days())
    review.accept(key(), decision(key(), olga))
    record(days(low=5.0))
    assert suspects() == [key().opened_at]


@pytest.mark.parametrize("size", [25, 40])
def test_an_accepted_bar_is_believed_on_the_basis_after_a_split(olga: User, size: int) -> None:
    record(days(size))
    review.accept(key(), decision(key(), olga))
    day = to_datetime(days(size).opened_at[-1]).date() + timedelta(days=1)
    splits.finish("AAPL", splits.Change(7.0, day), "alpaca", AT)
    record(in_new_shares(days(size), 7.0))
    assert suspects() == []


def in_new_shares(bars: Bars, ratio: float) -> Bars:
    """The bars as a provider restates them: rounded to cents."""
    prices = {name: np.round(getattr(bars, name) / ratio, 2) for name in ("open", "high", "low", "close")}
    return Bars.of(bars.opened_at, **prices, volume=(bars.volume * ratio).astype(np.int64))


def test_a_dropped_bar_stays_away_with_these_values_only(olga: User) -> None:
    record(days())
    review.drop(key(), decision(key(), olga))
    record(days())
    assert key().candle() is None
    verdict = BarVerdict.objects.get()
    assert (verdict.verdict, verdict.low, verdict.provider) == ("dropped", 10.0, "alpaca")
    record(days(low=99.0))
    candle = key().candle()
    assert candle is not None
    assert (candle.low, candle.suspect) == (99.0, False)


def test_a_dropped_bar_stays_away_after_a_split(olga: User) -> None:
    record(days())
    review.drop(key(), decision(key(), olga))
    splits.finish("AAPL", splits.Change(7.0, AT.date()), "alpaca", AT)
    record(in_new_shares(days(), 7.0))
    assert key().candle() is None


def test_a_dropped_bar_is_no_gap(olga: User) -> None:
    record(days())
    review.drop(key(), decision(key(), olga))
    hours = load("24/7", since=START - timedelta(days=9))
    gaps.list_missing(
        {"AAPL": days()}, Timeframe.D1, START, hours, to_datetime(days().opened_at[-1]), timedelta(0)
    )
    assert not Gap.objects.exists()


def test_a_corrected_bar_is_not_overwritten_by_the_next_poll(olga: User) -> None:
    record(days())
    review.correct(key(), values(), decision(key(), olga))
    for provider in ("alpaca", "polygon", "import"):
        record(days(26), provider=provider)
    candle = key().candle()
    assert candle is not None
    assert (candle.low, candle.provider, candle.suspect) == (99.0, "by hand", False)
    assert BarVerdict.objects.get().low == 10.0


def test_a_corrected_bar_is_restated_by_a_split(olga: User) -> None:
    record(days())
    review.correct(key(), values(), decision(key(), olga))
    splits.finish("AAPL", splits.Change(7.0, AT.date()), "alpaca", AT)
    record(in_new_shares(days(), 7.0))
    candle = key().candle()
    assert candle is not None
    assert (round(candle.low, 2), candle.provider) == (14.14, "by hand")
    review.take_back(key(), decision(key(), olga))
    candle = key().candle()
    assert candle is not None
    assert (round(candle.low, 2), candle.provider) == (1.43, "alpaca")


def test_a_corrected_bar_whose_session_was_dropped_is_a_providers_again(olga: User) -> None:
    record(days())
    review.correct(key(), values(), decision(key(), olga))
    Candle.objects.filter(**key().columns()).delete()
    record(days())
    assert suspects() == [key().opened_at]


def values(**others: float | None) -> Mapping[str, float | None]:
    bars = days(low=99.0)
    prices = {name: float(getattr(bars, name)[BAD]) for name in ("open", "high", "low", "close")}
    return {**prices, "volume": 1_000, **others}


@pytest.mark.parametrize(
    "wrong",
    [{"low": 0.0}, {"low": -1.0}, {"high": 50.0}, {"low": 150.0}, {"close": float("nan")}, {"volume": -1.0},
     {"open": float("inf")}, {"open": None}],
)  # fmt: skip
def test_values_that_are_no_bar_are_refused(olga: User, wrong: dict[str, Any]) -> None:
    record(days())
    with pytest.raises(review.ReviewRefused):
        review.correct(key(), values(**wrong), decision(key(), olga))


def test_what_was_corrected_twice_is_taken_back_to_the_providers_values(olga: User) -> None:
    record(days())
    review.correct(key(), values(), decision(key(), olga))
    review.correct(key(), values(volume=None), decision(key(), olga))
    review.take_back(key(), decision(key(), olga))
    candle = key().candle()
    assert candle is not None
    assert (candle.low, candle.volume, candle.provider, candle.suspect) == (10.0, 1_000, "alpaca", True)
    assert not BarVerdict.objects.exists()


def test_what_was_dropped_is_taken_back(olga: User) -> None:
    record(days())
    review.drop(key(), decision(key(), olga))
    review.take_back(key(), decision(key(), olga))
    assert suspects() == [key().opened_at]


def test_each_decision_says_who_and_why_in_the_log(olga: User) -> None:
    record(days())
    review.accept(key(), decision(key(), olga))
    entry = LogEntry.objects.get()
    assert entry.user == olga
    assert entry.get_change_message().startswith("Accepted: open ")
    assert entry.get_change_message().endswith("low 10, close 102, volume 1000 (alpaca). seen on the tape")


def test_what_changed_meanwhile_is_not_decided_about(olga: User) -> None:
    record(days())
    seen = decision(key(), olga)
    record(days(low=9.0))
    for decide in (review.accept, review.drop):
        with pytest.raises(review.ReviewRefused, match="changed while you looked"):
            decide(key(), seen)
    assert not LogEntry.objects.exists()


def test_a_bar_that_is_not_closed_does_not_wait(olga: User) -> None:
    record(days())
    assert ReviewItem.objects.count() == 1
    Candle.objects.filter(suspect=True).update(is_final=False)
    assert not ReviewItem.objects.exists()
    with pytest.raises(review.ReviewRefused, match="not closed yet"):
        review.accept(key(), decision(key(), olga))


def test_the_hour_is_built_again_without_a_dropped_quarter(olga: User) -> None:
    bars = make.bars([100.0] * 40, START)
    bars.low[21] = 10.0
    record(bars, Timeframe.M15)
    hour = Candle.objects.get(timeframe="1h", opened_at=START + timedelta(hours=5))
    assert (hour.low, hour.suspect) == (10.0, True)
    quarter = key(21, bars, Timeframe.M15)
    review.drop(quarter, decision(quarter, olga))
    hour.refresh_from_db()
    assert (hour.low, hour.suspect) == (100.0, False)


def test_a_bar_that_another_source_gives_alike_is_remembered_as_believed() -> None:
    record(days())
    assert len(believe({"AAPL": days()}, Timeframe.D1, "polygon", AT)) == 1
    record(days())
    verdict = BarVerdict.objects.get()
    assert suspects() == []
    assert (verdict.agrees, verdict.decided_by, verdict.why) == (
        "polygon",
        None,
        "polygon gives the same bar.",
    )


def test_ingestion_remembers_which_source_agreed() -> None:
    record(days(), provider="alpaca")
    record(days(), provider="polygon")
    record(days(), provider="alpaca")
    assert suspects() == []
    assert BarVerdict.objects.get().agrees == "alpaca"


def test_a_source_does_not_agree_with_itself() -> None:
    record(days())
    assert believe({"AAPL": days()}, Timeframe.D1, "alpaca", AT) == []
    pipeline.reconsider("AAPL", at=AT)
    assert suspects() == [key().opened_at]


def test_a_file_with_a_dropped_bar_loads_without_it(olga: User) -> None:
    bars = days()
    bars.volume[:] = np.nan
    record(bars)
    review.drop(key(), decision(key(), olga))
    rejections = Rejections()
    pipeline.record(
        {"AAPL": bars}, Timeframe.D1, provider="import", feed=Feed.IMPORTED, at=AT, rejections=rejections
    )
    assert rejections.total == 0
    assert key().candle() is None
