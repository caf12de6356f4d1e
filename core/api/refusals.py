"""Refusals as problem details, with members that a program can act on."""

from collections.abc import Mapping
from typing import Any

from drf_spectacular.utils import OpenApiResponse
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.serializers import Serializer

# The code of a validation error about what is as described, and yet cannot be: no such row. Answered 422.
IMPOSSIBLE = "impossible"


class Refusal(APIException):
    """`members` are put beside the problem's own, `headers` on the answer."""

    def __init__(
        self, detail: str, members: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.members, self.headers = dict(members or {}), dict(headers or {})


class Conflict(Refusal):
    status_code = status.HTTP_409_CONFLICT


class PreconditionFailed(Refusal):
    status_code = status.HTTP_412_PRECONDITION_FAILED


class Unavailable(Refusal):
    """What others were asked for, and did not give."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE


class PreconditionRequired(Refusal):
    status_code = status.HTTP_428_PRECONDITION_REQUIRED


def conflict(when: str, members: type[Serializer[Any]] | None = None) -> dict[int, OpenApiResponse]:
    """Describe for OpenAPI when an operation answers 409, and what it has beside a problem's own members."""
    return {status.HTTP_409_CONFLICT: OpenApiResponse(members, description=when)}
