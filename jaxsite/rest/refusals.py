"""What every operation may answer besides success, in the OpenAPI description."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from core.api.filters import UUID_IN_ADDRESS
from jaxsite.rest.fields import ONE_LINE
from jaxsite.rest.problems import CONTENT_TYPE
from jaxsite.scopes import Scope

SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "RFC 9457 problem details.",
    "required": ["type", "title", "status", "detail", "instance"],
    "properties": {
        "type": {"type": "string", "example": "about:blank"},
        "title": {"type": "string", "example": "Bad Request"},
        "status": {"type": "integer", "example": 400},
        "detail": {"type": "string", "example": "limit: Enter a whole number."},
        "instance": {"type": "string", "example": "/api/v1/candles/"},
        "errors": {
            "type": "object",
            "description": "What is wrong with each field or parameter.",
            "additionalProperties": {"type": "array", "items": {"type": "string"}},
        },
        "needed_scope": {
            "type": "string",
            "description": "With 403: the token's scope leaves it out, and it takes this one.",
            "enum": Scope.values,
        },
    },
}
NAMES_OF_ROWS = {"symbol", "user", "by", "list"}  # parameters whose values the description cannot list
PROBLEM = {"$ref": "#/components/schemas/Problem"}


@dataclass(frozen=True)
class Refusal:
    """An answer that many operations share: `name` is that of its component."""

    status: int
    name: str
    description: str
    header: tuple[str, str] | None = None

    def component(self) -> dict[str, Any]:
        answer: dict[str, Any] = {"description": self.description, "content": content(PROBLEM)}
        if self.header:
            name, meaning = self.header
            answer["headers"] = {name: {"schema": {"type": "string"}, "description": meaning}}
        return answer


def content(schema: dict[str, Any]) -> dict[str, Any]:
    return {CONTENT_TYPE: {"schema": schema}}


ALWAYS = [
    Refusal(400, "BadRequest", "A parameter or field is not known or not as described: see `errors`."),
    Refusal(401, "Unauthorized", "There is no token, or not this one.", ("WWW-Authenticate", "Token.")),
    Refusal(403, "Forbidden", "Your user may not do this, or the token's scope leaves it out."),
    Refusal(406, "NotAcceptable", "It cannot be had as what `Accept` asks for."),
    Refusal(503, "Unavailable", "The database does not answer.", ("Retry-After", "Seconds to wait.")),
]
OF_VALUES = [
    Refusal(422, "Impossible", "It is as described, and yet cannot be: there is no such instrument, say."),
]
OF_ONE = [Refusal(404, "NotFound", "There is none at this address.")]
OF_A_BODY = [
    Refusal(408, "Timeout", "The body did not arrive within 15 seconds."),
    Refusal(413, "TooLarge", "The body has more than 64 kB."),
    Refusal(415, "UnsupportedMediaType", "The body is not `application/json`."),
]
OF_A_VERSION = [
    Refusal(412, "Changed", "It is not as you saw it.", ("ETag", "Its version now.")),
    Refusal(428, "VersionRequired", "There is no `If-Match`, or `*` as one."),
]


def describe(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Add to the OpenAPI description what each operation may refuse with, all of it as problem details.

    Filters that take several values are described as lists of lists; they take a list.
    """
    components = result["components"]
    components.setdefault("schemas", {})["Problem"] = SCHEMA
    components["responses"] = {
        refusal.name: refusal.component()
        for refusal in [*ALWAYS, *OF_VALUES, *OF_ONE, *OF_A_BODY, *OF_A_VERSION]
    }
    for name, schema in components["schemas"].items():
        if name.endswith("Request") and "properties" in schema:
            schema["additionalProperties"] = False  # core.api.bodies.StrictFields refuses them
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            _describe_refusals(path, method, operation)
            for parameter in operation.get("parameters", ()):
                _limit(parameter)
    return result


def _describe_refusals(path: str, method: str, operation: dict[str, Any]) -> None:
    answers = operation["responses"]
    for status, answer in answers.items():
        if status >= "400":
            schemas = [declared["schema"] for declared in answer.get("content", {}).values()]
            answer["content"] = content({"allOf": [PROBLEM, *schemas]} if schemas else PROBLEM)
    for refusal in _refusals(path, method, operation):
        answers.setdefault(str(refusal.status), {"$ref": f"#/components/responses/{refusal.name}"})
    operation["responses"] = dict(sorted(answers.items()))


def _refusals(path: str, method: str, operation: dict[str, Any]) -> Iterator[Refusal]:
    yield from ALWAYS
    if "{" in path:
        yield from OF_ONE
    if method != "get":
        yield from OF_A_BODY
    names = {parameter["name"] for parameter in operation.get("parameters", ())}
    if "requestBody" in operation or NAMES_OF_ROWS & names:
        yield from OF_VALUES
    if "If-Match" in names:
        yield from OF_A_VERSION


def _limit(parameter: dict[str, Any]) -> None:
    """Describe a text in a query as text on one line, and a list of values as no list of lists."""
    schema = parameter["schema"]
    if schema.get("items", {}).get("type") == "array":
        schema = parameter["schema"] = schema["items"]
    if UUID_IN_ADDRESS in schema.get("pattern", ""):
        parameter["schema"] = {"type": "string", "format": "uuid"}
    if parameter["in"] == "query" and schema.keys() <= {"type", "title"} and schema.get("type") == "string":
        schema["pattern"] = ONE_LINE
