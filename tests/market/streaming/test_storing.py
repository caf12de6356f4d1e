"""What is streamed, in the database: by the rules of what is asked for."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pytest_django import Settings

from market.ingestion.quoting import StoredQuotes
from market.ingestion.streaming import report, storing
from market.models import Instrument, Quote, QuoteHistory, StreamStatus
from market.prices import Doubt, Feed, QuoteTick
from market.providers.streams import alpaca
from market.providers.streams.base import Stream
from market.providers.streams.websocket import WebsocketStream
from market.quality import FUTURE, NOT_FINITE
from tests import make
from tests.clock import NOW
from tests.market.streaming.updates import Told

pytestmark = pytest.mark.django_db

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


def stream(feed: Feed = Feed.LIVE, delay: timedelta = timedelta(0)) -> Stream:
    talk = alpaca.Dialogue(Told(), key="", secret="")
    return WebsocketStream("Alpaca", "ws://nowhere", feed, delay, lambda _: talk)


@pytest.fixture(autouse=True)
def watchlist() -> None:
    make.only("AAPL", "MSFT")
    make.session(NOW.date().isoformat())


def store(*ticks: QuoteTick, at: timedelta = timedelta(0), by: Stream | None = None) -> StoredQuotes:
    return storing.store(ticks, ["AAPL", "MSFT"], "alpaca", by or stream(), NOW + at)


def tick(symbol: str = "AAPL", price: float = 100.0, ago: timedelta = SECOND) -> QuoteTick:
    return QuoteTick(symbol, price, NOW - ago, bid=price - 0.01, ask=price + 0.01)


def test_a_streamed_quote_is_the_newest_quote_with_feed_and_delay() -> None:
    store(tick(), by=stream(Feed.DELAYED, timedelta(minutes=15)))
    quote = Quote.objects.get(pk="AAPL")
    assert (quote.price, quote.provider, quote.feed, quote.delay_seconds) == (100.0, "alpaca", "delayed", 900)
    assert quote.age(NOW) == SECOND - timedelta(minutes=15)


def test_the_poll_and_the_stream_of_a_provider_never_go_back_in_time() -> None:
    make.quote("AAPL", 99.0, NOW - SECOND)
    store(tick(price=98.0, ago=2 * SECOND))
    assert Quote.objects.get(pk="AAPL").price == 99.0
    store(tick(price=100.0, ago=SECOND / 2))
    assert Quote.objects.get(pk="AAPL").price == 100.0


def test_another_providers_fresh_quote_stays(settings: Settings) -> None:
    make.quote("AAPL", 99.0, NOW - MINUTE, provider="ib_bridge")
    store(tick())
    assert Quote.objects.get(pk="AAPL").provider == "ib_bridge"
    store(tick(), at=timedelta(seconds=settings.STALE_QUOTE_SECONDS))
    assert Quote.objects.get(pk="AAPL").provider == "alpaca"


def test_the_history_gets_one_quote_a_minute_however_many_come() -> None:
    for second in range(130):
        moment = timedelta(seconds=second)
        store(tick(price=100 + second / 100, ago=-moment), at=moment)
    stamps = QuoteHistory.objects.filter(symbol="AAPL").order_by("as_of").values_list("as_of", flat=True)
    assert [at - NOW for at in stamps] == [timedelta(0), MINUTE, 2 * MINUTE]


def test_a_price_far_away_is_doubtful_until_a_second_trade_is_near_it() -> None:
    store(tick())
    far = replace(tick(price=150.0), bid=None, ask=None)
    store(replace(far, as_of=NOW), at=SECOND)
    quote = Quote.objects.get(pk="AAPL")
    assert (quote.price, quote.doubt, quote.doubtful_price) == (100.0, Doubt.FAR_FROM_LAST, 150.0)
    store(replace(far, as_of=NOW + SECOND), at=SECOND)
    assert Quote.objects.get(pk="AAPL").price == 150.0


def test_the_same_doubtful_trade_again_confirms_nothing() -> None:
    store(tick())
    far = replace(tick(price=150.0), bid=None, ask=None, as_of=NOW)
    for n in range(3):
        store(far, at=n * SECOND)
    assert Quote.objects.get(pk="AAPL").price == 100.0


def test_what_is_unfit_is_refused_with_its_reason_and_keeps_no_other() -> None:
    stored = store(tick(ago=-MINUTE), tick("MSFT"))
    assert (stored.unfit, stored.symbols) == ({"AAPL"}, {"MSFT"})
    assert stored.rejections.counts == {FUTURE: 1}
    assert store(tick(price=float("nan"))).rejections.counts == {NOT_FINITE: 1}


def test_a_symbol_that_is_no_instrument_any_more_keeps_no_other() -> None:
    stored = storing.store([tick("GONE"), tick()], ["GONE", "AAPL"], "alpaca", stream(), NOW)
    assert stored.symbols == {"AAPL"}
    assert stored.failed.keys() == {"GONE"}


def test_a_halt_is_stored_and_ended() -> None:
    store(replace(tick(), halt="trading halt"))
    assert Quote.objects.get(pk="AAPL").halt == "trading halt"
    store(tick())
    assert Quote.objects.get(pk="AAPL").halt == ""


def test_the_days_volume_of_a_poll_stays_where_the_stream_has_none() -> None:
    make.quote("AAPL", 99.0, NOW - MINUTE, volume=5_000)
    make.quote("MSFT", 99.0, NOW - timedelta(hours=10), volume=5_000)
    store(tick(), tick("MSFT"))
    volumes = dict(Quote.objects.values_list("symbol", "volume"))
    assert volumes == {"AAPL": 5_000, "MSFT": None}


def test_what_is_held_is_wanted_first_and_what_is_not_watched_not() -> None:
    make.only("ZM", "AMD")
    Instrument.objects.filter(pk="ZM").update(in_use=True)
    assert list(storing.look("alpaca", NOW).wanted) == ["ZM", "AMD"]


def test_only_what_trades_now_is_said_to_since_the_end_of_a_break() -> None:
    noon = datetime(2026, 7, 1, 5, tzinfo=UTC)
    make.session("2026-07-01", "01:30", "08:00", calendar="XHKG", lunch=("04:00", "05:00"))
    make.only("HK1", calendar="XHKG")
    assert storing.look("alpaca", noon).trading_since == {"HK1": noon}
    assert storing.look("alpaca", noon - MINUTE).trading_since == {}


def test_only_quotes_of_the_provider_that_were_believed_begin_a_stream() -> None:
    make.quote("AAPL", 99.0, NOW, provider="polygon")
    make.quote("MSFT", 99.0, NOW, doubt=Doubt.OUTSIDE_BOOK)
    Quote.objects.filter(pk="MSFT").update(doubtful_as_of=NOW)
    assert storing.look("alpaca", NOW).quotes == {}


def status(**values: object) -> StreamStatus:
    row = StreamStatus(provider="alpaca", state="live", since=NOW, feed="live", updated_at=NOW, symbols=2)
    for name, value in values.items():
        setattr(row, name, value)
    storing.write_status(row)
    return row


@pytest.fixture
def with_alpaca(settings: Settings) -> None:
    settings.STREAMING, settings.DATA_KIND = "auto", "real"
    settings.ALPACA_API_KEY = settings.ALPACA_API_SECRET = "k"


def test_one_row_says_how_the_stream_does() -> None:
    status(provider="simulator")
    status(symbols=3)
    assert StreamStatus.objects.get().symbols == 3


def test_switched_off_it_needs_no_attention(settings: Settings) -> None:
    assert report.read(NOW) == report.Report("Off by STREAMING. Quotes come by the poll, every 60 s.")
    settings.STREAMING, settings.DATA_KIND = "auto", "real"
    assert report.read(NOW).text.startswith("No provider that is set up has a stream.")
    assert report.read(NOW).advice == ""


@pytest.mark.usefixtures("with_alpaca")
def test_a_process_that_does_not_run_is_missed() -> None:
    assert report.read(NOW).advice == report.NOT_RUNNING
    status(updated_at=NOW - 2 * MINUTE)
    assert report.read(NOW).advice == report.NOT_RUNNING
    status(updated_at=NOW + timedelta(hours=1))
    assert report.read(NOW).advice == report.NOT_RUNNING
    status(state="stopped")
    assert report.read(NOW).advice == report.NOT_RUNNING


@pytest.mark.usefixtures("with_alpaca")
def test_a_live_stream_says_what_it_streams_and_what_not() -> None:
    status(message_at=NOW - SECOND, left_out={"MSFT": "beyond the symbols that the plan streams"})
    assert report.read(NOW) == report.Report(
        "Alpaca streams 2 instruments, the newest message came 1 s ago."
        " By the poll: MSFT (beyond the symbols that the plan streams).",
        row=StreamStatus.objects.get(),
    )


@pytest.mark.usefixtures("with_alpaca")
def test_a_plan_without_a_stream_is_told_and_no_fault() -> None:
    status(state="no plan", reason="The plan has no stream of this kind.")
    said = report.read(NOW)
    assert said.advice == ""
    assert said.text == "Quotes come by the poll, every 60 s. The plan has no stream of this kind."


@pytest.mark.usefixtures("with_alpaca")
def test_silent_symbols_are_named() -> None:
    status(silent=[f"S{n}" for n in range(7)])
    said = report.read(NOW)
    assert "Nothing comes of S0, S1, S2, S3, S4 and 2 others though they trade." in said.text
    assert said.advice == report.SILENCE


@pytest.mark.usefixtures("with_alpaca")
def test_a_refusal_is_told_with_what_to_do_and_when_it_is_tried_again() -> None:
    status(state="refused", reason="Alpaca: auth failed (402). Check it.", retry_at=NOW + MINUTE)
    said = report.read(NOW)
    again = f"does not stream since {NOW:%H:%M:%S} UTC. It is tried again at {NOW + MINUTE:%H:%M:%S} UTC."
    assert again in said.text
    assert said.advice == "Alpaca: auth failed (402). Check it."
