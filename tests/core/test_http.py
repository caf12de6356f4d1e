"""The session that every provider speaks through, against real servers on loopback."""

import json
import logging
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.http import Client, Failure, Fetched, Patience, Request, at_once
from tests.late import LATE
from tests.market.providers.paces import Sliding
from tests.vendors import Agent0, IBBridge, OpenAI, faults
from tests.vendors.server import Fault, Reply

T = datetime(2024, 7, 3, 15, 0, tzinfo=UTC)
HASTY = Patience(connect=1, read=3, answer=5, fetch=8, attempts=3, pause=0.02)
BRIEF = Patience(connect=0.5, read=0.3, answer=0.6, fetch=2.0, attempts=3, pause=0.02)
SECRET = "a-key-that-nobody-may-see"
QUOTE = Request("/quotes/AAPL")


def client(url: str, patience: Patience = HASTY, connections: int = 8) -> Client:
    headers = {"Authorization": f"Bearer {SECRET}"}
    return Client("Vendor", url, headers=headers, connections=connections, patience=patience)


def quotes(*symbols: str) -> dict[str, Request]:
    return {symbol: Request(f"/quotes/{symbol}") for symbol in symbols}


def the_failure(got: Fetched) -> Failure:
    assert not got.answers
    (failure,) = got.failed.values()
    return failure


def test_an_answer_is_the_json_with_its_headers() -> None:
    with IBBridge(now=T) as vendor:
        answer = client(vendor.url).fetch({"one": QUOTE}).answers["one"]
    assert answer.body["symbol"] == "AAPL"
    assert answer.headers["Date"] == "Wed, 03 Jul 2024 15:00:00 GMT"


def test_connections_are_kept_open() -> None:
    with IBBridge(now=T) as vendor:
        talker = client(vendor.url, connections=1)
        for _ in range(5):
            talker.fetch({"one": QUOTE})
    assert len(vendor.visits) == 5
    assert vendor.connections == 1


@pytest.mark.parametrize(
    "fault",
    [faults.status(500), faults.status(503), faults.truncated, faults.cut_off, faults.reset, faults.web_page],
    ids=["500", "503", "truncated", "cut off", "reset", "web page"],
)
def test_what_can_be_repeated_is(fault: Fault) -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(fault, times=2)
        got = client(vendor.url).fetch({"one": QUOTE})
    assert got.answers["one"].body["symbol"] == "AAPL"
    assert not got.failed
    assert len(vendor.visits) == 3


def test_a_broken_connection_is_said() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.reset)
        failure = the_failure(client(vendor.url).fetch({"one": QUOTE}))
    assert str(failure) == f"Vendor at {vendor.url} broke off the connection"


def test_attempts_are_bounded() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(503, detail="Not connected"))
        failure = the_failure(client(vendor.url).fetch({"one": QUOTE}))
    assert len(vendor.visits) == 3
    assert str(failure) == f"Vendor at {vendor.url} answered 503: Not connected"
    assert failure.again
    assert not failure.permanent


def test_every_attempt_is_paced() -> None:
    pace = Sliding()
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(500), on="/quotes/AAPL", times=2)
        client(vendor.url).fetch(quotes("AAPL", "MSFT"), lambda wanted: pace.reserve([], wanted))
    assert [wanted for _, wanted, _ in pace.asks] == [2, 1, 1]


def test_one_that_fails_does_not_stop_the_others() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(500), on="/quotes/MSFT")
        vendor.fail(faults.never, on="/quotes/TSLA")
        got = client(vendor.url, BRIEF).fetch(quotes("AAPL", "MSFT", "TSLA", "NOPE", "SPY"))
    assert sorted(got.answers) == ["AAPL", "SPY"]
    assert sorted(got.failed) == ["MSFT", "NOPE", "TSLA"]
    assert not got.failed["NOPE"].blames_provider


def test_a_request_that_is_wrong_is_not_repeated() -> None:
    with IBBridge(now=T) as vendor:
        the_failure(client(vendor.url).fetch(quotes("NOPE")))
    assert len(vendor.visits) == 1


def test_retry_after_is_kept() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(429, retry_after="1"), times=1)
        got = client(vendor.url).fetch({"one": QUOTE})
    assert got.answers
    assert vendor.visits[1].at - vendor.visits[0].at >= 1.0


@pytest.mark.parametrize(
    ("retry_after", "seconds"), [("90", 90), ("Wed, 03 Jul 2024 15:02:00 GMT", 120), ("999999999999", 86_400)]
)
def test_a_long_retry_after_ends_the_call(retry_after: str, seconds: int) -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(429, retry_after=retry_after))
        failure = the_failure(client(vendor.url).fetch({"one": QUOTE}))
    assert failure.retry_after == timedelta(seconds=seconds)
    assert len(vendor.visits) == 1


def test_after_429_the_rest_is_not_sent_until_the_pause_is_over() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(429, retry_after="60"))
        got = client(vendor.url, connections=1).fetch(quotes("AAPL", "MSFT", "SPY"))
    assert len(vendor.visits) == 1
    assert all(failure.status == 429 for failure in got.failed.values())
    assert len(got.failed) == 3


@pytest.mark.parametrize("code", [401, 403])
def test_a_refused_key_is_permanent_and_not_tried_again(code: int) -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(code))
        got = client(vendor.url, connections=1).fetch(quotes("AAPL", "MSFT", "SPY"))
    assert len(vendor.visits) == 1
    assert all(failure.permanent for failure in got.failed.values())


def test_keys_are_in_no_message_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(401, detail=f"Unknown key {SECRET}"))
        failure = the_failure(client(vendor.url).fetch({"one": QUOTE}))
        assert vendor.visits[0].headers["authorization"] == f"Bearer {SECRET}"
    assert "Unknown key ***" in str(failure)
    assert SECRET not in str(failure) + caplog.text


def test_a_redirect_is_not_followed() -> None:
    with IBBridge(now=T) as elsewhere, IBBridge(now=T) as vendor:
        vendor.fail(faults.redirect(f"{elsewhere.url}/login?token={SECRET}"))
        failure = the_failure(client(vendor.url).fetch({"one": QUOTE}))
    assert elsewhere.visits == []
    assert f"points to {elsewhere.url}/login; not followed" in str(failure)
    assert failure.permanent


def test_an_address_on_another_host_is_not_asked() -> None:
    with IBBridge(now=T) as elsewhere, IBBridge(now=T) as vendor:
        failure = the_failure(client(vendor.url).fetch({"one": Request(f"{elsewhere.url}/quotes/AAPL")}))
    assert elsewhere.visits == []
    assert failure.permanent


def test_a_web_page_is_not_json() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.web_page)
        failure = the_failure(client(vendor.url).fetch({"one": QUOTE}))
    assert str(failure).endswith("answered with a web page (Please log in Welcome) instead of JSON")


@pytest.mark.parametrize("declared", [True, False])
def test_a_flood_is_refused(declared: bool) -> None:
    patience = Patience(connect=0.5, read=2, answer=10, fetch=10)
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.huge(100, declared=declared))
        failure = the_failure(client(vendor.url, patience).fetch({"one": QUOTE}))
    assert str(failure).endswith("sent more than 64 MB; refused")
    assert len(vendor.visits) == 1


def test_a_server_that_never_answers_costs_the_patience_at_most() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.never)
        began = time.monotonic()
        got = client(vendor.url, BRIEF).fetch(quotes(*vendor.symbols))
    assert time.monotonic() - began < BRIEF.fetch + LATE
    assert len(got.failed) == 10
    assert "sent nothing in time" in str(got.failed["AAPL"])


ONCE = Patience(connect=0.5, read=0.3, answer=0.4, fetch=3.0, attempts=1)


def http_threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if thread.name.startswith("http")}


def test_a_server_that_drips_is_cut_off() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.drip_body(0.1))
        before, began = http_threads(), time.monotonic()
        failure = the_failure(client(vendor.url, ONCE).fetch({"one": QUOTE}))
        assert time.monotonic() - began < ONCE.answer + LATE
        for thread in http_threads() - before:
            thread.join(LATE)
            assert not thread.is_alive()
    assert "did not finish its answer in time" in str(failure)


def test_a_server_that_drips_the_head_costs_a_thread_until_it_ends() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.drip(0.1))
        before, began = http_threads(), time.monotonic()
        failure = the_failure(client(vendor.url, ONCE).fetch({"one": QUOTE}))
        assert time.monotonic() - began < ONCE.answer + LATE
        (left,) = http_threads() - before
        assert left.daemon  # the end of the process does not wait for it
    left.join(60)
    assert not left.is_alive()
    assert "did not finish its answer in time" in str(failure)


def test_a_host_that_leaves_many_answers_open_is_asked_for_no_more_until_they_end() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.drip(0.1))
        before = http_threads()
        client(vendor.url, ONCE).fetch(quotes(*vendor.symbols))
        visits, left = len(vendor.visits), http_threads() - before
        failures = client(vendor.url, ONCE).fetch(quotes("AAPL", "MSFT")).failed
        assert len(left) == visits == len(vendor.visits) == 8
    assert str(failures["AAPL"]).endswith("leaves 8 answers open; not asked until they end")
    assert failures["AAPL"].blames_provider
    for thread in left:
        thread.join(60)
    with IBBridge(now=T, port=int(vendor.url.rpartition(":")[2])) as healed:
        assert client(healed.url).fetch({"one": QUOTE}).answers


def test_a_dead_host_costs_next_to_nothing() -> None:
    with IBBridge(now=T) as vendor:
        url = vendor.url
    sizes = []

    def reserve(wanted: int) -> list[float]:
        sizes.append(wanted)
        return at_once(wanted)

    began = time.monotonic()
    got = client(url, connections=2).fetch({str(n): QUOTE for n in range(100)}, reserve)
    assert time.monotonic() - began < HASTY.fetch
    assert len(got.failed) == 100
    assert str(got.failed["0"]) == f"Vendor at {url} refused the connection"
    assert sizes == [100, 1, 1]


def test_a_host_that_comes_back_is_asked_for_the_rest() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(429, retry_after="0"), times=1)
        got = client(vendor.url, connections=1).fetch(quotes("AAPL", "MSFT", "SPY"))
    assert sorted(got.answers) == ["AAPL", "MSFT", "SPY"]
    assert not got.failed


def test_what_the_pace_does_not_allow_is_declined() -> None:
    with IBBridge(now=T) as vendor:
        got = client(vendor.url).fetch(quotes("AAPL", "MSFT", "SPY"), lambda wanted: at_once(2))
    assert sorted(got.answers) == ["AAPL", "MSFT"]
    assert got.declined == ["SPY"]


def test_requests_leave_at_their_slots() -> None:
    with IBBridge(now=T) as vendor:
        began = time.monotonic()
        client(vendor.url).fetch(quotes("AAPL", "MSFT", "SPY"), lambda wanted: [0.0, 0.1, 0.2])
    assert [visit.path[-4:] for visit in vendor.visits] == ["AAPL", "MSFT", "/SPY"]
    assert vendor.visits[1].at - began >= 0.1
    assert vendor.visits[2].at - began >= 0.2


def test_what_the_time_does_not_allow_is_declined() -> None:
    short = Patience(connect=0.5, read=0.5, answer=0.5, fetch=0.3)
    with IBBridge(now=T) as vendor:
        got = client(vendor.url, short).fetch(quotes("AAPL", "MSFT"), lambda wanted: [0.0, 9.0])
    assert list(got.answers) == ["AAPL"]
    assert got.declined == ["MSFT"]


def test_a_strict_window_is_never_broken() -> None:
    with IBBridge(now=T, latency=0.05, allows=(10, 0.3)) as vendor:
        talker = Client("Vendor", vendor.url, connections=10, window=(10, 0.4), patience=HASTY)
        got = talker.fetch({str(n): QUOTE for n in range(30)})
    assert len(got.answers) == 30
    assert vendor.turned_away == 0


def test_what_is_urgent_finds_turns_that_others_leave() -> None:
    patient, brief = replace(QUOTE, leaves=2), replace(HASTY, fetch=1)
    with IBBridge(now=T) as vendor:
        talker, other = (Client("Vendor", vendor.url, window=(4, 60.0), patience=brief) for _ in range(2))
        assert len(other.fetch({str(n): patient for n in range(3)}).answers) == 2
        assert len(talker.fetch({str(n): patient for n in range(2)}).answers) == 2
        assert len(talker.fetch({str(n): QUOTE for n in range(3)}).answers) == 2


@pytest.mark.parametrize("url", ["", "nonsense", "127.0.0.1:1", "ftp://127.0.0.1", "http://", "http://h:x"])
def test_an_address_that_is_none_is_said(url: str) -> None:
    failure = the_failure(client(url).fetch({"one": QUOTE}))
    assert failure.permanent
    assert "address" in str(failure)


def test_sleep_and_clock_can_be_handed_in() -> None:
    slept: list[float] = []
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(429, retry_after="10"), times=1)
        talker = Client("Vendor", vendor.url, sleep=slept.append)
        assert talker.fetch({"one": QUOTE}).answers
    assert slept == [10.0]


def test_a_request_with_a_body_is_posted_once() -> None:
    with Agent0() as vendor:
        vendor.fail(faults.status(503), times=1)
        got = client(vendor.url).fetch({"one": Request("/suggest", body='{"symbol": "AAPL"}')})
    (visit,) = vendor.visits
    assert the_failure(got).status == 503
    assert (visit.method, visit.content) == ("POST", {"symbol": "AAPL"})


def test_the_answer_to_a_post_is_kept_as_it_came() -> None:
    with Agent0() as vendor:
        answer = (
            client(vendor.url).fetch({"one": Request("/suggest", body='{"symbol": "AAPL"}')}).answers["one"]
        )
    assert json.loads(answer.text) == answer.body


def test_the_error_of_an_openai_server_is_quoted() -> None:
    with OpenAI() as vendor:
        failure = the_failure(client(vendor.url).fetch({"one": Request("/nowhere")}))
    assert str(failure).endswith("answered 404: Unknown request URL: /nowhere")


@pytest.mark.parametrize("method", ["PATCH", "DELETE", "POST"])
def test_what_changes_something_is_sent_once(method: str) -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.status(503))
        body = None if method == "DELETE" else "{}"
        failure = the_failure(client(vendor.url).fetch({"one": Request("/order", body=body, method=method)}))
    assert [visit.method for visit in vendor.visits] == [method]
    assert (failure.status, failure.unsent) == (503, False)


def test_an_answer_without_content_is_an_empty_object() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(lambda turn: turn.send(Reply(b"", 204)))
        answer = client(vendor.url).fetch({"one": Request("/order", method="DELETE")}).answers["one"]
    assert answer.body == {}


def test_whether_anything_was_sent_is_told_apart() -> None:
    with IBBridge(now=T) as vendor:
        vendor.fail(faults.reset)
        sent = the_failure(client(vendor.url).fetch({"one": Request("/order", body="{}")}))
    refused = the_failure(client(vendor.url).fetch({"one": Request("/order", body="{}")}))
    assert (sent.unsent, refused.unsent) == (False, True)
