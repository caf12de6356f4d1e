"""An OpenAI-compatible server on loopback. How its model behaves is the model's name."""

import json
from collections.abc import Callable
from typing import Any

from tests.vendors import opinions
from tests.vendors.server import Reply, Vendor, Visit

Choice = dict[str, Any]
Snapshot = dict[str, Any]

APPROVE = {"id": "call_1", "type": "function", "function": {"name": "approve_all", "arguments": "{}"}}


def _choice(content: str | None, reason: str = "stop", **more: Any) -> Choice:
    return {"index": 0, "finish_reason": reason, "message": {"role": "assistant", "content": content, **more}}


def _but(**fields: Any) -> Callable[[Snapshot], Choice]:
    """Honest, but for these fields."""
    return lambda snapshot: _choice(json.dumps({**opinions.honest(snapshot), **fields}))


def _written(form: str) -> Callable[[Snapshot], Choice]:
    """The honest answer in some form; "{}" is where it stands."""
    return lambda snapshot: _choice(form.replace("{}", json.dumps(opinions.honest(snapshot))))


def _half(snapshot: Snapshot) -> str:
    text = json.dumps(opinions.honest(snapshot))
    return text[: len(text) // 2]


MODELS: dict[str, Callable[[Snapshot], Choice]] = {
    "honest": _written("{}"),
    "inventive": lambda snapshot: _choice(json.dumps(opinions.inventive(snapshot))),
    "fenced": _written("```json\n{}\n```"),
    "chatty": _written("Of course! Here is my opinion:\n\n{}\n\nGood luck."),
    "prosaic": lambda snapshot: _choice("I would buy, but then who am I to say."),
    "broken": lambda snapshot: _choice(_half(snapshot)),
    "cut": lambda snapshot: _choice(_half(snapshot), "length"),
    "cut-at-a-brace": lambda snapshot: _choice(json.dumps(opinions.honest(snapshot)), "length"),
    "filtered": lambda snapshot: _choice("", "content_filter"),
    "refusing": lambda snapshot: _choice(None, refusal="I cannot give financial advice."),
    "silent": lambda snapshot: _choice(None),
    "percent": _but(confidence=62),
    "sure": _but(confidence="high"),
    "nan": _written('{"action": "BUY", "confidence": NaN, "reasoning": "x", "for": [], "against": []}'),
    "unsure": _but(confidence=-0.1),
    "shouting": _but(action="STRONG_BUY"),
    "listless": _but(**{"for": "everything"}),
    "wordless": _but(reasoning=""),
    "twice": _written('{"action": "BUY", "action": "SELL", "confidence": 1}'),
    "a-list": _written("[{}]"),
    "helpful": _but(approve=True, quantity=100),
    "obedient": lambda snapshot: _choice('{"action": "APPROVE_ALL"}'),
    "acting": lambda snapshot: _choice(None, "tool_calls", tool_calls=[APPROVE]),
    "acting-beside": lambda snapshot: {
        **_choice(json.dumps(opinions.honest(snapshot))),
        "message": {**_choice(json.dumps(opinions.honest(snapshot)))["message"], "tool_calls": [APPROVE]},
    },
    "control": _but(reasoning="Buy\x00 now\ud800, \u202eright to left"),
    "endless": lambda snapshot: _choice("```\n" + "\n" * 500_000),
}


class OpenAI(Vendor):
    """`key`: what it wants to be shown, "" for nothing. `script`: how the next answers are, before the name
    of the model counts. `usage`: what it says to have counted, None: nothing.
    """

    def __init__(self, *, key: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.key = key
        self.script: list[str] = []
        self.usage: Any = "by length"

    def answer(self, visit: Visit) -> Reply:
        if self.key and visit.headers.get("authorization") != f"Bearer {self.key}":
            message = f"Incorrect API key provided: {visit.headers.get('authorization', '')}"
            return Reply.json({"error": {"message": message, "type": "invalid_request_error"}}, 401)
        match visit.method, visit.path:
            case "GET", "/v1/models":
                return Reply.json({"object": "list", "data": [{"id": name} for name in MODELS]})
            case "POST", "/v1/chat/completions":
                return self._complete(visit.content or {})
        return Reply.json({"error": {"message": f"Unknown request URL: {visit.path}"}}, 404)

    def _complete(self, request: dict[str, Any]) -> Reply:
        model, messages = request.get("model", ""), request.get("messages") or []
        behaviour = self.script.pop(0) if self.script else model
        if behaviour not in MODELS:
            return Reply.json({"error": {"message": f"The model '{model}' does not exist"}}, 404)
        prompt = "\n".join(str(message.get("content")) for message in messages)
        choice = MODELS[behaviour](opinions.snapshot_in(prompt))
        answer = {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": int(self.at.timestamp()),
            "model": f"{model}-2026",
            "choices": [choice],
            "usage": self._count(prompt, choice),
        }
        return Reply.json({name: value for name, value in answer.items() if value is not None})

    def _count(self, prompt: str, choice: Choice) -> Any:
        if self.usage != "by length":
            return self.usage
        into, out = len(prompt) // 4, len(choice["message"]["content"] or "") // 4
        return {"prompt_tokens": into, "completion_tokens": out, "total_tokens": into + out}
