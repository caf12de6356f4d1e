"""Second opinions on the pages: who may ask, and what each state says."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from unittest import mock
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from approvals import decisions
from approvals.models import TradeApproval
from opinions import runs
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make

Status = OrchestrationRun.Status
PART = {"HX-Request": "true"}
FACTORS = [
    {"verdict": "for", "text": "The trend is bullish."},
    {"verdict": "against", "text": "The P/E of 98.76 is high."},
    {"verdict": "neutral", "text": "Few cases are known."},
]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


def member(role: str) -> Client:
    user = User.objects.create_user(role)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def trader(db: None) -> Client:
    return member("trader")


@pytest.fixture
def viewer(db: None) -> Client:
    return member("viewer")


@pytest.fixture
def signal(db: None) -> Signal:
    make.only("AAPL")
    make.july_2024()
    make.ready()
    make.quote("AAPL", 185.6)
    return make.signal()


def html(client: Client, address: str, **query: Any) -> str:
    answer = client.get(address, **query)
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def panel(client: Client, signal: Signal) -> str:
    return html(client, f"/signals/{signal.pk}/opinions/")


def text(markup: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", markup))


class TestAsking:
    def test_a_trader_asks_with_a_button_and_what_to_consider(self, trader: Client, signal: Signal) -> None:
        assert "Ask the checklist" in panel(trader, signal)
        sent = {"analyst": "rules", "context": "Earnings are on Thursday."}
        answer = trader.post(f"/signals/{signal.pk}/ask/", sent)
        assert answer.headers["Location"] == f"/signals/{signal.pk}/#opinions"
        run = OrchestrationRun.objects.get()
        assert (run.signal, run.analyst, run.context) == (signal, "rules", sent["context"])
        assert str(run.requested_by) == "trader"

    def test_asked_by_a_script_it_answers_with_the_panel_alone(self, trader: Client, signal: Signal) -> None:
        answer = trader.post(f"/signals/{signal.pk}/ask/", {"analyst": "rules"}, headers=PART)
        content = answer.content.decode()
        assert content.lstrip().startswith('<section class="panel" id="opinions" data-beat="2" hx-get=')
        assert "waits for its turn" in content
        assert "<html" not in content

    def test_a_viewer_sees_opinions_but_may_not_ask(self, viewer: Client, signal: Signal) -> None:
        run = make.run(signal, status=Status.QUEUED)
        for address in (f"/signals/{signal.pk}/", "/opinions/", f"/opinions/{run.pk}/"):
            page = html(viewer, address)
            assert "Ask the checklist" not in page
            assert "Take it back" not in page
        for address in (
            f"/signals/{signal.pk}/ask/",
            "/instruments/AAPL/ask/",
            f"/opinions/{run.pk}/cancel/",
        ):
            assert viewer.post(address).status_code == 403
        assert OrchestrationRun.objects.get().status == Status.QUEUED

    def test_a_stranger_is_asked_who_he_is(self, client: Client, signal: Signal) -> None:
        run = make.run(signal)
        for address in ("/opinions/", f"/opinions/{run.pk}/", f"/signals/{signal.pk}/opinions/"):
            assert client.get(address).headers["Location"].startswith("/login/?next=")

    def test_what_writes_is_posted(self, trader: Client, signal: Signal) -> None:
        run = make.run(signal, status=Status.QUEUED)
        for address in (
            f"/signals/{signal.pk}/ask/",
            "/instruments/AAPL/ask/",
            f"/opinions/{run.pk}/cancel/",
        ):
            assert trader.get(address).status_code == 405
        for address in ("/opinions/", f"/opinions/{run.pk}/", f"/signals/{signal.pk}/opinions/"):
            assert trader.post(address).status_code == 405

    def test_what_is_not_there_is_404(self, trader: Client, signal: Signal) -> None:
        for address in (f"/opinions/{uuid4()}/", f"/signals/{uuid4()}/opinions/", "/instruments/X/opinions/"):
            assert trader.get(address).status_code == 404
        for address in (f"/signals/{uuid4()}/ask/", "/instruments/X/ask/", f"/opinions/{uuid4()}/cancel/"):
            assert trader.post(address).status_code == 404

    @pytest.mark.parametrize("headers", [{}, PART])
    def test_an_ended_signal_or_an_unknown_analyst_is_refused_in_words(
        self, trader: Client, signal: Signal, headers: dict[str, str]
    ) -> None:
        address = f"/signals/{signal.pk}/ask/"
        page = trader.post(address, {"analyst": "llm"}, headers=headers, follow=True).content.decode()
        assert "Set LLM_BASE_URL and LLM_MODEL." in page
        Signal.objects.update(status=Signal.Status.EXPIRED, ended_at=make.T0)
        page = trader.post(address, {}, headers=headers, follow=True).content.decode()
        assert "It is expired" in page
        assert "Ask the checklist" not in page
        assert not OrchestrationRun.objects.exists()

    def test_while_one_is_at_work_there_is_no_second_button(self, trader: Client, signal: Signal) -> None:
        make.run(signal, status=Status.QUEUED)
        assert "Ask the checklist" not in panel(trader, signal)
        trader.post(f"/signals/{signal.pk}/ask/", {})
        assert OrchestrationRun.objects.count() == 1

    def test_what_has_not_ended_is_taken_back(self, trader: Client, signal: Signal) -> None:
        run = make.run(signal, status=Status.QUEUED)
        assert "Take it back" in html(trader, f"/opinions/{run.pk}/")
        page = trader.post(f"/opinions/{run.pk}/cancel/", follow=True).content.decode()
        assert "taken back" in page
        assert "Take it back" not in page
        page = trader.post(f"/opinions/{run.pk}/cancel/", follow=True).content.decode()
        assert "It is cancelled already." in page

    def test_an_instrument_has_its_own(self, trader: Client, signal: Signal) -> None:
        make.candle("AAPL", "2024-07-02", 185.5)
        make.run(signal, reasoning="On the signal alone.")
        page = html(trader, "/instruments/AAPL/")
        assert "None yet that is about AAPL alone" in page
        assert "On the signal alone." not in page
        answer = trader.post("/instruments/AAPL/ask/", {"analyst": "rules"})
        assert answer.headers["Location"] == "/instruments/AAPL/#opinions"
        assert "waits for its turn" in html(trader, "/instruments/AAPL/")
        runs.work(make.T0, list)
        page = html(trader, "/instruments/AAPL/").split('id="opinions"')[1].split("</section>")[0]
        assert OrchestrationRun.objects.get(signal=None).agent_suggestion in page
        assert "hx-get" not in page, "it is refreshed with its page"


class TestSaying:
    def test_none_yet(self, trader: Client, signal: Signal) -> None:
        assert "intraday ones of 75 % confidence or more, up to 50 a day" in panel(trader, signal)
        assert "No opinion yet" in html(trader, "/opinions/")

    @pytest.mark.parametrize(
        ("action", "stance"),
        [("BUY", "agrees"), ("PASS", "disagrees"), ("SELL", "disagrees"), ("HOLD", "is undecided")],
    )
    def test_what_it_says_to_the_trade(
        self, trader: Client, signal: Signal, action: str, stance: str
    ) -> None:
        run = make.run(signal, agent_suggestion=action)
        for address in (f"/signals/{signal.pk}/", f"/opinions/{run.pk}/", "/opinions/"):
            assert f"{stance} {action} 70 %" in text(html(trader, address)), address

    def test_that_it_is_rule_based_stands_wherever_it_stands(self, trader: Client, signal: Signal) -> None:
        run = make.opinion(signal)
        for address in ("/signals/", f"/signals/{signal.pk}/decide/", f"/opinions/{run.pk}/", "/opinions/"):
            assert "rule-based" in html(trader, address), address
        assert "rule-based" in panel(trader, signal)
        reason = text(html(trader, f"/signals/{signal.pk}/").split('class="reason"')[1].split("</div>")[0])
        assert "Second opinion: agrees, BUY 70 % (rule-based, 2 min ago)" in reason

    def test_for_and_against_stand_side_by_side(self, trader: Client, signal: Signal) -> None:
        run = make.run(signal, key_factors=FACTORS)
        content = panel(trader, signal)
        assert "ForThe trend is bullish. AgainstThe P/E of 98.76 is high." in text(content)
        assert "Few cases are known." not in content
        assert "Few cases are known." in html(trader, f"/opinions/{run.pk}/")

    def test_an_invention_is_struck_where_it_stands_and_only_there(
        self, trader: Client, signal: Signal
    ) -> None:
        reasoning = "The stop is 180.5.\nThe fair value is 180.5 or $4,321."
        places = [("180.5", reasoning.rindex("180.5")), ("$4,321", reasoning.index("$"))]
        behind = len(reasoning) + 1 + len(FACTORS[0]["text"]) + 1
        places.append(("98.76", behind + FACTORS[1]["text"].index("98.76")))
        run = make.run(
            signal,
            analyst="llm",
            reasoning=reasoning,
            key_factors=FACTORS,
            inventions=[{"text": claim, "start": at, "end": at + len(claim)} for claim, at in places],
        )
        for content in (panel(trader, signal), html(trader, f"/opinions/{run.pk}/")):
            assert re.findall(r"<s [^>]*>(.*?)</s>", content) == ["180.5", "$4,321", "98.76"]
            assert "The stop is 180.5. The fair value is <s " in content
            assert "Not grounded: 180.5; $4,321; 98.76 are nowhere in what it was given." in content
            assert "agrees on grounds that do not hold" in content
        assert "agrees on grounds that do not hold" in html(trader, "/opinions/")

    def test_against_and_not_grounded_is_marked_too(self, trader: Client, signal: Signal) -> None:
        make.run(signal, agent_suggestion="PASS", inventions=[{"text": "1", "start": 0, "end": 1}])
        for content in (panel(trader, signal), html(trader, "/opinions/")):
            assert "▲ not grounded" in content

    def test_a_contradiction_is_told(self, trader: Client, signal: Signal) -> None:
        make.run(signal, contradictions=["It says BUY with a confidence of 0.1."])
        content = panel(trader, signal)
        assert "It says BUY with a confidence of 0.1. It does not count as support." in content

    def test_what_it_wrote_is_never_markup(self, trader: Client, signal: Signal) -> None:
        run = make.run(signal, reasoning="<script>alert(1)</script>", context="<b>", model="<i>")
        for address in (f"/signals/{signal.pk}/", f"/opinions/{run.pk}/"):
            page = html(trader, address)
            assert "&lt;script&gt;alert(1)" in page
            assert "<script>alert" not in page

    def test_a_failure_says_why_and_is_no_hold(self, trader: Client, signal: Signal) -> None:
        error = "It gave no answer within 120 s."
        run = make.run(signal, status=Status.FAILED, error=error, finished_at=make.T0)
        for address in (f"/signals/{signal.pk}/opinions/", f"/opinions/{run.pk}/", "/opinions/"):
            page = html(trader, address)
            assert error in page
            assert ">failed<" in page
            assert "HOLD" not in page

    def test_the_bars_it_judged_may_be_others_by_now(self, trader: Client, signal: Signal) -> None:
        make.run(signal)
        assert "have been corrected since" not in panel(trader, signal)
        Signal.objects.update(bars_digest="1" * 32)
        assert "have been corrected since" in panel(trader, signal)

    def test_two_stand_in_full_and_older_ones_folded(self, trader: Client, signal: Signal) -> None:
        for minutes in range(5):
            make.run(signal, queued_at=make.T0 - timedelta(minutes=minutes))
        content = panel(trader, signal)
        assert content.count("<article") == 4
        assert content.count("<details") == 2

    def test_the_page_of_a_run_shows_what_was_given_sent_and_answered(
        self, trader: Client, signal: Signal
    ) -> None:
        case = {"text": "It made money.", "at": "2024-06-28T20:00:00Z", "alike": ["symbol", "regime"]}
        run = make.run(
            signal,
            analyst="llm",
            model="qwen",
            inputs={"trend": "bullish", "cases": [case], "recalled": [{"text": "Gaps were wide."}]},
            exchanges=[{"sent": "the <data>", "answered": "no"}, {"sent": "again", "answered": "{}"}],
            tokens=12345,
            cost_usd="0.0123",
            context="Earnings.",
        )
        page = html(trader, f"/opinions/{run.pk}/")
        for expected in (
            "the &lt;data&gt;",
            "Try 2",
            "12,345",
            "0.0123 USD",
            "qwen",
            "Asked to consider: Earnings.",
        ):
            assert expected in page, expected
        assert "alike in symbol, regime" in page
        assert "Gaps were wide." in page
        assert "&quot;trend&quot;: &quot;bullish&quot;" in page


class TestWatching:
    def test_while_it_is_asked_the_panel_looks_again(self, trader: Client, signal: Signal) -> None:
        run = make.run(signal, status=Status.QUEUED)
        poll = re.search(r'data-beat="2" hx-get="([^"]+)" hx-trigger="beat from:body"', panel(trader, signal))
        assert poll
        assert trader.get(poll[1]).status_code == 204, "nothing is new"
        runs.work(make.T0, list)
        run.refresh_from_db()
        content = html(trader, poll[1])
        assert run.agent_suggestion in content
        assert "hx-trigger" not in content, "it stops"
        assert "data-beat" not in content

    def test_pages_of_what_is_asked_ask_often_until_it_has_ended(
        self, trader: Client, signal: Signal
    ) -> None:
        run = make.run(None, status=Status.QUEUED)
        pages = ("/opinions/", f"/opinions/{run.pk}/", "/instruments/AAPL/")
        make.candle("AAPL", "2024-07-02", 185.5)
        for page in pages:
            assert 'data-beat="2"' in html(trader, page), page
        runs.work(make.T0, list)
        for page in pages:
            assert "data-beat" not in html(trader, page), page

    def test_an_opinion_that_comes_is_told_and_the_old_version_is_not_approved(
        self, trader: Client, signal: Signal
    ) -> None:
        etag = decisions.etag_of(signal, make.T0)
        make.opinion(signal, agent_suggestion="PASS")
        content = html(
            trader, f"/signals/{signal.pk}/watch/?etag={etag}&entry=185.50&stop=180.50&target=191.75"
        )
        assert "the second opinion changed" in text(content)
        assert "disagrees PASS 70 %" in text(content)
        assert "→" not in content, "no level has changed"
        answer = trader.post(f"/signals/{signal.pk}/approve/", {"etag": etag})
        assert answer.status_code == 412
        assert "the second opinion" in answer.content.decode()
        assert not TradeApproval.objects.exists()
