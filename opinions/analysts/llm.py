"""A language model behind any OpenAI-compatible server.

It gets a prompt and the snapshot, and answers with JSON that is checked field by field. An answer that does
not fit is refused and asked for once more with what was wrong with it; nothing is guessed, scaled or left
out. It is given no tools, and whatever else it says than an opinion is a failure.
"""

import ipaddress
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from core.http import Failure
from core.registry import Setting
from core.registry.kinds import KEY, Number, Url, Whole
from opinions.analysts import completion, remote
from opinions.analysts.base import (
    Action,
    AnalystFailed,
    AnalystSpec,
    Bill,
    Exchange,
    Factor,
    NotConfigured,
    Opinion,
    Problem,
    Snapshot,
    Verdict,
    wrap,
)
from opinions.analysts.remote import Misfit, may_have_worked, post, reason

MOST_OUT = 1500  # tokens of an answer
TRIES = 2
LONGEST_QUOTED = 2000  # bytes, as JSON, of an answer that are shown to the model again
LONGEST_COMPLAINT = 400  # bytes, as JSON
PER_MESSAGE = 100  # tokens that a server's template may put around a message
MILLION = Decimal(1_000_000)
AGAIN = (
    "Your answer is refused: {why}. Answer again with one JSON object of the form that you were given, "
    "and nothing before or after it."
)
PROMPT = Path(__file__).with_name("prompt.md")
LOCAL_NAMES = (".localhost", ".local", ".internal", ".home.arpa")

Messages = list[dict[str, str]]


def is_local(url: str) -> bool:
    """Whether the host is one's own: loopback, a private address, a name that only a local network knows."""
    host = _host(url)
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        # A name without a dot is no host on the internet; with a digit first it may be an address.
        return host.endswith(LOCAL_NAMES) or ("." not in host and host[:1].isalpha())
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_private


def _host(url: str) -> str:
    try:
        return (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return ""


class Llm:
    """`input_price`, `output_price`: USD per million tokens.

    None when it is not set; then only a model on a host of one's own is asked, and costs nothing.
    """

    def __init__(
        self,
        base_url: str,
        model: str,
        key: str,
        prompt: str,
        input_price: Decimal | None,
        output_price: Decimal | None,
        tokens_per_run: int,
    ) -> None:
        self._base_url, self._model, self._key, self._prompt = base_url, model, key, prompt
        self._prices = (input_price, output_price)
        self._tokens_per_run = tokens_per_run

    def most(self, snapshot: Snapshot) -> Bill:
        """Both tries at their longest. Raises AnalystFailed where the price is not known."""
        return sum((self._bound(messages) for messages in self._longest(snapshot)), Bill())

    def analyse(self, snapshot: Snapshot, seconds: float) -> Opinion:
        most = self.most(snapshot)
        if most.tokens > self._tokens_per_run:
            raise AnalystFailed(
                f"it could take {most.tokens:,} tokens, and a run may take {self._tokens_per_run:,}",
                bill=Bill(),
            )
        run = _Run(self._model)
        try:
            return self._converse(snapshot, run, until=time.monotonic() + seconds)
        except TimeoutError:
            why = f"{run.model} gave no answer within {seconds:g} s"
        except (_GaveUp, completion.NoCompletion) as end:
            why = str(end)
        raise AnalystFailed(self._clean(why), bill=run.bill, exchanges=run.exchanges, model=run.model)

    def _converse(self, snapshot: Snapshot, run: "_Run", until: float) -> Opinion:
        messages, why = self._messages(snapshot), ""
        for _ in range(TRIES):
            answer = self._ask(messages, run, until - time.monotonic())
            content = ""
            try:
                content = completion.content_of(answer)
                fields = completion.checked(content)
            except Misfit as misfit:
                why = str(misfit)
                shown = remote.plain(content, LONGEST_QUOTED)
                messages = _corrected(self._messages(snapshot), shown, why)
            else:
                return _opinion(fields, run)
        raise _GaveUp(f"{run.model} answered {TRIES} times and not as asked: {why}")

    def _ask(self, messages: Messages, run: "_Run", seconds: float) -> Mapping[str, Any]:
        body = json.dumps(self._body(messages))
        tried = run.begin(self._clean(body), self._bound(messages))
        try:
            answer = post("the model", self._base_url, "/chat/completions", body, seconds, key=self._key)
        except Failure as failure:
            tried.answered = self._clean(failure.answered)
            if failure.answered and failure.status is None:
                completion.read(tried.answered)  # says in which way it is no JSON object
            tried.bill = tried.bill if may_have_worked(failure) else Bill()
            raise _GaveUp(reason(failure)) from None
        tried.answered = self._clean(answer.text)
        completed = completion.read(tried.answered)
        if (usage := completion.usage_of(completed)) is not None:
            tried.bill = self._bill(*usage)
        run.name(completed.get("model"))
        return completed

    def _messages(self, snapshot: Snapshot) -> Messages:
        return [{"role": "system", "content": self._prompt}, {"role": "user", "content": wrap(snapshot)}]

    def _body(self, messages: Messages) -> dict[str, Any]:
        is_openai = f".{_host(self._base_url)}".endswith(".api.openai.com")  # its regions too
        return {
            "model": self._model,
            "messages": messages,
            "response_format": {"type": "json_object"},
            "max_completion_tokens" if is_openai else "max_tokens": MOST_OUT,
        }

    def _longest(self, snapshot: Snapshot) -> list[Messages]:
        first = self._messages(snapshot)
        return [first, _corrected(first, "x" * LONGEST_QUOTED, "x" * LONGEST_COMPLAINT)]

    def _bound(self, messages: Messages) -> Bill:
        """No token is less than a byte of the JSON that is sent, in which everything is ASCII."""
        sent = len(json.dumps(self._body(messages))) + PER_MESSAGE * len(messages)
        return self._bill(sent, MOST_OUT)

    def _bill(self, sent: int, answered: int) -> Bill:
        into, out = self._prices
        if into is None or out is None:
            if not is_local(self._base_url):
                raise AnalystFailed(
                    f"what {self._model} costs is not known, so no budget can be kept", bill=Bill()
                )
            into = out = Decimal(0)
        return Bill(sent + answered, (sent * into + answered * out) / MILLION)

    def _clean(self, text: str) -> str:
        text = text.replace("\0", " ")
        return text.replace(self._key, "***") if self._key else text


class _GaveUp(Exception):
    """The run ends without an opinion."""


@dataclass
class _Try:
    """One question. `bill`: what it came to at the most, until it is known better."""

    sent: str
    bill: Bill
    answered: str = ""


@dataclass
class _Run:
    """What has been asked so far, which counts even when nothing comes of it."""

    model: str
    tries: list[_Try] = field(default_factory=list)

    def begin(self, sent: str, bound: Bill) -> _Try:
        self.tries.append(_Try(sent, bound))
        return self.tries[-1]

    def name(self, model: object) -> None:
        if isinstance(model, str) and model.strip():
            self.model = remote.plain(model, 100)

    @property
    def bill(self) -> Bill:
        return sum((tried.bill for tried in self.tries), Bill())

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        return tuple(Exchange(tried.sent, tried.answered) for tried in self.tries)


def _corrected(messages: Messages, content: str, why: str) -> Messages:
    """The question again, with what was answered and what is wrong with it."""
    return [
        *messages,
        {"role": "assistant", "content": _cut(content, LONGEST_QUOTED) or "(nothing)"},
        {"role": "user", "content": AGAIN.format(why=_cut(why, LONGEST_COMPLAINT))},
    ]


def _cut(text: str, longest: int) -> str:
    """No more of it than fits into so many bytes of JSON."""
    text = text[:longest]
    while (over := len(json.dumps(text)) - 2 - longest) > 0:
        text = text[: -max(over // 12, 1)]  # twelve bytes are the most for one character
    return text


def _opinion(answer: Mapping[str, Any], run: _Run) -> Opinion:
    factors = [Factor(Verdict(side), text) for side in ("for", "against") for text in answer[side]]
    return Opinion(
        Action(answer["action"]),
        answer["confidence"],
        answer["reasoning"],
        tuple(factors),
        run.model,
        run.bill,
        run.exchanges,
    )


def read_prompt(path: str) -> str:
    """Return what the model is told first: the file's text, or the prompt that comes with Jax."""
    file = Path(path) if path else PROMPT
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise NotConfigured(f"The prompt {file} cannot be read ({error}). Check LLM_PROMPT_FILE.") from None


def _build(values: Mapping[str, Any]) -> Llm:
    return Llm(
        values["LLM_BASE_URL"],
        values["LLM_MODEL"],
        values["LLM_API_KEY"],
        prompt=read_prompt(values["LLM_PROMPT_FILE"]),
        input_price=values["LLM_INPUT_PRICE"],
        output_price=values["LLM_OUTPUT_PRICE"],
        tokens_per_run=values["LLM_RUN_TOKENS"],
    )


def _problems(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Yield an address that shows a key, and a price that is not known before it is spent."""
    url = values["LLM_BASE_URL"]
    if url and "@" in urlsplit(url).netloc:
        hint = "Put the key into LLM_API_KEY: an address is shown and logged."
        yield Problem("LLM_BASE_URL holds a user or a password.", hint, "jax.E022")
    if url and None in (values["LLM_INPUT_PRICE"], values["LLM_OUTPUT_PRICE"]) and not is_local(url):
        hint = "Set LLM_INPUT_PRICE and LLM_OUTPUT_PRICE, in USD for a million tokens."
        yield Problem("What the model at LLM_BASE_URL costs is not known.", hint, "jax.E023")


SPEC = AnalystSpec(
    name="llm",
    title="language model",
    noun="the language model",
    settings=(
        Setting("LLM_BASE_URL", Url(), required=True),
        Setting("LLM_MODEL", required=True),
        Setting("LLM_API_KEY", KEY, secret=True),
        Setting("LLM_PROMPT_FILE"),
        # USD for a million tokens. Not set: a model of one's own, which costs nothing.
        Setting("LLM_INPUT_PRICE", Number(0, 100_000), default=None),
        Setting("LLM_OUTPUT_PRICE", Number(0, 100_000), default=None),
        Setting("LLM_RUN_TOKENS", Whole(1, 10_000_000), default=60_000),
    ),
    build=_build,
    problems=_problems,
)
