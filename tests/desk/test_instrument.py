import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from market.models import Candle, Gap, Instrument, QuoteHistory, Split
from market.prices import Timeframe
from tests import make
from tests.query_counts import CountQueries

PAGE = "/instruments/AAPL/"
BARS = "/instruments/AAPL/bars/"
QUARTER = timedelta(minutes=15)


@pytest.fixture(autouse=True)
def aapl(db: None) -> None:
    make.only("AAPL")
    make.july_2024()


def test_a_currency_that_is_not_the_accounts_has_its_rate_beside_it(trader: Client) -> None:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        make.ready()
        assert "is worth" not in trader.get(PAGE).content.decode()
        Instrument.objects.filter(pk="AAPL").update(currency="EUR")
        assert "No rate of EUR in USD: no pair is quoted." in trader.get(PAGE).content.decode()
        make.round_the_clock()
        make.instrument("EUR/USD", "24/7")
        make.quote("EUR/USD", 1.25, make.T0 - timedelta(seconds=10), provider="polygon")
        html = trader.get(PAGE).content.decode()
    assert "1 EUR is worth 1.25000 USD in the account: EUR/USD of polygon," in html


def quarters(count: int, **values: Any) -> list[datetime]:
    """Bars of a quarter of an hour, the last one opening at T0. Returns when they open."""
    stamps = [make.T0 - QUARTER * back for back in reversed(range(count))]
    plain = {"open": 10.0, "high": 12.0, "low": 9.0, "close": 11.0, "volume": 1_000, "timeframe": "15m"}
    source = {"provider": "polygon", "feed": "delayed", "session": "regular"}
    marks = {"is_final": True, "suspect": False}
    Candle.objects.bulk_create(
        Candle(symbol="AAPL", opened_at=at, **plain | source | marks | values) for at in stamps
    )
    return stamps


def gap(first: datetime, bars: int = 1, **values: Any) -> Gap:
    return Gap.objects.create(
        symbol="AAPL",
        first_at=first,
        bars=bars,
        found_at=make.T0,
        **{
            "timeframe": "15m",
            "reason": Gap.Reason.PROVIDER,
            "last_at": first + QUARTER * (bars - 1),
        }
        | values,
    )


def drawn(client: Client, timeframe: str = "15m", **more: Any) -> Mapping[str, Any]:
    content: Mapping[str, Any] = client.get(BARS, {"timeframe": timeframe, **more}).json()
    return content


def seconds(at: datetime) -> int:
    return int(at.timestamp())


def test_the_chart_gets_each_bar_with_its_marks_and_its_source(trader: Client) -> None:
    quarters(1, session="extended", is_final=False, suspect=True, revisions=2)
    assert drawn(trader)["bars"] == [
        {
            "time": seconds(make.T0),
            "open": 10.0,
            "high": 12.0,
            "low": 9.0,
            "close": 11.0,
            "volume": 1_000,
            "source": "polygon, delayed",
            "extended": True,
            "unfinished": True,
            "suspect": True,
            "revisions": 2,
        }
    ]


def test_a_daily_bar_is_a_date_in_every_time_zone(trader: Client) -> None:
    make.candle("AAPL", "2024-07-02", 100.0)
    assert drawn(trader, "1d")["bars"][0]["time"] == "2024-07-02"
    assert '<th scope="row">2024-07-02</th>' in trader.get(PAGE).content.decode()


def test_an_intraday_bar_is_told_in_utc_with_the_exchanges_time_beside(trader: Client) -> None:
    quarters(1)
    page = trader.get(f"{PAGE}?timeframe=15m").content.decode()
    assert '<th scope="row">2024-07-03 14:00</th>' in page
    assert "<td>Wed 10:00</td>" in page
    assert 'data-zone="America/New_York" data-city="New York"' in page


def test_the_missing_bars_of_a_gap_come_with_its_reason(trader: Client) -> None:
    stamps = quarters(5)
    Candle.objects.filter(opened_at__in=stamps[2:4]).delete()
    gap(stamps[2], bars=2, reason=Gap.Reason.NO_TRADE)
    assert drawn(trader)["gaps"] == [
        {
            "times": [seconds(at) for at in stamps[2:4]],
            "reason": "no_trade",
            "name": "no trade",
            "says": "no trade, 2 bars of 15m missing",
        }
    ]


def test_a_night_is_not_shaded(trader: Client) -> None:
    """A gap over the end of a session misses its own bars only, not those of the hours between."""
    make.candle("AAPL", "2024-07-01", 100.0, timeframe="15m")
    gap(datetime(2024, 7, 2, 19, 45, tzinfo=UTC), last_at=datetime(2024, 7, 3, 13, 30, tzinfo=UTC), bars=2)
    (shade,) = drawn(trader)["gaps"]
    assert len(shade["times"]) == 2


def test_a_built_bar_is_missing_when_all_it_is_built_from_is(trader: Client) -> None:
    make.candle("AAPL", "2024-07-01", 100.0, timeframe="1h")
    gap(datetime(2024, 7, 3, 13, 45, tzinfo=UTC), bars=7)
    (shade,) = drawn(trader, "1h")["gaps"]
    assert shade["times"] == [seconds(datetime(2024, 7, 3, 14, 30, tzinfo=UTC))]


def test_a_gap_of_another_timeframe_or_before_the_first_bar_is_not_drawn(trader: Client) -> None:
    stamps = quarters(3)
    gap(stamps[1], timeframe="5m")
    gap(stamps[0] - 4 * QUARTER)
    assert drawn(trader)["gaps"] == []


def test_earlier_bars_are_fetched_until_there_are_none(trader: Client) -> None:
    stamps = quarters(1_500)
    newest = drawn(trader)
    assert [bar["time"] for bar in newest["bars"]] == [seconds(at) for at in stamps[500:]]
    earlier = trader.get(BARS + newest["earlier"]).json()
    assert [bar["time"] for bar in earlier["bars"]] == [seconds(at) for at in stamps[:500]]
    assert earlier["earlier"] is None


@pytest.mark.parametrize(
    "address",
    [
        f"{PAGE}?timeframe=2m",
        f"{BARS}?timeframe=2m",
        f"{BARS}?timeframe=1d&before=x",
        f"{BARS}?timeframe=1d&before=99999999999999999999",
    ],
)
def test_what_is_not_known_is_not_found(trader: Client, address: str) -> None:
    assert trader.get(address).status_code == 404


@pytest.mark.parametrize("name", ["", "bars/"])
def test_an_unknown_symbol_is_not_found(trader: Client, name: str) -> None:
    assert trader.get(f"/instruments/NOPE/{name}").status_code == 404


def test_the_table_holds_the_last_hundred_bars_without_a_script(trader: Client) -> None:
    stamps = quarters(120, revisions=3)
    rows = trader.get(f"{PAGE}?timeframe=15m").context["rows"]
    assert [row["opened"] for row in rows] == [f"{at:%Y-%m-%d %H:%M}" for at in stamps[:19:-1]]
    prices = [rows[0][name] for name in ("open", "high", "low", "close")]
    assert (prices, rows[0]["volume"]) == (["10.00", "12.00", "9.00", "11.00"], "1,000")


def test_the_table_says_what_a_bar_is_and_where_it_is_from(trader: Client) -> None:
    quarters(1, session="extended", is_final=False, suspect=True, revisions=3)
    page = trader.get(f"{PAGE}?timeframe=15m").content.decode()
    cells = ["polygon", "delayed", "extended", "not yet", "suspect"]
    assert [cell for cell in cells if f"<td>{cell}</td>" not in page] == []
    assert '<tr class="extended suspect">' in page


def test_the_gaps_are_listed_with_their_reason_and_what_comes_next(trader: Client) -> None:
    stamps = quarters(3)
    gap(stamps[1], attempts=3)
    page = trader.get(f"{PAGE}?timeframe=15m").content.decode()
    assert "<td>provider hole</td>" in page
    assert "<td>not tried any more</td>" in page


def test_the_page_says_whose_quote_it_is_and_how_old(trader: Client) -> None:
    make.quote("AAPL", 101.0, as_of=make.T0, feed="delayed")
    page = trader.get(PAGE).content.decode()
    assert "alpaca, delayed, <span data-since=" in page
    assert 'data-since="2024-07-03T14:00:00Z"' in page


def test_the_newest_quotes_stand_there_as_they_were_received(trader: Client) -> None:
    QuoteHistory.objects.bulk_create(
        QuoteHistory(
            symbol="AAPL",
            as_of=make.T0 + timedelta(seconds=n),
            received_at=make.T0 + timedelta(seconds=n + 2),
            provider="alpaca",
            price=100 + n,
            bid=99.5 + n,
            feed="live",
        )
        for n in range(25)
    )
    page = trader.get(PAGE)
    assert "<h2>The newest quotes, as they were received</h2>" in page.content.decode()
    rows = page.context["received"]
    assert (len(rows), rows[0]["prices"]) == (20, ["124.00", "123.50", "–"])  # noqa: RUF001  a dash
    assert (rows[0]["as_of"], rows[0]["received"]) == ("2024-07-03 14:00:24", "2024-07-03 14:00:26")


def test_the_splits_stand_there_newest_first(trader: Client) -> None:
    for day, ratio in (("2014-06-09", 7), ("2020-08-31", 4)):
        Split.objects.create(symbol="AAPL", date=day, ratio=ratio, source="import", recorded_at=make.T0)
    page = trader.get(PAGE).content.decode()
    assert re.findall(r'<th scope="row">(\d{4}-\d\d-\d\d)</th>', page) == ["2020-08-31", "2014-06-09"]


def test_an_unexplained_move_is_told_and_only_an_operator_is_led_to_answer_it(trader: Client) -> None:
    move = make.move()
    page = trader.get(PAGE).content.decode()
    assert "It opened at 100.00 on 2024-07-02, 200.00 before: a move of the size of a split." in page
    assert f"unexplainedmove/{move.pk}/" not in page


def test_the_timeframes_that_are_stored_are_links(trader: Client) -> None:
    make.candle("AAPL", "2024-07-02", 100.0)
    quarters(1)
    shown = {timeframe.value: stored for timeframe, stored in trader.get(PAGE).context["timeframes"]}
    assert shown == {timeframe.value: timeframe.value in ("15m", "1d") for timeframe in Timeframe}


def test_without_daily_bars_the_finest_stored_ones_are_shown_first(trader: Client) -> None:
    make.candle("AAPL", "2024-07-02", 100.0, timeframe="1m")
    quarters(1)
    assert trader.get(PAGE).context["timeframe"] is Timeframe.M1


def test_without_bars_the_page_says_what_will_come(trader: Client) -> None:
    page = trader.get(PAGE).content.decode()
    assert "No 1d bars of AAPL are stored." in page
    assert "lightweight-charts" not in page


@pytest.mark.parametrize("count", [2, 1_500])
def test_one_bar_takes_as_many_queries_as_many(
    trader: Client, count_queries: CountQueries, count: int
) -> None:
    stamps = quarters(count)
    gap(stamps[-1])
    # who asks (2), that he is here, the strip, instrument, timeframes, bars, gaps, quote, quotes received,
    # signals, opinions; its splits come with the instrument
    with count_queries("page /instruments/AAPL/ with gaps"):
        trader.get(f"{PAGE}?timeframe=15m")
    # who asks (2), instrument, bars, gaps, sessions, signals
    with count_queries("page /instruments/AAPL/bars/ with gaps"):
        drawn(trader)
