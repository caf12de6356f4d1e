"""Candles from a file into the table: all or nothing, on one share basis, twice is the same as once."""

from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from io import BytesIO

import pytest
from django.db import connection
from pytest_django import Settings

from market import store
from market.imports import candles
from market.imports.candles import ImportRefused
from market.imports.results import ImportResult
from market.models import Candle, CandleImport, Installation, Instrument, Split, UnexplainedMove
from market.prices import Bars, Feed, Timeframe
from tests import make

pytestmark = pytest.mark.django_db

AFTER = make.T0 + timedelta(days=30)
DAYS = """time,open,high,low,close,volume
2024-06-27,70,77,63,70,100
2024-06-28,70,77,63,70,100
2024-07-01,10,11,9,10,700
2024-07-02,10,11,9,10,700
"""
# The last bar before the split trades after hours, the first one after it early in the morning.
MINUTES = """time,open,high,low,close,volume
2024-06-28T13:30:00Z,70,70,70,70,100
2024-06-28T23:59:00Z,70,70,70,70,100
2024-07-01T08:00:00Z,10,10,10,10,700
2024-07-01T13:30:00Z,10,10,10,10,700
"""
SPLIT = {date(2024, 7, 1): 7.0}


@pytest.fixture(autouse=True)
def real_installation(settings: Settings) -> None:
    settings.DATA_KIND = "real"
    make.july_2024()
    make.session((AFTER + timedelta(days=320)).date().isoformat())  # far enough ahead: nothing to refresh


def load(
    text: str = DAYS,
    symbol: str = "AAPL",
    timeframe: Timeframe = Timeframe.D1,
    splits: dict[date, float] | None = None,
    at: datetime = AFTER,
) -> ImportResult:
    return candles.import_candles(BytesIO(text.encode()), symbol, timeframe, None, splits, at)


def stored(timeframe: Timeframe = Timeframe.D1, symbol: str = "AAPL") -> Bars:
    return store.read_bars([symbol], timeframe)[symbol]


def everything() -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT candles.*, candles.xmin::text FROM candles ORDER BY symbol, timeframe, opened_at"
        )
        return list(cursor.fetchall())


def test_parts_of_a_coin_stay_parts() -> None:
    text = "time,open,high,low,close,volume\n2024-06-27,70,77,63,70,0.5\n2024-06-28,70,77,63,70,0.00031\n"
    load(text, "BTC/USD")
    assert list(stored(symbol="BTC/USD").volume) == [0.5, 0.00031]
    assert load(text, "BTC/USD").written == store.Written(kept=2)


def test_bars_are_stored_final_and_in_their_session() -> None:
    result = load(MINUTES, timeframe=Timeframe.M1, splits=SPLIT)
    bars = stored(Timeframe.M1)
    assert (result.bars, result.written, result.added) == (4, store.Written(new=4), False)
    assert list(bars.regular) == [True, False, False, True]
    assert bars.final.all()
    assert set(Candle.objects.values_list("provider", "feed")) == {("import", "imported")}


def test_each_bar_names_the_file_that_brought_it() -> None:
    load(splits=SPLIT)
    load(DAYS.replace("10,11,9,10,700", "10,11,9,10,701"), splits=SPLIT)
    first, second = CandleImport.objects.order_by("pk")
    days = Candle.objects.filter(timeframe="1d").order_by("opened_at")
    assert list(days.values_list("import_id", flat=True)) == [first.pk, first.pk, second.pk, second.pk]
    assert (first.digest, first.status) == (sha256(DAYS.encode()).hexdigest(), "loaded")


def test_the_bar_that_has_not_closed_is_not_final() -> None:
    load(at=datetime(2024, 7, 2, 15, tzinfo=UTC))
    assert list(stored().final) == [True, True, True, False]


def test_a_move_that_nothing_explains_is_asked_about_and_told() -> None:
    (note,) = load().notes
    assert note.startswith("Of the size of a split, and nothing explains it: 2024-07-01 (by 7).")
    assert UnexplainedMove.objects.open().get().date == date(2024, 7, 1)


def test_splits_none_says_that_all_moves_of_the_file_are_real() -> None:
    load()
    (note,) = load(splits={}).notes
    assert note == "Taken for real, as --splits none says, though of the size of a split: 2024-07-01 (by 7)."
    move = UnexplainedMove.objects.get()
    assert (move.answer, move.answered_by, move.why) == (
        "real",
        None,
        "The file was loaded with --splits none.",
    )
    assert list(stored().close) == [70, 70, 10, 10]


def test_splits_given_with_the_file_answer_what_was_asked() -> None:
    load()
    assert load(splits=SPLIT).notes == []
    assert (UnexplainedMove.objects.get().answer, UnexplainedMove.objects.get().ratio) == ("split", 7)


def test_twice_changes_nothing() -> None:
    load(splits=SPLIT)
    before = everything()
    assert load(splits=SPLIT).written == store.Written(kept=4)
    assert everything() == before


def test_bars_before_a_split_are_restated_in_new_shares() -> None:
    load(splits=SPLIT)
    bars = stored()
    assert list(bars.close) == [10, 10, 10, 10]
    assert list(bars.volume) == [700, 700, 700, 700]
    assert Split.objects.values_list("symbol", "date", "ratio", "source").get() == (
        "AAPL",
        date(2024, 7, 1),
        7.0,
        "import",
    )


def test_early_and_late_hours_are_restated_with_their_session() -> None:
    load(MINUTES, timeframe=Timeframe.M1, splits=SPLIT)
    assert list(stored(Timeframe.M1).close) == [10, 10, 10, 10]


def test_several_splits_multiply() -> None:
    load(splits={date(2024, 6, 28): 2.0, date(2024, 7, 1): 7.0})
    assert list(stored().close) == [5, 10, 10, 10]


def test_weekly_bars_are_built_from_daily_ones() -> None:
    load(splits=SPLIT)
    weeks = stored(Timeframe.W1)
    assert list(weeks.opened_at.astype("datetime64[D]").astype(str)) == ["2024-06-24", "2024-07-01"]
    assert list(weeks.volume) == [1400, 1400]


def test_one_bad_line_and_nothing_is_stored() -> None:
    with pytest.raises(ImportRefused, match="line 6: high 9 is below low 11"):
        load(DAYS + "2024-07-03,10,9,11,10,1\n", symbol="NEW", splits=SPLIT)
    assert not Candle.objects.exists()
    assert not Split.objects.exists()
    assert not Instrument.objects.filter(symbol="NEW").exists()
    assert not Installation.objects.exists()


def test_an_unknown_symbol_is_added_but_not_watched() -> None:
    assert load(symbol="NEW").added
    assert Instrument.objects.get(symbol="NEW").watched is False


def test_what_cannot_be_a_symbol_is_refused() -> None:
    with pytest.raises(ImportRefused, match="A symbol is 1 to 16 capital letters"):
        load(symbol="NO/T&")


@pytest.mark.parametrize(("timeframe", "source"), [(Timeframe.H1, "15m"), (Timeframe.W1, "1d")])
def test_built_timeframes_are_refused(timeframe: Timeframe, source: str) -> None:
    with pytest.raises(ImportRefused, match=f"import bars of {source}"):
        load(timeframe=timeframe)


def test_an_import_makes_the_installation_a_real_one() -> None:
    load()
    assert Installation.objects.get().data == "real"


def test_a_simulated_database_refuses_and_stays_as_it_is() -> None:
    Installation.objects.create(pk=1, data="simulated", decided_at=make.T0)
    with pytest.raises(ImportRefused, match="This database holds simulated market data"):
        load()
    assert not Candle.objects.exists()


def test_a_site_set_to_simulated_data_says_to_use_real(settings: Settings) -> None:
    settings.DATA = settings.DATA_KIND = "simulated"
    with pytest.raises(ImportRefused, match="DATA=real"):
        load()
    assert not Installation.objects.exists()


def test_a_recorded_split_asks_what_the_prices_of_the_file_reflect() -> None:
    load(splits=SPLIT)
    with pytest.raises(ImportRefused, match=r"Say --splits 2024-07-01:7 when .* or --splits none when"):
        load()
    assert load(splits=SPLIT).written.kept == 4


def test_another_ratio_than_the_recorded_one_is_refused() -> None:
    load(splits=SPLIT)
    with pytest.raises(ImportRefused, match="is recorded as 7, not 4"):
        load(splits={date(2024, 7, 1): 4.0})


def test_a_split_to_come_is_refused() -> None:
    with pytest.raises(ImportRefused, match="lies in the future"):
        load(splits={AFTER.date() + timedelta(days=1): 2.0})


def test_bars_on_another_basis_than_a_providers_are_refused() -> None:
    given = make.bars([10.0, 10.0, 10.0, 10.0], datetime(2024, 6, 27, tzinfo=UTC), Timeframe.D1)
    store.write_candles({"AAPL": given}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)
    with pytest.raises(
        ImportRefused, match="The close of 2024-06-27 is 70 in the file and 10 in the bars of 1d"
    ):
        load()
    assert load(splits=SPLIT).written.kept >= 2


def test_a_provider_keeps_the_bars_it_wrote() -> None:
    given = make.bars([10.5], datetime(2024, 7, 1, tzinfo=UTC), Timeframe.D1)
    store.write_candles({"AAPL": given}, Timeframe.D1, provider="alpaca", feed=Feed.LIVE)
    assert load(splits=SPLIT).written == store.Written(new=3, kept=1)
    assert stored().close[2] == 10.5


def test_a_forgotten_split_is_mended_by_importing_again() -> None:
    load(MINUTES, timeframe=Timeframe.M1)
    load()
    result = load(splits=SPLIT)
    assert list(stored().close) == [10, 10, 10, 10]
    assert result.notes == [
        "The close of 2024-06-28 is 10 in the file and 70 in the bars of 1m that were imported:"
        " import those again too."
    ]
    assert load(MINUTES, timeframe=Timeframe.M1, splits=SPLIT).notes == [
        "2 of 4 bars lie outside trading hours: they are kept apart."
    ]


def test_a_jump_that_nothing_confirms_is_told() -> None:
    calm = "".join(f"2024-06-28T14:{minute:02d}:00Z,70,70.1,69.9,70,100\n" for minute in range(30))
    print_of_old_shares = "2024-06-28T14:30:00Z,490,490,70,70,100\n2024-06-28T14:31:00Z,70,70.1,69.9,70,100\n"
    result = load(DAYS.splitlines()[0] + "\n" + calm + print_of_old_shares, timeframe=Timeframe.M1)
    assert result.suspects == [datetime(2024, 6, 28, 14, 30, tzinfo=UTC)]
