"""While you were away: shown first after an absence, and what it tells."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from approvals.models import Order, Outcome, SignalView, TradingHalt
from desk.models import Presence
from market.models import Candle, Gap, IngestionRun
from signals.models import Signal
from signals.trades import End
from tests import make
from tests.approvals import outcome_rows

HOUR = timedelta(hours=1)
LEFT = make.T0 - timedelta(hours=15)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL", "MSFT")
    make.july_2024()
    make.ready()
    make.quote("AAPL", 186.0)


def was_here(at: datetime = LEFT) -> None:
    Presence.objects.update_or_create(user=User.objects.get(username="ann"), defaults={"seen_at": at})


def away(client: Client) -> str:
    answer = client.get("/away/")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def expired(symbol: str = "MSFT", **values: object) -> Signal:
    given = {"status": "expired", "ended_at": make.T0 - HOUR, "ended_reason": "nobody decided in time"}
    return make.signal(symbol, **given | values)


def test_what_can_only_be_measured_cannot_be_decided(trader: Client) -> None:
    make.sell("MSFT")
    html = away(trader)
    assert "Nothing waits" in html
    assert "1 to measure only</a>" in html


class TestWhoIsHere:
    def test_the_first_visit_is_no_return(self, trader: Client) -> None:
        assert trader.get("/").status_code == 200
        assert Presence.objects.get().seen_at == make.T0

    def test_after_a_night_the_desk_shows_first_what_happened_and_then_itself(self, trader: Client) -> None:
        was_here()
        assert trader.get("/").headers["Location"] == "/away/"
        away(trader)
        assert trader.get("/").status_code == 200
        presence = Presence.objects.get()
        assert (presence.left_at, presence.back_at, presence.told_at) == (LEFT, make.T0, make.T0)

    def test_it_waits_for_whoever_comes_back_to_another_page(self, trader: Client) -> None:
        was_here()
        assert trader.get("/signals/").status_code == 200
        assert trader.get("/").status_code == 302

    def test_a_lunch_is_no_absence(self, trader: Client) -> None:
        was_here(make.T0 - timedelta(hours=2))
        assert trader.get("/").status_code == 200

    def test_an_open_page_that_nobody_touches_is_nobody_here(self, trader: Client) -> None:
        was_here()
        trader.get("/strip/")
        assert Presence.objects.get().seen_at == LEFT

    def test_each_person_has_an_absence_of_his_own(self, trader: Client) -> None:
        was_here()
        other = Client()
        other.force_login(make.trader("ben"))
        assert other.get("/").status_code == 200
        assert trader.get("/").status_code == 302


class TestWhatItTells:
    @pytest.fixture(autouse=True)
    def absent(self, trader: Client) -> None:
        was_here()

    def test_nothing_happened(self, trader: Client) -> None:
        html = away(trader)
        for expected in (
            "Nothing waits",
            "No signal ended",
            "Nothing is held",
            "No order ended",
            "No bar of this time",
        ):
            assert expected in html, expected

    def test_what_expired_unseen_with_what_it_would_have_made(self, trader: Client) -> None:
        signal = expired()
        outcome_rows.outcome(end=End.TARGET)
        Outcome.objects.update(signal=signal, r=1.5)
        html = away(trader).split("Came and went without you")[1]
        assert f"/signals/{signal.pk}/" in html
        assert "nobody decided in time" in html
        assert "+1.50 R" in html

    def test_not_what_was_seen_or_ended_before(self, trader: Client) -> None:
        viewed = expired()
        SignalView.objects.create(signal=viewed, user=User.objects.get(username="ann"), first_at=LEFT - HOUR)
        expired("AAPL", ended_at=LEFT - HOUR)
        assert "No signal ended" in away(trader)

    def test_what_can_still_be_decided(self, trader: Client) -> None:
        signal = make.signal("AAPL")
        html = away(trader).split("Can still be decided")[1].split("</section>")[0]
        assert f"/signals/{signal.pk}/" in html

    def test_one_whose_time_has_just_run_out_is_not_among_those(self, trader: Client) -> None:
        make.signal("AAPL", expires_at=make.T0)
        html = away(trader)
        assert "Nothing waits" in html
        assert "expired" in html.split("Came and went without you")[1]

    @pytest.mark.parametrize(("low", "sentence"), [(181.0, "0.50"), (180.4, "traded beyond it")])
    def test_how_near_a_position_came_to_its_stop(self, trader: Client, low: float, sentence: str) -> None:
        make.held("AAPL", at=LEFT)
        make.history("AAPL", [186.0, 186.0])
        newest = Candle.objects.filter(symbol="AAPL").order_by("-opened_at").first()
        assert newest
        Candle.objects.filter(symbol="AAPL", opened_at=newest.opened_at).update(low=low)
        html = away(trader).split("<h2>Positions</h2>")[1].split("</section>")[0]
        assert f"{low:.2f}" in html
        assert sentence in html

    def test_what_traded_before_a_position_was_opened_is_nothing_to_its_stop(self, trader: Client) -> None:
        make.held("AAPL")
        make.history("AAPL", [100.0, 186.0])
        html = away(trader).split("<h2>Positions</h2>")[1].split("</section>")[0]
        assert "traded beyond it" not in html

    def test_fills_and_orders_that_need_a_look(self, trader: Client) -> None:
        make.order("AAPL", status=Order.Status.HELD, status_reason="Trading was halted.")
        make.held("MSFT")
        html = away(trader).split("Orders and fills")[1].split("</section>")[0]
        assert "Trading was halted." in html
        assert "Look at it" in html
        assert "BUY 10 MSFT at 185.50" in html

    def test_gaps_that_are_left(self, trader: Client) -> None:
        gap = {"symbol": "AAPL", "timeframe": "15m", "found_at": make.T0, "attempts": 1}
        at = make.T0 - 3 * HOUR
        Gap.objects.create(first_at=at, last_at=at + HOUR, bars=5, reason=Gap.Reason.OUTAGE, **gap)
        assert "Outage of ours: 5 bars of 1 instrument are missing" in away(trader)

    def test_when_jax_did_no_work(self, trader: Client) -> None:
        IngestionRun.objects.all().delete()
        for minute in (0, 5, 60, 65):
            at = LEFT + timedelta(minutes=minute)
            IngestionRun.objects.create(
                kind="quotes", outcome="finished", started_at=at, finished_at=at, stored=1
            )
        silences = re.findall(r"Jax did no work from <time datetime=\"([^\"]+)\"", away(trader))
        assert [silence[:16] for silence in silences] == [
            f"{LEFT + timedelta(minutes=65):%Y-%m-%dT%H:%M}",
            f"{LEFT + timedelta(minutes=5):%Y-%m-%dT%H:%M}",
        ]

    def test_the_time_before_the_first_round_ever_is_no_silence(self, trader: Client) -> None:
        assert "Jax did no work" not in away(trader)

    def test_many_troubles_are_summed_up(self, trader: Client) -> None:
        for hour in range(6):
            at = LEFT + hour * HOUR
            TradingHalt.objects.create(
                cause="mismatch", reason=f"halt {hour}", started_at=at, ended_at=at + HOUR / 2
            )
        assert "And 2 shorter ones like them." in away(trader)

    def test_halts(self, trader: Client) -> None:
        TradingHalt.objects.create(
            cause="person", reason="fire drill", started_at=LEFT + HOUR, ended_at=LEFT + 2 * HOUR
        )
        assert "fire drill Resumed at" in away(trader)
