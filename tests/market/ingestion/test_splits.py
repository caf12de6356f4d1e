from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest

from market import store
from market.ingestion import pipeline, splits
from market.ingestion.splits import Change
from market.models import Instrument, Split
from market.prices import Bars, Feed, Timeframe
from market.quality import Rejections
from tests import make

pytestmark = pytest.mark.django_db

START = datetime(2024, 6, 27, tzinfo=UTC)
AT = datetime(2024, 7, 9, 22, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def history() -> None:
    make.july_2024()
    make.only("AAPL")
    record(week())


def week() -> Bars:
    """Daily bars of the sessions from 27 June to 5 July."""
    bars = make.bars([700.0, 707.0, 714.0, 721.0, 728.0, 735.0], START, Timeframe.D1)
    dates = ["2024-06-27", "2024-06-28", "2024-07-01", "2024-07-02", "2024-07-03", "2024-07-05"]
    return replace(bars, opened_at=np.array(dates, dtype="datetime64[us]"))


def restated(bars: Bars, ratio: float) -> Bars:
    prices = {name: getattr(bars, name) / ratio for name in ("open", "high", "low", "close")}
    return replace(bars, **prices, volume=(bars.volume * ratio).astype(np.int64))


def monday(close: float) -> Bars:
    return make.bars([close], datetime(2024, 7, 8, tzinfo=UTC), Timeframe.D1)


def record(bars: Bars) -> None:
    pipeline.record(
        {"AAPL": bars}, Timeframe.D1, provider="x", feed=Feed.LIVE, at=AT, rejections=Rejections()
    )


def test_one_factor_over_the_overlap_is_a_split_on_the_day_of_the_first_new_bar() -> None:
    answer = Bars.join([restated(week()[1:], 7), monday(105.5)])
    assert splits.detect({"AAPL": answer}, Timeframe.D1) == {"AAPL": Change(7.0, date(2024, 7, 8))}


@pytest.mark.parametrize("first", [1, 4], ids=["five days", "two days"])
def test_a_provider_that_gives_old_shares_still_is_read_in_the_new_ones_of_a_person(first: int) -> None:
    record(monday(105.5))
    splits.finish("AAPL", Change(7.0, date(2024, 7, 8)), splits.PERSON, AT)
    answer = {"AAPL": Bars.join([week()[first:], monday(105.5)])}
    given = splits.in_new_shares(answer, Timeframe.D1)
    assert given["AAPL"].close.tolist() == pytest.approx([*(week()[first:].close / 7).tolist(), 105.5])
    assert splits.detect(given, Timeframe.D1) == {}


def test_a_provider_that_has_caught_up_with_a_persons_split_is_left_as_it_is() -> None:
    splits.finish("AAPL", Change(7.0, date(2024, 7, 8)), splits.PERSON, AT)
    answer = {"AAPL": restated(week()[1:], 7)}
    assert splits.in_new_shares(answer, Timeframe.D1) == answer


def test_a_split_that_the_provider_restates_a_day_late_keeps_its_day() -> None:
    record(monday(105.5))
    answer = Bars.join([restated(week()[1:], 7), monday(105.5)])
    assert splits.detect({"AAPL": answer}, Timeframe.D1) == {"AAPL": Change(7.0, date(2024, 7, 8))}


def test_a_price_that_falls_to_a_seventh_is_no_split() -> None:
    answer = Bars.join([week()[1:], monday(105.5)])
    assert splits.detect({"AAPL": answer}, Timeframe.D1) == {}


def test_a_correction_of_one_bar_is_no_split() -> None:
    answer = week()
    answer.close[2] = answer.low[2]
    assert splits.detect({"AAPL": answer}, Timeframe.D1) == {}


def test_nothing_evaluates_the_instrument_until_its_history_is_restated() -> None:
    splits.begin("AAPL", AT)
    assert Instrument.objects.get(symbol="AAPL").split_pending_since == AT
    splits.finish("AAPL", Change(7.0, date(2024, 7, 8)), "x", AT)
    assert Instrument.objects.get(symbol="AAPL").split_pending_since is None
    assert Split.objects.get().ratio == 7.0


def test_the_history_of_every_timeframe_is_on_the_new_basis() -> None:
    splits.finish("AAPL", Change(7.0, date(2024, 7, 8)), "x", AT)
    days = store.read_bars(["AAPL"], Timeframe.D1)["AAPL"]
    weeks = store.read_bars(["AAPL"], Timeframe.W1)["AAPL"]
    assert days.close.tolist() == pytest.approx([100, 101, 102, 103, 104, 105])
    assert days.volume.tolist() == [7_000] * 6
    assert weeks.close.tolist() == pytest.approx([101, 105])
