"""What keeps an open page up to date: one mechanism, which no page of the desk can forget."""

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from unittest import mock

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import URLPattern, reverse
from django.utils import timezone

from approvals.models import Order
from desk import ended_session, urls
from desk.models import Presence
from desk.refresh import LOOK_AGAIN, NOW, SEEN
from market.models import Watchlist
from opinions.models import OrchestrationRun
from signals.models import Signal
from tests import make
from tests.query_counts import CountQueries

# Pages that are not refreshed as a whole, and why: the words that each says itself.
STILL = {
    "halt": "a form",
    "resume": "a form",
    "signals": "announced",
    "signal": "never repainted",
    **dict.fromkeys(["watchlist-edit", "watchlist-add", "watchlist-delete"], "stays as you leave it"),
}
NOT_ALLOWED = 405
FORMS = [pattern for pattern in urls.urlpatterns if pattern.name in ended_session.FORMS]


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with mock.patch.object(timezone, "now", return_value=make.T0):
        yield


@pytest.fixture(autouse=True)
def signal(db: None) -> Signal:
    make.only("AAPL", "MSFT")
    make.july_2024()
    make.ready()
    make.quote("AAPL", 186.0)
    make.history("AAPL", make.turning())
    make.held("MSFT")
    return make.signal("AAPL")


@pytest.fixture
def trader(db: None) -> Client:
    """A user with every permission."""
    client = Client()
    client.force_login(User.objects.create_superuser("eve"))
    return client


def address(pattern: URLPattern, signal: Signal) -> str:
    """Return the address with rows that there are."""
    name = str(pattern.name)
    if "symbol" in pattern.pattern.converters:
        return reverse(name, args=["AAPL"])
    if "pk" not in pattern.pattern.converters:
        return reverse(name)
    if name.startswith("watchlist"):
        listed, _ = Watchlist.objects.get_or_create(name="Tech", created_at=make.T0)
        entry, _ = listed.entries.get_or_create(instrument_id="AAPL", position=1)
        return reverse(name, args=[listed.pk, entry.pk][: len(pattern.pattern.converters)])
    if "order" in name or name == "change-exits":
        return reverse(name, args=[make.order().pk])
    if name == "answer-drift":
        return reverse(name, args=[make.drift().pk])
    return reverse(name, args=[make.run(signal).pk if name.startswith("opinion") else signal.pk])


def seen(html: str) -> str:
    match = re.search(r'data-seen="([^"]+)"', html)
    assert match is not None
    return match[1]


def refresh(client: Client, page: str, version: str) -> tuple[int, str]:
    answer = client.get(page, headers={SEEN: version, "HX-Request": "true"})
    return answer.status_code, answer.content.decode()


@pytest.mark.parametrize("pattern", urls.urlpatterns, ids=lambda pattern: pattern.name)
def test_every_address_is_a_page_that_refreshes_itself_or_says_why_not_or_a_part(
    trader: Client, signal: Signal, pattern: URLPattern
) -> None:
    where = address(pattern, signal)
    answer = trader.get(where)
    if answer.status_code == NOT_ALLOWED:
        assert pattern.name in ended_session.FORMS, "it says after the log-in that it was not done"
        return
    if not any(template.name == "base.html" for template in answer.templates):
        assert b"<html" not in answer.content, "a page has the frame of all pages"
        assert b'id="live"' not in answer.content
        return
    html = answer.content.decode()
    if pattern.name in STILL:
        assert re.search(rf'<div id="live" data-still="[^"]*{STILL[pattern.name]}', html)
    else:
        assert f'<div id="live" data-refresh="{where}" data-seen="' in html
        assert re.search(
            r'id="as-of">As of <time datetime="2024-07-03T14:00:00\+00:00">Jul 3 14:00:00</time> UTC', html
        )
        assert refresh(trader, where, seen(html)) == (204, "")


@pytest.mark.parametrize("pattern", urls.urlpatterns, ids=lambda pattern: pattern.name)
def test_every_form_is_named_for_the_log_in_that_comes_between(
    trader: Client, signal: Signal, pattern: URLPattern
) -> None:
    is_form = trader.post(address(pattern, signal)).status_code != NOT_ALLOWED
    assert is_form == (pattern.name in ended_session.FORMS)


@pytest.mark.parametrize(
    "page", ["/", "/positions/", "/signals/?tab=approved", "/scorecard/", "/away/", "/opinions/"]
)
def test_nothing_is_sent_while_nothing_has_changed(
    trader: Client, page: str, count_queries: CountQueries
) -> None:
    version = seen(trader.get(page).content.decode())
    with count_queries("page, refreshed without a change"):
        answer = trader.get(page, headers={SEEN: version})
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers[NOW] == make.T0.isoformat()


@pytest.mark.parametrize(
    "happens",
    [
        lambda: make.quote("MSFT", 400, make.T0 + make.DAY),
        lambda: make.signal("MSFT"),
        lambda: make.held("AAPL"),
        lambda: make.order("AAPL", status=Order.Status.HELD, status_reason="Trading was halted."),
        lambda: Signal.objects.update(status=Signal.Status.EXPIRED, ended_at=make.T0),
        lambda: make.run(None, status=OrchestrationRun.Status.QUEUED),
    ],
    ids=["a quote", "a signal", "a fill", "a held order", "an ended signal", "a question"],
)
def test_whatever_changes_is_sent_without_the_frame(trader: Client, happens: Callable[[], object]) -> None:
    version = seen(trader.get("/positions/").content.decode())
    happens()
    status, html = refresh(trader, "/positions/", version)
    assert status == 200
    assert html.strip().startswith('<div id="live" data-refresh="/positions/"')
    assert "<html" not in html
    assert 'id="status-bar"' not in html
    assert seen(html) != version


def test_each_step_of_a_second_opinion_is_sent(trader: Client) -> None:
    run = make.run(None, status=OrchestrationRun.Status.QUEUED)
    where = f"/opinions/{run.pk}/"
    version = seen(trader.get(where).content.decode())
    at_work = {"status": OrchestrationRun.Status.RUNNING, "started_at": make.T0}
    OrchestrationRun.objects.update(**at_work, deadline_at=make.T0 + timedelta(minutes=2))
    status, html = refresh(trader, where, version)
    assert status == 200
    ended = {"status": OrchestrationRun.Status.CANCELLED, "finished_at": make.T0}
    OrchestrationRun.objects.update(**ended, deadline_at=None)
    assert "taken back" in refresh(trader, where, seen(html))[1]


def test_a_position_that_is_opened_meanwhile_is_sent(trader: Client) -> None:
    version = seen(trader.get("/positions/").content.decode())
    make.held("AAPL")
    assert 'id="held-AAPL"' in refresh(trader, "/positions/", version)[1]


def test_what_no_part_of_the_version_tells_is_looked_at_again_after_a_while(trader: Client) -> None:
    version = seen(trader.get("/").content.decode())
    later = make.T0 + timedelta(seconds=LOOK_AGAIN)
    with mock.patch.object(timezone, "now", return_value=later):
        assert refresh(trader, "/", version)[0] == 200


def test_a_refresh_is_no_visit(trader: Client) -> None:
    trader.get("/")
    later = make.T0 + timedelta(hours=9)
    with mock.patch.object(timezone, "now", return_value=later):
        refresh(trader, "/positions/", "old")
        assert refresh(trader, "/", "old")[0] == 200
        assert Presence.objects.get().seen_at == make.T0
        assert trader.get("/").headers["Location"] == "/away/"


def test_a_refresh_leaves_messages_to_the_next_page(trader: Client) -> None:
    trader.post("/resume/")
    assert "Trading was not halted." not in refresh(trader, "/positions/", "old")[1]
    assert "Trading was not halted." in trader.get("/positions/").content.decode()


def test_a_signal_that_has_ended_is_refreshed_as_a_whole(trader: Client, signal: Signal) -> None:
    Signal.objects.update(status=Signal.Status.EXPIRED, ended_at=make.T0)
    assert "data-refresh=" in trader.get(f"/signals/{signal.pk}/").content.decode()


def test_the_status_bar_brings_the_number_of_waiting_signals(trader: Client) -> None:
    assert re.search(r'id="waiting-count" hx-swap-oob="true">1<', trader.get("/strip/").content.decode())


class TestEndedSession:
    def test_what_a_script_asks_for_is_401(self, client: Client, signal: Signal) -> None:
        for where in ("/strip/", "/", "/positions/", f"/signals/{signal.pk}/terms/"):
            assert client.get(where, headers={"HX-Request": "true", SEEN: "old"}).status_code == 401
        assert client.post(f"/signals/{signal.pk}/ask/", headers={"HX-Request": "true"}).status_code == 401

    def test_a_page_of_somebody_else_is_401(self, client: Client) -> None:
        """Ann's page is open, and in another tab of her browser Ben has logged in."""
        client.force_login(make.trader("ann"))
        ann = re.search(r'"Jax-User": "(\d+)"', client.get("/positions/").content.decode())
        assert ann is not None
        headers = {"HX-Request": "true", ended_session.USER: ann[1]}
        assert client.get("/strip/", headers=headers).status_code == 200
        client.force_login(make.trader("ben"))
        assert client.get("/strip/", headers=headers).status_code == 401
        assert client.get("/positions/", headers=headers | {SEEN: "old"}).status_code == 401

    def test_a_person_is_asked_to_log_in_and_comes_back(self, client: Client) -> None:
        answer = client.get("/signals/?tab=approved")
        assert answer.headers["Location"] == "/login/?next=/signals/%3Ftab%3Dapproved"
        assert "no-store" in answer.headers["Cache-Control"]

    def test_a_decision_was_not_made_and_its_page_says_so_once(self, client: Client, signal: Signal) -> None:
        answer = client.post(f"/signals/{signal.pk}/approve/", {"etag": "any"})
        assert answer.headers["Location"] == f"/login/?next=/signals/{signal.pk}/"
        client.force_login(make.trader())
        html = client.get(f"/signals/{signal.pk}/").content.decode()
        assert "You had been logged out: the signal was not approved." in html
        assert "the signal was not approved" not in client.get(f"/signals/{signal.pk}/").content.decode()
        assert not Order.objects.filter(symbol="AAPL").exists()

    @pytest.mark.parametrize("pattern", FORMS, ids=lambda pattern: pattern.name)
    def test_every_form_leads_back_to_a_page(
        self, client: Client, signal: Signal, pattern: URLPattern
    ) -> None:
        name = str(pattern.name)
        back = client.post(address(pattern, signal)).headers["Location"].removeprefix("/login/?next=")
        client.force_login(User.objects.create_superuser("eve"))
        html = client.get(back).content.decode()
        assert ended_session.FORMS[name].not_done in html

    def test_a_forged_note_says_nothing(self, client: Client) -> None:
        client.force_login(make.trader())
        client.cookies[ended_session.COOKIE] = "signal-approve:forged"
        assert "You had been logged out" not in client.get("/positions/").content.decode()
