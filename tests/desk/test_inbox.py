"""The list of signals: what waits, what has ended, what came meanwhile."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from unittest import mock

import pytest
from django.test import Client
from django.utils import timezone

from approvals import decisions
from approvals.models import TradeApproval
from approvals.proposals import propose_all
from desk.inbox import group_together
from signals.models import Signal
from tests import make


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture(autouse=True)
def market(db: None) -> None:
    make.only("AAPL", "MSFT", "NVDA")
    make.july_2024()
    make.ready()
    for symbol in ("AAPL", "MSFT", "NVDA"):
        make.quote(symbol, 185.6)


def page(client: Client, **query: str) -> str:
    return client.get("/signals/", query).content.decode()


def test_nothing_waits_and_it_says_what_will_come(trader: Client) -> None:
    html = page(trader)
    assert "Nothing waits for a decision" in html
    assert "every quarter of an hour" in html


def test_a_row_says_what_approving_would_do_and_what_it_risks(trader: Client) -> None:
    signal = make.signal()
    html = page(trader)
    row = html.split(f'id="signal-{signal.pk}"')[1].split("</tr>")[0]
    for figure in ("▲ BUY", "90 %", "no case yet", "185.50", "180.50", "191.75", "1.25", ">107<", "612.04"):
        assert figure in row, figure


def test_what_cannot_be_approved_says_why_in_its_row(trader: Client) -> None:
    make.held("AAPL")
    make.signal()
    assert "There is a position in AAPL already" in page(trader)


def test_the_soonest_to_expire_comes_first(trader: Client) -> None:
    late, soon = make.signal("AAPL"), make.signal("MSFT", expires_at=make.T0 + timedelta(minutes=5))
    html = page(trader)
    assert html.index(f"signal-{soon.pk}") < html.index(f"signal-{late.pk}")


def test_a_sell_with_nothing_to_sell_stands_apart(trader: Client) -> None:
    make.sell()
    html = page(trader)
    assert "1 that can only be measured" in html
    assert "Approve …" not in html


def test_many_at_once_are_one_bet(trader: Client) -> None:
    for symbol in ("AAPL", "MSFT", "NVDA"):
        make.signal(symbol)
    assert "3 longs in one minute: one bet" in page(trader)


def test_only_three_of_one_direction_within_a_minute_are_a_wave() -> None:
    minute = timedelta(minutes=1)
    near = [make.signal(symbol) for symbol in ("AAPL", "MSFT")]
    later = make.signal("NVDA", generated_at=near[0].generated_at + minute)
    groups = group_together(propose_all([near[0], later, near[1]], make.T0))
    assert [(group.heading, len(group.rows)) for group in groups] == [("", 1), ("", 1), ("", 1)]
    Signal.objects.update(generated_at=near[0].generated_at)
    groups = group_together(propose_all(list(Signal.objects.all()), make.T0))
    assert [(group.heading, len(group.rows)) for group in groups] == [("3 longs in one minute: one bet", 3)]


def test_it_can_be_filtered(trader: Client) -> None:
    kept, other = make.signal("AAPL"), make.signal("MSFT", strategy_id="ma_crossover_v1")
    html = page(trader, symbol="aap", strategy="macd_crossover_v1", side="BUY", timeframe="1d")
    assert f"signal-{kept.pk}" in html
    assert f"signal-{other.pk}" not in html


def test_a_filter_that_nobody_knows_is_told_and_left_out(trader: Client) -> None:
    signal = make.signal()
    html = page(trader, side="SIDEWAYS")
    assert "SIDEWAYS is not one of the available choices. All are shown." in html
    assert f"signal-{signal.pk}" in html


def test_rejected_ones_say_who_and_why(trader: Client) -> None:
    signal = make.signal()
    decisions.reject(signal.pk, by=make.trader("ben"), reason=TradeApproval.Reason.NEWS, at=make.T0)
    html = page(trader, tab="rejected")
    assert "by ben, news" in html
    assert "None yet" in page(trader, tab="approved")


def test_an_overdue_signal_is_among_the_expired_before_a_sweep(trader: Client) -> None:
    signal = make.signal(expires_at=make.T0)
    html = page(trader, tab="expired")
    assert f"/signals/{signal.pk}/" in html
    assert "expired: nobody decided in time" in html


class TestNews:
    def ask(self, client: Client, *shown: Signal) -> tuple[int, str]:
        since = (make.T0 - timedelta(minutes=1)).isoformat()
        ids = ",".join(str(signal.pk) for signal in shown)
        answer = client.get("/signals/news/", {"since": since, "shown": ids})
        return answer.status_code, answer.content.decode()

    def test_nothing_is_said_while_nothing_happens(self, trader: Client) -> None:
        assert self.ask(trader, make.signal())[0] == 204

    def test_a_new_one_is_announced_not_pushed_in(self, trader: Client) -> None:
        shown = make.signal("AAPL")
        make.signal("MSFT", created_at=make.T0)
        assert "1 new signal." in self.ask(trader, shown)[1]

    def test_one_that_ended_is_named(self, trader: Client) -> None:
        shown = make.signal(expires_at=make.T0)
        html = self.ask(trader, shown)[1]
        assert f'data-ended="{shown.pk}">AAPL is expired.' in html

    def test_what_cannot_be_read_is_nothing_new(self, trader: Client) -> None:
        assert trader.get("/signals/news/", {"since": "soon", "shown": "x,y"}).status_code == 204


def test_a_decision_from_the_list_leads_back_to_it(trader: Client) -> None:
    signal = make.signal()
    assert 'name="back" value="signals"' in trader.get(f"/signals/{signal.pk}/decide/").content.decode()
    answer = trader.post(f"/signals/{signal.pk}/reject/", {"reason": "news", "back": "signals"})
    assert answer.headers["Location"] == "/signals/"


def test_the_confidence_stands_beside_what_came_of_it() -> None:
    from approvals.scorecard import Confidence
    from approvals.templatetags.scorecard import hit_rate

    assert hit_rate(Confidence(Decimal("0.9"), 5, 3)) == "3 of 5"
    assert hit_rate(Confidence(Decimal("0.9"), 50, 31)) == "62 % of 50"


def test_it_is_narrowed_to_a_watchlist_and_the_tabs_keep_it(trader: Client) -> None:
    listed = make.watchlist("Tech", "MSFT")
    apple, microsoft = make.signal("AAPL"), make.signal("MSFT")
    html = page(trader, list=str(listed.pk))
    assert (str(microsoft.pk) in html, f'id="signal-{apple.pk}"' in html) == (True, False)
    assert f"?list={listed.pk}&amp;tab=approved" in html
    assert "All are shown" in page(trader, list="999")
