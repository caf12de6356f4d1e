"""agent0-service: an AI analyst over HTTP.

It is told the snapshot and nothing else; its own memory and market data are switched off. When its model
fails it answers 200 with a made-up HOLD or WATCH, which is a failure here. WATCH, "wait until it is clearer",
is a HOLD. Confidence is 0 to 100; what is below 1 is on the scale from 0 to 1, as some of its models answer;
exactly 1 could be the least or the most, so it is refused.
"""

import json
from typing import Any

from core.http import Answer, Failure
from core.registry import Setting
from core.registry.kinds import Url
from opinions.analysts import remote
from opinions.analysts.base import (
    Action,
    AnalystFailed,
    AnalystSpec,
    Bill,
    Exchange,
    Factor,
    Opinion,
    Snapshot,
    Verdict,
    wrap,
)
from opinions.analysts.remote import Misfit, post, reason

ACTIONS = {"BUY": Action.BUY, "SELL": Action.SELL, "HOLD": Action.HOLD, "WATCH": Action.HOLD}
DISGUISES = (("HOLD", 0.1), ("WATCH", 0.3))
TELLING = {"for:": Verdict.FOR, "against:": Verdict.AGAINST}


class Agent0:
    """`url`: where the service is. What its model costs, the service's owner pays: every bill is nothing."""

    def __init__(self, url: str) -> None:
        self._url = url

    def most(self, snapshot: Snapshot) -> Bill:
        return Bill()

    def analyse(self, snapshot: Snapshot, seconds: float) -> Opinion:
        question = {
            "symbol": snapshot["instrument"]["symbol"],
            "context": wrap(snapshot),
            "include_memory": False,
            "include_market_data": False,
        }
        sent = json.dumps(question)
        answer = self._ask(sent, seconds)
        exchanges = (Exchange(sent, answer.text.replace("\0", " ")),)
        try:
            return _opinion(answer.body, question["symbol"], exchanges)
        except Misfit as misfit:
            why = f"agent0's answer is no use: {misfit}"
            raise AnalystFailed(why, bill=Bill(), exchanges=exchanges) from None

    def _ask(self, sent: str, seconds: float) -> Answer:
        try:
            return post("agent0", self._url, "/suggest", sent, seconds)
        except TimeoutError as timeout:
            why = str(timeout)
        except Failure as failure:
            why = reason(failure)
        raise AnalystFailed(why, bill=Bill(), exchanges=(Exchange(sent, ""),))


def _opinion(answer: dict[str, Any], symbol: str, exchanges: tuple[Exchange, ...]) -> Opinion:
    about = remote.text(answer, "symbol")
    if about.upper() != symbol.upper():
        raise Misfit(f"it is about {remote.plain(about, 20)}")
    action = remote.word(answer, "action", tuple(ACTIONS))
    confidence = _confidence(answer)
    factors = remote.points({"key_factors": [], **_given(answer, "key_factors")}, "key_factors")
    reasoning = remote.text(answer, "reasoning")
    model = "/".join(remote.text(answer, name) for name in ("provider", "model_used") if answer.get(name))
    if not factors and any(action == hold and abs(confidence - it) < 1e-9 for hold, it in DISGUISES):
        why = f"agent0's own model failed; it says: {remote.plain(reasoning, 200)}"
        raise AnalystFailed(why, bill=Bill(), exchanges=exchanges, model=remote.plain(model, 100))
    return Opinion(
        ACTIONS[action],
        confidence,
        reasoning,
        tuple(_factor(text) for text in factors),
        remote.plain(model, 100),
        exchanges=exchanges,
    )


def _confidence(answer: dict[str, Any]) -> float:
    percent = remote.number(answer, "confidence", 0, 100)
    if percent == 1:
        raise Misfit('"confidence" is 1, which may be 1 % or all of it')
    return percent if percent < 1 else percent / 100


def _given(answer: dict[str, Any], name: str) -> dict[str, Any]:
    return {} if answer.get(name) is None else {name: answer[name]}


def _factor(text: str) -> Factor:
    for start, verdict in TELLING.items():
        if text.lower().startswith(start):
            return Factor(verdict, text[len(start) :].strip() or text)
    return Factor(Verdict.NEUTRAL, text)


SPEC = AnalystSpec(
    name="agent0",
    title="agent0",
    noun="agent0",
    settings=(Setting("AGENT0_URL", Url(), required=True),),
    build=lambda values: Agent0(values["AGENT0_URL"]),
)
