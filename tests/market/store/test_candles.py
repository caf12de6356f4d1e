from dataclasses import replace
from datetime import timedelta
from threading import Barrier, Thread

import numpy as np
import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from pytest_django import DjangoAssertNumQueries, Settings

from market import store
from market.models import Candle
from market.prices import Bars, Feed, Timeframe, to_instant
from market.store import Written
from tests import make

pytestmark = pytest.mark.django_db


def write(bars: Bars, symbol: str = "AAPL", provider: str = "polygon") -> Written:
    return store.write_candles({symbol: bars}, Timeframe.M15, provider=provider, feed=Feed.LIVE)


def stored(symbol: str = "AAPL") -> Bars:
    return store.read_bars([symbol], Timeframe.M15)[symbol]


def unfinished(closes: list[float]) -> Bars:
    return make.bars(closes, final=False)


def versions() -> list[tuple[str, str]]:
    """Where each row lies and which transaction wrote it: both change when a row is written again."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT ctid::text, xmin::text FROM candles ORDER BY symbol, opened_at")
        return list(cursor.fetchall())


def test_new_bars_are_stored_as_they_were_given() -> None:
    bars = make.bars([100.0, 101.0, 102.0])
    bars.vwap[:] = [100.5, np.nan, 101.5]
    bars.regular[:] = [False, True, True]
    bars.suspect[:] = [False, False, True]

    assert write(bars) == Written(new=3)

    row = Candle.objects.order_by("opened_at")[1]
    assert (row.symbol, row.timeframe, row.opened_at) == ("AAPL", "15m", make.T0 + timedelta(minutes=15))
    assert (row.open, row.high, row.low, row.close, row.volume) == (100.0, 101.0, 100.0, 101.0, 1_000)
    assert (row.vwap, row.provider, row.feed, row.session) == (None, "polygon", "live", "regular")
    assert (row.is_final, row.suspect, row.revisions) == (True, False, 0)
    assert list(Candle.objects.order_by("opened_at").values_list("session", "suspect")) == [
        ("extended", False),
        ("regular", False),
        ("regular", True),
    ]


def test_writing_twice_is_the_same_as_writing_once() -> None:
    write(make.bars([100.0, 101.0]))
    before = versions()
    assert write(make.bars([100.0, 101.0])) == Written(kept=2)
    assert versions() == before


def test_only_the_bars_that_differ_are_written_again() -> None:
    write(make.bars([100.0, 101.0, 102.0]))
    before = versions()
    assert write(make.bars([100.0, 101.0, 103.0, 104.0])) == Written(new=1, changed=1, kept=2)
    assert versions()[:2] == before[:2]
    assert list(stored().close) == [100.0, 101.0, 103.0, 104.0]


def test_a_batch_may_fill_holes_revise_and_repeat_at_once() -> None:
    bars = make.bars([100.0, 101.0, 102.0, 103.0])
    write(bars[::2])
    store.write_candles({"MSFT": bars[:1]}, Timeframe.M15, provider="polygon", feed=Feed.LIVE)
    revised = replace(bars, volume=bars.volume + np.array([0, 0, 1, 0]))
    batch = {"AAPL": revised, "MSFT": bars}
    written = store.write_candles(batch, Timeframe.M15, provider="polygon", feed=Feed.LIVE)
    assert written == Written(new=5, changed=1, kept=2)
    assert list(stored().volume) == [1_000, 1_000, 1_001, 1_000]
    assert list(stored("MSFT").close) == [100.0, 101.0, 102.0, 103.0]


def test_the_same_numbers_from_another_feed_change_the_feed() -> None:
    write(make.bars([100.0]))
    delayed = store.write_candles(
        {"AAPL": make.bars([100.0])}, Timeframe.M15, provider="polygon", feed=Feed.DELAYED
    )
    assert delayed == Written(changed=1)
    assert list(Candle.objects.values_list("feed", "revisions")) == [("delayed", 0)]


def test_unknown_symbols_are_refused_before_anything_is_written() -> None:
    bars = {"AAPL": make.bars([100.0]), "NOPE": make.bars([1.0]), "NADA": make.bars([1.0])}
    with pytest.raises(store.UnknownSymbols, match="NADA, NOPE"):
        store.write_candles(bars, Timeframe.M15, provider="polygon", feed=Feed.LIVE)
    assert not Candle.objects.exists()


def test_an_instrument_no_longer_watched_is_still_stored() -> None:
    make.instrument("AAPL", watched=False)
    assert write(make.bars([100.0])) == Written(new=1)


def test_no_bars_cost_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert write(Bars.empty()) == Written()
        assert store.write_candles({}, Timeframe.M15, provider="polygon", feed=Feed.LIVE) == Written()


@pytest.mark.parametrize(
    ("first", "second", "is_revised"),
    [
        ("polygon", "polygon", True),
        ("polygon", "alpaca", True),
        ("polygon", "ib_bridge", True),
        ("ib_bridge", "polygon", False),
        ("polygon", "import", False),
        ("import", "polygon", True),
        ("import", "import", True),
        ("import", "elsewhere", False),
    ],
)
def test_a_bar_is_revised_by_its_own_provider_or_an_earlier_one(
    settings: Settings, first: str, second: str, is_revised: bool
) -> None:
    settings.PROVIDERS = ["ib_bridge", "alpaca", "polygon"]
    write(make.bars([100.0]), provider=first)
    written = write(make.bars([105.0]), provider=second)
    assert written == Written(changed=int(is_revised), kept=int(not is_revised))
    assert list(stored().close) == [105.0 if is_revised else 100.0]


def test_an_earlier_provider_that_agrees_becomes_the_bars_provider(settings: Settings) -> None:
    settings.PROVIDERS = ["ib_bridge", "polygon"]
    write(make.bars([100.0]), provider="polygon")
    assert write(make.bars([100.0]), provider="ib_bridge") == Written(changed=1)
    assert list(Candle.objects.values_list("provider", "revisions")) == [("ib_bridge", 0)]


@pytest.mark.parametrize("column", ["open", "high", "low", "close", "volume", "vwap"])
def test_a_change_of_a_final_bars_numbers_is_counted(column: str) -> None:
    first = make.bars([100.0])
    wide = replace(first, high=first.high + 2, low=first.low - 2, vwap=first.close.copy())
    write(wide)
    changed = replace(wide, **{column: getattr(wide, column) + 1})
    assert write(changed) == Written(changed=1)
    assert write(wide) == Written(changed=1)
    assert Candle.objects.get().revisions == 2


def test_a_bar_that_grows_until_it_is_final_is_not_revised() -> None:
    write(unfinished([100.0]))
    write(unfinished([101.0]))
    assert write(make.bars([102.0])) == Written(changed=1)
    assert list(Candle.objects.values_list("close", "is_final", "revisions")) == [(102.0, True, 0)]


@pytest.mark.parametrize("provider", ["polygon", "ib_bridge"])
def test_a_final_bar_never_becomes_unfinished_again(provider: str) -> None:
    write(make.bars([100.0]))
    assert write(unfinished([90.0]), provider=provider) == Written(kept=1)
    assert list(Candle.objects.values_list("close", "is_final", "revisions")) == [(100.0, True, 0)]


def test_a_bar_left_unfinished_is_finished_by_any_provider(settings: Settings) -> None:
    settings.PROVIDERS = ["ib_bridge", "polygon"]
    write(unfinished([100.0]), provider="ib_bridge")
    assert write(unfinished([101.0]), provider="polygon") == Written(kept=1)
    assert write(make.bars([102.0]), provider="polygon") == Written(changed=1)
    assert list(Candle.objects.values_list("close", "provider", "revisions")) == [(102.0, "polygon", 0)]


@pytest.mark.parametrize("column", ["suspect", "regular"])
def test_a_change_of_what_we_think_of_a_bar_is_no_revision(column: str) -> None:
    bars = make.bars([100.0])
    write(bars)
    assert write(replace(bars, **{column: ~getattr(bars, column)})) == Written(changed=1)
    assert Candle.objects.get().revisions == 0


def test_of_two_bars_with_one_opening_the_last_wins() -> None:
    twice = Bars.join([make.bars([100.0, 101.0]), make.bars([200.0])])
    assert write(twice) == Written(new=2)
    assert list(stored().close) == [200.0, 101.0]


def test_the_order_of_the_bars_does_not_matter() -> None:
    write(make.bars([100.0, 101.0, 102.0])[::-1])
    assert list(stored().close) == [100.0, 101.0, 102.0]


def test_timeframes_do_not_mix() -> None:
    write(make.bars([100.0]))
    daily = store.write_candles({"AAPL": make.bars([50.0])}, Timeframe.D1, provider="polygon", feed=Feed.LIVE)
    assert daily == Written(new=1)
    assert list(stored().close) == [100.0]


def test_a_batch_of_several_chunks_is_counted_as_one() -> None:
    bars = {symbol: make.bars([100.0] * 15_000) for symbol in ("MSFT", "AAPL", "NVDA")}
    written = store.write_candles(bars, Timeframe.M1, provider="polygon", feed=Feed.LIVE)
    assert written == Written(new=45_000)
    again = store.write_candles(bars, Timeframe.M1, provider="polygon", feed=Feed.LIVE)
    assert again == Written(kept=45_000)


def test_one_impossible_bar_in_the_last_chunk_leaves_nothing_behind() -> None:
    bars = make.bars([100.0] * 20_001)
    bars.low[-1] = -1.0
    with pytest.raises(IntegrityError, match="candle_prices"), transaction.atomic():
        write(bars)
    assert not Candle.objects.exists()


def test_a_bar_without_an_opening_is_refused() -> None:
    bars = make.bars([100.0, 101.0])
    bars.opened_at[1] = np.datetime64("NaT")
    with pytest.raises(ValueError, match="no opening"), transaction.atomic():
        write(bars)
    assert not Candle.objects.exists()


def test_writes_join_the_transaction_around_them() -> None:
    with transaction.atomic():
        write(make.bars([100.0]), "AAPL")
        write(make.bars([100.0]), "MSFT")
        assert Candle.objects.count() == 2
        transaction.set_rollback(True)
    assert not Candle.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_writers_at_once_do_not_wait_for_each_other_for_ever() -> None:
    symbols = ["AAPL", "MSFT", "NVDA", "AMD", "META", "NFLX"]
    for symbol in symbols:
        make.instrument(symbol)
    start, outcomes = Barrier(2), list[object]()

    def writer(order: list[str], closes: float) -> None:
        try:
            for n in range(5):
                start.wait()
                bars = {symbol: make.bars([closes + n] * 400)[::-1] for symbol in order}
                outcomes.append(store.write_candles(bars, Timeframe.M15, provider="polygon", feed=Feed.LIVE))
        except DatabaseError as error:
            outcomes.append(error)
            start.abort()
        finally:
            connection.close()

    threads = [
        Thread(target=writer, args=(symbols, 100.0)),
        Thread(target=writer, args=(symbols[::-1], 200.0)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [type(outcome) for outcome in outcomes] == [Written] * 10
    assert Candle.objects.count() == 2_400


def test_suspect_marks_are_set_and_cleared_without_a_revision() -> None:
    bars = make.bars([100.0, 101.0, 102.0])
    bars.suspect[:] = [True, False, False]
    write(bars)
    stamps = bars.opened_at
    changed = store.set_suspect(
        Timeframe.M15, cleared={"AAPL": stamps[:1]}, flagged={"AAPL": stamps[2:], "MSFT": stamps}
    )
    assert changed == 2
    assert list(stored().suspect) == [False, False, True]
    assert not Candle.objects.exclude(revisions=0).exists()


def test_setting_no_suspect_marks_costs_nothing(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(0):
        assert store.set_suspect(Timeframe.M15, cleared={}, flagged={}) == 0


def test_a_split_restates_every_timeframe_before_it() -> None:
    bars = make.bars([700.0, 707.0, 101.0])
    bars.vwap[:2] = [700.0, np.nan]
    write(bars)
    write(bars, "MSFT")
    store.write_candles({"AAPL": bars}, Timeframe.M5, provider="polygon", feed=Feed.LIVE)

    assert store.rescale("AAPL", 7.0, to_instant(make.T0) + np.timedelta64(30, "m")) == 4

    restated = stored()
    assert list(restated.close) == [100.0, 101.0, 101.0]
    assert list(restated.volume) == [7_000, 7_000, 1_000]
    assert restated.vwap[0] == 100.0
    assert np.isnan(restated.vwap[1])
    assert not Candle.objects.exclude(revisions=0).exists()
    assert list(stored("MSFT").close) == [700.0, 707.0, 101.0]


def test_a_volume_that_is_not_known_is_stored_as_none() -> None:
    bars = make.bars([100.0, 101.0])
    bars.volume[1] = np.nan
    assert write(bars).new == 2
    assert list(Candle.objects.order_by("opened_at").values_list("volume", flat=True)) == [1_000, None]
    assert stored().volume == pytest.approx([1_000, np.nan], nan_ok=True)
    assert write(bars).kept == 2


def test_parts_of_a_share_stay_parts() -> None:
    bars = make.bars([100.0, 101.0], volume=0.00012345)
    assert write(bars).new == 2
    assert list(stored().volume) == [0.00012345] * 2
    assert write(bars).kept == 2


@pytest.mark.parametrize(("factor", "shares"), [(0.1, 0.7), (7.0, 49.0), (1 / 3, 2.33333333)])
def test_a_split_restates_a_volume_to_parts_of_a_share(factor: float, shares: float) -> None:
    write(make.bars([700.0], volume=7))
    store.rescale("AAPL", factor, to_instant(make.T0) + np.timedelta64(1, "D"))
    assert list(stored().volume) == [shares]


def test_a_split_leaves_a_volume_that_is_not_known() -> None:
    write(make.bars([700.0], volume=np.nan))
    store.rescale("AAPL", 7.0, to_instant(make.T0) + np.timedelta64(1, "D"))
    assert np.isnan(stored().volume).all()


def test_a_bar_that_one_provider_left_unfinished_may_be_finished_by_any(settings: Settings) -> None:
    settings.PROVIDERS = ["ib_bridge", "polygon"]
    store.write_candles(
        {"AAPL": make.bars([100.0], final=False)}, Timeframe.M15, provider="ib_bridge", feed=Feed.LIVE
    )
    store.write_candles({"AAPL": make.bars([101.0])}, Timeframe.M15, provider="polygon", feed=Feed.LIVE)
    assert list(Candle.objects.values_list("close", "is_final", "provider")) == [(101.0, True, "polygon")]
