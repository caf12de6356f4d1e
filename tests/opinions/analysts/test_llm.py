"""A language model, asked over HTTP on loopback."""

import gzip
import json
import logging
import time
import tracemalloc
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from opinions import analysts
from opinions.analysts import completion
from opinions.analysts.base import Action, AnalystFailed, Bill, Opinion, Verdict
from opinions.analysts.llm import Llm, is_local
from tests import vendors
from tests.late import LATE
from tests.opinions.analysts.given_snapshot import PLANTED, SNAPSHOT
from tests.vendors import faults, opinions
from tests.vendors.server import Fault

KEY = "sk-a-key-that-nobody-may-see"
PROMPT = (Path(analysts.__file__).parent / "prompt.md").read_text()


@pytest.fixture
def server() -> Iterator[vendors.OpenAI]:
    with vendors.OpenAI(key=KEY) as server:
        yield server


def llm(server: vendors.OpenAI, model: str = "honest", **options: Any) -> Llm:
    given = {"input_price": Decimal("2"), "output_price": Decimal("8"), "tokens_per_run": 60_000}
    return Llm(f"{server.url}/v1", model, prompt=PROMPT, **{"key": KEY, **given, **options})


def ask(server: vendors.OpenAI, model: str = "honest", seconds: float = 10, **options: Any) -> Opinion:
    return llm(server, model, **options).analyse(SNAPSHOT, seconds)


def failure_of(
    server: vendors.OpenAI, model: str = "honest", seconds: float = 10, **options: Any
) -> AnalystFailed:
    with pytest.raises(AnalystFailed) as caught:
        ask(server, model, seconds, **options)
    return caught.value


def test_an_opinion_is_what_the_model_says(server: vendors.OpenAI) -> None:
    opinion = ask(server)
    assert (opinion.action, opinion.confidence) == (Action.BUY, 0.62)
    assert opinion.reasoning.startswith("BUY at 185.5, stop 180.5, target 191.75.")
    assert {factor.verdict for factor in opinion.factors} == {Verdict.FOR, Verdict.AGAINST}
    assert opinion.model == "honest-2026"


def test_it_is_told_the_prompt_and_the_snapshot_and_nothing_else(server: vendors.OpenAI) -> None:
    opinion = ask(server)
    (visit,) = server.visits
    system, user = visit.content.pop("messages")
    assert system == {"role": "system", "content": PROMPT}
    assert opinions.snapshot_in(user["content"]) == SNAPSHOT
    assert user["content"].startswith("<data>")
    assert user["content"].endswith("</data>")
    (exchange,) = opinion.exchanges
    assert json.loads(exchange.sent) == visit.content
    assert json.loads(exchange.answered)["id"] == "chatcmpl-1"


def test_it_is_asked_for_json_and_given_no_tools(server: vendors.OpenAI) -> None:
    ask(server)
    request = server.visits[0].content
    assert set(request) == {"model", "messages", "response_format", "max_tokens"}
    assert request["response_format"] == {"type": "json_object"}
    assert request["max_tokens"] == 1500


@pytest.mark.parametrize("model", ["honest", "inventive", "fenced"])
def test_an_answer_that_fits_is_asked_for_once(server: vendors.OpenAI, model: str) -> None:
    assert ask(server, model).action is Action.BUY
    assert len(server.visits) == 1


@pytest.mark.parametrize(
    ("model", "words"),
    [
        ("chatty", "it is not JSON"),
        ("prosaic", "it is not JSON"),
        ("broken", "it is not JSON"),
        ("cut", "it was cut off before its end"),
        ("cut-at-a-brace", "it was cut off before its end"),
        ("filtered", "the server's filter cut it off"),
        ("refusing", "it is a refusal: I cannot give financial advice."),
        ("silent", "it is empty"),
        ("percent", '"confidence" is 62; it goes from 0 to 1'),
        ("sure", '"confidence" is not a number'),
        ("nan", "NaN is not JSON"),
        ("unsure", '"confidence" is -0.1; it goes from 0 to 1'),
        ("shouting", '"action" is "STRONG_BUY"; it is one of BUY, SELL, HOLD, PASS'),
        ("listless", '"for" is not a list of texts'),
        ("wordless", '"reasoning" is no text'),
        ("twice", "it gives a field twice"),
        ("a-list", "it is JSON, but not an object"),
        ("helpful", "it has fields that are not asked for: approve, quantity"),
        ("obedient", '"action" is "APPROVE_ALL"; it is one of BUY, SELL, HOLD, PASS'),
        ("acting", "it calls a tool, and there are none"),
        ("acting-beside", "it calls a tool, and there are none"),
        ("endless", "it is longer than 20,000 characters"),
    ],
)
def test_an_answer_that_does_not_fit_is_asked_for_once_more(
    server: vendors.OpenAI, model: str, words: str
) -> None:
    failure = failure_of(server, model)
    assert str(failure) == f"{model}-2026 answered 2 times and not as asked: {words}"
    assert len(server.visits) == len(failure.exchanges) == 2
    assert words in server.visits[1].content["messages"][-1]["content"]


def test_a_second_answer_that_fits_counts_and_both_are_paid(server: vendors.OpenAI) -> None:
    server.script = ["percent"]
    server.usage = {"prompt_tokens": 1000, "completion_tokens": 100}
    opinion = ask(server)
    assert opinion.confidence == 0.62
    assert opinion.bill == Bill(2200, Decimal("0.0056"))
    assert len(opinion.exchanges) == 2
    roles = [message["role"] for message in server.visits[1].content["messages"]]
    assert roles == ["system", "user", "assistant", "user"]


def test_what_no_database_keeps_is_taken_out(server: vendors.OpenAI) -> None:
    opinion = ask(server, "control")
    assert opinion.reasoning == "Buy  now ,  right to left"
    assert "\0" not in opinion.exchanges[0].answered


# --- what it costs ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "usage",
    [
        None,
        {},
        {"prompt_tokens": 5},
        {"prompt_tokens": -1, "completion_tokens": 2},
        {"prompt_tokens": 999_999_999, "completion_tokens": 999_999_999},  # no column could hold two of it
        "many",
        {"total_tokens": 3},
    ],
)
def test_without_a_count_the_bound_is_the_bill(server: vendors.OpenAI, usage: Any) -> None:
    server.usage = usage
    bill, most = ask(server).bill, llm(server).most(SNAPSHOT)
    (visit,) = server.visits
    assert len(visit.body) + 1500 <= bill.tokens < most.tokens
    assert bill.usd > 0


def test_no_run_passes_what_it_was_said_to_take_at_most(server: vendors.OpenAI) -> None:
    server.usage = None
    for model in ("chatty", "refusing", "endless", "broken", "percent"):
        failure, most = failure_of(server, model), llm(server, model).most(SNAPSHOT)
        assert failure.bill is not None
        assert failure.bill.tokens <= most.tokens
        assert failure.bill.usd <= most.usd


def test_a_run_that_could_take_too_much_is_not_sent(server: vendors.OpenAI) -> None:
    most = llm(server).most(SNAPSHOT)
    failure = failure_of(server, tokens_per_run=most.tokens - 1)
    assert str(failure) == f"it could take {most.tokens:,} tokens, and a run may take {most.tokens - 1:,}"
    assert failure.bill == Bill()
    assert server.visits == []
    assert ask(server, tokens_per_run=most.tokens)


def test_a_model_of_ones_own_costs_nothing(server: vendors.OpenAI) -> None:
    opinion = ask(server, input_price=None, output_price=None)
    assert opinion.bill.tokens > 0
    assert opinion.bill.usd == 0


@pytest.mark.parametrize("prices", [(None, None), (Decimal(1), None), (None, Decimal(1))])
def test_a_model_elsewhere_without_a_price_is_not_asked(
    prices: tuple[Decimal | None, Decimal | None],
) -> None:
    analyst = Llm("https://api.openai.com/v1", "gpt", KEY, PROMPT, *prices, tokens_per_run=60_000)
    with pytest.raises(AnalystFailed, match="what gpt costs is not known"):
        analyst.most(SNAPSHOT)
    with pytest.raises(AnalystFailed, match="what gpt costs is not known"):
        analyst.analyse(SNAPSHOT, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:11434/v1",
        "http://localhost:8000/v1",
        "http://[::1]:8000/v1",
        "http://192.168.1.5/v1",
        "http://10.0.0.1",
        "http://ollama:11434/v1",
        "http://host.docker.internal:11434/v1",
        "http://mac.local/v1",
    ],
)
def test_hosts_of_ones_own(url: str) -> None:
    assert is_local(url)


@pytest.mark.parametrize(
    "url",
    [
        "https://api.openai.com/v1",
        "http://8.8.8.8/v1",
        "http://134744072/v1",
        "http://0x08080808/v1",
        "http://[::ffff:8.8.8.8]/v1",
        "http://localhost.example.com/v1",
        "http://127.0.0.1.example.com/v1",
        "http://127.0.0.1@example.com/v1",
        "http://[bad/v1",
        "",
    ],
)
def test_hosts_of_others(url: str) -> None:
    assert not is_local(url)


def test_openai_itself_is_told_the_longest_answer_in_its_own_word() -> None:
    analyst = Llm("https://api.openai.com/v1", "gpt", KEY, PROMPT, Decimal(1), Decimal(1), 60_000)
    assert analyst._body([])["max_completion_tokens"] == 1500


# --- what goes wrong on the way -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words", "is_paid"),
    [
        (faults.status(500), "answered 500: not today", True),
        (faults.status(503, detail="loading model"), "answered 503: loading model", True),
        (faults.status(429, retry_after="20"), "answered 429: not today; it asks to wait 20 s", False),
        (faults.status(400, detail="context too long"), "answered 400: context too long", False),
        (faults.status(404, detail="no such model"), "answered 404: no such model", False),
        (faults.reset, "broke off the connection", True),
        (faults.cut_off, "broke off the connection", True),
        (faults.huge(2), "sent more than 1 MB; refused", True),
        (faults.huge(2, declared=True), "sent more than 1 MB; refused", True),
    ],
    ids=["500", "503", "429", "400", "404", "reset", "cut off", "huge", "declared huge"],
)
def test_a_fault_is_a_failure_in_words_and_not_tried_again(
    server: vendors.OpenAI, fault: Fault, words: str, is_paid: bool
) -> None:
    server.fail(fault)
    failure = failure_of(server)
    assert str(failure) == f"the model at {server.url} {words}"
    assert failure.bill is not None
    assert (failure.bill.usd > 0) is is_paid
    assert len(server.visits) == 1


@pytest.mark.parametrize("fault", [faults.web_page, faults.truncated], ids=["web page", "truncated"])
def test_what_is_not_json_at_all_is_a_failure(server: vendors.OpenAI, fault: Fault) -> None:
    server.fail(fault)
    failure = failure_of(server)
    assert str(failure).startswith("the server did not answer in JSON: ")
    assert len(server.visits) == 1
    assert failure.bill is not None
    assert failure.bill.usd > 0


@pytest.mark.parametrize(
    "answer",
    [[], {}, {"choices": []}, {"choices": None}, {"choices": ["x"]}, {"choices": [{"message": "x"}]}, 5],
)
def test_what_is_no_completion_is_a_failure(server: vendors.OpenAI, answer: Any) -> None:
    server.answers["/v1/chat/completions"] = answer
    assert str(failure_of(server)) == "the server answered with JSON that is no chat completion"


def test_a_redirect_is_not_followed(server: vendors.OpenAI) -> None:
    with vendors.OpenAI() as elsewhere:
        server.fail(faults.redirect(f"{elsewhere.url}/v1/chat/completions"))
        assert "not followed" in str(failure_of(server))
        assert elsewhere.visits == []


def test_a_compressed_answer_is_refused_when_it_becomes_too_large(server: vendors.OpenAI) -> None:
    packed = gzip.compress(b" " * 200 * 2**20, compresslevel=1)
    server.fail(lambda turn: turn.send(vendors.server.Reply(packed, headers={"Content-Encoding": "gzip"})))
    tracemalloc.start()
    assert str(failure_of(server)) == f"the model at {server.url} sent more than 1 MB; refused"
    assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize(
    "fault", [faults.never, faults.drip(0.05), faults.slow(60)], ids=["never", "drips", "slow"]
)
def test_the_deadline_is_for_all_of_it(server: vendors.OpenAI, fault: Fault) -> None:
    server.fail(fault)
    began = time.monotonic()
    failure = failure_of(server, seconds=0.6)
    assert time.monotonic() - began < 0.6 + LATE
    assert str(failure) == "honest gave no answer within 0.6 s"
    assert failure.bill is not None
    assert failure.bill.usd > 0


def test_the_deadline_covers_the_second_try(server: vendors.OpenAI) -> None:
    ask(server)
    server.fail(faults.never)
    server.fail(faults.slow(0), times=1)
    began = time.monotonic()
    failure = failure_of(server, "percent", seconds=2)
    assert time.monotonic() - began < 2 + LATE
    assert str(failure) == "percent-2026 gave no answer within 2 s"
    assert [bool(exchange.answered) for exchange in failure.exchanges] == [True, False]


def test_a_dead_server_is_said_and_costs_nothing(server: vendors.OpenAI) -> None:
    server.stop()
    failure = failure_of(server)
    assert str(failure) == f"the model at {server.url} refused the connection"
    assert failure.bill == Bill()


@pytest.mark.parametrize("url", ["", "nonsense", "ftp://127.0.0.1/v1", "http://127.0.0.1:x/v1", "http://"])
def test_an_address_that_is_none_is_a_failure(url: str) -> None:
    analyst = Llm(url, "m", KEY, PROMPT, Decimal(1), Decimal(1), tokens_per_run=60_000)
    with pytest.raises(AnalystFailed):
        analyst.analyse(SNAPSHOT, 5)


# --- the key ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", ["honest", "chatty", "no-such-model"])
def test_the_key_is_nowhere(server: vendors.OpenAI, model: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    analyst = llm(server, model)
    try:
        shown = repr(analyst.analyse(SNAPSHOT, 10).exchanges)
    except AnalystFailed as failure:
        shown = repr(failure) + repr(failure.exchanges) + repr(failure.__context__)
    assert server.visits[0].headers["authorization"] == f"Bearer {KEY}"
    assert KEY not in shown + repr(analyst) + caplog.text


def test_a_key_that_the_server_repeats_is_taken_out(server: vendors.OpenAI) -> None:
    server.key = "another"
    failure = failure_of(server)
    assert str(failure).endswith("answered 401: Incorrect API key provided: Bearer ***")
    assert KEY not in failure.exchanges[0].answered
    assert failure.exchanges[0].answered


def test_a_key_that_no_header_can_hold_is_a_failure_that_does_not_show_it(server: vendors.OpenAI) -> None:
    failure = failure_of(server, key="clé-secret")
    assert "check the address and the key" in str(failure)
    assert "secret" not in str(failure)


def test_a_server_without_keys_is_asked_without_one() -> None:
    with vendors.OpenAI() as server:
        ask(server, key="")
        assert "authorization" not in server.visits[0].headers


# --- what is planted ----------------------------------------------------------------------------------------


def test_an_instruction_in_the_data_stays_data(server: vendors.OpenAI) -> None:
    planted = {**SNAPSHOT, "context": PLANTED, "recalled": [{"at": "2026-11-01T00:00:00Z", "text": PLANTED}]}
    llm(server).analyse(planted, 10)
    system, user = server.visits[0].content["messages"]
    assert system["content"] == PROMPT
    assert user["content"].count("</data>") == 1
    assert opinions.snapshot_in(user["content"]) == planted


@pytest.mark.parametrize("model", ["obedient", "acting", "acting-beside", "helpful"])
def test_a_model_that_obeys_what_is_planted_only_fails(server: vendors.OpenAI, model: str) -> None:
    failure = failure_of(server, model)
    assert {visit.path for visit in server.visits} == {"/v1/chat/completions"}
    assert all("tools" not in visit.content for visit in server.visits)
    assert "not as asked" in str(failure)


def test_the_prompt_says_what_is_checked() -> None:
    asked_for = (*completion.FIELDS, *Action, "<data>", "</data>")
    assert [word for word in asked_for if word not in PROMPT] == []
