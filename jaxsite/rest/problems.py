"""Errors of the API as problem details (RFC 9457), and what error reports must not show."""

import logging
import re
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.debug import SafeExceptionReporterFilter
from rest_framework.exceptions import ValidationError
from rest_framework.views import exception_handler

from core.api.refusals import IMPOSSIBLE

logger = logging.getLogger(__name__)

API = "/api/"  # where errors are answered with problem details
CONTENT_TYPE = "application/problem+json"


def problem(
    request: HttpRequest,
    status: int,
    detail: str,
    errors: dict[str, list[str]] | None = None,
    headers: dict[str, str] | None = None,
    members: Mapping[str, Any] | None = None,
) -> JsonResponse:
    """Return an answer with problem details.

    `members`: figures beside those of the standard, for programs that want to act on them.
    """
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
    """Answer an error as REST framework decides, as problem details. None: left to `server_error`."""
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
        detail, members = str(answer.data["detail"]), getattr(error, "members", {})
        if answer.status_code == HTTPStatus.FORBIDDEN:
            detail, members = _forbidden(request.user, detail)
        return problem(request, answer.status_code, detail, headers=headers, members=members)
    errors = _by_field(answer.data)
    detail = " ".join(f"{field}: {' '.join(messages)}" for field, messages in errors.items())
    return problem(request, _status(error, answer.status_code), detail, errors, headers)


def _status(error: Exception, status: int) -> int:
    """Return 422 in place of 400 for what is as described, and yet cannot be."""
    codes = set(_codes(error.get_codes())) if isinstance(error, ValidationError) else set()
    return HTTPStatus.UNPROCESSABLE_ENTITY if codes and codes <= {IMPOSSIBLE, "unique"} else status


def _forbidden(user: Any, detail: str) -> tuple[str, dict[str, str]]:
    """Return why the user may not do it: where a right of theirs was cut, that, and the scope it takes."""
    scope = getattr(user, "needed_scope", "")
    return getattr(user, "refusal", "") or detail, {"needed_scope": scope} if scope else {}


def _by_field(wrong: Any) -> dict[str, list[str]]:
    if not isinstance(wrong, dict):
        wrong = {"body": wrong}
    return {str(field): list(_flat(messages)) for field, messages in wrong.items()}


def _codes(codes: Any) -> Iterator[str]:
    if isinstance(codes, dict | list):
        for inner in codes.values() if isinstance(codes, dict) else codes:
            yield from _codes(inner)
    else:
        yield str(codes)


def _flat(messages: Any) -> Iterator[str]:
    """Yield the messages of a field, those about its parts with the part in front."""
    if isinstance(messages, dict):
        for part, inner in messages.items():
            yield from (f"{part}: {message}" for message in _flat(inner))
    elif isinstance(messages, list):
        for inner in messages:
            yield from _flat(inner)
    else:
        yield str(messages)


class ReportFilter(SafeExceptionReporterFilter):
    """Hides every secret setting in error reports; Django hides only names like password, key and token."""

    hidden_settings = re.compile(
        "|".join(
            [
                SafeExceptionReporterFilter.hidden_settings.pattern,
                "DATABASE_URL",
                *map(re.escape, settings.SECRET_SETTINGS),
            ]
        ),
        re.IGNORECASE,
    )
