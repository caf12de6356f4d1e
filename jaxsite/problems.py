"""Errors of the API as problem details (RFC 9457), for unknown addresses and for our own failures too."""

import logging
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from rest_framework.views import exception_handler

from jaxsite.views.errors import page as page_of

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
API = "/api/"
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
    },
}


def problem(
    request: HttpRequest,
    status: int,
    detail: str,
    errors: dict[str, list[str]] | None = None,
    headers: dict[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> JsonResponse:
    """`members` are figures beside those of the standard, for programs that want to act on them."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
    }
    if errors:
        body["errors"] = errors
    body |= members or {}
    return JsonResponse(body, status=status, content_type=CONTENT_TYPE, headers=headers)


def no_database(request: HttpRequest) -> JsonResponse:
    return problem(request, 503, "The database does not answer. See /health.", headers={"Retry-After": "5"})


def handle(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """REST framework's exception handler: its decisions, our words. None is left to `server_error`."""
    request = context["request"]
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("The database did not answer %s: %s", request.path, error)
        return no_database(request)
    answer = exception_handler(error, context)
    if answer is None:
        return None
    headers = {name: answer[name] for name in ("WWW-Authenticate", "Retry-After") if name in answer}
    if isinstance(answer.data, dict) and set(answer.data) == {"detail"}:
        headers |= getattr(error, "headers", {})
        members = getattr(error, "members", {})
        detail = str(answer.data["detail"])
        return problem(request, answer.status_code, detail, headers=headers, members=members)
    errors = _by_field(answer.data)
    detail = " ".join(f"{field}: {' '.join(messages)}" for field, messages in errors.items())
    return problem(request, answer.status_code, detail, errors, headers)


def _by_field(wrong: Any) -> dict[str, list[str]]:
    if not isinstance(wrong, dict):
        wrong = {"body": wrong}
    return {str(field): list(_flat(messages)) for field, messages in wrong.items()}


def _flat(messages: Any) -> Iterator[str]:
    """The messages of a field, those about its parts with the part in front."""
    if isinstance(messages, dict):
        for part, inner in messages.items():
            yield from (f"{part}: {message}" for message in _flat(inner))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flat(inner)
    else:
        yield str(messages)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return problem(request, 400, "The request is not well formed.")
    return page_of(400)


def page_not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if request.path.startswith(API):
        return problem(request, 404, "There is nothing at this address. /api/docs/ lists those that exist.")
    return page_of(404)


def server_error(request: HttpRequest) -> HttpResponse:
    if request.path.startswith(API):
        return problem(request, 500, "This is our fault. What went wrong is in the log of the web server.")
    return page_of(500)


def describe(result: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
    """Say in the OpenAPI description that every operation can answer with a problem."""
    result["components"].setdefault("schemas", {})["Problem"] = SCHEMA
    answer = {
        "description": "Anything that went wrong.",
        "content": {CONTENT_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = answer
    return result
