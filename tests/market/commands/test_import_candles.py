"""`manage.py import_candles`: what a person types and reads."""

from datetime import timedelta
from hashlib import sha256
from io import StringIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from market.models import Candle, CandleImport
from tests import make

pytestmark = pytest.mark.django_db

TEXT = """date,open,high,low,close,volume
2024-06-28,70,77,63,70,100
2024-07-01,10,11,9,10,700
2024-07-02,null,null,null,null,null
"""


@pytest.fixture
def file(tmp_path: Path, settings: Settings) -> Path:
    settings.DATA_KIND = "real"
    make.july_2024()
    make.session((timezone.now() + timedelta(days=320)).date().isoformat())
    path = tmp_path / "bars.csv"
    path.write_text(TEXT)
    return path


def run(file: Path, *options: str, symbol: str = "aapl", timeframe: str = "1d") -> str:
    out = StringIO()
    call_command(
        "import_candles", str(file), "--symbol", symbol, "--timeframe", timeframe, *options, stdout=out
    )
    return out.getvalue()


def test_it_says_what_became_of_the_file(file: Path) -> None:
    assert run(file, "--splits", "2024-07-01:7", symbol="new").splitlines() == [
        "NEW 1d, 2024-06-28 to 2024-07-01: 2 bars, 2 new, 0 changed, 0 kept as they were.",
        "NEW was not known: added, not watched. Switch it on in admin to follow it.",
        "No bars, for they hold no price: lines 4.",
    ]


def test_times_without_a_zone_are_read_in_the_one_given(file: Path) -> None:
    file.write_text("time,open,high,low,close,volume\n2024-07-02 09:30,10,10,10,10,1\n")
    output = run(file, "--timezone", "America/New_York", timeframe="1m")
    assert "AAPL 1m, 2024-07-02 13:30 UTC to" in output


@pytest.mark.parametrize("splits", ["2024-07-01:7", "2024-07-01:7/1", "2024-07-01:7.0"])
def test_a_ratio_may_be_written_as_a_number_or_a_fraction(file: Path, splits: str) -> None:
    run(file, "--splits", splits)
    assert list(Candle.objects.filter(timeframe="1d").values_list("close", flat=True)) == [10.0, 10.0]


def test_a_bad_line_fails_the_command_and_stores_nothing(file: Path) -> None:
    file.write_text(TEXT + "2024-07-03,10,9.5,10.1,10,1\n")
    with pytest.raises(CommandError, match=r"Nothing was imported\.\nline 5: high 9\.5 is below low 10\.1"):
        run(file)
    assert not Candle.objects.exists()


def test_a_file_that_is_not_there_is_told(file: Path) -> None:
    with pytest.raises(CommandError, match="No such file or directory"):
        run(file.with_name("other.csv"))


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            ["--timezone", "Atlantis"],
            "there is no time zone Atlantis: write one like America/New_York or UTC",
        ),
        (["--splits", "2024-07-01"], "'2024-07-01' is no split: write DATE:RATIO as in 2014-06-09:7"),
        (["--splits", "2024-07-01:0"], "a split has a ratio above zero"),
        (["--splits", "2024-07-01:1/0"], "is no split"),
    ],
)
def test_what_makes_no_sense_is_refused(file: Path, options: list[str], reason: str) -> None:
    with pytest.raises(CommandError, match=reason):
        run(file, *options)


def test_symbol_and_timeframe_may_come_from_the_name_of_the_file(file: Path) -> None:
    named = file.rename(file.with_name("BRK.B_1d.csv"))
    out = StringIO()
    call_command("import_candles", str(named), "--splits", "none", stdout=out)
    first, second, *_ = out.getvalue().splitlines()
    assert first == "By the file's name these are 1d bars of BRK.B."
    assert second.startswith("BRK.B 1d, 2024-06-28 to 2024-07-01: 2 bars")


def test_a_file_of_another_name_needs_both(file: Path) -> None:
    with pytest.raises(CommandError, match="Give --symbol and --timeframe, or name the file"):
        call_command("import_candles", str(file), "--symbol", "AAPL")


def test_what_a_file_does_not_say_is_given_as_options(file: Path) -> None:
    file.write_text("2024-07-02 09:31,10,9,11,10\n2024-07-02 09:32,10,9,11,10\n")
    said = ["--columns", "time,close,low,high,open", "--stamps", "close", "--timezone", "America/New_York"]
    first, *others = run(file, *said, timeframe="1m").splitlines()
    assert first.startswith("AAPL 1m, 2024-07-02 13:30 UTC to 2024-07-02 13:31 UTC: 2 bars")
    assert others == [
        "Its stamps are the closes of the bars: each bar opens one length earlier.",
        "Volume not known: 2 bars.",
    ]
    assert set(Candle.objects.values_list("volume", flat=True)) == {None}


def test_a_preset_says_the_zone(file: Path) -> None:
    file.write_text("07/02/2024,09:30,10,11,9,10,5\n")
    assert "AAPL 1m, 2024-07-02 13:30 UTC to" in run(file, "--preset", "kibot", timeframe="1m")


CALM = TEXT.replace("70,77,63,70", "10,11,9,10")
MANY = """date,Name,open,high,low,close,volume
2024-06-28,aal,70,77,63,70,100
2024-06-28,BRK-B,10,11,9,10,0.5
2024-07-01,aal,71,77,63,70,100
2024-07-01,BRK-B,10,9,11,10,7
"""


def load_many(file: Path, *options: str, column: str = "Name") -> str:
    out = StringIO()
    call_command(
        *("import_candles", str(file), "--symbol-column", column, "--timeframe", "1d", *options),
        stdout=out,
    )
    return out.getvalue()


def test_each_symbol_of_a_file_is_loaded_or_refused_by_itself(file: Path) -> None:
    file.write_text(MANY)
    with pytest.raises(CommandError) as refused:
        load_many(file)
    assert str(refused.value) == (
        "Nothing was imported of 1 of 2 symbols.\n"
        "BRK.B: line 5: high 9 is below low 11  |  2024-07-01,BRK-B,10,9,11,10,7"
    )
    assert set(Candle.objects.values_list("symbol", flat=True)) == {"AAL"}
    assert CandleImport.objects.get().digest == sha256(MANY.encode()).hexdigest()


def test_a_look_says_what_would_be_done_and_does_nothing(file: Path) -> None:
    run(file, "--splits", "none")
    file.write_text(TEXT.replace("10,11,9,10,700", "10,12,9,10,700") + "2024-07-03,10,11,9,10,1\n")
    before = list(Candle.objects.order_by("pk").values())
    assert run(file, "--look", "--splits", "none").splitlines() == [
        "AAPL 1d, 2024-06-28 to 2024-07-03: 3 bars, 1 new, 1 stored alike,"
        " 1 different from an earlier import, which are overwritten."
    ]
    assert list(Candle.objects.order_by("pk").values()) == before


def test_a_look_asks_what_loading_would_refuse(file: Path) -> None:
    assert run(file, "--look").splitlines()[1] == (
        "Moves of the size of a split, and nothing explains them: 2024-07-01 (by 7)."
        " Say --splits 2024-07-01:7 or --splits none."
    )
    file.write_text("time,open,high,low,close,volume\n2024-07-02 09:30,10,10,10,10,1\n")
    assert "The times name no time zone" in run(file, "--look", timeframe="1m")


def test_the_order_of_day_and_month_is_said_where_no_date_shows_it(file: Path) -> None:
    file.write_text("date,open,high,low,close,volume\n07/01/2024,10,10,10,10,1\n")
    with pytest.raises(CommandError, match="--dates month"):
        run(file)
    assert "2024-07-01 to 2024-07-01" in run(file, "--dates", "month")
    assert "2024-01-07 to 2024-01-07" in run(file, "--dates", "day")


def test_a_zip_of_several_files_is_loaded_by_their_names(file: Path) -> None:
    with ZipFile(file, "w") as archive:
        archive.writestr("d/aapl.us.txt", CALM)
        archive.writestr("d/msft.us.txt", CALM)
    out = StringIO()
    call_command("import_candles", str(file), "--timeframe", "1d", stdout=out)
    assert [line[:7] for line in out.getvalue().splitlines() if ": 2 bars" in line] == ["AAPL 1d", "MSFT 1d"]


RAW = """date,Ticker,open,high,low,close,volume
2024-06-28,AAL,70,77,63,70,100
2024-06-28,BRK-B,10,11,9,10,5
2024-07-01,AAL,10,11,9,10,100
2024-07-01,BRK-B,10,11,9,10,7
"""


def test_the_splits_of_several_symbols_name_whose_they_are(file: Path) -> None:
    file.write_text(RAW)
    with pytest.raises(CommandError, match="Say whose each split is, as in --splits AAL:2020-08-31:4"):
        load_many(file, "--splits", "2024-07-01:7", column="Ticker")
    with pytest.raises(CommandError, match="--splits names KO, of which the file has no bars"):
        load_many(file, "--splits", "KO:2024-07-01:7", column="Ticker")
    load_many(file, "--splits", "aal:2024-07-01:7,none", column="Ticker")
    assert {*Candle.objects.filter(timeframe="1d").values_list("symbol", "close")} == {
        ("AAL", 10),
        ("BRK.B", 10),
    }


def test_a_broken_line_of_a_file_of_several_symbols_stops_none(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(RAW + "2024-07-02,AAL,10\n")
    load_many(file, "--splits", "none", column="Ticker")
    assert Candle.objects.filter(timeframe="1d").count() == 4
    assert "line 6: 3 cells where the header has 7  |  2024-07-02,AAL,10" in capsys.readouterr().err
