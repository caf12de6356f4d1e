"""What a chat completion says, checked: an opinion's fields, or what is wrong with them."""

import json
import re
from collections.abc import Mapping
from typing import Any

from opinions.analysts import remote
from opinions.analysts.base import Action
from opinions.analysts.remote import Misfit

FIELDS = ("action", "confidence", "reasoning", "for", "against")
CUT_SHORT = {
    "length": "it was cut off before its end",
    "content_filter": "the server's filter cut it off",
    "tool_calls": "it calls a tool, and there are none",
    "function_call": "it calls a tool, and there are none",
}
LONGEST = 20_000  # characters
MOST_USED = 10**8  # tokens of one answer that a server may say to have counted
FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL | re.IGNORECASE)


class NoCompletion(Exception):
    """The server did not answer as such servers do, so asking again would not help."""


def read(text: str) -> Mapping[str, Any]:
    """Raises NoCompletion."""
    try:
        answer = json.loads(text)
    except (ValueError, RecursionError):
        raise NoCompletion(f"the server did not answer in JSON: {remote.plain(text, 200)}") from None
    if not isinstance(answer, dict):
        raise NoCompletion("the server answered with JSON that is no chat completion")
    return answer


def content_of(answer: Mapping[str, Any]) -> str:
    """What the model says, if it says it in full and does nothing else."""
    match answer:
        case {"choices": [{"message": {**message}, **choice}, *_]}:
            pass
        case _:
            raise NoCompletion("the server answered with JSON that is no chat completion")
    reason = choice.get("finish_reason")
    if message.get("tool_calls") or message.get("function_call"):
        raise Misfit(CUT_SHORT["tool_calls"])
    if isinstance(reason, str) and reason in CUT_SHORT:
        raise Misfit(CUT_SHORT[reason])
    if isinstance(refusal := message.get("refusal"), str) and refusal:
        raise Misfit(f"it is a refusal: {remote.plain(refusal, 200)}")
    content = message.get("content")
    if not isinstance(content, str) or not content.strip():
        raise Misfit("it is empty")
    if len(content) > LONGEST:
        raise Misfit(f"it is longer than {LONGEST:,} characters")
    return content


def checked(content: str) -> dict[str, Any]:
    """The fields of the answer, each as it has to be. One code fence around all of it is taken off."""
    fenced = FENCED.fullmatch(content.strip())
    answer = remote.parsed(fenced.group(1) if fenced else content)
    remote.only(answer, FIELDS)
    return {
        "action": remote.word(answer, "action", tuple(Action)),
        "confidence": remote.number(answer, "confidence", 0, 1),
        "reasoning": remote.text(answer, "reasoning"),
        "for": remote.points(answer, "for"),
        "against": remote.points(answer, "against"),
    }


def usage_of(answer: Mapping[str, Any]) -> tuple[int, int] | None:
    """Tokens in and out as the server counted them; None where it did not, or made no sense."""
    usage = answer.get("usage")
    match usage:
        case {"prompt_tokens": int(sent), "completion_tokens": int(answered)}:
            return (sent, answered) if 0 < sent < MOST_USED and 0 <= answered < MOST_USED else None
    return None
