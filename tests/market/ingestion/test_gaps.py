from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from market import sessions
from market.ingestion import gaps, pipeline
from market.models import Gap
from market.prices import Bars, Feed, Timeframe
from market.quality import Rejections
from tests import make

pytestmark = pytest.mark.django_db

MORNING = datetime(2024, 7, 2, 13, 30, tzinfo=UTC)
EVENING = datetime(2024, 7, 2, 20, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def calendar() -> None:
    make.july_2024()
    make.only("AAPL", "MSFT", "AMD")


def day(*missing: int) -> Bars:
    """A whole session of quarters of an hour, without those."""
    return without(make.bars([100.0 + n / 10 for n in range(26)], MORNING), *missing)


def without(bars: Bars, *missing: int) -> Bars:
    return bars[np.isin(np.arange(len(bars)), missing, invert=True)]


def note(answer: dict[str, Bars], since: datetime = MORNING, at: datetime = EVENING) -> None:
    pipeline.record(answer, Timeframe.M15, provider="x", feed=Feed.LIVE, at=at, rejections=Rejections())
    gaps.list_missing(answer, Timeframe.M15, since, sessions.load("XNYS"), at, timedelta(0))


def listed() -> list[tuple[str, datetime, int, str]]:
    return list(
        Gap.objects.order_by("symbol", "first_at").values_list("symbol", "first_at", "bars", "reason")
    )


def test_a_whole_session_has_no_gap() -> None:
    note({"AAPL": day()})
    assert listed() == []


def test_bars_that_one_symbol_lacks_are_listed_as_no_trade() -> None:
    note({"AAPL": day(3, 4, 9), "MSFT": day(), "AMD": day()})
    assert listed() == [
        ("AAPL", MORNING + timedelta(minutes=45), 2, "no_trade"),
        ("AAPL", MORNING + timedelta(minutes=135), 1, "no_trade"),
    ]


def test_a_bar_that_most_symbols_lack_is_a_hole_of_the_provider() -> None:
    note({"AAPL": day(3), "MSFT": day(3), "AMD": day()})
    assert {reason for *_, reason in listed()} == {"provider"}


def test_a_whole_session_missing_is_a_hole_of_the_provider() -> None:
    bars = Bars.join(
        [
            make.bars([100.0] * 26, datetime(2024, 7, 1, 13, 30, tzinfo=UTC)),
            make.bars([100.0] * 14, datetime(2024, 7, 3, 13, 30, tzinfo=UTC)),
        ]
    )
    note({"AAPL": bars}, datetime(2024, 7, 1, tzinfo=UTC), datetime(2024, 7, 3, 18, 0, tzinfo=UTC))
    assert listed() == [("AAPL", MORNING, 26, "provider")]


def test_what_no_answer_reached_back_to_was_an_outage_of_ours() -> None:
    note({"AAPL": day()[:5]}, at=MORNING + timedelta(minutes=76))
    note({"AAPL": day()[20:]})
    assert listed() == [("AAPL", MORNING + timedelta(minutes=75), 15, "outage")]


def test_nights_and_holidays_and_the_time_before_the_first_bar_are_no_gaps() -> None:
    note({"AAPL": day()[10:]}, since=datetime(2024, 6, 28, tzinfo=UTC))
    assert listed() == []


def test_a_bar_that_is_not_final_yet_is_not_missing() -> None:
    note({"AAPL": day()[:4]}, at=MORNING + timedelta(minutes=70))
    assert listed() == []


def test_finding_a_gap_twice_lists_it_once_and_keeps_its_attempts() -> None:
    note({"AAPL": day(3)})
    gaps.count_attempt(Gap.objects.get(), EVENING)
    note({"AAPL": day(3)})
    assert Gap.objects.get().attempts == 1


def test_a_gap_that_is_filled_is_no_longer_listed_and_one_half_filled_is_shorter() -> None:
    note({"AAPL": day(3, 4, 9)})
    note({"AAPL": day(4)})
    assert listed() == [("AAPL", MORNING + timedelta(minutes=60), 1, "no_trade")]


def test_a_gap_is_tried_three_times_with_growing_pauses_and_then_left() -> None:
    note({"AAPL": day(3)})
    attempts = []
    while waiting := gaps.due(EVENING + timedelta(days=2)):
        attempts.append(waiting[0].next_attempt_at)
        gaps.count_attempt(waiting[0], attempts[-1] or EVENING)
    pauses = timedelta(minutes=10), timedelta(hours=2), timedelta(hours=24)
    assert attempts == [EVENING + sum(pauses[: n + 1], timedelta(0)) for n in range(3)]
    assert Gap.objects.get().next_attempt_at is None
