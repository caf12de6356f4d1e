"""What the doctor finds, and what it advises."""

import zoneinfo
from datetime import timedelta

import pytest
from pytest_django import Settings

from market import doctor
from market.doctor import Finding, site
from market.ingestion import cycle
from market.models import (
    Candle,
    EarningsCheck,
    Gap,
    IngestionRun,
    Installation,
    Instrument,
    ProviderStatus,
    Quote,
    TradingSession,
)
from market.prices import Timeframe
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def healthy(settings: Settings) -> None:
    """A simulated installation whose worker has just done its work."""
    settings.CANDLE_BACKFILL = 20
    make.only("AAPL", "MSFT", calendar="24/7")
    make.round_the_clock(make.T0, days=60, ahead=400)
    cycle.ingest_quotes(make.T0)
    cycle.ingest_candles(make.T0)
    make.beats(make.T0)


def findings() -> dict[str, Finding]:
    return {finding.about: finding for finding in doctor.examine(make.T0 + timedelta(seconds=30))}


def test_nothing_needs_attention_when_all_is_well() -> None:
    by_subject = findings()
    assert [about for about, finding in by_subject.items() if finding.advice] == []
    assert by_subject["database"].text.startswith("PostgreSQL ")
    assert by_subject["data"].text.startswith(
        "simulated. For real prices set IB_BRIDGE_URL, or ALPACA_API_KEY"
    )
    assert by_subject["simulator"].text.startswith("it answers")
    assert by_subject["polygon"].text == "off; POLYGON_API_KEY would switch it on"
    assert by_subject["worker"].text == "its last cycle began 30 s ago: 2 of 2 symbols stored"
    assert by_subject["calendar 24/7"].text == "sessions are known until 2025-08-06"
    assert by_subject["quotes"].text.startswith("2 instruments are watched, 0 of them have no fresh quote")
    assert by_subject["candles 1d"].text == "2 of 2 instruments have some"


def test_time_zones_are_the_systems_or_it_says_what_to_install() -> None:
    assert findings()["time zones"].text.startswith("the system's")
    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath([])
        without = site.zones()
    finally:
        zoneinfo.reset_tzpath(before)
    assert "of the package tzdata" in without.text
    assert "apt install tzdata" in without.advice


def test_data_of_the_other_kind_is_told(settings: Settings) -> None:
    settings.DATA_KIND = Installation.Data.REAL
    by_subject = findings()
    assert by_subject["data"].advice == "Set DATA=simulated, or point DATABASE_URL at another database."
    assert by_subject["providers"].text == "none is switched on"


def test_a_provider_nobody_knows_is_told(settings: Settings) -> None:
    settings.PROVIDERS = ["simulator", "yahoo"]
    assert findings()["PROVIDERS"].text == "nothing is called yahoo"


def test_a_provider_that_cools_off_is_told_with_its_last_error() -> None:
    row = ProviderStatus.objects.get(provider="simulator", kind="quotes")
    row.failed(make.T0, "503 Service Unavailable", pause=timedelta(hours=1))
    finding = findings()["simulator"]
    assert finding.text.endswith("left alone at quotes until 15:00 UTC: 503 Service Unavailable")
    assert finding.advice.startswith("It is tried again by itself")


def test_a_provider_that_gives_no_earnings_dates_is_told_and_needs_no_attention() -> None:
    why = "Polygon's plan has no earnings dates"
    EarningsCheck.objects.create(symbol="AAPL", checked_at=make.T0, provider="polygon", problem=why)
    finding = findings()["earnings dates"]
    assert finding.text == f"{why}. They can be loaded from a file, or recorded in admin"
    assert finding.advice == ""


def test_rates_that_are_missing_or_old_are_told_and_those_that_are_good_are_not() -> None:
    make.needed("EUR/USD")
    make.quote("EUR/USD", 1.08, make.T0 - timedelta(minutes=1))
    assert "exchange rates" not in findings()
    make.needed("GBP/USD")
    make.quote("GBP/USD", 1.27, make.T0 - timedelta(minutes=20))
    make.needed("USD/JPY", problem="Alpaca's plan has no rates of currencies")
    finding = findings()["exchange rates"]
    assert finding.text == (
        "2 of those needed cannot be used: GBP/USD: the quote of GBP/USD is too old"
        " · USD/JPY: no rate came; Alpaca's plan has no rates of currencies"
    )
    assert "watch the pair" in finding.advice


def test_a_worker_that_stopped_is_told() -> None:
    [*late] = doctor.examine(make.T0 + timedelta(minutes=10))
    worker = next(finding for finding in late if finding.about == "worker")
    assert worker.text.startswith("its last cycle began 600 s ago")
    assert worker.advice.startswith("Start it: make run, or python manage.py qcluster.")


def test_a_worker_that_never_ran_is_told() -> None:
    IngestionRun.objects.all().delete()
    assert findings()["worker"].text == "no cycle has finished yet"


def test_quotes_that_are_missing_while_their_exchange_is_open_are_told() -> None:
    make.instrument("IBM", "24/7")
    by_subject = findings()
    assert by_subject["quotes"].advice == "See why in the newest ingestion run: IBM."
    assert by_subject["candles 15m"].text == "2 of 3 instruments have some"


def test_quotes_that_are_out_of_the_ordinary_are_told() -> None:
    symbols = list(Quote.objects.order_by("symbol").values_list("symbol", flat=True))
    assert doctor.prices.quote_states().text == "none is doubtful, crossed or halted"
    Quote.objects.filter(pk=symbols[0]).update(doubt="outside_book", doubtful_price=1, doubtful_as_of=make.T0)
    Quote.objects.filter(pk=symbols[1]).update(bid=2.0, ask=2.0)
    finding = doctor.prices.quote_states()
    assert finding.text == f"doubtful: {symbols[0]}; locked: {symbols[1]}"
    assert finding.advice.startswith("Nothing is approved on a doubtful price")


def test_sessions_that_end_soon_are_told() -> None:
    TradingSession.objects.filter(date__gt=make.T0.date() + timedelta(days=10)).delete()
    finding = findings()["calendar 24/7"]
    assert (finding.text, bool(finding.advice)) == ("sessions are known until 2024-07-13", True)


def test_gaps_are_counted_by_reason() -> None:
    Gap.objects.all().delete()
    for reason, again in ((Gap.Reason.OUTAGE, make.T0), (Gap.Reason.NO_TRADE, None)):
        Gap.objects.create(
            symbol="AAPL",
            timeframe=Timeframe.M15,
            first_at=make.T0 - timedelta(hours=len(reason)),
            last_at=make.T0,
            bars=1,
            reason=reason,
            found_at=make.T0,
            next_attempt_at=again,
        )
    assert findings()["gaps"].text == "2 (1 no trade, 0 provider hole, 1 outage of ours); 1 are tried again"


def test_a_split_that_waits_is_told() -> None:
    Instrument.objects.filter(symbol="AAPL").update(split_pending_since=make.T0)
    assert findings()["splits"].advice == "Nothing evaluates AAPL until a provider gives it again."


def test_moves_that_wait_for_an_answer_are_told_with_their_symbols() -> None:
    assert findings()["moves"].advice == ""
    make.move()
    make.move(day="2024-07-01")
    assert findings()["moves"].text == "2 of the size of a split are unexplained"
    assert findings()["moves"].advice.startswith("No new signals of AAPL until they are answered")


def test_refused_rows_of_the_last_day_are_summed() -> None:
    rejected = {"low_above_high": {"count": 2, "example": "AAPL"}}
    for hours in (1, 2, 30):
        IngestionRun.objects.create(
            kind="candles", started_at=make.T0 - timedelta(hours=hours), rejected=rejected, outcome="finished"
        )
    assert findings()["refused rows"].text == "in the last day: 4 low_above_high"


def test_late_bars_are_told_with_where_to_look() -> None:
    later = make.T0 + timedelta(hours=1)
    by_subject = {finding.about: finding for finding in doctor.examine(later)}
    assert by_subject["candles 15m"].text.endswith("the newest bar is late of 2: AAPL, MSFT")
    assert by_subject["candles 15m"].advice == doctor.prices.LATE_ADVICE
    assert by_subject["candles 1d"].advice == ""


def test_cycles_that_store_nothing_need_attention() -> None:
    IngestionRun.objects.filter(kind=IngestionRun.Kind.QUOTES).update(stored=0, failures={})
    assert (
        findings()["worker"].advice
        == "Nothing was stored: correct what failed; without a reason, see the log."
    )


def test_bars_in_doubt_are_counted_and_named() -> None:
    newest = Candle.objects.filter(symbol="AAPL", timeframe="1d").latest("opened_at")
    Candle.objects.filter(pk=newest.pk).update(suspect=True)
    text = {finding.about: finding.text for finding in doctor.examine(make.T0)}["suspect candles"]
    assert text == (
        f"1 hold a jump that nothing supports (the newest: AAPL 1d {newest.opened_at:%Y-%m-%d %H:%M});"
        " strategies leave them out, stops do not"
    )
