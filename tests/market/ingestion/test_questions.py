"""Moves of the size of a split: asked about, and answered."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User

from market import store
from market.ingestion import answers, pipeline, splits
from market.ingestion.answers import Answer, AnswerRefused, Kind
from market.models import Candle, Split, UnexplainedMove
from market.prices import Bars, Feed, Timeframe
from market.quality import Rejections
from tests import make

pytestmark = pytest.mark.django_db

START = make.T0 - timedelta(days=30)
AT = make.T0 + timedelta(days=10)
DAY = (START + timedelta(days=20)).date()


@pytest.fixture(autouse=True)
def round_the_clock() -> None:
    make.round_the_clock(make.T0, 60)
    make.only("AAPL", calendar="24/7")


@pytest.fixture
def operator() -> User:
    return User.objects.create_user("olga")


def days(size: int = 25, first: datetime = START) -> Bars:
    """Daily bars that hardly move."""
    start = first.replace(hour=0, minute=0)
    return make.bars([100.0 + n % 3 for n in range(size)], start, Timeframe.D1)


def split(bars: Bars, ratio: float, row: int = 20) -> Bars:
    """The bars as they are traded when a split takes place before one of them."""
    factor = np.where(np.arange(len(bars)) < row, 1.0, ratio)
    prices = {name: getattr(bars, name) / factor for name in ("high", "low", "close")}
    opened = bars.open / factor
    opened[row] = prices["close"][row]
    prices["high"][row], prices["low"][row] = opened[row] * 1.001, opened[row] * 0.999
    volume = (bars.volume * factor).round()
    return replace(bars, open=opened, **prices, volume=volume)


def record(bars: Bars, timeframe: Timeframe = Timeframe.D1, provider: str = "x") -> Rejections:
    rejections = Rejections()
    pipeline.record(
        {"AAPL": bars}, timeframe, provider=provider, feed=Feed.LIVE, at=AT, rejections=rejections
    )
    return rejections


def closes(timeframe: Timeframe = Timeframe.D1) -> list[float]:
    return list(store.read_bars(["AAPL"], timeframe)["AAPL"].close)


RATIOS = [2, 3, 7, 20, 50, 200, 3 / 2, 4 / 3, 5 / 2, 5 / 3, 5 / 4]


@pytest.mark.parametrize("ratio", [*RATIOS, *(1 / ratio for ratio in RATIOS), 1 / 25])
def test_a_move_of_the_size_of_a_split_is_asked_about(ratio: float) -> None:
    record(split(days(), ratio))
    move = UnexplainedMove.objects.open().get()
    assert (move.symbol, move.date, move.source) == ("AAPL", DAY, "x")
    assert move.looks_like == pytest.approx(ratio)
    assert move.close_before / move.open_after == pytest.approx(ratio, rel=0.03)


def test_twice_stored_is_asked_once() -> None:
    record(split(days(), 2))
    record(split(days(), 2))
    assert UnexplainedMove.objects.count() == 1


def test_a_move_that_comes_with_the_next_answer_of_a_provider_is_asked_about() -> None:
    bars = split(days(), 4)
    record(bars[:20])
    record(bars[20:21])
    assert UnexplainedMove.objects.open().get().date == DAY


def test_a_bar_that_can_still_change_asks_nothing() -> None:
    bars = split(days(), 4)[:21]
    pipeline.record(
        {"AAPL": bars},
        Timeframe.D1,
        provider="x",
        feed=Feed.LIVE,
        at=START + timedelta(days=20),
        rejections=Rejections(),
    )
    assert not UnexplainedMove.objects.exists()


def test_a_wrong_print_is_asked_about_only_until_the_price_is_back() -> None:
    bars = days()
    for prices in (bars.open, bars.high, bars.low, bars.close):
        prices[20] /= 2
    bars.open[21] = bars.low[21]
    record(bars[:21])
    assert UnexplainedMove.objects.open().get().date == DAY
    record(bars[21:])
    assert not UnexplainedMove.objects.exists()


def test_a_recorded_split_explains_the_move() -> None:
    Split.objects.create(symbol="AAPL", date=DAY, ratio=2, source="import", recorded_at=AT)
    record(split(days(), 2))
    assert not UnexplainedMove.objects.exists()


def test_a_split_that_the_provider_restates_a_day_later_answers_the_question() -> None:
    record(split(days(), 2))
    splits.finish("AAPL", splits.Change(2.0, DAY), "x", AT)
    move = UnexplainedMove.objects.get()
    assert (move.answer, move.ratio, move.answered_by) == ("split", 2.0, None)
    assert move.why == "The split was recorded from x."


def test_a_fall_by_a_fifth_is_asked_about_only_when_it_is_unlike_news() -> None:
    bars = split(days(), 5 / 4)
    bars.volume[20] *= 6
    record(bars)
    assert not UnexplainedMove.objects.exists()


def test_a_wild_symbol_asks_only_about_what_is_large_for_it() -> None:
    bars = days()
    bars.high[:], bars.low[:] = bars.close * 1.06, bars.open * 0.94
    record(split(bars, 3 / 2))
    assert not UnexplainedMove.objects.exists()


def test_an_intraday_bar_asks_with_the_date_of_its_session() -> None:
    bars = make.bars([100.0 + n % 3 / 10 for n in range(400)], START.replace(hour=0), Timeframe.M15)
    record(split(bars, 10, row=288), Timeframe.M15)
    move = UnexplainedMove.objects.get()
    assert (move.date, move.timeframe, move.looks_like) == ((START + timedelta(days=3)).date(), "15m", 10)


def test_two_moves_of_one_symbol_are_two_questions(operator: User) -> None:
    record(split(split(days(), 2, row=10), 5, row=20))
    later, earlier = UnexplainedMove.objects.open()
    answers.answer(later, Answer(Kind.SPLIT, "exchange notice", 5), by=operator, at=AT)
    assert UnexplainedMove.objects.open().get() == earlier
    answers.answer(earlier, Answer(Kind.SPLIT, "exchange notice", 2), by=operator, at=AT)
    assert closes() == pytest.approx([value / 10 for value in days().close.tolist()])


# Answers


def test_a_split_restates_the_history_and_is_recorded_as_a_persons(operator: User) -> None:
    record(split(days(), 4))
    answers.answer(
        UnexplainedMove.objects.get(), Answer(Kind.SPLIT, "exchange notice", 4.0), by=operator, at=AT
    )
    assert closes() == pytest.approx((days().close / 4).tolist())
    recorded = Split.objects.get()
    assert (recorded.date, recorded.ratio, recorded.source) == (DAY, 4.0, "person")
    move = UnexplainedMove.objects.get()
    assert (move.answer, move.ratio, move.answered_by, move.answered_at) == ("split", 4.0, operator, AT)
    assert LogEntry.objects.get().get_change_message() == "Answered: a share split, 4:1. exchange notice"


def test_a_real_move_restates_nothing_and_is_never_asked_about_again(operator: User) -> None:
    bars = split(days(), 2)
    record(bars)
    answers.answer(UnexplainedMove.objects.get(), Answer(Kind.REAL, "bank run"), by=operator, at=AT)
    record(bars)
    assert not UnexplainedMove.objects.open().exists()
    assert closes() == bars.close.tolist()


def test_bad_data_is_dropped_and_refused_when_it_comes_again(operator: User) -> None:
    bars = split(days(), 2)[:21]
    record(bars)
    answers.answer(UnexplainedMove.objects.get(), Answer(Kind.BAD_DATA, "wrong feed"), by=operator, at=AT)
    assert closes() == bars.close[:20].tolist()
    assert record(bars[20:]).as_json() == {
        "a person called it bad data": {"count": 1, "example": f"AAPL {DAY}, opened at {bars.open[20]:g}"}
    }
    assert closes() == bars.close[:20].tolist()


def test_bad_data_that_is_corrected_is_taken(operator: User) -> None:
    record(split(days(), 2)[:21])
    answers.answer(UnexplainedMove.objects.get(), Answer(Kind.BAD_DATA, "wrong feed"), by=operator, at=AT)
    assert record(days()[20:]).total == 0
    assert closes() == days().close.tolist()


def test_bad_data_leaves_its_week_built_of_the_other_days(operator: User) -> None:
    record(split(days(), 2)[:21])
    answers.answer(UnexplainedMove.objects.get(), Answer(Kind.BAD_DATA, "wrong feed"), by=operator, at=AT)
    weeks = Candle.objects.filter(timeframe="1w").order_by("-opened_at")
    assert weeks[0].low > 90


def test_a_second_answer_is_refused_and_says_who_was_first(operator: User) -> None:
    record(split(days(), 2))
    move = UnexplainedMove.objects.get()
    answers.answer(move, Answer(Kind.REAL, "bank run"), by=operator, at=AT)
    with pytest.raises(AnswerRefused, match="answered by olga on 2024-07-13 14:00 UTC: a real move"):
        answers.answer(move, Answer(Kind.SPLIT, "notice", 2.0), by=operator, at=AT)
    assert not Split.objects.exists()
    assert LogEntry.objects.count() == 1


@pytest.mark.parametrize(
    ("kind", "why", "ratio"),
    [
        (Kind.SPLIT, "notice", None),
        (Kind.SPLIT, "notice", 1.0),
        (Kind.SPLIT, "notice", -2.0),
        (Kind.SPLIT, "notice", float("nan")),
        (Kind.SPLIT, "notice", 1e9),
        (Kind.REAL, "crash", 2.0),
        (Kind.REAL, "  ", None),
        (Kind.REAL, "x" * 501, None),
    ],
)
def test_an_answer_without_its_parts_is_refused(kind: Kind, why: str, ratio: float | None) -> None:
    with pytest.raises(AnswerRefused):
        Answer(kind, why, ratio)
